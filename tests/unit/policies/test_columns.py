"""Columns, defaults, hit policies and parameters of one policy file."""

from pathlib import Path

import pytest

from policy_service.language import types
from policy_service.policies.bundle import bundle
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Policy, RelationTable, Table

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")
HEAD = """policy: live.bonus
title: {zh: 奖励, en: Bonus}
subject: merchant
effective: {from: 2023-01-01, to: 2024-01-01}
basis: assumed
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


def test_a_default_of_null_is_not_one_of_nulls() -> None:
    defaults = ("", "null", "{a: null, b: null}", "{a: 0, b: A}")
    bodies = [policy(table("first", *ROWS, default=d)).decisions["out"].body for d in defaults]
    found = [b.default for b in bodies if isinstance(b, Table)]
    texts = [None if d is None else [e.text for e in d] for d in found]
    assert texts == [None, ["null"], ["null", "null"], ["0", "A"]]


def test_each_default_is_another_bundle() -> None:
    defaults = ("", "null", "{a: null, b: null}", "{a: 0, b: A}")
    bundles = [bundle(BASE | {"live/bonus.yaml": table("first", *ROWS, default=d)})[0] for d in defaults]
    assert len({b.id for b in bundles if b is not None}) == len(defaults)


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
        + f"parameters:\n  p: {{type: decimal(2), unit: hour, values: {values}}}\n"
        + "decisions:\n  a: {expression: live.hours > p}\n"
    )
    assert [c for c, _ in faults(text)] == codes


def test_a_duration_parameter_counts_days_or_months() -> None:
    text = (
        HEAD
        + "parameters:\n  p: {type: duration, values: [{from: 2023-01-01, value: P2M}]}\n"
        + "decisions:\n  a: {expression: as_of + p}\n"
    )
    assert policy(text).parameters["p"].type == types.Months(2, 2)
    mixed = text.replace("value: P2M}", "value: P2M}, {from: 2023-06-01, value: P30D}")
    assert faults(mixed) == [("L202", "parameter `p` counts now in days, now in months")]
