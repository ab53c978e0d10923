"""Table text to cells with their places."""

import pytest

from policy_service.diagnostics import Report
from policy_service.policies.reading.grid import Grid, read_grid
from policy_service.sources import Mapping, Text, read


def grid(table: str) -> tuple[Grid | None, Report]:
    report = Report()
    root = read("t.yaml", f"k: |\n{table}", report)
    assert isinstance(root, Mapping)
    text = root.get("k")
    assert isinstance(text, Text)
    return read_grid(text, "`k`", report), report


def cells(table: str) -> list[list[str]]:
    found, report = grid(table)
    assert [d.message for d in report] == []
    assert found is not None
    assert found.whole
    return [[c.text for c in row] for row in (found.header, *found.rows)]


def faults(table: str) -> list[tuple[str, str, str]]:
    return [(d.code.code, str(d.span), d.message) for d in grid(table)[1]]


def test_cells_are_read_without_their_padding() -> None:
    assert cells("  | row | a  |\n  | r   |  1 |\n") == [["row", "a"], ["r", "1"]]


def test_a_rule_below_the_header_and_empty_lines_are_no_rows() -> None:
    assert cells("  | row | a |\n  |-----|:---:|\n\n  | r | - |\n") == [["row", "a"], ["r", "-"]]


def test_an_escaped_bar_is_a_bar_inside_the_cell() -> None:
    assert cells('  | row | a |\n  | r | "x\\|y" |\n') == [["row", "a"], ["r", '"x|y"']]


def test_empty_cells_stay_empty() -> None:
    assert cells("  | row | a | b |\n  | r |  || \n") == [["row", "a", "b"], ["r", "", ""]]


def test_every_cell_knows_its_place_after_chinese_text_and_in_deeper_lines() -> None:
    found, _ = grid('  | row | 开播时长 | b |\n    | r | "中" | 1 |\n')
    assert found is not None
    places = [[(c.span.line, c.span.column, c.span.end) for c in row] for row in (found.header, *found.rows)]
    assert places == [[(2, 5, 8), (2, 11, 15), (2, 18, 19)], [(3, 7, 8), (3, 11, 14), (3, 17, 18)]]


def test_an_empty_cell_is_marked_between_its_bars() -> None:
    found, _ = grid("  | row | a   |\n  | r   |     |\n")
    assert found is not None
    span = found.rows[0][1].span
    assert (span.line, span.column, span.end) == (3, 11, 12)


def test_a_part_of_a_cell_with_an_escaped_bar_knows_its_place() -> None:
    found, _ = grid('  | row | a |\n  | r | "x\\|y" = b |\n')
    assert found is not None
    cell = found.rows[0][1]
    at = cell.text.index("b")
    span = cell.origin.span(at, at + 1)
    assert (span.line, span.column) == (3, 18)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("  | row | a |\n", ("T201", "t.yaml:1:4", "`k` needs a header and at least one row")),
        ("  | row | a |\n  | r | 1 | 2 |\n", ("T201", "t.yaml:3:13", "the row has 3 cells, the header 2")),
        ("  | row | a |\n  | r |\n", ("T201", "t.yaml:3:5", "the row has 1 cells, the header 2")),
        ("  | row | a |\n  | r | 1\n", ("T201", "t.yaml:3:3", "a line of a table begins and ends with `|`")),
        ("  | row | a\n  | r | 1 |\n", ("T201", "t.yaml:2:3", "a line of a table begins and ends with `|`")),
        ("  row\n  | r | 1 |\n", ("T201", "t.yaml:2:3", "a line of a table begins and ends with `|`")),
        ("  | row | a |\n  | r ｜ 1 |\n", ("L102", "t.yaml:3:7", "full-width `｜`")),
    ],
)
def test_a_line_that_does_not_fit_is_one_fault(table: str, expected: tuple[str, str, str]) -> None:
    assert faults(table) == [expected]


def test_the_other_lines_are_still_read_but_the_grid_is_not_whole() -> None:
    found, _ = grid("  | row | a |\n  | r | 1 | 2 |\n  | s | 3 |\n  | t | 4\n")
    assert found is not None
    assert not found.whole
    assert [[c.text for c in row] for row in found.rows] == [["s", "3"]]


def test_without_a_readable_header_there_is_no_grid() -> None:
    assert grid("  row | a\n  | r | 1 |\n")[0] is None
