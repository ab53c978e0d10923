"""What the commands share at the terminal: their results, faults as text, widths, progress."""

import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import click

from policy_service import canonical

_SLOW_SECONDS = 1.0
_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_PIECE = re.compile(rf"[{_WIDE}][，。；：、！？）”》]*|[^\s{_WIDE}]+[，。；：、！？）”》]*\s*|\s+")
"""What stays together when a line is broken: a word with its blanks, or one Chinese sign with what closes it."""
Item = TypeVar("Item")

format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="For a person, or for a program.",
)  # fmt: skip


def write_json(value: Any, *, pretty: bool = False) -> None:
    """The canonical JSON of a result, on standard output."""
    click.echo(canonical.pretty(value) if pretty else canonical.dumps(value))


def found_errors() -> click.exceptions.Exit:
    """Ends the command with exit status 1, once it has printed what is wrong."""
    return click.exceptions.Exit(1)


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 case`, `2 cases`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def width(text: str) -> int:
    """Columns that a text takes; Chinese signs take two, joining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )  # fmt: skip


def padded(text: str, columns: int) -> str:
    return text + " " * max(0, columns - width(text))


def aligned(rows: Iterable[Sequence[str]], gap: str = "  ") -> Iterator[str]:
    """Rows with their columns below each other; the last is not padded."""
    rows = list(rows)
    widths = [max(width(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield gap.join(padded(cell, columns) for cell, columns in zip(row, widths, strict=True)).rstrip()


def wrapped(text: str, columns: int, indent: str = "") -> Iterator[str]:
    """Lines of a text within some columns; those after the first are indented further.

    Breaks at blanks and beside Chinese signs, but not before a mark that closes.
    """
    line = indent
    for piece in _PIECE.findall(text):
        if width(line) + width(piece.rstrip()) > columns and line.strip():
            yield line.rstrip()
            line = f"{indent}  {piece.lstrip()}"
        else:
            line += piece
    yield line.rstrip()


def progress(items: Sequence[Item], label: str) -> Iterator[Item]:
    """The items one by one; when they take long at a terminal, a bar on standard error shows how far they are."""
    begun = time.monotonic()
    rest = iter(items)
    done = 0
    if sys.stderr.isatty():
        for item in rest:
            yield item
            done += 1
            if time.monotonic() - begun > _SLOW_SECONDS:
                break
        else:
            return
        with click.progressbar(length=len(items), label=label, file=sys.stderr) as bar:
            bar.update(done)
            for item in rest:
                yield item
                bar.update(1)
    yield from rest
