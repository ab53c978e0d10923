"""The least and greatest result of each operation, from those of its operands.

So it is proved when rules are compiled that every value fits 64 bits.
"""

from calendar import monthrange
from dataclasses import replace
from datetime import date

from policy_service.language import types
from policy_service.language.typed import ListOf, Node
from policy_service.language.types import Date, Duration, List, Months, Number, Type
from policy_service.language.values import add_months, months_between

Quantity = Number | Date | Duration | Months
"""What has bounds, and an order."""


def excludes_zero(kind: Type) -> bool:
    return isinstance(kind, Number) and not kind.low <= 0 <= kind.high


def gap_fits(one: Type, two: Type) -> bool:
    """Whether the difference of two quantities stays within 64 bits."""
    if not (isinstance(one, Quantity) and isinstance(two, Quantity)):
        return False
    return max(abs(one.low - two.high), abs(one.high - two.low)) <= types.INT64


def size(kind: Quantity) -> int:
    """The largest distance from zero."""
    return max(abs(kind.low), abs(kind.high))


def grown(number: Number, scale: int) -> Number:
    """The type of a number at a larger scale."""
    factor = 10 ** (scale - number.scale)
    return Number(scale, number.low * factor, number.high * factor, number.unit)


def boundless(kind: Type) -> Type:
    """The type with the widest bounds for its numbers."""
    match kind:
        case Number():
            return replace(kind, low=-types.INT64, high=types.INT64)
        case List(element, most):
            return List(boundless(element), most)
        case types.Record(fields):
            return types.Record(tuple((name, boundless(inner)) for name, inner in fields))
    return kind


def as_fine(kind: Type, other: Type) -> Type:
    """The number type with at least the decimals of the other; any type but a number as it is."""
    if isinstance(kind, Number) and isinstance(other, Number) and other.scale > kind.scale:
        return grown(kind, other.scale)
    return kind


# ---- arithmetic


def plus(one: Quantity, two: Quantity) -> tuple[int, int]:
    return one.low + two.low, one.high + two.high


def minus(one: Quantity, two: Quantity) -> tuple[int, int]:
    return one.low - two.high, one.high - two.low


def times(one: Quantity, two: Quantity) -> tuple[int, int]:
    corners = [a * b for a in (one.low, one.high) for b in (two.low, two.high)]
    return min(corners), max(corners)


def quotient(numerator: Number, denominator: Number) -> tuple[int, int]:
    straddles = denominator.low <= 0 <= denominator.high
    least = 1 if straddles else min(abs(denominator.low), abs(denominator.high))
    most = -(-size(numerator) // least)
    same_sign = numerator.low >= 0 and denominator.low >= 0
    return (0 if same_sign else -most, most)


def absolute(kind: Quantity) -> tuple[int, int]:
    least = 0 if kind.low <= 0 <= kind.high else min(abs(kind.low), abs(kind.high))
    return least, size(kind)


# ---- lists


def of_elements(elements: Node) -> list[tuple[int, int]] | None:
    """The bounds of each element, or None when it is not known beforehand which elements there are."""
    items = elements.items if isinstance(elements, ListOf) else ()
    kinds = [item.value.type for item in items if item.guard is None]
    known = [(kind.low, kind.high) for kind in kinds if isinstance(kind, Quantity)]
    return known if items and len(known) == len(items) else None


def least(elements: Node, kind: Quantity) -> tuple[int, int]:
    """The bounds of `min`: `min(x, 5)` is at most 5."""
    known = of_elements(elements) or [(kind.low, kind.high)]
    return min(low for low, _ in known), min(high for _, high in known)


def greatest(elements: Node, kind: Quantity) -> tuple[int, int]:
    known = of_elements(elements) or [(kind.low, kind.high)]
    return max(low for low, _ in known), max(high for _, high in known)


def total(elements: Node, kind: Number, most: int) -> tuple[int, int]:
    known = of_elements(elements)
    if known is None:
        known = [(min(0, kind.low), max(0, kind.high))] * most
    return sum(low for low, _ in known), sum(high for _, high in known)


# ---- dates


def added_months(day: Date, months: Months) -> tuple[int | None, int | None]:
    """The first and the last day some months later; None outside the calendar."""
    return _month_later(day.low, months.low), _month_later(day.high, months.high)


def _month_later(day: int, months: int) -> int | None:
    """The ordinal of a day some months later, which never falls as either grows; None outside the calendar."""
    found = add_months(date.fromordinal(day), months)
    return found.toordinal() if found is not None else None


def months_apart(start: Date, end: Date) -> Months:
    """The whole months between two dates."""
    return Months(_between(start.high, end.low), _between(start.low, end.high))


def _between(start: int, end: int) -> int:
    return months_between(date.fromordinal(start), date.fromordinal(end))


def date_of(year: Number, month: Number, day: Number) -> Date:
    """The days that `date(year, month, day)` may give; where there is no such day it gives null."""
    low, high = max(year.low, 1), min(year.high, 9999)
    if low > high:
        return Date()
    first = date(low, *_in_year(low, month.low, day.low))
    last = date(high, *_in_year(high, month.high, day.high))
    return Date(first.toordinal(), last.toordinal()) if first <= last else Date()


def _in_year(year: int, month: int, day: int) -> tuple[int, int]:
    """The month and day, each brought to the nearest that exists in the year."""
    month = min(max(month, 1), 12)
    return month, min(max(day, 1), monthrange(year, month)[1])
