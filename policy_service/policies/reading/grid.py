"""Table text to cells with their places."""

from dataclasses import dataclass
from itertools import pairwise

from policy_service.diagnostics import Mapped, Report, Span
from policy_service.diagnostics.catalogue import FULL_WIDTH, TABLE_SHAPE
from policy_service.sources import Text


@dataclass(frozen=True, slots=True)
class TextCell:
    """The text of one cell without its padding; `\\|` is already a bar."""

    text: str
    origin: Mapped

    @property
    def span(self) -> Span:
        return self.origin.span(0, max(1, len(self.text)))


@dataclass(frozen=True, slots=True)
class Grid:
    """A header and rows of the same width; not whole when a line could not be read (reported)."""

    header: tuple[TextCell, ...]
    rows: tuple[tuple[TextCell, ...], ...]
    whole: bool = True


def read_grid(text: Text, what: str, report: Report) -> Grid | None:
    """The cells of a pipe table; None with the faults reported."""
    found = [_cells(text, start, end, report) for start, end in _lines(text.value)]
    if found and found[0] is None:
        return None
    lines = [cells for cells in found if cells is not None]
    if len(found) < 2:
        report.add(
            TABLE_SHAPE,
            text.span,
            f"{what} needs a header and at least one row",
            hint="| row | input | => output: type |",
        )
        return None
    header, rows = lines[0], [row for row in lines[1:] if not _is_rule(row)]
    for row in rows:
        if len(row) != len(header):
            place = row[-1].span if row else text.span
            report.add(
                TABLE_SHAPE,
                place,
                f"the row has {len(row)} cells, the header {len(header)}",
                hint="a bar inside a cell is written `\\|`",
            )
    fitting = tuple(r for r in rows if len(r) == len(header))
    return Grid(header, fitting, len(fitting) == len(rows) and len(lines) == len(found))


def _is_rule(row: tuple[TextCell, ...]) -> bool:
    """Whether the line is the `|---|---|` that Markdown puts below a header."""
    return all(set(c.text) <= {"-", ":"} and len(c.text) > 2 for c in row)


def _lines(text: str) -> list[tuple[int, int]]:
    out, at = [], 0
    for line in text.split("\n"):
        if line.strip():
            out.append((at, at + len(line)))
        at += len(line) + 1
    return out


def _cells(text: Text, start: int, end: int, report: Report) -> tuple[TextCell, ...] | None:
    bars = _bars(text, start, end, report)
    if len(bars) < 2 or text.value[start : bars[0]].strip() or text.value[bars[-1] + 1 : end].strip():
        report.add(TABLE_SHAPE, text.origin.span(start, end), "a line of a table begins and ends with `|`")
        return None
    return tuple(_cell(text, a + 1, b) for a, b in pairwise(bars))


def _bars(text: Text, start: int, end: int, report: Report) -> list[int]:
    """Offsets of the bars that part cells; a bar in a string still parts, unless written `\\|`."""
    out = []
    for at in range(start, end):
        char = text.value[at]
        if char == "｜":
            report.add(FULL_WIDTH, text.origin.span(at, at + 1), "full-width `｜`", hint="write `|`")
        if char in "|｜" and text.value[at - 1 : at] != "\\":
            out.append(at)
    return out


def _cell(text: Text, start: int, end: int) -> TextCell:
    raw = text.value[start:end]
    left = len(raw) - len(raw.lstrip())
    right = len(raw.rstrip())
    if right <= left:
        middle = start + max(0, min(1, len(raw) - 1))
        return TextCell("", text.origin.slice(middle, middle + 1))
    value, offsets = [], []
    for at in range(start + left, start + right):
        if text.value[at] == "\\" and text.value[at + 1 : at + 2] == "|":
            continue
        value.append(text.value[at])
        offsets.append(text.origin.offsets[at])
    after = text.origin.offsets[start + right - 1] + 1
    return TextCell("".join(value), Mapped(text.origin.lines, offsets, after))
