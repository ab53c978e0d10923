"""Conditions to the pen's fields: what may be one, and what is decided before."""

from collections.abc import Callable
from typing import Any

import pytest

from policy_service.engines.rete import pen
from policy_service.engines.rete.lowering import Fields, lower
from policy_service.language import typed, types
from policy_service.language.references import Decision, Fact
from policy_service.language.typed import BOOLEAN, Compare, Const, Load
from policy_service.language.types import Number, Record

Make = Callable[[types.Type], typed.Node]
NULL = Const(types.Null(), None)
SCALARS: list[types.Type] = [
    Number(2, -5, 10**15),
    types.Text(),
    types.Enum(("S", "A")),
    types.Date(),
    types.Duration(0, 5),
    types.Months(0, 5),
    BOOLEAN,
]
OTHERS: list[types.Type] = [
    Record((("a", Number(0, 0, 9)),)),
    types.List(types.Text(), 3),
    types.List(Record((("a", Number(0, 0, 9)),)), 2),
    Number(6, 0, types.INT64 + 1),
]


def loaded(kind: types.Type) -> Load:
    return Load(kind, Decision("a.p", "found"))


def computed(kind: types.Type) -> typed.Node:
    return typed.If(kind, Load(BOOLEAN, Fact("merchant", "open")), loaded(kind), Const(kind, None))


@pytest.mark.parametrize("kind", SCALARS)
def test_a_scalar_is_present_as_a_field(kind: types.Type) -> None:
    fields = Fields()
    assert lower(Compare(BOOLEAN, "!=", loaded(kind), NULL), fields) == pen.Present("a")
    assert [(f.node, f.kind) for f in fields.known.values()] == [(loaded(kind), "fact")]


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("make", [loaded, computed])
@pytest.mark.parametrize(("operator", "holds"), [("!=", True), ("=", False)])
def test_what_is_no_scalar_is_present_as_a_flag(
    make: Callable[[types.Type], typed.Node], kind: types.Type, operator: Any, holds: bool
) -> None:
    fields, node = Fields(), make(kind)
    assert lower(Compare(BOOLEAN, operator, node, NULL), fields, holds) == pen.Test("a", "eq", True)
    assert [(f.node, f.kind) for f in fields.known.values()] == [(Compare(BOOLEAN, "!=", node, NULL), "flag")]


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_scalar_is_absent_as_one(kind: types.Type) -> None:
    fields = Fields()
    assert lower(Compare(BOOLEAN, "=", loaded(kind), NULL), fields) == pen.Test("a", "eq", 1)
    assert [f.kind for f in fields.known.values()] == ["absent"]


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("field", ["fact", "number", "flag"])
def test_no_field_holds_what_the_engine_would_misread(kind: types.Type, field: Any) -> None:
    with pytest.raises(pen.PenRefusal, match=r"^value-type: "):
        Fields().name(loaded(kind), field)


@pytest.mark.parametrize(
    ("operator", "value", "test"),
    [
        (">", 150, pen.Test("a", "gt", 1)),
        (">=", 150, pen.Test("a", "ge", 2)),
        ("<", 150, pen.Test("a", "lt", 2)),
        ("=", 200, pen.Test("a", "eq", 2)),
        ("=", 150, "never"),
        ("!=", 150, "always"),
    ],
)
def test_a_converted_number_is_compared_below_its_conversions(operator: Any, value: int, test: object) -> None:
    small = loaded(Number(0, 0, 9))
    grown = typed.converted(typed.converted(small, Number(1, 0, 90)), Number(2, 0, 900))
    constant = Const(Number(2, value, value), value)
    assert lower(Compare(BOOLEAN, operator, grown, constant), Fields()) == test
