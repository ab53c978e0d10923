"""Every form of the language on every combination of types: the checker takes what the list has, and engines agree."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from policy_service.diagnostics import Report
from policy_service.diagnostics.location import plain
from policy_service.engines.plan import substituted
from policy_service.language import ast
from policy_service.language.checking import Scope, check_cell, check_expression
from policy_service.language.parser import parse_cell, parse_expression
from policy_service.policies.bundle import bundle
from policy_service.policies.model import Expression
from tests.differential import judging, states, written
from tests.differential.generator import matrix
from tests.differential.pairs import CELLS, FORMS, KINDS, Pair, accepted

ALL = accepted()
CHUNK = 80  # pairs of one folder
SEEDS = range(-(-len(ALL) // CHUNK))  # one for each folder
STATES = 30


@pytest.mark.parametrize("seed", SEEDS)
def test_the_engines_agree_on_every_pair(seed: int) -> None:
    """A folder with some pairs loads, holds each of them, and both engines answer the same at the borders of facts."""
    rng, pairs = Random(seed), ALL[seed * CHUNK : (seed + 1) * CHUNK]
    found, diagnostics = bundle(matrix.write_pairs(rng, pairs).sources())
    assert found is not None, [d for d in diagnostics if d.severity == "error"]
    assert set(pairs) - set(written.pairs(found)) == set()
    judge = judging.Judge(found)
    poster = states.Poster(found.rules, judge.plan, rng)
    for _ in range(STATES):
        as_of = poster.as_of(rng)
        judge.compare(poster.state(rng, as_of), as_of)
    judge.close()


# ---- the list and the checker


ONE_OF_EACH = {
    "integer": "merchant.whole1",
    "decimal": "merchant.tenth",
    "fine": "merchant.grain4",
    "date": "merchant.day1",
    "duration": 'duration("P30D")',
    "months": "age",
    "boolean": "merchant.yes1",
    "text": '"low"',
    "enum": "merchant.level1",
    "null": "null",
    "record": "rec",
    "relation": "tasks",
    "rows": "tasks[flag]",
    "list of record": "recs",
    "list of list of integer": "[[merchant.whole1]]",
    "list of list of decimal": "[[merchant.tenth]]",
}
ONE_OF_EACH |= {f"list of {k}": f"[{ONE_OF_EACH[k]}, {ONE_OF_EACH[k]}]" for k in KINDS if f"list of {k}" in KINDS[:20]}


def candidates() -> Iterator[Pair]:
    """Each form on all types; of those with three operands two are varied.

    Null goes with every type and is left out, and so is a list where values are wanted: that is a form of its own.
    """
    kinds = [kind for kind in KINDS if kind != "null"]
    for form, text in {**FORMS, **CELLS}.items():
        if form == "steps":  # takes its lists written out alone
            continue
        places = sum(f"{{{n}}}" in text for n in range(3)) + (form in CELLS)
        for one in kinds:
            for two in kinds if places > 1 else [""]:
                if not (form.startswith(("in ", "cell ")) and two.startswith("list of")):
                    yield from (Pair(form, operands) for operands in spread(form, one, two, places))


def spread(form: str, one: str, two: str, places: int) -> Iterator[tuple[str, ...]]:
    match form, places:
        case _, 1:
            yield (one,)
        case _, 2:
            yield one, two
        case "if", _:
            yield "boolean", one, two
        case (("between" | "in range"), _):
            yield one, two, two
            yield one, one, two
        case "in list", _:
            yield one, two, two
        case _:
            yield one, two, one


def parsed(text: str, of: Any = parse_expression) -> Any:
    report = Report()
    tree = of(text, plain(text), report)
    assert tree is not None, (text, report.diagnostics)
    return tree


class Checker:
    """Asks the checker about pairs, in the scope of a policy that has operands of every type."""

    def __init__(self) -> None:
        found, _ = bundle(matrix.write_pairs(Random(0), [Pair("-x", ("integer",))]).sources())
        assert found is not None
        policy = next(p for p in found.rules.policies if p.id == "fam.pairs")
        body = policy.decisions["e0"].body
        assert isinstance(body, Expression)
        self.scope: Scope = body.scope
        names = [f"x{n}" for n in range(3)]
        self.forms = {form: parsed(text.format(*names)) for form, text in FORMS.items()}
        self.cells = {form: parsed(text.format(*names), parse_cell) for form, text in CELLS.items()}
        self.operands = {kind: parsed(text) for kind, text in ONE_OF_EACH.items()}

    def accepts(self, pair: Pair) -> bool:
        trees = [self.operands[kind] for kind in pair.operands]
        if pair.form in CELLS:
            header = check_expression(trees[0], self.scope, Report())
            cell = substituted(self.cells[pair.form], {f"x{n}": tree for n, tree in enumerate(trees[1:])})
            return header is not None and check_cell(cell, header, self.scope, Report()) is not None
        tree = substituted(self.forms[pair.form], {f"x{n}": tree for n, tree in enumerate(trees)})
        if pair.form == "*" and matrix.is_too_fine(pair.operands):
            tree = ast.Call(ast.Name("round half even"), (tree, ast.NumberLiteral(Decimal(2))))
        return check_expression(tree, self.scope, Report()) is not None


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker()


def test_the_checker_takes_the_pairs_of_the_list_and_no_others(checker: Checker) -> None:
    listed = {pair for pair in ALL if "null" not in pair.operands and pair.form != "steps"}
    taken = {pair for pair in candidates() if checker.accepts(pair)}
    assert {str(p) for p in listed - taken} == set()
    assert {str(p) for p in taken - listed} == set()


def test_the_checker_takes_null(checker: Checker) -> None:
    assert [str(p) for p in ALL if "null" in p.operands and not checker.accepts(p)] == []
