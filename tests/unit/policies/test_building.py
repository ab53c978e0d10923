"""What one policy file may say: names, parameters, tables, relations, rewards, texts, and other policies' decisions."""

from pathlib import Path

import pytest

from policy_service.language import types
from policy_service.language.typed import Symbol
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Policy, RelationTable, Table

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")
HEAD = """policy: live.bonus
title: {zh: 奖励, en: Bonus}
subject: merchant
effective: {from: 2023-01-01, to: 2024-01-01}
basis: assumed
"""
GOODS = HEAD.replace("live.bonus", "goods.price").replace("subject: merchant", "subject: product")
REWARD = """rewards:
  coupon:
    title: {zh: 券, en: Coupon}
    kind: traffic_hours
    amount: "2"
    unit: hour
    claim: {per: day}
"""
TASKS = """decisions:
  tasks:
    relation: |
      | row  | met: boolean   | points: integer = if met then 1 else 0 | level: enum(S, A) |
      | some | live.hours > 2 |                                        | S                 |
      | most | live.hours > 8 | 5                                      | A                 |
"""


def faults(text: str, **more: str) -> list[tuple[str, str]]:
    files = {"live/bonus.yaml": text} | {f"{name.replace('_', '/', 1)}.yaml": body for name, body in more.items()}
    return [(d.code.code, d.message) for d in load(BASE | files)[1]]


def policy(text: str, **more: str) -> Policy:
    files = {"live/bonus.yaml": text} | {f"{name.replace('_', '/', 1)}.yaml": body for name, body in more.items()}
    rules, diagnostics = load(BASE | files)
    assert [d.message for d in diagnostics] == []
    assert rules is not None
    return next(p for p in rules.policies if p.file == "rules/live/bonus.yaml")


def decisions(*lines: str) -> str:
    return HEAD + "decisions:\n" + "".join(f"  {line}\n" for line in lines)


def table(hit: str, *lines: str, default: str = "") -> str:
    body = "".join(f"      {line}\n" for line in lines)
    answers = f"    default: {default}\n" if default else ""
    return HEAD + f"decisions:\n  out:\n    hit: {hit}\n{answers}    table: |\n{body}"


def test_decisions_are_ordered_so_that_each_needs_only_earlier_ones() -> None:
    found = policy(
        decisions(
            "last: {expression: middle + 1}", "middle: {expression: first + 1}", "first: {expression: live.orders}"
        )
    )
    assert list(found.decisions) == ["first", "middle", "last"]


def test_the_name_of_a_builtin_is_no_need_of_a_decision_of_that_name() -> None:
    assert list(policy(decisions("count: {expression: 'count([1, 2])'}")).decisions) == ["count"]


def test_several_loops_are_told_each_and_their_readers_are_silent() -> None:
    text = decisions(
        "a: {expression: b}", "b: {expression: a}", "c: {expression: c + 1}", "d: {expression: a + c + live.hour}"
    )
    assert faults(text) == [
        ("P107", "decisions need each other: a -> b -> a"),
        ("P107", "decisions need each other: c -> c"),
    ]


def test_another_policys_decision_is_known_whatever_the_order_of_the_files() -> None:
    other = HEAD.replace("live.bonus", "zoo.other") + "decisions:\n  best: {expression: live.orders}\n"
    found = policy(decisions("mine: {expression: decision(zoo.other.best) + 1}"), zoo_other=other)
    assert found.reads() == {Symbol("decision", "zoo.other.best")}


def test_a_column_of_another_policys_table_is_known_and_its_relation_is_not() -> None:
    other = HEAD.replace("live.bonus", "zoo.other") + (
        "decisions:\n  t:\n    hit: first\n    table: |\n      | row | live.hours | => a: integer | => b: text |\n"
        '      | r   | -          | 1             | "x"       |\n'
    )
    found = policy(decisions("mine: {expression: decision(zoo.other.t.a) + 1}"), zoo_other=other)
    assert found.decisions["mine"].type == types.Number(0, 2, 2)
    text = decisions(
        "mine: {expression: decision(zoo.other.t.c) + 1}", "yours: {expression: decision(live.bonus.mine)}"
    )
    assert [m for _, m in faults(text, zoo_other=other)] == [
        "`zoo.other.t.c` is no decision of another policy in reach",
        "`live.bonus.mine` is no decision of another policy in reach",
    ]


def test_policies_that_need_each_other_are_one_fault() -> None:
    other = HEAD.replace("live.bonus", "zoo.other") + "decisions:\n  best: {expression: decision(live.bonus.mine)}\n"
    assert faults(decisions("mine: {expression: decision(zoo.other.best)}"), zoo_other=other) == [
        ("P107", "policies need each other: live.bonus -> zoo.other -> live.bonus")
    ]


@pytest.mark.parametrize(
    "other",
    [
        "decisions:\n  best: {expression: live.hour}\n",
        "decisions:\n  best: {expression: live.hours +}\n",
        "effective: 5\n",
        "a: [1",
    ],
)
def test_a_fault_of_another_policy_is_not_told_by_its_readers(other: str) -> None:
    head = HEAD.replace("live.bonus", "zoo.other")
    head = head.replace("effective: {from: 2023-01-01, to: 2024-01-01}\n", "") if "effective" in other else head
    found = faults(decisions("mine: {expression: decision(zoo.other.best) + 1}"), zoo_other=head + other)
    assert len(found) == 1
    assert "zoo.other.best" not in found[0][1]


def test_a_merchant_may_not_use_what_is_judged_per_product_and_a_product_may_use_both() -> None:
    goods = GOODS + "decisions:\n  dear: {expression: product.price > 10 and live.hours > 1}\n"
    assert [c for c, _ in faults(decisions("a: {expression: decision(goods.price.dear)}"), goods_price=goods)] == [
        "P112"
    ]
    mine = decisions("a: {expression: live.hours > 1}")
    more = GOODS.replace("goods.price", "goods.more") + (
        "decisions:\n  b: {expression: decision(live.bonus.a) and decision(goods.price.dear)}\n"
    )
    assert policy(mine, goods_price=goods, goods_more=more).subject == "merchant"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("as_of", "`as_of` already has a meaning in expressions"),
        ("row", "`row` already has a meaning in expressions"),
        ("in", "`in` already has a meaning in expressions"),
        ("merchant", "`merchant` already names a section of facts"),
        ("Best", "`Best` is not a name"),
    ],
)
def test_a_decision_has_a_name_of_its_own(name: str, message: str) -> None:
    assert [m for _, m in faults(decisions(f"{name}: {{expression: live.orders}}"))] == [message]


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("level: enum(S, A)", None),
        ("level: enum( 优, 良 )", None),
        ("score: decimal(2) = live.hours", None),
        ("score:integer", None),
        ("score：integer", "L102"),
        ("level: enum(S，A)", "L102"),
        ("score: decimal(7)", "P104"),
        ("score: number", "P104"),
        ("level: enum(S, S)", "P104"),
        ("score integer", "T201"),
        ("as_of: integer", "P106"),
        ("Score: integer", "P104"),
        ("met: integer", "P106"),
        ("bonus: integer", "P106"),
        ("score: decimal(2) = live.hours +", "L101"),
    ],
)
def test_a_column_of_a_relation_says_name_and_type(column: str, code: str | None) -> None:
    text = decisions("bonus: {expression: live.orders}") + (
        f"  t:\n    relation: |\n      | row | met: boolean | {column} |\n      | r   | true         | null |\n"
    )
    assert [c for c, _ in faults(text)] == ([code] if code else [])


def test_a_formula_of_the_header_fills_empty_cells_and_sees_columns_to_its_left() -> None:
    body = policy(HEAD + TASKS).decisions["tasks"].body
    assert isinstance(body, RelationTable)
    assert [[c.text for c in row.cells] for row in body.rows] == [
        ["live.hours > 2", "if met then 1 else 0", "S"],
        ["live.hours > 8", "5", "A"],
    ]
    assert [c.type for c in body.columns] == [types.Boolean(), types.Number(0, 0, 5), types.Enum(("S", "A"))]


def test_a_fault_inside_a_header_formula_is_marked_there() -> None:
    text = HEAD + TASKS.replace("if met then", "if meet then")
    (found,) = load(BASE | {"live/bonus.yaml": text})[1]
    line = text.splitlines()[found.span.line - 1]
    assert line[found.span.column - 1 : found.span.end - 1] == "meet"


ROWS = ("| row | live.hours | => a: integer | => b: enum(S, A) |", "| r | > 2 | 1 | S |")


@pytest.mark.parametrize(
    ("default", "message"),
    [
        ("", None),
        ("null", None),
        ("{a: 0, b: A}", None),
        ("{b: null, a: 0}", None),
        ("{a: 0}", "`default` needs a value for each output"),
        ("{a: 0, b: A, c: 1}", "`default` needs a value for each output"),
        ("0", "`default` needs a value for each output"),
        ("[0, A]", "`default` needs a value for each output"),
        ("{a: 0, b: B}", "`B` is not declared"),
        ("{a: '1 +', b: A}", "the expression ends too early, after `+`"),
        ("{a: 0.5, b: A}", "a number with 1 decimals does not fit `integer`"),
    ],
)
def test_a_default_is_null_or_a_value_for_each_output(default: str, message: str | None) -> None:
    assert [m for _, m in faults(table("first", *ROWS, default=default))] == ([message] if message else [])


def test_a_table_without_default_has_none_and_with_null_has_nulls() -> None:
    bodies = [policy(table("first", *ROWS, default=d)).decisions["out"].body for d in ("", "null", "{a: 0, b: A}")]
    found = [b.default for b in bodies if isinstance(b, Table)]
    assert [None if d is None else [e.text for e in d] for d in found] == [None, ["null", "null"], ["0", "A"]]


@pytest.mark.parametrize(
    ("hit", "kind"),
    [("unique", "record"), ("collect", "list of record"), ("collect  sum", "P"), ("best", "P"), ("output order", "P")],
)
def test_a_hit_policy_fits_the_outputs(hit: str, kind: str) -> None:
    found = faults(table(hit, *ROWS))
    if kind == "P":
        assert [c for c, _ in found] == ["T202"]
    else:
        assert str(policy(table(hit, *ROWS)).decisions["out"].type) == kind


def test_cells_of_one_column_have_one_unit() -> None:
    rows = ("| row | live.orders | => a: decimal(2) |", "| r | > 2 | live.hours |", "| s | <= 2 | live.gmv |")
    assert faults(table("unique", *rows)) == [("L203", "the cells of one column have different units")]


def test_a_column_of_nulls_keeps_its_declared_type() -> None:
    rows = ("| row | live.orders | => a: integer |", "| r | > 2 | null |")
    text = table("first", *rows) + "  more: {expression: out > 2}\n"
    assert policy(text).decisions["more"].type == types.Boolean()


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ("[{from: 2023-01-01, value: 4}, {from: 2023-06-01, value: 5.25}]", []),
        ("[]", ["P103"]),
        ("[{from: 2023-01-01, value: null}]", ["P103"]),
        ("[{from: 2023-01-01, value: 4}, {from: 2023-06-01, value: null}]", ["P111"]),
        ("[{from: 2023-01-01, value: 4}, {from: 2024-01-01, value: null}]", []),
        ("[{from: 2023-01-02, value: 4}]", ["P111"]),
        ("[{from: 2023-06-01, value: 4}, {from: 2023-01-01, value: 5}]", ["P104"]),
        ("[{from: 2023-01-01, value: 4.125}]", ["P104"]),
        ("[{from: 2023-01-01, value: 1-2}]", ["P104"]),
        ("[{from: 2023-01-01, value: 1e3}]", ["P104"]),
        ("[{from: soon, value: 4}]", ["P104"]),
        ("[{from: 2023-01-01}]", ["P103"]),
        ("[{from: 2023-01-01, value: [4]}]", ["P104"]),
        ("4", ["P104"]),
    ],
)
def test_a_parameter_has_dated_values_for_the_whole_period(values: str, codes: list[str]) -> None:
    text = (
        HEAD
        + f"parameters:\n  p: {{type: decimal(2), unit: hour, values: {values}}}\ndecisions:\n  a: {{expression: live.hours > p}}\n"
    )
    assert [c for c, _ in faults(text)] == codes


def test_a_duration_parameter_counts_days_or_months() -> None:
    text = (
        HEAD
        + "parameters:\n  p: {type: duration, values: [{from: 2023-01-01, value: P2M}]}\ndecisions:\n  a: {expression: as_of + p}\n"
    )
    assert policy(text).parameters["p"].type == types.Months(2, 2)
    mixed = text.replace("value: P2M}", "value: P2M}, {from: 2023-06-01, value: P30D}")
    assert faults(mixed) == [("L202", "parameter `p` counts now in days, now in months")]
