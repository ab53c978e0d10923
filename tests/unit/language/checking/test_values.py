"""Tree to typed tree: bounds, units and scales of numbers; dates; relations; and what each fault says."""

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


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("live.hours + 1", Number(2, 100, 2500, "hour")),
        ("live.hours - live.hours", Number(2, -2400, 2400, "hour")),
        ("live.debt * live.debt", Number(0, -1000, 2500)),
        ("-live.debt", Number(0, -20, 50)),
        ("live.hours * 0.5", Number(3, 0, 12000, "hour")),
        ("live.hours * live.orders", Number(2, 0, 2400 * 10**6)),
        ("abs(live.debt)", Number(0, 0, 50)),
        ("modulo(live.debt, 7)", Number(0, -7, 7)),
        ("min(live.debt, 5)", Number(0, -50, 5)),
        ("max(live.debt, 5, 0.5)", Number(1, 50, 200)),
        ("round half up(mean([live.debt, 1]), 0)", Number(0, -49, 49)),
        ("min(opened, as_of).day", Number(0, 1, 31)),
        ("max(tasks[met].points)", Number(0, 0, 9, "point")),
        ("if flag then 1 else 2.5", Number(1, 10, 25)),
        ("if flag then live.hours else null", Number(2, 0, 2400, "hour")),
        ("sum([live.debt, 1])", Number(0, -49, 21)),
        ("sum(tasks.points)", Number(0, 0, 18, "point")),
        ("sum(tasks[met].points)", Number(0, 0, 18, "point")),
        ("sum(sums)", Number(2, 0, 1500)),
        ("count(tasks[met])", Number(0, 0, 2)),
        ("round half up(live.orders / 3, 1)", Number(1, 0, 3_333_334, "order")),
        ("round up(live.orders / live.hours, 2)", Number(2, 0, 10**10)),
        ("floor(live.hours)", Number(0, 0, 24, "hour")),
        ("round half up(live.debt / 3, 0)", Number(0, -17, 17)),
        ("round half up(mean(tasks.points), 2)", Number(2, 0, 1800, "point")),
        ("round half up(if flag then live.debt / 3 else null, 0)", Number(0, -17, 17)),
        ("steps(live.hours, [1, 2], [10, 20.5])", Number(1, 100, 205)),
        ("opened.year", Number(0, 1, 9999)),
        ("opened.weekday", Number(0, 1, 7)),
        ("(as_of - opened).days", Number(0, -364, 364, "day")),
        ("string length(name)", Number(0, 0, 1_000_000)),
        ("best.hours", Number(0, 0, 9)),
        ("decision(other.policy.hours)", Number(0, 0, 5)),
    ],
)
def test_numbers_carry_scale_bounds_and_unit(text: str, kind: Number) -> None:
    assert check(text).type == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("as_of - opened", Duration(-364, 364)),
        ("opened + window", Date(DAY, DAY + 394)),
        ("window + opened", Date(DAY, DAY + 394)),
        ("opened - window", Date(DAY - 30, DAY + 364)),
        ("window * 3", Duration(0, 90)),
        ("2 * window", Duration(0, 60)),
        ('@"P2M" + term', Months(3, 14)),
        ('date("2023-01-02")', Date(DAY + 1, DAY + 1)),
        ('duration("P7D")', Duration(7, 7)),
        ("years and months duration(opened, as_of)", Months(-11, 11)),
        ('years and months duration(@"0001-01-01", @"9999-12-31")', Months(119_987, 119_987)),
        ("date(2023, 1, 1)", Date(DAY, DAY)),
        ("date(live.debt, 2, 30)", Date(date(1, 2, 28).toordinal(), date(20, 2, 29).toordinal())),
        ("date(2023, live.orders, live.debt)", Date(DAY, date(2023, 12, 20).toordinal())),
        ("date(0, 1, 1)", Date()),
        ("-window", Duration(-30, 0)),
        ("--window", Duration(0, 30)),
        ("-term", Months(-12, -1)),
        ('-duration("P1D")', Duration(-1, -1)),
        ("-null", Null()),
        ('-null + duration("P1D")', Duration(1, 1)),
        ("opened + -window", Date(DAY - 30, DAY + 364)),
        ("opened - -window", Date(DAY, DAY + 394)),
        ("opened + term", Date(date(2023, 2, 1).toordinal(), date(2024, 12, 31).toordinal())),
        ("opened - term", Date(date(2022, 1, 1).toordinal(), date(2023, 11, 30).toordinal())),
        ('@"2023-01-31" + duration("P1M")', Date(date(2023, 2, 28).toordinal(), date(2023, 2, 28).toordinal())),
        ('@"9999-11-30" + duration("P1M")', Date(date(9999, 12, 30).toordinal(), date(9999, 12, 30).toordinal())),
        ('@"0001-02-28" - duration("P1M")', Date(28, 28)),
    ],
)
def test_dates_and_durations_have_bounds_too(text: str, kind: types.Type) -> None:
    assert check(text).type == kind


def test_adding_months_keeps_every_day_that_can_be_reached_in_bounds() -> None:
    kind = check("opened + term").type
    assert isinstance(kind, Date)
    assert kind.low <= DAY + 31
    assert kind.high >= date(2024, 12, 31).toordinal()
    back = check("opened - term").type
    assert isinstance(back, Date)
    assert back.low <= date(2022, 1, 1).toordinal()


def test_operands_are_brought_to_one_scale() -> None:
    node = check("live.hours > 4")
    assert node == typed.Compare(Boolean(), ">", SCOPE.names["live.hours"], typed.Const(Number(2, 400, 400), 400))
    mixed = check("live.orders = live.ratio")
    assert isinstance(mixed, typed.Compare)
    assert mixed.left == typed.Convert(Number(4, 0, 10**10, "order"), SCOPE.names["live.orders"])


def test_lists_of_different_scales_are_brought_to_one() -> None:
    node = check("if flag then [1, 2] else [1.5]")
    assert isinstance(node, typed.If)
    assert isinstance(node.then, typed.ListOf)
    assert [i.value for i in node.then.items if isinstance(i.value, typed.Const) and i.value.value in (10, 20)] == [
        i.value for i in node.then.items
    ]


def test_a_whole_quotient_is_rounded_once() -> None:
    node = check("round half up(live.orders / 3 / 7 * 2, 2)")
    assert isinstance(node, typed.Round)
    assert not any(isinstance(n, typed.Round) for n in typed.operands(node))


@pytest.mark.parametrize(
    ("text", "part", "message"),
    [
        ("live.orders / 3", "live.orders / 3", "a quotient has no exact decimal value"),
        ("1 + mean(tasks.points)", "mean(tasks.points)", "an average has no exact decimal value"),
        ("round half up(if 1 / 3 > 0 then 1 else 2, 0)", "1 / 3", "a quotient has no exact decimal value"),
        ("round half up(max(live.debt / 3, 1), 0)", "live.debt / 3", "a quotient has no exact decimal value"),
    ],
)
def test_a_quotient_stands_only_inside_a_rounding(text: str, part: str, message: str) -> None:
    assert fault(text) == ("L206", part, message)
