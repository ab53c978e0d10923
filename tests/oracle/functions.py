"""The builtins, each as a function of the values of its arguments."""

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from math import ceil, floor

from tests.oracle import choices
from tests.oracle.values import (
    Value,
    added,
    both,
    compared,
    day_of,
    divided,
    duration_of,
    either,
    months_between,
    negated,
    opposite,
)

Function = Callable[..., Value]


def _null_spreads(function: Function) -> Function:
    """The function, null where one of its arguments is."""
    return lambda *arguments: None if None in arguments else function(*arguments)


# -- lists -----------------------------------------------------------------------------------------------------------


def _elements(arguments: tuple[Value, ...]) -> list[Value] | None:
    """The elements of the list that is the only argument, or the arguments themselves."""
    if len(arguments) == 1 and (arguments[0] is None or isinstance(arguments[0], list)):
        return arguments[0]
    return list(arguments)


def _aggregate(function: Callable[[list[Value]], Value]) -> Function:
    """A function of a list's elements; null of no list, of an empty one, and where an element is null."""

    def of_list(*arguments: Value) -> Value:
        elements = _elements(arguments)
        return None if not elements or None in elements else function(elements)

    return of_list


def _sum(elements: list[Value]) -> Value:
    total = elements[0]
    for each in elements[1:]:
        total = added(total, each)
    return total


def _mean(elements: list[Value]) -> Value:
    return divided(_sum(elements), Fraction(len(elements)))


def _count(*arguments: Value) -> Value:
    elements = _elements(arguments)
    return None if elements is None else Fraction(len(elements))


def _of_conditions(function: Callable[[list[Value]], Value]) -> Function:
    def of_list(*arguments: Value) -> Value:
        elements = _elements(arguments)
        return None if elements is None else function(elements)

    return of_list


def _list_contains(elements: list[Value] | None, element: Value) -> bool | None:
    return None if elements is None else element in elements


# -- numbers ---------------------------------------------------------------------------------------------------------


def _rounded(whole: Callable[[Fraction], int]) -> Function:
    """A rounding to some decimals, by one to whole numbers."""

    def to_scale(number: Fraction, scale: Fraction = Fraction(0)) -> Fraction:
        unit = Fraction(10) ** int(scale)
        return whole(number * unit) / unit

    return _null_spreads(to_scale)


def _away(number: Fraction) -> int:
    return ceil(number) if number > 0 else floor(number)


def _towards(number: Fraction) -> int:
    return floor(number) if number > 0 else ceil(number)


def _nearest(tie: Callable[[Fraction], int]) -> Callable[[Fraction], int]:
    """Rounding to the nearest whole number, a tie as said."""

    def whole(number: Fraction) -> int:
        return tie(number) if (number * 2).denominator == 1 else floor(number + Fraction(1, 2))

    return whole


def _even(number: Fraction) -> int:
    return round(number)


def _size(value: Value) -> Value:
    return negated(value) if compared("<", value, type(value)(0)) else value


def _modulo(number: Fraction, divisor: Fraction) -> Fraction | None:
    return None if divisor == 0 else number - divisor * floor(number / divisor)


def _steps(number: Value, starts: list[Value] | None, values: list[Value] | None) -> Value:
    """The value beside the last start that is not above the number."""
    if number is None or starts is None or values is None:
        return None
    if None in starts and not choices.STEPS_PASS_OVER_NULL:
        return None
    reached = [value for start, value in zip(starts, values, strict=True) if start is not None and start <= number]
    return reached[-1] if reached else None


# -- days ------------------------------------------------------------------------------------------------------------


def _date(*parts: Value) -> date | None:
    if len(parts) == 1:
        return day_of(parts[0])
    try:
        return date(*map(int, parts))
    except (OverflowError, ValueError):
        return None


def _part(name: str) -> Function:
    return _null_spreads(lambda value: Fraction(_PARTS_OF_ALL[name](value)))


def _towards_zero(number: int, by: int) -> int:
    return number // by if number >= 0 else -(-number // by)


_PARTS_OF_ALL: dict[str, Callable[[Value], int]] = {
    "year": lambda day: day.year,
    "month": lambda day: day.month,
    "day": lambda day: day.day,
    "weekday": lambda day: day.isoweekday(),
    "days": lambda span: span.count,
    "years": lambda span: _towards_zero(span.count, 12),
    "months": lambda span: span.count - 12 * _towards_zero(span.count, 12),
}
PARTS: dict[str, Function] = {name: _part(name) for name in _PARTS_OF_ALL}

FUNCTIONS: dict[str, Function] = {
    "min": _aggregate(min),
    "max": _aggregate(max),
    "sum": _aggregate(_sum),
    "mean": _aggregate(_mean),
    "count": _count,
    "all": _of_conditions(both),
    "any": _of_conditions(either),
    "list contains": _list_contains,
    "not": opposite,
    "abs": _null_spreads(_size),
    "floor": _rounded(floor),
    "ceiling": _rounded(ceil),
    "round up": _rounded(_away),
    "round down": _rounded(_towards),
    "round half up": _rounded(_nearest(_away)),
    "round half down": _rounded(_nearest(_towards)),
    "round half even": _rounded(_nearest(_even)),
    "modulo": _null_spreads(_modulo),
    "steps": _steps,
    "number of": lambda number: number,
    "contains": _null_spreads(lambda text, part: part in text),
    "starts with": _null_spreads(lambda text, part: text.startswith(part)),
    "ends with": _null_spreads(lambda text, part: text.endswith(part)),
    "string length": _null_spreads(lambda text: Fraction(len(text))),
    "date": _null_spreads(_date),
    "duration": _null_spreads(duration_of),
    "years and months duration": _null_spreads(months_between),
}
