"""Faults of types and units, each with its code and place, and told once."""

from datetime import date

import pytest

from policy_service.diagnostics import Report, plain
from policy_service.language import typed, types
from policy_service.language.checking import FAULTY, Scope, check_expression
from policy_service.language.parser import parse_expression
from policy_service.language.references import Decision, Fact
from policy_service.language.types import Boolean, Date, Duration, Enum, List, Months, Null, Number, Text

DAY = date(2023, 1, 1).toordinal()
TASKS = types.Relation("p", "tasks", ("one", "two"), (("met", Boolean()), ("points", Number(0, 0, 9, "point"))))
KINDS: dict[str, types.Type] = {
    "live.hours": Number(2, 0, 2400, "hour"),
    "live.orders": Number(0, 0, 10**6, "order"),
    "live.ratio": Number(4, 0, 10**4),
    "live.debt": Number(0, -50, 20),
    "live.huge": Number(0, 0, 10**15 - 1),
    "flag": Boolean(),
    "name": Text(),
    "kind": Enum(("S", "A", "B")),
    "rank": Enum(("gold", "silver")),
    "opened": Date(DAY, DAY + 364),
    "as_of": Date(DAY, DAY + 364),
    "window": Duration(0, 30),
    "term": Months(1, 12),
    "tasks": TASKS,
    "levels": List(Enum(("S", "A")), 3),
    "sums": List(Number(2, 0, 500), 3),
    "best": types.Record((("hours", Number(0, 0, 9)), ("kind", Text()))),
}
SCOPE = Scope(
    {n: typed.Load(k, Fact("", n)) for n, k in KINDS.items()} | {"broken": FAULTY},
    lambda n: typed.Load(Number(0, 0, 5), Decision("other.policy", "hours")) if n == "other.policy.hours" else None,
    hidden={"product.price": "is known per product, the policy is judged per merchant"},
)


def check(text: str, expected: types.Type | None = None) -> typed.Node:
    report = Report()
    tree = parse_expression(text, plain(text), report)
    node = check_expression(tree, SCOPE, report, expected) if tree is not None else None
    assert [d.message for d in report] == []
    assert node is not None
    return node


def fault(text: str, expected: types.Type | None = None) -> tuple[str, str, str]:
    """Code, the marked part of the text, message of the only fault."""
    report = Report()
    tree = parse_expression(text, plain(text), report)
    assert tree is not None
    assert check_expression(tree, SCOPE, report, expected) is None
    (found,) = report.diagnostics
    return found.code.code, text[found.span.column - 1 : found.span.end - 1], found.message


def test_what_a_value_is_compared_with_may_pass_15_digits() -> None:
    assert check("live.orders > live.huge * 999").type == Boolean()


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("live.hours + live.orders", "L203", "live.hours + live.orders"),
        ("live.hours > live.orders", "L203", "live.hours > live.orders"),
        ("if flag then live.hours else live.orders", "L203", "if flag then live.hours else live.orders"),
        ("round half up(live.hours / 2 + live.orders, 0)", "L203", "live.hours / 2 + live.orders"),
        ("round half up(live.hours / 2, 0) + live.orders", "L203", "round half up(live.hours / 2, 0) + live.orders"),
        ("modulo(live.hours, live.orders)", "L203", "modulo(live.hours, live.orders)"),
        ("live.huge * live.huge", "L205", "live.huge * live.huge"),
        ("[live.huge, 0.000001]", "L205", "[live.huge, 0.000001]"),
        ("if flag then live.huge else 0.000001", "L205", "live.huge"),
        ("live.ratio * live.ratio", "L205", "live.ratio * live.ratio"),
        ("live.huge * 999 > 5", "L205", "live.huge * 999"),
        ("not(live.huge * 999 = null)", "L205", "live.huge * 999"),
        ("[live.huge * 999] = null", "L205", "[live.huge * 999]"),
        ("live.huge * 999 between 1 and 5", "L205", "live.huge * 999"),
        ("live.huge * 999 in (1, 5)", "L205", "live.huge * 999"),
        ("0.0000001 + 1", "L103", "0.0000001"),
        ("1000000000000000", "L103", "1000000000000000"),
        ('@"soon"', "L103", '@"soon"'),
        ('duration("P1W")', "L103", 'duration("P1W")'),
        ('opened + @"P9999999D"', "L205", 'opened + @"P9999999D"'),
        ('opened + @"P8000Y"', "L205", 'opened + @"P8000Y"'),
        ('opened - @"P2023Y"', "L205", 'opened - @"P2023Y"'),
        ('@"9999-12-01" + @"P1M"', "L205", '@"9999-12-01" + @"P1M"'),
        ('@"0001-01-31" - @"P1M"', "L205", '@"0001-01-31" - @"P1M"'),
        ("opened + live.orders * term", "L205", "opened + live.orders * term"),
        ("-opened", "L202", "-opened"),
        ("-name", "L202", "-name"),
        ("-flag", "L202", "-flag"),
        ("kind = rank", "L202", "kind = rank"),
        ("kind in (rank, null)", "L202", "rank"),
        ("kind != rank", "L202", "kind != rank"),
        ("live.hour", "L201", "live.hour"),
        ("nobody", "L201", "nobody"),
        ("tasks.mett", "L201", "tasks.mett"),
        ("opened.hour", "L201", "opened.hour"),
        ("rounded(1, 2)", "L201", "rounded"),
        ("sum", "L201", "sum"),
        ("decision(other.policy.nothing)", "L201", "other.policy.nothing"),
        ('kind = "C"', "L201", '"C"'),
        ("product.price > 1", "P112", "product.price"),
        ("flag > true", "L202", "flag > true"),
        ("name < name", "L202", "name < name"),
        ("opened = 1", "L202", "opened = 1"),
        ("name and flag", "L202", "name"),
        ("opened + 1", "L202", "opened + 1"),
        ("window * 0.5", "L202", "window * 0.5"),
        ("null < 1", "L202", "null < 1"),
        ("[1, name]", "L202", "[1, name]"),
        ("sum([name])", "L202", "sum([name])"),
        ("if flag then 1 else name", "L202", "if flag then 1 else name"),
        ("round up(name, 2)", "L202", "name"),
        ("tasks[met]", "L204", "tasks[met]"),
        ("name[flag]", "L204", "name[flag]"),
        ("2 ** 3", "L204", "2 ** 3"),
        ("{a: 1}", "L204", "{a: 1}"),
        ("for i in levels return i", "L204", "for i in levels return i"),
        ("sums = sums", "L204", "sums = sums"),
        ("f(x: 1)", "L201", "f"),
        ("abs(n: 1)", "L204", "abs(n: 1)"),
        ("abs()", "L207", "abs()"),
        ("round up(1)", "L207", "round up(1)"),
        ("round up(1, 7)", "L207", "7"),
        ("round up(1, live.debt)", "L207", "live.debt"),
        ("steps(1, [2, 1], [1, 2])", "L207", "[2, 1]"),
        ("steps(1, [1], [1, 2])", "L207", "steps(1, [1], [1, 2])"),
        ("sum(tasks)", "L207", "sum(tasks)"),
    ],
)
def test_each_fault_has_its_code_and_its_place(text: str, code: str, part: str) -> None:
    assert fault(text)[:2] == (code, part)


@pytest.mark.parametrize(
    "text", ["broken", "broken + 1", "not(broken)", "broken.part > 2", "sum([1, broken])", "broken < 5"]
)
def test_what_reads_a_faulty_name_adds_no_fault(text: str) -> None:
    report = Report()
    tree = parse_expression(text, plain(text), report)
    assert tree is not None
    assert check_expression(tree, SCOPE, report, Number(0, 0, 1)) is None
    assert report.diagnostics == []


def test_a_decision_of_another_policy_with_a_fault_adds_none() -> None:
    report = Report()
    tree = parse_expression("decision(a.b.c) > 1", plain("decision(a.b.c) > 1"), report)
    assert tree is not None
    assert check_expression(tree, Scope({}, lambda _name: FAULTY), report) is None
    assert report.diagnostics == []


@pytest.mark.parametrize(
    ("text", "expected", "code"),
    [
        ("live.hours", Number(0, 0, 10**15 - 1), "L205"),
        ("live.huge", Number(6, -(10**15) + 1, 10**15 - 1), "L205"),
        ("live.hours", Number(2, 0, 10**15 - 1, "day"), "L203"),
        ("name", Enum(("S",)), "L202"),
        ("kind", Enum(("S", "A")), "L202"),
        ('"D"', Enum(("S", "A")), "L201"),
        ("flag", Number(0, 0, 1), "L202"),
        ("window", Months(0, 1), "L202"),
        ('if flag then "S" else "D"', Enum(("S", "A")), "L201"),
    ],
)
def test_a_value_that_does_not_fit_what_is_declared_is_a_fault(text: str, expected: types.Type, code: str) -> None:
    assert fault(text, expected)[0] == code


@pytest.mark.parametrize(
    ("text", "expected", "value"),
    [
        ("S", Enum(("S", "A")), "S"),
        ('"A"', Enum(("S", "A")), "A"),
        ("5", Number(2, -(10**15), 10**15), 500),
        ("null", Text(), None),
    ],
)
def test_a_constant_is_brought_to_what_is_declared(text: str, expected: types.Type, value: object) -> None:
    node = check(text, expected)
    assert isinstance(node, typed.Const)
    assert node.value == value
    assert isinstance(node.type, Null | type(expected))
