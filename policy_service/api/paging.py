"""Pages of lists: how the contract describes them."""

from typing import Any


def limit_parameter(description: str, *, most: int, usual: int) -> dict[str, Any]:
    """How many entries a page may have."""
    return {
        "in": "query",
        "name": "limit",
        "schema": {"type": "integer", "minimum": 1, "maximum": most, "default": usual},
        "description": description,
    }


def cursor_parameter(pattern: str) -> dict[str, Any]:
    """Where a page begins; `pattern` is that of the list's cursors."""
    return {
        "in": "query",
        "name": "cursor",
        "schema": {"type": "string", "pattern": f"^{pattern}$"},
        "description": "`next` of the page before.",
    }
