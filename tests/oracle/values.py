"""Values and what is done with them: numbers are fractions, days and months are durations, null is None.

Every operation on a null gives null, but for equality: `null = null` is true.
"""

import calendar
import operator
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from tests.oracle import choices


@dataclass(frozen=True, slots=True, order=True)
class Days:
    """A duration of whole days."""

    count: int


@dataclass(frozen=True, slots=True, order=True)
class Months:
    """A duration of whole months."""

    count: int


Duration = Days | Months
Value = Any  # Fraction | bool | str | date | Days | Months | list | dict | None

_DAYS = re.compile(r"(-?)P(\d+)D")
_MONTHS = re.compile(r"(-?)P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?")


@lru_cache(maxsize=10_000)
def duration_of(text: str) -> Duration:
    """The duration that `P30D`, `P1Y2M` or `-P3D` writes."""
    if found := _DAYS.fullmatch(text):
        return Days(_signed(found[1], int(found[2])))
    found = _MONTHS.fullmatch(text)
    if not found:
        raise ValueError(f"no duration: {text}")
    return Months(_signed(found[1], 12 * int(found[2] or 0) + int(found[3] or 0)))


def _signed(sign: str, count: int) -> int:
    return -count if sign else count


@lru_cache(maxsize=10_000)
def moment_of(text: str) -> "date | Duration":
    """A day or duration by its text."""
    return duration_of(text) if text.lstrip("-").startswith("P") else day_of(text)


def day_of(text: str) -> date:
    return date.fromisoformat(text)


def number_of(text: str) -> Fraction:
    """The number that a file writes; `_` groups digits, `%` means hundredths."""
    digits = text.replace("_", "")
    return Fraction(digits[:-1]) / 100 if digits.endswith("%") else Fraction(digits)


# -- null, true and false ----------------------------------------------------------------------------------------


def both(values: list[Value]) -> bool | None:
    """Kleene's `and`; true of nothing."""
    if any(value is False for value in values):
        return False
    return True if all(value is True for value in values) else None


def either(values: list[Value]) -> bool | None:
    """Kleene's `or`; false of nothing."""
    if any(value is True for value in values):
        return True
    return False if all(value is False for value in values) else None


def opposite(value: Value) -> bool | None:
    return None if value is None else not value


# -- comparison ----------------------------------------------------------------------------------------------------


_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def compared(op: str, left: Value, right: Value) -> bool | None:
    """`left op right`: null has no order, but is equal to null."""
    if op == "=":
        return bool(left == right)
    if op == "!=":
        return bool(left != right)
    if left is None or right is None:
        return None
    return bool(_ORDERS[op](left, right))


def within(value: Value, low: Value, high: Value, closed: tuple[bool, bool] = (True, True)) -> bool | None:
    """Whether the value lies in the range; null where the value or an end is null."""
    if not choices.RANGE_IS_TWO_COMPARISONS and None in (value, low, high):
        return None
    above = compared(">=" if closed[0] else ">", value, low)
    below = compared("<=" if closed[1] else "<", value, high)
    return both([above, below])


# -- arithmetic ----------------------------------------------------------------------------------------------------


def negated(value: Value) -> Value:
    if isinstance(value, Days | Months):
        return type(value)(-value.count)
    return None if value is None else -value


def added(left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if isinstance(left, date):
        return _moved(left, right)
    if isinstance(right, date):
        return _moved(right, left)
    if isinstance(left, Days | Months):
        return type(left)(left.count + right.count)
    return left + right


def subtracted(left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if isinstance(right, date):
        return Days((left - right).days)
    return added(left, negated(right))


def multiplied(left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if isinstance(left, Days | Months):
        return _times(left, right)
    if isinstance(right, Days | Months):
        return _times(right, left)
    return left * right


def divided(left: Value, right: Value) -> Value:
    """The exact quotient; null by zero."""
    return None if left is None or right is None or right == 0 else left / right


def _times(duration: Duration, factor: Fraction) -> Duration:
    count = duration.count * factor
    if count.denominator != 1:
        raise ValueError("a duration is whole")
    return type(duration)(int(count))


def _moved(day: date, by: Duration) -> date | None:
    """The day that lies so far behind; null where the calendar has none."""
    try:
        return day + timedelta(by.count) if isinstance(by, Days) else _months_later(day, by.count)
    except (OverflowError, ValueError):
        return None


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last one."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def months_between(start: date, end: date) -> Months:
    """Whole months from one day to the other."""
    if end < start:
        return Months(-months_between(end, start).count)
    count = (end.year - start.year) * 12 + end.month - start.month
    return Months(count - (end.day < start.day))


# -- what an answer shows ------------------------------------------------------------------------------------------


def decimal_of(number: Fraction) -> int | Decimal:
    """A number as JSON shows it, exactly."""
    if number.denominator == 1:
        return int(number)
    return Decimal(number.numerator) / Decimal(number.denominator) if _short(number) else _long(number)


def _short(number: Fraction) -> bool:
    return abs(number.numerator) < 10**18 and 10**9 % number.denominator == 0


def _long(number: Fraction) -> Decimal:
    for scale in range(60):
        shifted = number * 10**scale
        if shifted.denominator == 1:
            return Decimal(int(shifted)).scaleb(-scale)
    raise ValueError(f"no exact decimal: {number}")


def shown(value: Value) -> Any:
    """A value as JSON has it: days and durations as ISO 8601 texts."""
    if isinstance(value, Fraction):
        return decimal_of(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Days | Months):
        return iso(value)
    if isinstance(value, list):
        return [shown(each) for each in value]
    if isinstance(value, dict):
        return {name: shown(each) for name, each in value.items()}
    return value


def iso(duration: Duration) -> str:
    """`P30D`, `P1Y2M`, `-P1M`, `P0M`."""
    sign, count = "-" if duration.count < 0 else "", abs(duration.count)
    if isinstance(duration, Days):
        return f"{sign}P{count}D"
    years, months = divmod(count, 12)
    return f"{sign}P" + (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")


def digits(number: Fraction) -> str:
    """The shortest decimal, never an exponent."""
    return format(decimal_of(number), "f") if number.denominator != 1 else str(int(number))
