"""Every engine runs every core operation, and makes of null what the operation's rule says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain, combinations
from typing import Any, get_args, get_type_hints

import pytest

from policy_service.diagnostics import Report, plain
from policy_service.engines import registry
from policy_service.engines.reference import interpret
from policy_service.engines.rete.closures import closure
from policy_service.language import ast, typed, types
from policy_service.language.builtins import BUILTINS, ROUNDINGS
from policy_service.language.checking import Scope, check_expression
from policy_service.language.nullness import is_total, null_rule
from policy_service.language.operations import OPERATIONS, Nulls
from policy_service.language.parser import parse_expression
from policy_service.language.references import Decision, Fact
from policy_service.language.types import Boolean, Date, Duration, List, Months, Number, Record, Text

Id = tuple[str, str]
"""A core operation: the class of its node, and which operation of that form it is."""
DAY = date(2023, 4, 1)


@dataclass(frozen=True)
class Input:
    """Something that an expression reads: its type, and one value as each engine holds it."""

    type: types.Type
    rete: Any
    reference: Any


def number(value: int, low: int = 1, high: int = 99) -> Input:
    return Input(Number(0, low, high), value, Decimal(value))


INPUTS: Mapping[str, Input] = {
    "n": number(7),
    "m": number(3),
    "year": number(2023, 1, 9999),
    "yes": Input(Boolean(), True, True),
    "no": Input(Boolean(), False, False),
    "text": Input(Text(), "ab", "ab"),
    "piece": Input(Text(), "a", "a"),
    "day": Input(Date(DAY.toordinal(), DAY.toordinal() + 9), DAY.toordinal(), DAY),
    "later": Input(Date(DAY.toordinal(), DAY.toordinal() + 99), DAY.toordinal() + 40, DAY + timedelta(40)),
    "days": Input(Duration(0, 9), 5, timedelta(5)),
    "months": Input(Months(0, 30), 14, interpret.Months(14)),
    "record": Input(Record((("f", Number(0, 0, 9)),)), {"f": 4}, {"f": Decimal(4)}),
    "numbers": Input(List(Number(0, 0, 9), 3), [1, 2], [Decimal(1), Decimal(2)]),
    "flags": Input(List(Boolean(), 3), [True, False], [True, False]),
}
WIDE = Number(2, 0, 9900)

CASES: Mapping[Id, str] = {
    ("Const", ""): "1",
    ("Load", ""): "n",
    ("Convert", ""): "n",
    **{("Arithmetic", sign): f"n {sign} m" for sign in "+-*"},
    **{("Round", mode): f"{name}(n / m, 1)" for name, mode in ROUNDINGS.items()},
    **{("Compare", sign): f"n {sign} m" for sign in ("=", "!=", "<", "<=", ">", ">=")},
    ("And", ""): "yes and no",
    ("Or", ""): "yes or no",
    ("Not", ""): "not(yes)",
    ("If", ""): "if yes then n else m",
    ("Let", ""): "n + m in (1, 10)",
    ("ListOf", ""): "[n, m]",
    ("Member", ""): "record.f",
    ("Call", "abs"): "abs(n)",
    ("Call", "modulo"): "modulo(n, m)",
    **{("Call", part): f"day.{part}" for part in ("year", "month", "day", "weekday")},
    ("Call", "days"): "days.days",
    ("Call", "years"): "months.years",
    ("Call", "months"): "months.months",
    ("Call", "add months"): "day + months",
    ("Call", "date"): "date(year, m, n)",
    ("Call", "years and months duration"): "years and months duration(day, later)",
    **{("Call", name): f"{name}(text, piece)" for name in ("contains", "starts with", "ends with")},
    ("Call", "string length"): "string length(text)",
    **{("Call", name): f"{name}(numbers)" for name in ("count", "sum", "min", "max")},
    **{("Call", name): f"{name}(flags)" for name in ("all", "any")},
    ("Call", "list contains"): "list contains(numbers, m)",
    ("Call", "steps"): "steps(n, [m, 5], [m, 20])",
}
"""Of each core operation the shortest expression whose typed tree has it on top."""
WANTED: Mapping[Id, types.Type] = {("Convert", ""): WIDE}

# ---- the engines: what an expression comes to, as text that all of them share


def rete(text: str, expected: types.Type | None, values: Mapping[str, Input]) -> str:
    node = checked(text, expected)
    names = list(INPUTS)
    slots = [values[name].rete for name in names] + [None] * 9

    def place(reference: Any) -> int:
        return names.index(reference.key) if isinstance(reference, Fact) else len(names) + reference.number

    return str(types_shown(node.type, closure(node, place)(slots)))


def reference(text: str, expected: types.Type | None, values: Mapping[str, Input]) -> str:
    names = {name: value.reference for name, value in values.items()}
    found = interpret.evaluate(tree(text), interpret.Scope(names, lambda _name: None, lambda _name: None))
    return str(reference_shown(found))


def types_shown(kind: types.Type, value: Any) -> Any:
    match kind:
        case _ if value is None:
            return None
        case Number(scale=scale):
            return Decimal(value).scaleb(-scale).normalize()
        case Date():
            return date.fromordinal(value)
        case Duration():
            return timedelta(value)
        case Months():
            return interpret.Months(value)
        case List(element=element):
            return [str(types_shown(element, item)) for item in value]
    return value


def reference_shown(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.normalize()
    return [str(reference_shown(item)) for item in value] if isinstance(value, list) else value


ENGINES: Mapping[str, Callable[[str, types.Type | None, Mapping[str, Input]], str]] = {
    "rete": rete,
    "reference": reference,
}


# ---- the tables


def tree(text: str) -> ast.Node:
    report = Report()
    found = parse_expression(text, plain(text), report)
    assert found is not None, [d.message for d in report]
    return found


def checked(text: str, expected: types.Type | None = None) -> typed.Node:
    report = Report()
    names = {name: typed.Load(one.type, Fact("", name)) for name, one in INPUTS.items()}
    other = Record((("f", Number(0, 0, 9)),))
    decision = typed.Member(Number(0, 0, 9), typed.Load(other, Decision("a.b", "c")), "f")
    found = check_expression(tree(text), Scope(names, lambda _name: decision), report, expected)
    assert found is not None, [d.message for d in report]
    return found


def id_of(node: typed.Node) -> Id:
    match node:
        case typed.Arithmetic(operator=operator) | typed.Compare(operator=operator):
            return type(node).__name__, operator
        case typed.Round(mode=mode):
            return "Round", mode
        case typed.Call(name=name):
            return "Call", name
    return type(node).__name__, ""


def closed_set() -> Iterator[Id]:
    for kind in get_args(typed.Node):
        chosen = [
            get_args(get_type_hints(kind)[f.name]) for f in fields(kind) if f.name in ("operator", "name", "mode")
        ]
        names = chain.from_iterable(chosen) if chosen and kind is not typed.Member else ("",)
        yield from ((kind.__name__, name) for name in names)


def read(text: str) -> list[str]:
    return sorted(one.key for one in typed.references(checked(text)) if isinstance(one, Fact))


def with_null(names: tuple[str, ...]) -> dict[str, Input]:
    return {name: Input(one.type, None, None) if name in names else one for name, one in INPUTS.items()}


def some(names: list[str]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(names, count) for count in range(len(names) + 1))


# ---- what is tested


def test_the_closed_set_is_the_one_that_is_walked_here() -> None:
    assert set(CASES) == set(closed_set())
    assert set(OPERATIONS) == set(get_args(typed.OperationName))
    assert set(ENGINES) == set(registry.NAMES)


@pytest.mark.parametrize("id_", CASES, ids="-".join)
def test_an_expression_leads_to_each_core_operation(id_: Id) -> None:
    assert id_of(checked(CASES[id_], WANTED.get(id_))) == id_


@pytest.mark.parametrize("id_", CASES, ids="-".join)
def test_every_engine_makes_of_null_operands_what_the_rule_says(id_: Id) -> None:
    text, expected = CASES[id_], WANTED.get(id_)
    node = checked(text, expected)
    for nulls in some(read(text)):
        found = {name: engine(text, expected, with_null(nulls)) for name, engine in ENGINES.items()}
        assert len(set(found.values())) == 1, (nulls, found)
        is_null = next(iter(found.values())) == "None"
        rule = null_rule(node)
        if not nulls:
            assert not (is_null and is_total(node))
        elif rule is not Nulls.OWN:
            assert is_null is (rule is Nulls.STRICT), (nulls, found)


LISTS = [operation for operation in OPERATIONS.values() if operation.elements is not None]


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.name)
def test_every_engine_makes_of_null_elements_what_the_rule_says(operation: Any) -> None:
    text = CASES["Call", operation.name]
    elements = {
        "numbers": Input(INPUTS["numbers"].type, [1, None], [Decimal(1), None]),
        "flags": Input(INPUTS["flags"].type, [True, None], [True, None]),
    }
    found = {name: engine(text, None, {**INPUTS, **elements}) for name, engine in ENGINES.items()}
    assert len(set(found.values())) == 1, found
    if operation.elements is not Nulls.OWN:
        assert (next(iter(found.values())) == "None") is (operation.elements is Nulls.STRICT)


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("sum([n, m])", True),
        ("sum(numbers)", False),
        ("sum([])", None),
        ("modulo(n, m)", True),
        ("modulo(n, m - 3)", False),
        ("round up(n / m, 1)", True),
        ("round up(n / (m - 3), 1)", False),
        ("day + months", True),
        ("date(year, m, n)", False),
        ("steps(n, [m, 5], [m, 20])", False),
        ("if yes then n else null", False),
        ("record.f", False),
        ("count([n, m]) + abs(n)", True),
    ],
)
def test_a_node_is_total_where_it_cannot_be_null_on_its_own(text: str, total: bool | None) -> None:
    if total is None:
        with pytest.raises(AssertionError, match="is about numbers"):
            checked(text)
    else:
        assert is_total(checked(text)) is total


EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "date": ("date(year, m, n)", 'date("2023-04-01")'),
    "duration": ('duration("P3D")',),
    "decision": ("decision(a.b.c.f)",),
    "mean": ("round up(mean(numbers), 2)",),
    "list contains": ("list contains(numbers, m)", "list contains([n, 1], m)"),
    "not": ("not(yes)",),
    **{name: (f"{name}(n / m, 1)",) for name in ROUNDINGS},
}


@pytest.mark.parametrize("name", BUILTINS)
def test_a_builtin_becomes_the_core_operations_that_it_names(name: str) -> None:
    found: set[Any] = set()
    stack = [checked(text) for text in EXAMPLES.get(name, (CASES.get(("Call", name), ""),))]
    while stack:
        top = stack.pop()
        found.add(OPERATIONS[top.name] if isinstance(top, typed.Call) else type(top))
        stack += typed.operands(top)
    assert set(BUILTINS[name].core) <= found
