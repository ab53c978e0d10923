"""Types of the kit, of its literals and of its values, as rule files write them."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from tests.conformance.tck import models
from tests.conformance.tck.names import Scope
from tests.conformance.tck.values import Days, Months, Other

KINDS = {
    "number": "number",
    "string": "text",
    "boolean": "boolean",
    "date": "date",
    "days and time duration": "duration",
    "dayTimeDuration": "duration",
    "years and months duration": "months",
    "yearMonthDuration": "months",
    "time": "time",
    "date and time": "datetime",
    "dateTime": "datetime",
}
"""Of FEEL's types what rule files call them; those that rule files do not have keep a name of their own."""
_VALUE_KINDS = {bool: "boolean", str: "text", Decimal: "number", date: "date", Days: "duration", Months: "months"}
_STRINGS = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*')


def members(text: str) -> list[str]:
    return [match[1] for match in _STRINGS.finditer(text)]


def literal_kind(text: str, scope: Scope) -> str:
    """The kind of a literal or a known name; empty for anything else."""
    if text in scope:
        return scope[text].kind
    if _STRINGS.fullmatch(text):
        return "text"
    if text in ("true", "false"):
        return "boolean"
    return "number" if _is_number(text) else ""


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(?:\.\d+)?", text) is not None


def output_type(kind: str, cells: list[str]) -> str:
    """The declared type of a column; a number with the most decimals that its cells hold, or all of them."""
    if kind != "number":
        return kind
    written = [c for c in cells if c]
    if not all(map(_is_number, written)):
        return "decimal(6)"
    return _number_type([Decimal(c) for c in written])


def _number_type(values: list[Decimal]) -> str:
    scale = max((max(0, -int(v.normalize().as_tuple().exponent)) for v in values), default=0)
    return f"decimal({scale})" if scale else "integer"


def _any(values: list[Any], kind: type) -> bool:
    return any(isinstance(v, kind) for v in values)


def written_kind(kind: models.ItemType, named: str, values: list[Any]) -> str:
    """The type of a fact as its declaration writes it; the checker says whether there is such a type."""
    lists = kind.lists or int(kind.base not in KINDS and _any(values, list))
    return "list of " * lists + (named or "record") if lists else named or kind.base or "record"


def posted_kind(values: list[Any]) -> str:
    """The kind of values whose type is not declared."""
    for value in values:
        if isinstance(value, Other):
            return value.kind.replace(" and ", "")
        if value is not None:
            return _VALUE_KINDS.get(type(value), "")
    return ""


def fact_type(kind: str, values: list[Any]) -> str:
    return _number_type([v for v in values if isinstance(v, Decimal)]) if kind == "number" else kind


def range_of(values: list[Any]) -> str:
    """From a power of ten to a power of ten around what is posted."""
    most = max((abs(v) for v in values if isinstance(v, Decimal)), default=Decimal(0))
    bound = 10 ** max(1, len(str(int(most))))
    return f", range: [-{bound}, {bound}]"
