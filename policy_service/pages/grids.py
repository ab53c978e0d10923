"""The parts of a page: tables, cells, links, and pairs of name and value. Plain texts; the template escapes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policy_service.decisions.explaining.words import Tongue, word
from policy_service.pages.words import PAGE, SOURCE, Words


class Say:
    """Gives the words of pages in one language."""

    def __init__(self, tongue: Tongue) -> None:
        self.tongue: Tongue = tongue
        self.colon = "：" if tongue == "zh" else ": "
        self.semicolon = "；" if tongue == "zh" else "; "
        self.comma = "，" if tongue == "zh" else ", "

    def __call__(self, key: str, *values: object, **named: object) -> str:
        """Raises KeyError where the table has no such word."""
        return PAGE[key][self.tongue].format(*values, **named)

    def of(self, table: Words, key: str, **named: object) -> str:
        """A word of another table; the key itself where that has no such word."""
        return word(table, key, self.tongue, **named)

    def bracketed(self, text: str, inside: str) -> str:
        """A text, followed by another in brackets."""
        return f"{text}（{inside}）" if self.tongue == "zh" else f"{text} ({inside})"

    def source(self, found: Mapping[str, str] | None) -> str:
        """The source of a rule: `document 004, section 2.1.3`."""
        return self.comma.join(f"{self.of(SOURCE, key)} {value}" for key, value in (found or {}).items())


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Cell:
    """The content of a cell, shown in this order.

    code: text as a rule file or a program writes it.
    """

    text: str = ""
    code: str = ""
    lines: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; the first cell is its heading.

    fired: whether the row is marked as one that fired.
    """

    cells: tuple[Cell, ...]
    fired: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with its caption.

    note: how to read it; empty where there is nothing to say.
    """

    caption: str
    header: tuple[Cell, ...]
    rows: tuple[Row, ...]
    note: str = ""


def grid(caption: str, header: tuple[str, ...], rows: list[tuple[Any, ...]], note: str = "") -> Grid:
    """A table.

    Args:
        rows: of cells, or of values that become the text of a cell.
    """
    return Grid(caption, tuple(map(Cell, header)), tuple(Row(tuple(map(_cell, row))) for row in rows), note)


def _cell(value: Any) -> Cell:
    return value if isinstance(value, Cell) else Cell(str(value))


@dataclass(frozen=True, slots=True)
class Pair:
    """A name and its value."""

    name: str
    value: Cell = field(default_factory=Cell)


def pair(name: str, value: str = "", *, code: str = "") -> Pair:
    return Pair(name, Cell(value, code))
