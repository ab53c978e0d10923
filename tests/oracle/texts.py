"""Texts with `{expression}` in them."""

import json
from decimal import Decimal
from typing import Any

from tests.oracle.parser import expression
from tests.oracle.syntax import Node
from tests.oracle.values import Value, shown

DASH = "–"


def pieces(text: str) -> tuple[str | Node, ...]:
    """What stands in a text one after the other: words, and expressions."""
    found: list[str | Node] = []
    rest = text
    while "{" in rest:
        words, _, behind = rest.partition("{")
        end = _end(behind)
        found += [words, expression(behind[:end])]
        rest = behind[end + 1 :]
    return (*found, rest)


def _end(text: str) -> int:
    """Where the brace closes that is open at the beginning, text literals skipped."""
    quoted = escaped = False
    for place, sign in enumerate(text):
        if quoted:
            quoted, escaped = escaped or sign != '"', not escaped and sign == "\\"
        elif sign == "}":
            return place
        else:
            quoted = sign == '"'
    raise SyntaxError(f"no `}}` in {text!r}")


def spoken(value: Value) -> str:
    """A value inside a text: canonical JSON without quotes, null as a dash."""
    if value is None:
        return DASH
    words = shown(value)
    return words if isinstance(words, str) else _json(words)


def _json(value: Any) -> str:
    """Canonical JSON: sorted keys, no blanks, exact numbers."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(key)}:{_json(value[key])}" for key in sorted(value)) + "}"
    return json.dumps(value, ensure_ascii=False)
