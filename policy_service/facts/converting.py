"""From a posted JSON value to that of its fact: numbers to scaled integers, dates to ordinals, durations to days."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

from policy_service.diagnostics.catalogue import (
    BAD_ID,
    BAD_TEXT,
    NOT_A_DATE,
    NOT_A_MEMBER,
    OUT_OF_RANGE,
    TOO_MANY_DECIMALS,
    WRONG_TYPE,
)
from policy_service.facts.dictionary import Fact
from policy_service.language import types
from policy_service.language.values import exact, parse_days, scaled

_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_WHOLE = Context(prec=60, Emax=40, Emin=-80, traps=[Inexact, InvalidOperation, Overflow])
"""A context that is exact for the usual numbers; it raises for all others, which are then looked at one by one."""
_MAX_ADJUSTED = 20


class BadValue(Exception):
    """A posted value is not one that the fact can have; the caller knows its place."""

    def __init__(self, code: Any, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


Convert = Callable[[Any], Any]


def converter(fact: Fact, day: date) -> Convert:
    """The function from posted JSON to the value of a fact, for days from `day` on. It raises BadValue."""
    match fact.type:
        case types.Number() as number:
            return _number(number)
        case types.Boolean():
            return _boolean
        case types.Date():
            return _date(fact.type)
        case types.Duration():
            return _duration(fact.type)
        case types.Enum() as kind:
            return _member(kind.at(day))
    return _id if fact.is_id else _text(fact.max_length)


def can_hold(fact: Fact, text: str) -> bool:
    """Whether a text can be posted for a fact that is an id or a text."""
    try:
        (_id if fact.is_id else _text(fact.max_length))(text)
    except BadValue:
        return False
    return True


def _number(kind: types.Number) -> Convert:
    scale, low, high, factor = kind.scale, kind.low, kind.high, 10**kind.scale
    shown_range, unit = f"from {exact(low, scale)} to {exact(high, scale)}", Decimal(factor)

    def unusual(value: Decimal) -> int:
        if not value.is_finite():
            raise BadValue(WRONG_TYPE, "a number is needed")
        if value.adjusted() > _MAX_ADJUSTED and value:
            raise BadValue(OUT_OF_RANGE, f"the number is not {shown_range}")
        moved = scaled(value, scale) if value else 0
        if moved is None:
            hint = "numbers are never rounded here: post the value at its scale"
            raise BadValue(TOO_MANY_DECIMALS, f"at most {scale} decimals are allowed", hint)
        return moved

    def convert(value: Any) -> int:
        if type(value) is int:
            found: int = value * factor
        elif type(value) is Decimal:
            try:
                found = int(_WHOLE.to_integral_exact(_WHOLE.multiply(value, unit)))
            except (ArithmeticError, ValueError):  # more decimals, too large or small for the context, or no number
                found = unusual(value)
        else:
            hint = "write it without quotes" if isinstance(value, str) else None
            raise BadValue(WRONG_TYPE, "a number is needed", hint)
        if low <= found <= high:
            return found
        raise BadValue(OUT_OF_RANGE, f"the number is not {shown_range}")

    return convert


def _boolean(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise BadValue(WRONG_TYPE, "true or false is needed")


def _date(kind: types.Date) -> Convert:
    low, high = kind.low, kind.high

    def convert(value: Any) -> int:
        if type(value) is not str:
            raise BadValue(WRONG_TYPE, "a date is needed", "a text: 2023-04-01")
        if len(value) != 10 or value[4] != "-" or value[7] != "-":
            raise BadValue(NOT_A_DATE, "a date is written YYYY-MM-DD")
        try:
            day = date.fromisoformat(value).toordinal()
        except ValueError:
            raise BadValue(NOT_A_DATE, "there is no such day") from None
        if low <= day <= high:
            return day
        raise BadValue(OUT_OF_RANGE, f"the day is not from {date.fromordinal(low)} to {date.fromordinal(high)}")

    return convert


def _duration(kind: types.Duration) -> Convert:
    def convert(value: Any) -> int:
        days = parse_days(value) if type(value) is str else None
        if days is None:
            raise BadValue(WRONG_TYPE, "a duration of days is needed", "a text: P30D")
        if kind.low <= days <= kind.high:
            return days
        raise BadValue(OUT_OF_RANGE, f"the duration is not from {kind.low} to {kind.high} days")

    return convert


def _member(members: tuple[str, ...]) -> Convert:
    known, hint = frozenset(members), f"one of {', '.join(members)}" if members else "none belongs on that day"

    def convert(value: Any) -> str:
        if type(value) is not str:
            raise BadValue(WRONG_TYPE, "a text is needed")
        if value not in known:
            raise BadValue(NOT_A_MEMBER, f"`{value[:64]}` is not one of the values", hint)
        return value

    return convert


def _id(value: Any) -> str:
    if type(value) is not str:
        raise BadValue(WRONG_TYPE, "an id is needed, a text")
    if not _ID.fullmatch(value):
        raise BadValue(BAD_ID, "an id is 1 to 64 of A-Z a-z 0-9 . _ : -")
    return value


def _text(most: int) -> Convert:
    def convert(value: Any) -> str:
        if type(value) is not str:
            raise BadValue(WRONG_TYPE, "a text is needed")
        if len(value) > most:
            raise BadValue(BAD_TEXT, f"the text is longer than {most} characters")
        if _UNFIT.search(value):
            raise BadValue(BAD_TEXT, "the text holds control signs or half of a character")
        return value

    return convert
