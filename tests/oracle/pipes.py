"""Pipe tables as rows of cells."""

import re

_BAR = re.compile(r"(?<!\\)\|")


def rows(text: str) -> list[list[str]]:
    """The cells of each line; `\\|` is a bar inside a cell."""
    return [_cells(line) for line in text.splitlines() if line.strip()]


def _cells(line: str) -> list[str]:
    inner = _BAR.split(line.strip())[1:-1]
    return [cell.strip().replace("\\|", "|") for cell in inner]


def is_note(header: str) -> bool:
    return header.startswith("#")
