"""Rows of one table that match the same values, and rows that never answer."""

from pathlib import Path

import pytest

from policy_service.policies.loader import load, read_folder

ROOT = Path(__file__).parents[3]
BASE = read_folder(ROOT / "tests/diagnostics/base")
SHOP = "{type: text, max_length: 5, label: {zh: 店, en: Shop}}"
BOTH = "`live.orders - 1` = 5, `live.hours * 2` = 4"
POLICY = """policy: live.bonus
title: {zh: 奖励, en: Bonus}
subject: merchant
effective: {from: 2023-01-01, to: 2024-01-01}
basis: assumed
optional: [merchant.*, live.*]
parameters:
  low: {type: integer, values: [{from: 2023-01-01, value: 2}, {from: 2023-07-01, value: LOW}]}
decisions:
  level: {expression: 'if live.orders > 5 then 1 else 2'}
  many: {expression: live.orders * 4}
  bonus:
    hit: HIT
DEFAULT    table: |
"""


def found(header: str, *rows: str, hit: str = "unique", low: int = 2) -> list[tuple[str, str, str | None]]:
    """Code, message and hint of all diagnostics of a table with these inputs; rows are named a, b, c."""
    return diagnosed(
        header,
        [f"| {name} | {row} | {n} |" for n, (name, row) in enumerate(zip("abcdef", rows, strict=False))],
        hit,
        low,
    )


def diagnosed(header: str, rows: list[str], hit: str, low: int = 2) -> list[tuple[str, str, str | None]]:
    """The same of rows as they are written."""
    default = "    default: null\n" if hit in ("unique", "any", "first") else ""
    lines = [f"| row | {header} | => out: integer |", *rows]
    text = POLICY.replace("LOW", str(low)).replace("HIT", hit).replace("DEFAULT", default) + "".join(
        f"      {line}\n" for line in lines
    )
    facts = BASE["facts.yaml"].replace("      restricted:", f"      shop: {SHOP}\n      restricted:")
    _, diagnostics = load({**BASE, "facts.yaml": facts, "live/bonus.yaml": text})
    return [(d.code.code, d.message, d.hint) for d in diagnostics if d.code.code != "P118"]


def overlap(message: str, hint: str | None = None) -> list[tuple[str, str, str | None]]:
    return [("T203", f"rows `a` and `b` both match {message}", hint)]


END = "leave one end out: `[a..b)`"


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        ("live.hours", ("[8..24]", "[2..8]"), overlap("`live.hours` = 8", END)),
        ("live.hours", (">= 8", "<= 8"), overlap("`live.hours` = 8", END)),
        ("live.hours", ("> 7.99", "[2..8]"), overlap("`live.hours` = 8", END)),
        ("live.orders", ("> 7.5", "< 9"), overlap("`live.orders` = 8", END)),
        ("live.hours", ("8", "8"), overlap("`live.hours` = 8")),
        ("live.hours", ("-", "null"), overlap("`live.hours` = null")),
        ("live.hours", ("not(8)", "null"), overlap("`live.hours` = null")),
        ("live.hours", ("!= 8", "7"), overlap("`live.hours` = 7")),
        ("live.hours", ("not([2..8))", "1"), overlap("`live.hours` = 1")),
        (
            "merchant.store_type",
            ('"enterprise", "individual"', '"individual"'),
            overlap("`merchant.store_type` = individual"),
        ),
        ("merchant.store_type", ('not("enterprise")', '"individual"'), overlap("`merchant.store_type` = individual")),
        ("merchant.restricted", ("true", "-"), overlap("`merchant.restricted` = true")),
        (
            "merchant.opened_on",
            ('>= date("2023-03-01")', 'date("2023-04-01")'),
            overlap("`merchant.opened_on` = 2023-04-01"),
        ),
        ("live.hours | live.orders", ("[2..8] | > 5", "> 7 | < 9"), overlap("`live.hours` = 7.01, `live.orders` = 6")),
        (
            "live.hours | merchant.restricted",
            ("> 2 | -", "> 2 | true"),
            overlap("`live.hours` = 2.01, `merchant.restricted` = true"),
        ),
    ],
)
def test_two_rows_of_a_unique_table_that_match_one_value_are_an_error(
    header: str, rows: tuple[str, ...], expected: list[tuple[str, str, str | None]]
) -> None:
    without_negation = [d for d in found(header, *rows) if d[0] != "L208"]
    assert without_negation == expected


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("live.hours", ("[8..24]", "[2..8)")),
        ("live.hours", ("> 8", "<= 8")),
        ("live.orders", ("> 7.5", "< 8")),
        ("live.hours", ("[0..24]", "null")),
        ("live.hours", ("not(null)", "null")),
        ("live.hours", ("8", "9, 10")),
        ("live.hours", ("not([2..8))", "[2..8)")),
        ("live.hours", ("not(> 8)", "null")),
        ("merchant.store_type", ('"enterprise"', '"individual"', "null")),
        ("merchant.restricted", ("true", "false", "null")),
        ("live.hours | live.orders", ("[2..8] | > 5", "> 7 | <= 5")),
        ("live.hours", ("> low", "<= low")),
        ("live.hours | live.hours", ("> 4 | < 9", "<= 4 | < 9")),
        ("live.orders", ("> live.orders - 1", "<= live.orders - 1")),
    ],
)
def test_rows_that_share_no_value_are_no_fault(header: str, rows: tuple[str, ...]) -> None:
    assert found(header, *rows) == []


@pytest.mark.parametrize("header", ["level", "abs(live.orders)", "live.orders | level", "as_of"])
def test_inputs_that_are_not_facts_of_their_own_are_left_to_the_prover(header: str) -> None:
    cells = " | ".join("-" for _ in header.split("|"))
    assert found(header, cells, cells) == []


def test_an_overlap_that_only_a_later_value_of_a_parameter_brings_is_found() -> None:
    assert found("live.hours", "> low", "<= 2", low=2) == []
    assert found("live.hours", "> low", "<= 2", low=1) == overlap("`live.hours` = 1.01")


def test_an_overlap_on_several_days_is_told_once() -> None:
    assert len(found("live.hours", "> low", "<= 5", low=3)) == 1


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        ("live.orders - 1", ("[2..8]", "[8..9]"), overlap("`live.orders - 1` = 8", END)),
        ("10 - live.orders", ("< 3", "> 1"), overlap("`10 - live.orders` = 2", END)),
        ("live.orders * 3", ("[4..7]", "[6..9]"), overlap("`live.orders * 3` = 6")),
        ("many", ("< 8", "> 2"), overlap("`many` = 4")),
        ("live.orders - low", ("< 3", "> 1"), overlap("`live.orders - low` = 2", END)),
        ("not(merchant.restricted)", ("true", "-"), overlap("`not(merchant.restricted)` = true")),
        (
            'merchant.opened_on + duration("P1D")',
            ('<= date("2023-03-01")', 'date("2023-03-01")'),
            overlap('`merchant.opened_on + duration("P1D")` = 2023-03-01'),
        ),
        ("live.orders - 1 | live.hours * 2", ("5 | 4", "- | < 4.02"), overlap(BOTH)),
    ],
)
def test_a_header_that_moves_with_one_fact_is_judged_by_the_values_it_reaches(
    header: str, rows: tuple[str, ...], expected: list[tuple[str, str, str | None]]
) -> None:
    assert [d for d in found(header, *rows) if d[0] != "L208"] == expected


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("live.orders * 3", ("[4..5]", "[5..7]")),
        ("live.orders * 0", ("> 1", "> 1")),
        ("many", ("7", "7")),
        ("live.orders - 1", ("< -1", "< 0")),
        ("live.orders | live.orders - 1", ("5 | -", "- | 5")),
        ("live.hours * 2 - live.hours", ("5", "5")),
        ("if live.orders > 5 then 1 else 3", ("2", "2")),
    ],
)
def test_an_overlap_that_no_input_reaches_is_no_fault(header: str, rows: tuple[str, ...]) -> None:
    assert [d for d in found(header, *rows) if d[0] == "T203"] == []


@pytest.mark.parametrize(
    ("header", "rows", "witness"),
    [
        ("merchant.shop", ('"a", "b"', '"b"'), "b"),
        ("merchant.shop", ('"a"', 'not("b")'), "a"),
        ("merchant.shop", ('not("a")', 'not("b")'), "null"),
        ("merchant.shop", ('!= "a"', "null"), "null"),
        ("merchant.shop", ("not(null)", 'not("b", null)'), "any other text"),
        ("merchant.id", ('not("b")', "-"), "any other text"),
    ],
)
def test_texts_overlap_by_those_named_and_all_others(header: str, rows: tuple[str, ...], witness: str) -> None:
    overlaps = [d for d in found(header, *rows) if d[0] == "T203"]
    assert overlaps == overlap(f"`{header}` = {witness}")


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("merchant.shop", ('"a"', '"b"', "null")),
        ("merchant.shop", ('"a"', 'not("a")')),
        ("merchant.shop", ('"too long"', '"too long"')),
        ("merchant.id", ('"a b"', '"a b"')),
        ("merchant.id", ("null", "null")),
    ],
)
def test_texts_that_nobody_can_post_do_not_overlap(header: str, rows: tuple[str, ...]) -> None:
    assert [d for d in found(header, *rows) if d[0] == "T203"] == []


def test_of_very_many_overlaps_a_hundred_are_told_and_the_others_counted() -> None:
    lines = [f"| r{n} | >= {n} | {n} |" for n in range(60)]
    told = [d for d in diagnosed("live.orders", lines, "unique") if d[0] == "T203"]
    assert len(told) == 101
    assert told[0][1] == "1670 more pairs of rows of `bonus` match the same values"  # 60 * 59 / 2 - 100


def test_rows_beyond_one_block_are_compared_with_those_of_all_others() -> None:
    lines = [f"| r{n} | {n} | {n} |" for n in range(2500)]
    lines += ["| low | 7 | 1 |", "| high | 2300 | 1 |", "| dated | > 2495 + low | 1 |"]
    told = [message for _, message, _ in diagnosed("live.orders", lines, "unique")]
    assert sorted(told) == [
        "rows `r2300` and `high` both match `live.orders` = 2300",
        "rows `r2498` and `dated` both match `live.orders` = 2498",
        "rows `r2499` and `dated` both match `live.orders` = 2499",
        "rows `r7` and `low` both match `live.orders` = 7",
    ]


@pytest.mark.parametrize(
    ("rows", "shadowed"),
    [
        ((">= 2", ">= 8"), "row `b` is shadowed by row `a`"),
        (("-", "null"), "row `b` is shadowed by row `a`"),
        (("[2..5), [5..9]", "[3..8]"), "row `b` is shadowed by row `a`"),
        ((">= 8", ">= 2", "9"), "row `c` is shadowed by row `a`"),
    ],
)
def test_a_row_of_a_first_table_that_an_earlier_one_takes_is_unreachable(rows: tuple[str, ...], shadowed: str) -> None:
    assert [(code, message) for code, message, _ in found("live.hours", *rows, hit="first")] == [("T204", shadowed)]


@pytest.mark.parametrize("rows", [(">= 8", ">= 2"), ("[0..24]", "-"), (">= low", ">= 2")])
def test_a_row_of_a_first_table_with_a_value_of_its_own_is_no_fault(rows: tuple[str, ...]) -> None:
    assert found("live.hours", *rows, hit="first", low=5) == []


@pytest.mark.parametrize("hit", ["any", "collect", "rule order"])
def test_rows_of_other_tables_may_match_together(hit: str) -> None:
    assert found("live.hours", "[2..8]", "[8..9]", hit=hit) == []


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("live.hours", "[9..2]"),
        ("live.hours", "> 24"),
        ("live.orders", "2.5"),
        ("live.hours", "< 0"),
        ("live.hours", "(3..3)"),
    ],
)
def test_a_cell_that_no_value_fits_is_unreachable(header: str, cell: str) -> None:
    assert found(header, cell, "7") == [("T204", "no value fits the cell, row `a` never answers", None)]


def test_a_cell_that_some_value_of_a_parameter_opens_is_no_fault() -> None:
    assert found("live.hours", "[3..low]", "1", low=5) == []
    assert [code for code, *_ in found("live.hours", "[3..low]", "1", low=2)] == ["T204"]


def test_the_shipped_rules_have_no_false_overlap() -> None:
    _, diagnostics = load(read_folder(ROOT / "rules"))
    assert [d for d in diagnostics if d.code.code in ("T203", "T204")] == []
