"""A folder of rules as data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Grid:
    """A pipe table."""

    header: list[str]
    rows: list[list[str]]

    def lines(self) -> Iterator[str]:
        for cells in (self.header, *self.rows):
            yield "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


@dataclass
class Folder:
    """Rule files as data: mappings, lists, texts and grids."""

    files: dict[str, Any]

    def sources(self) -> dict[str, str]:
        """The files as text."""
        return {name: "\n".join(_yaml(content, 0)) + "\n" for name, content in self.files.items()}


def _yaml(value: Any, indent: int) -> Iterator[str]:
    pad = "  " * indent
    items = value.items() if isinstance(value, Mapping) else ((None, v) for v in value)
    for key, item in items:
        head = f"{pad}-" if key is None else f"{pad}{key}:"
        if isinstance(item, Grid):
            yield f"{head} |"
            yield from (f"{pad}  {line}" for line in item.lines())
        elif isinstance(item, Mapping | list) and item:
            yield head
            yield from _yaml(item, indent + 1)
        elif isinstance(item, Mapping | list):
            yield f"{head} {'{}' if isinstance(item, Mapping) else '[]'}"
        else:
            yield f"{head} {'null' if item is None else json.dumps(str(item), ensure_ascii=False)}"
