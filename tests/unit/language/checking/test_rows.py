"""Relations, lists, steps and cells: how they unroll to what every engine can run."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_service.diagnostics import Report, plain
from policy_service.engines.rete.closures import closure
from policy_service.language import typed, types
from policy_service.language.checking import Scope, check_cell, check_expression
from policy_service.language.parser import parse_cell, parse_expression
from policy_service.language.references import Cell, Fact
from policy_service.language.types import Boolean, Date, Enum, List, Number, Text
from policy_service.language.values import round_quotient

DAY = date(2023, 1, 1).toordinal()
TASKS = types.Relation("p", "tasks", ("one", "two"), (("met", Boolean()), ("points", Number(0, 0, 9, "point"))))
KINDS: dict[str, types.Type] = {
    "live.debt": Number(0, -50, 20),
    "live.orders": Number(0, 0, 10**6, "order"),
    "flag": Boolean(),
    "tasks": TASKS,
    "kind": Enum(("S", "A", "B")),
    "opened": Date(DAY, DAY + 364),
    "as_of": Date(DAY, DAY + 364),
    "sums": List(Number(2, 0, 500), 3),
}


def load(name: str, kind: types.Type) -> typed.Node:
    return typed.Load(kind, Fact("", name))


SCOPE = Scope({name: load(name, kind) for name, kind in KINDS.items()})


def check(text: str, scope: Scope = SCOPE) -> typed.Node:
    report = Report()
    tree = parse_expression(text, plain(text), report)
    node = check_expression(tree, scope, report) if tree is not None else None
    assert [d.message for d in report] == []
    assert node is not None
    return node


def check_cell_of(header: str, text: str) -> typed.Node:
    report = Report()
    cell = parse_cell(text, plain(text), report)
    node = check_cell(cell, check(header), SCOPE, report) if cell is not None else None
    assert [d.message for d in report] == []
    assert node is not None
    return node


def test_a_filter_and_a_column_unroll_to_the_cells_of_the_rows() -> None:
    node = check("tasks[points > 3][met].points")
    assert isinstance(node, typed.ListOf)
    one = node.items[0]
    assert one.value == typed.Load(Number(0, 0, 9, "point"), Cell("p", "tasks", "one", "points"))
    assert isinstance(one.guard, typed.And)
    assert typed.references(one.guard) == {Cell("p", "tasks", "one", name) for name in ("points", "met")}
    assert check('tasks[row = "one"].row').type == List(Text(), 2)
    assert check("count(tasks[this.met])").type == Number(0, 0, 2)


@pytest.mark.parametrize(
    "text", ["list contains(sums, live.orders)", "list contains(sums, 1000)", "live.debt in [1, 2.5]"]
)
def test_a_value_outside_the_bounds_of_a_list_may_be_looked_for_in_it(text: str) -> None:
    assert check(text).type == Boolean()


def test_steps_may_give_members_of_an_enumeration_and_null_below_the_first() -> None:
    text, report = 'steps(live.debt, [0, 10], ["D", "C"])', Report()
    tree = parse_expression(text, plain(text), report)
    assert tree is not None
    node = check_expression(tree, SCOPE, report, Enum(("D", "C")))
    assert node is not None
    assert node.type == Enum(("D", "C"))
    assert [at(node, debt) for debt in (-1, 0, 9, 10, None)] == [None, "D", "D", "C", None]


def test_steps_take_the_value_beside_the_last_start_that_is_reached() -> None:
    node = check("steps(live.debt, [0, 10], [1, 2])")
    assert node.type == Number(0, 1, 2)
    assert [at(node, debt) for debt in (-1, 0, 9, 10, 11, None)] == [None, 1, 1, 2, 2, None]


def test_steps_bring_the_value_and_the_starts_to_one_scale() -> None:
    node = check("steps(live.debt, [0.5, 10], [1, 2])")
    assert [at(node, debt) for debt in (0, 1, 9, 10)] == [None, 1, 1, 2]


def at(node: typed.Node, debt: int | None) -> Any:
    """The value of an expression about `live.debt`."""
    return closure(node, lambda _reference: 0)([debt])


@pytest.mark.parametrize(
    ("header", "text", "tests"),
    [
        ("live.debt", "-", 0),
        ("live.debt", "< 5", 1),
        ("live.debt", "[1..5)", 2),
        ("live.debt", "1, 2, > 7", 3),
        ("kind", "S, A", 2),
        ("kind", '"S"', 1),
        ("live.debt", "null", 1),
        ("opened", '>= as_of - duration("P30D")', 1),
    ],
)
def test_a_cell_becomes_comparisons_of_its_header(header: str, text: str, tests: int) -> None:
    node = check_cell_of(header, text)
    assert node.type == Boolean()
    found, stack = 0, [node]
    while stack:
        top = stack.pop()
        found += isinstance(top, typed.Compare)
        stack += [n for n in typed.operands(top) if isinstance(n, typed.Compare | typed.And | typed.Or)]
    assert found == tests


def test_a_negated_cell_is_the_opposite_of_any_of_its_tests() -> None:
    node = check_cell_of("live.debt", "not(1, null)")
    assert isinstance(node, typed.Not)
    assert node.operand == check("live.debt = 1 or live.debt = null")


BOUNDS = st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)).map(sorted)


@given(
    BOUNDS, BOUNDS, st.data(), st.sampled_from(["up", "down", "half_up", "half_down", "half_even", "floor", "ceiling"])
)
def test_no_quotient_passes_the_bounds_that_were_proved(
    above: list[int], below: list[int], data: st.DataObject, mode: str
) -> None:
    call = {"floor": "floor", "ceiling": "ceiling"}.get(mode, f"round {mode.replace('_', ' ')}")
    scope = Scope({"a": load("a", Number(1, *above)), "b": load("b", Number(0, *below))})
    kind = check(f"{call}(a / b, 1)", scope).type
    assert isinstance(kind, Number)
    numerator = data.draw(st.integers(*above))
    denominator = data.draw(st.integers(*below))
    found = round_quotient(numerator, denominator, mode)
    assert found is None or kind.low <= found <= kind.high


@given(BOUNDS, BOUNDS, st.data(), st.sampled_from("+-*"))
def test_no_sum_or_product_passes_the_bounds_that_were_proved(
    one: list[int], two: list[int], data: st.DataObject, sign: str
) -> None:
    scope = Scope({"a": load("a", Number(0, *one)), "b": load("b", Number(0, *two))})
    kind = check(f"a {sign} b", scope).type
    assert isinstance(kind, Number)
    a, b = data.draw(st.integers(*one)), data.draw(st.integers(*two))
    assert kind.low <= {"+": a + b, "-": a - b, "*": a * b}[sign] <= kind.high
