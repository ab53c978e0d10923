"""Values as the kit means them, and as our answers show them; both come to the same few Python types.

A value is None, bool, str, Decimal, date, Days, Months, Other, list or dict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from policy_service.language import types

NIL, TYPE = (f"{{http://www.w3.org/2001/XMLSchema-instance}}{name}" for name in ("nil", "type"))
_DAYS = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d*)?)S)?)?", re.ASCII)
_MONTHS = re.compile(r"(-)?P(?:(\d+)Y)?(?:(\d+)M)?", re.ASCII)


@dataclass(frozen=True)
class Days:
    """A days and time duration."""

    seconds: Decimal


@dataclass(frozen=True)
class Months:
    """A years and months duration."""

    count: int


@dataclass(frozen=True)
class Other:
    """What no value of ours is: a time, a date and time, a day outside the years 1 to 9999."""

    kind: str
    text: str


class ValueUnread(Exception):
    """A value of the kit has a form that its description does not name."""


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def below(element: Element, name: str) -> list[Element]:
    return [child for child in element if local(child) == name]


def value_of(element: Element | None) -> Any:
    """The value below an `inputNode`, `expected`, `component` or `item`; null where there is none."""
    if element is None:
        return None
    components = below(element, "component")
    if components:
        return {component.get("name", ""): value_of(component) for component in components}
    for child in element:
        if local(child) == "list":
            return None if child.get(NIL) == "true" else [value_of(item) for item in below(child, "item")]
        if local(child) == "value":
            return _scalar(child)
    return None


def _scalar(element: Element) -> Any:
    if element.get(NIL) == "true":
        return None
    kind = element.get(TYPE, "string").rpartition(":")[2]
    if kind not in _SCALARS:
        raise ValueUnread(f"a value of type `{kind}`")
    return _SCALARS[kind](element.text or "")


def _date(text: str) -> date | Other:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return Other("date", text)


def duration(text: str) -> Days | Months:
    """Of years and months when only these occur."""
    if match := _MONTHS.fullmatch(text):
        count = 12 * int(match[2] or 0) + int(match[3] or 0)
        return Months(-count if match[1] else count)
    found = _DAYS.fullmatch(text)
    if found is None:
        raise ValueUnread(f"the duration `{text}`")
    days, hours, minutes, seconds = (Decimal(part or 0) for part in found.groups()[1:])
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return Days(-total if found[1] else total)


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "boolean": lambda text: text.strip() == "true",
    "date": _date,
    "duration": duration,
    "time": lambda text: Other("time", text),
    "dateTime": lambda text: Other("date and time", text),
    **dict.fromkeys(("decimal", "double", "integer", "int", "long"), lambda text: Decimal(text.strip())),
}


def ours(kind: types.Type, shown: Any) -> Any:
    """A value of an answer, whose type says what its text means."""
    if shown is None:
        return None
    match kind:
        case types.Number():
            return Decimal(shown)
        case types.Date():
            return date.fromisoformat(shown)
        case types.Duration() | types.Months():
            return duration(shown)
        case types.List(element=element):
            return [ours(element, item) for item in shown]
        case types.Record(fields=fields):
            return {name: ours(field, shown[name]) for name, field in fields}
        case types.Relation(columns=columns):
            return [{name: ours(column, row[name]) for name, column in columns} for row in shown]
    return shown


def same(expected: Any, got: Any) -> bool:
    """Whether two values are one, by kind too; names in contexts are compared as rule files write them."""
    if isinstance(expected, dict) and isinstance(got, dict):
        mine = {slug(name): value for name, value in got.items()}
        wanted = {slug(name): value for name, value in expected.items()}
        return mine.keys() == wanted.keys() and all(same(value, mine[name]) for name, value in wanted.items())
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(same, expected, got))
    return type(expected) is type(got) and bool(expected == got)


def slug(name: str) -> str:
    """A name of the kit as a name of rule files."""
    found = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return found if found[:1].isalpha() else f"x{found}"
