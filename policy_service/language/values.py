"""What every engine shares about values: three-valued logic, rounding, calendar steps, texts.

A value is None (null), bool, str, int (a scaled number, a day's ordinal, days or months), list or dict.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from functools import partial
from operator import mul
from typing import Any

from policy_service.language import types

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAYS = re.compile(r"(-)?P(\d{1,7})D", re.ASCII)
_MONTHS = re.compile(r"(-)?P(?:(\d{1,5})Y)?(?:(\d{1,6})M)?", re.ASCII)


def conjunction(values: Iterable[bool | None]) -> bool | None:
    """Kleene's and."""
    unknown = False
    for value in values:
        if value is False:
            return False
        unknown = unknown or value is None
    return None if unknown else True


def disjunction(values: Iterable[bool | None]) -> bool | None:
    """Kleene's or."""
    unknown = False
    for value in values:
        if value is True:
            return True
        unknown = unknown or value is None
    return None if unknown else False


def negation(value: bool | None) -> bool | None:
    return None if value is None else not value


def round_quotient(numerator: int, denominator: int, mode: str) -> int | None:
    """The integer that numerator / denominator rounds to; null by zero.

    Args:
        mode: up, down, half_up, half_down, half_even, floor or ceiling.
    """
    if denominator == 0:
        return None
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    whole, rest = divmod(abs(numerator), denominator)
    negative = numerator < 0
    twice = 2 * rest
    away = {
        "up": rest > 0,
        "down": False,
        "half_up": twice >= denominator,
        "half_down": twice > denominator,
        "half_even": twice > denominator or (twice == denominator and whole % 2 == 1),
        "floor": negative and rest > 0,
        "ceiling": not negative and rest > 0,
    }[mode]
    whole += away
    return -whole if negative else whole


def parse_date(text: str) -> date | None:
    """A calendar day written YYYY-MM-DD, or None."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_days(text: str) -> int | None:
    """The days of `P30D`, or None."""
    match = _DAYS.fullmatch(text)
    return (-1 if match[1] else 1) * int(match[2]) if match else None


def parse_months(text: str) -> int | None:
    """The months of `P1Y2M`, or None."""
    match = _MONTHS.fullmatch(text)
    if not match or (match[2] is None and match[3] is None):
        return None
    return (-1 if match[1] else 1) * (12 * int(match[2] or 0) + int(match[3] or 0))


def add_months(day: date, months: int) -> date | None:
    """The same day of another month, or its last day; null outside the calendar."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if not 1 <= year <= 9999:
        return None
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def months_between(start: date, end: date) -> int:
    """Whole months from start to end, negative when end lies before."""
    if end < start:
        return -months_between(end, start)
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)


def days_text(days: int) -> str:
    return f"-P{-days}D" if days < 0 else f"P{days}D"


def months_text(months: int) -> str:
    years, rest = divmod(abs(months), 12)
    text = (f"{years}Y" if years else "") + (f"{rest}M" if rest or not years else "")
    return ("-P" if months < 0 else "P") + text


def exact(number: int, scale: int) -> int | Decimal:
    """A scaled integer as an answer shows it: an int when whole, else the shortest decimal."""
    if scale == 0:
        return number
    whole, rest = divmod(number, int(10**scale))
    if rest == 0:
        return whole
    while number % 10 == 0:
        number, scale = number // 10, scale - 1
    return Decimal(number).scaleb(-scale)


def scaled(value: Decimal, scale: int) -> int | None:
    """The integer value * 10**scale, or None when the value has more decimals."""
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or abs(exponent) > 400:
        return None
    number = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
    if number == 0:
        return 0
    shift = exponent + scale
    if shift >= 0:
        return number * int(10**shift)
    whole, rest = divmod(abs(number), int(10**-shift))
    return None if rest else (-whole if number < 0 else whole)


Conversion = Callable[[Any], Any]


def conversion(found: types.Type, wanted: types.Type) -> Conversion | None:
    """How a value that is not null is brought to a type that holds it; None where it stays as it is.

    A number is brought to the larger scale, a record field by field, a list element by element; null stays null.
    """
    match found, wanted:
        case types.Number(scale=one), types.Number(scale=two) if one != two:
            return partial(mul, 10 ** (two - one))
        case types.List(), types.List():
            change = conversion(found.element, wanted.element)
            return None if change is None else partial(_each, change)
        case types.Record(), types.Record():
            kinds = dict(wanted.fields)
            changes = {n: change for n, kind in found.fields if (change := conversion(kind, kinds[n])) is not None}
            return partial(_fields, changes) if changes else None
    return None


def _each(change: Conversion, items: list[Any]) -> list[Any]:
    return [None if item is None else change(item) for item in items]


def _fields(changes: dict[str, Conversion], record: dict[str, Any]) -> dict[str, Any]:
    changed = {name: change(value) for name, change in changes.items() if (value := record[name]) is not None}
    return record | changed


def shown(type_: types.Type, value: Any) -> Any:
    """A value as an answer shows it: exact numbers, ISO 8601 texts, lists and records of them."""
    if value is None:
        return None
    match type_:
        case types.Number(scale=scale):
            return exact(value, scale)
        case types.Date():
            return date.fromordinal(value).isoformat()
        case types.Duration():
            return days_text(value)
        case types.Months():
            return months_text(value)
        case types.List(element=element):
            return [shown(element, item) for item in value]
        case types.Record(fields=fields):
            return {name: shown(field, value[name]) for name, field in fields}
        case types.Relation(columns=columns):
            return [{"row": row["row"]} | {n: shown(t, row[n]) for n, t in columns} for row in value]
    return value
