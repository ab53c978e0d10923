"""Where in a file something stands; lines and columns count from 1, in characters."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one line of a file; `end` is the column behind its last character."""

    file: str
    line: int
    column: int
    end: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Span("", 0, 0, 0)


class Origin(Protocol):
    """Maps offsets of a text that was taken out of a file back to the file."""

    def span(self, start: int, end: int) -> Span: ...


class Lines:
    """Line starts of one file, to turn offsets into lines and columns."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._starts = [0, *accumulate(len(line) + 1 for line in text.split("\n")[:-1])]
        self._length = len(text)

    def offset(self, line: int, column: int) -> int:
        """Offset of a line and column that both count from 0."""
        return self._starts[line] + column if line < len(self._starts) else self._length

    def span(self, start: int, end: int) -> Span:
        """The span of [start, end), cut at the end of its first line."""
        starts = self._starts
        line = bisect_right(starts, start)
        before = starts[line - 1] - 1
        last = starts[line] - 1 if line < len(starts) else self._length
        stop = end if start < end <= last else max(start + 1, min(end, last))
        return Span(self.file, line, start - before, stop - before)


@dataclass(frozen=True, slots=True)
class Mapped:
    """Origin of a text each of whose characters stands somewhere in a file."""

    lines: Lines
    offsets: Sequence[int]
    after: int

    def span(self, start: int, end: int) -> Span:
        first = self.offsets[start] if start < len(self.offsets) else self.after
        last = self.offsets[end - 1] + 1 if 0 < end <= len(self.offsets) else self.after
        return self.lines.span(first, max(last, first + 1))

    def slice(self, start: int, end: int) -> "Mapped":
        after = self.offsets[end] if end < len(self.offsets) else self.after
        return Mapped(self.lines, self.offsets[start:end], after)


def plain(text: str, file: str = "<text>") -> Mapped:
    """Origin of a text that is a whole file itself."""
    return Mapped(Lines(file, text), range(len(text)), len(text))
