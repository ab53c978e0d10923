"""How much a bundle may hold: at each bound it is read, and one beyond it is refused before anything is made of it."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import pytest

from policy_service.diagnostics import Diagnostic
from policy_service.policies.loader import budget, is_surely_within, load, read_folder
from policy_service.policies.packing import Limits

ROOT = Path(__file__).parents[3]
BASE = read_folder(ROOT / "tests/diagnostics/base")
HEAD = """policy: live.{name}
title: {{zh: 题, en: Title}}
subject: merchant
basis: assumed
effective: {{from: 2023-01-01}}
"""
FEW = {"MOST_TABLE_ROWS": 3, "MOST_ROWS": 5, "MOST_DAYS": 4, "MOST_ROW_DAYS": 9}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small bounds in the places of the real ones."""
    for name, most in FEW.items():
        monkeypatch.setattr(budget, name, most)


def policy(name: str, rows: int = 0, days: int = 1) -> dict[str, str]:
    """A file with a table of some rows, and with some days on which something changes, its first one included."""
    values = ", ".join(f"{{from: {date(2023, 1, 1) + timedelta(days=n)}, value: {n}}}" for n in range(days))
    text = HEAD.format(name=name) + f"parameters:\n  p: {{type: integer, values: [{values}]}}\n"
    lines = "".join(f"      | r{n} | {n} | {n} |\n" for n in range(rows))
    table = (
        f"  t:\n    hit: unique\n    default: null\n    table: |\n      | row | live.orders | => t: integer |\n{lines}"
    )
    return {f"live/{name}.yaml": text + "decisions:\n  e: {expression: p}\n" + (table if rows else "")}


def found(*files: dict[str, str]) -> list[Diagnostic]:
    return load(without_days() | {path: text for one in files for path, text in one.items()})[1]


def without_days() -> dict[str, str]:
    """The base folder, which then names no day."""
    return {path: text for path, text in BASE.items() if path in ("facts.yaml", "bundle.yaml")}


def messages(diagnostics: Iterable[Diagnostic]) -> list[tuple[str, str]]:
    return [(str(one.span), one.message) for one in diagnostics if one.code.code == "P123"]


def test_a_table_may_have_so_many_rows_and_no_more() -> None:
    assert found(policy("a", rows=3)) == []
    (told,) = found(policy("a", rows=4))
    assert (str(told.span), told.message) == ("rules/live/a.yaml:10:3", "`t` has 4 rows, a table may have 3")
    assert told.hint is not None


def test_the_rule_below_a_header_and_blank_lines_are_no_rows() -> None:
    (path, text), *_ = policy("a", rows=3).items()
    header = "      | row | live.orders | => t: integer |\n"
    assert found({path: text.replace(header, f"{header}      | --- | :---: | ---: |\n\n")}) == []


def test_a_relation_is_counted_as_a_table_is() -> None:
    rows = "".join(f"      | r{n} | {n} |\n" for n in range(4))
    text = HEAD.format(name="a") + f"decisions:\n  t:\n    relation: |\n      | row | gift: integer |\n{rows}"
    assert messages(found({"live/a.yaml": text})) == [("rules/live/a.yaml:7:3", "`t` has 4 rows, a table may have 3")]


def test_all_tables_may_have_so_many_rows_and_no_more() -> None:
    assert found(policy("a", rows=3), policy("b", rows=2)) == []
    assert messages(found(policy("a", rows=3), policy("b", rows=3))) == [
        ("rules:1:1", "the tables have 6 rows together, a bundle may have 5")
    ]


def test_something_may_change_on_so_many_days_and_no_more() -> None:
    assert found(policy("a", days=4), policy("b", days=2)) == []  # the same days count once
    assert messages(found(policy("a", days=5))) == [
        ("rules:1:1", "something changes on 5 days, in a bundle it may on 4")
    ]


def test_days_of_periods_campaigns_and_types_are_counted_too() -> None:
    period = {"live/a.yaml": HEAD.format(name="a").replace("from: 2023-01-01", "from: 2023-01-01, to: 2023-02-01")}
    campaigns = "sale:\n  title: {zh: 促, en: Sale}\n  from: 2023-03-01\n  through: 2023-03-03\n  basis: assumed\n"
    members = "level:\n  type: enum\n  values:\n    - {from: 2023-04-01, value: [a]}\n"
    told = messages(found(period, {"campaigns.yaml": campaigns, "types.yaml": members}))
    assert told == [("rules:1:1", "something changes on 5 days, in a bundle it may on 4")]


def test_rows_times_days_are_bounded_over_all_files_and_the_largest_is_named() -> None:
    assert found(policy("a", rows=3, days=2), policy("b", rows=1, days=3)) == []
    assert messages(found(policy("a", rows=3, days=3), policy("b", rows=1))) == [
        ("rules/live/a.yaml:1:1", "3 rows times 3 days of change, with the other files 10, a bundle may have 9")
    ]


def test_every_bound_that_is_passed_is_told_and_nothing_else_is_looked_for() -> None:
    wrong = HEAD.format(name="c") + "decisions:\n  x: {expression: nobody}\n"
    told = found(policy("a", rows=4, days=5), policy("b", rows=4), {"live/c.yaml": wrong})
    assert {one.code.code for one in told} == {"P123"}
    assert len(told) == 5


def test_a_bound_is_not_passed_by_another_way_to_write_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    quoted = '"|row|live.orders|=>t: integer|\\n' + "".join(f"\\x7cr{n}\\x7c{n}|{n}|\\n" for n in range(4)) + '"'
    text = HEAD.format(name="a") + f"decisions:\n  t: {{hit: unique, default: null, table: {quoted}}}\n"
    days = ", ".join(f'{{"\\x66rom": "2023-\\x30{n}-01", value: {n}}}' for n in range(1, 6))
    dated = HEAD.format(name="b") + f"parameters:\n  p: {{type: integer, values: [{days}]}}\n"
    for file, bound in (({"live/a.yaml": text}, "4 rows"), ({"live/b.yaml": dated}, "5 days")):
        (told,) = messages(found(file))
        assert bound in told[1]
        assert not is_surely_within(without_days() | file)


@pytest.mark.parametrize(("rows", "days"), [(0, 1), (1, 1), (3, 1), (4, 1), (3, 4), (1, 5)])
def test_what_is_surely_within_is_within(rows: int, days: int) -> None:
    files = without_days() | policy("a", rows, days)
    assert not is_surely_within(files) or messages(load(files)[1]) == []


def test_the_shipped_rules_are_surely_within(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert is_surely_within(read_folder(ROOT / "rules"))


def test_a_folder_may_have_so_many_files_and_characters_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    files = without_days() | policy("a")
    monkeypatch.setattr(budget, "MOST_FILES", len(files))
    monkeypatch.setattr(budget, "MOST_CHARACTERS", sum(map(len, files.values())))
    assert load(files)[1] == []
    for more in ({"x.test.yaml": ""}, {"facts.yaml": files["facts.yaml"] + "\n"}):
        assert [place for place, _ in messages(load(files | more)[1])] == ["rules:1:1"]
        assert not is_surely_within(files | more)


def test_a_packed_folder_may_hold_as_many_files_as_one_that_is_checked() -> None:
    assert Limits().files == budget.MOST_FILES
