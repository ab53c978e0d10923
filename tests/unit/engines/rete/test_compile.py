"""What the compiler does with conditions that the pen cannot hold."""

from datetime import date
from pathlib import Path

import pytest

from policy_service import canonical
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.engines import registry
from policy_service.engines.contracts import EngineRefused
from policy_service.engines.rete import compile as compiling
from policy_service.engines.rete import pen
from policy_service.engines.rete.lowering import Fields
from policy_service.language import typed, types
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.loader import read_folder

BASE = Path(__file__).parents[3] / "diagnostics" / "base"
DAY = date(2023, 4, 1)
POLICY = """
policy: chuanliu.many
title: {zh: 多, en: Many}
subject: merchant
effective: {from: 2023-01-01, basis: assumed}
basis: assumed
decisions:
  kept:
    hit: unique
    table: |
      | row  | live.orders               | => kept: integer |
      | many | CELL                     | 1                |
"""


def with_cell(cell: str) -> Bundle:
    sources = {path: text for path, text in read_folder(BASE).items() if "/" not in path}
    found, diagnostics = bundle(sources | {"chuanliu/many.yaml": POLICY.replace("CELL", cell)})
    assert found is not None, diagnostics
    return found


def test_a_cell_beyond_the_pen_is_decided_before_the_match_and_right() -> None:
    rules = with_cell(f"not({', '.join(map(str, range(30)))})")
    engines = [Evaluator(rules, registry.engine(name)) for name in registry.NAMES]
    for orders in (None, 0, 29, 30):
        facts = {"merchant": {"id": "m-1"}, "live": {"orders": orders}}
        answers = [e.evaluate(e.reader.read(facts, DAY), Question(DAY)) for e in engines]
        assert len({canonical.dumps(answer) for answer in answers}) == 1
        assert answers[0]["policies"][0]["decisions"].get("kept") == (1 if orders == 30 else None)


def test_there_are_names_for_as_many_fields_as_rules_ask_for() -> None:
    fields = Fields()
    names = {fields.name(typed.Const(types.Number(0, n, n), n), "number") for n in range(6_000)}
    assert len({pen.fnv1a(name) for name in names}) == 6_000


def test_what_the_pen_refuses_all_the_same_is_the_engine_s_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_rules: object) -> None:
        raise pen.PenRefusal("too-many-rules", "more than 4095 rules")

    monkeypatch.setattr(compiling.pen, "split", refuse)
    with pytest.raises(EngineRefused, match="more than 4095 rules") as refused:
        Evaluator(with_cell("> 1"), registry.engine("rete")).try_all()
    diagnostic = refused.value.diagnostic
    assert diagnostic.code.code == "E101"
    assert diagnostic.span.file.endswith(".yaml")
    assert "from 20" in diagnostic.message


def test_a_family_may_compute_very_many_fields() -> None:
    fields = Fields()
    names = {fields.name(typed.Const(types.Number(0, n, n), n), "number") for n in range(6_000)}
    assert len(names) == 6_000
