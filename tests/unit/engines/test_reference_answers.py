"""What the reference decides by itself: worked by hand, or against what Python's own library says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from pathlib import Path
from typing import Any

import pytest

from policy_service.diagnostics import Report, plain
from policy_service.engines.asked import TookTooLong, Wanted
from policy_service.engines.contracts import Oracle
from policy_service.engines.reference import ReferenceEngine
from policy_service.engines.reference.interpret import Scope, evaluate
from policy_service.engines.reference.stacking import stack
from policy_service.engines.registry import engine
from policy_service.facts import StateReader
from policy_service.language.builtins import SPACED_NAMES
from policy_service.language.parser import parse_expression
from policy_service.language.tokens import Vocabulary
from policy_service.policies.bundle import Bundle, load_folder
from policy_service.policies.model import Reward, StackingGroup

RULES = Path(__file__).parents[2] / "mutants" / "rules"
DAY = date(2023, 4, 1)
MODES = {
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
    "round up": ROUND_UP,
    "round down": ROUND_DOWN,
    "round half up": ROUND_HALF_UP,
    "round half down": ROUND_HALF_DOWN,
    "round half even": ROUND_HALF_EVEN,
}


@pytest.fixture(scope="module")
def loaded() -> Bundle:
    found, diagnostics, _ = load_folder(RULES)
    assert found is not None, diagnostics
    return found


@pytest.fixture
def answer(loaded: Bundle) -> Callable[..., dict[str, Any]]:
    """What the reference answers to the facts of a merchant with all sections; `wanted` as the class has it."""
    answers, reader = ReferenceEngine().answers(loaded.rules), StateReader(loaded.rules.dictionary)

    def ask(wanted: Wanted | None = None, **facts: Any) -> dict[str, Any]:
        merchant = {"id": "m-1", "orders": 100, "top": 20, "hours": 2, "open": True, "banned": False, "note": "a"}
        posted = {"merchant": merchant | facts, "member": {"level": 1}, "live": {"days": 3}}
        return answers.answer(reader.read(posted, DAY), DAY, wanted or Wanted(False, False, True, None))

    return ask


@pytest.mark.parametrize("name", MODES)
@pytest.mark.parametrize("value", ["2.5", "-2.5", "3.5", "-3.5", "2.4", "-2.6", "0", "0.05", "-0.05", "7"])
@pytest.mark.parametrize("scale", [0, 1])
def test_it_rounds_as_decimal_does(name: str, value: str, scale: int) -> None:
    text = f"{name}({value}, {scale})"
    tree = parse_expression(text, plain(text), Report(), Vocabulary({*SPACED_NAMES}))
    assert tree is not None
    expected = Decimal(value).quantize(Decimal(1).scaleb(-scale), MODES[name])
    assert evaluate(tree, Scope({}, lambda _: None, lambda _: None)) == expected


def test_it_answers_whole_and_the_other_engine_compiles() -> None:
    assert isinstance(engine("reference"), Oracle)
    assert not isinstance(engine("rete"), Oracle)


def test_its_claims_are_of_the_period_that_the_file_says(answer: Callable[..., dict[str, Any]]) -> None:
    keys = {e["id"]: e["claim"]["key"] for e in answer()["rewards"] if "claim" in e}
    assert keys["coupon"] == "pay.coupons/coupon@merchant:m-1#2023-04-01"
    assert keys["late"] == "pay.coupons/late@merchant:m-1#2023-04"
    assert keys["early"] == "pay.coupons/early@merchant:m-1#once"
    assert "none" not in keys


def test_a_preview_has_no_claims(answer: Callable[..., dict[str, Any]]) -> None:
    assert not [e for e in answer(Wanted(False, False, False, None))["rewards"] if "claim" in e]


def test_a_filter_shows_what_is_wanted_and_judges_what_that_needs(answer: Callable[..., dict[str, Any]]) -> None:
    alone = answer(Wanted(False, False, True, ["pay.stopped"]))
    assert [p["policy"] for p in alone["policies"]] == ["pay.stopped"]
    assert alone["policies"][0]["decisions"]["more"] == 5  # twice two hours, of the policy that is not shown, and one


def test_an_amount_at_its_ceiling_is_paid(answer: Callable[..., dict[str, Any]]) -> None:
    assert next(e["amount"] for e in answer()["rewards"] if e["id"] == "coupon") == 100


def test_the_exceptions_of_the_policy_come_before_those_of_the_bundle(answer: Callable[..., dict[str, Any]]) -> None:
    refused = {e["id"]: e for e in answer(banned=True, note="x")["not_granted"] if e["policy"] == "pay.coupons"}
    assert refused["coupon"]["exception"] == "strange"
    assert refused["late"] == {
        "id": "late", "policy": "pay.coupons", "subject": {"type": "merchant", "id": "m-1"}, "reason": "excluded",
        "exception": "banned", "text": {"zh": "封禁 x", "en": "Banned: x"},
    }  # fmt: skip


def test_an_unknown_note_is_a_dash_in_a_text(answer: Callable[..., dict[str, Any]]) -> None:
    refused = next(e for e in answer(banned=True, note=None)["not_granted"] if e["reason"] == "excluded")
    assert refused["text"] == {"zh": "封禁 –", "en": "Banned: –"}


def test_it_stops_when_the_time_is_over(answer: Callable[..., dict[str, Any]]) -> None:
    turns = iter([True, False])
    with pytest.raises(TookTooLong):
        answer(Wanted(False, False, True, None, lambda: next(turns)))
    assert next(turns, None) is None


@pytest.mark.parametrize(
    ("combine", "cap", "expected"),
    [
        ("sum", None, [(30, None), (50, None), (20, None)]),
        ("sum", 60, [(30, None), (30, (50, "cap")), (0, (20, "cap"))]),
        ("max", None, [(0, (30, "max")), (50, None), (0, (20, "max"))]),
        ("first", None, [(30, None), (0, (50, "first")), (0, (20, "first"))]),
        ("max", 12.5, [(0, (30, "max")), (Decimal("12.5"), (50, "cap")), (0, (20, "max"))]),
    ],
)
def test_a_group_pays_by_priority(loaded: Bundle, combine: Any, cap: float | None, expected: list[Any]) -> None:
    model = loaded.rules.versions("pay.coupons")[0].rewards[0]
    entries = [{"id": id_, "policy": "a.b", "amount": amount} for id_, amount in (("c", 30), ("b", 50), ("a", 20))]
    members: list[tuple[Reward, dict[str, Any]]] = [
        (replace(model, priority=place), entry) for place, entry in enumerate(entries, 1)
    ]
    group = StackingGroup("g", combine, None if cap is None else int(cap * 10), 1, None)
    stack(group, members[::-1], provisional=False)
    cuts = [e.get("cut") for e in entries]
    assert [
        (e["amount"], cut and (cut["from"], cut["reason"])) for e, cut in zip(entries, cuts, strict=True)
    ] == expected
