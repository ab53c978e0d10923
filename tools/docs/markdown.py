"""Parts of Markdown: tables, code, and JSON laid out for reading."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

WIDTH = 118


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A pipe table; bars and line breaks in cells are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def code(text: str) -> str:
    """Inline code; nothing for an empty text."""
    if not text:
        return ""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def codes(texts: Iterable[str]) -> str:
    return ", ".join(map(code, texts))


def fence(text: str, kind: str = "text") -> str:
    return f"```{kind}\n{text.rstrip()}\n```"


def sections(*parts: str) -> str:
    """The parts that hold something, each apart from the next."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip())


# ---- JSON


def as_json(value: Any, width: int = WIDTH) -> str:
    """JSON in which whatever fits on one line stands on one."""
    return _laid(value, 0, width)


def _laid(value: Any, indent: int, width: int, before: int = 0) -> str:
    short = one_line(value)
    if not isinstance(value, dict | list) or not value or indent + before + len(short) <= width:
        return short
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        heads = [f"{one_line(key)}: " for key in value]
        parts = [
            inner + head + _laid(item, indent + 2, width, len(head) + 1)
            for head, item in zip(heads, value.values(), strict=True)
        ]
        opening, closing = "{", "}"
    else:
        parts = [inner + _laid(item, indent + 2, width, 1) for item in value]
        opening, closing = "[", "]"
    return f"{opening}\n" + ",\n".join(parts) + f"\n{' ' * indent}{closing}"


def one_line(value: Any) -> str:
    """JSON on one line, numbers as exact as they are."""
    match value:
        case dict():
            return "{" + ", ".join(f"{one_line(k)}: {one_line(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(one_line, value)) + "]"
        case Decimal():
            return f"{value:f}"
    return json.dumps(value, ensure_ascii=False)


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text, numbers exact."""
    return json.loads(text, parse_float=Decimal)
