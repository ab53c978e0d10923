"""Literals: numbers, dates and durations."""

from datetime import date
from typing import Any

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import BAD_LITERAL
from policy_service.language import types
from policy_service.language.checking.checker import Checker
from policy_service.language.format import number_text
from policy_service.language.tokens import shortened
from policy_service.language.typed import Const, Node
from policy_service.language.types import Date, Duration, Months, Number
from policy_service.language.values import parse_date, parse_days, parse_months, scaled


def literal_number(checker: Checker, value: Any, span: Span) -> Node:
    exponent = value.normalize().as_tuple().exponent
    scale = max(0, -exponent) if value else 0
    number = scaled(value, scale)
    if scale > types.MAX_SCALE or number is None or abs(number) > types.MAX_VALUE:
        shown = shortened(number_text(value))
        raise checker.fail(
            BAD_LITERAL,
            span,
            f"`{shown}` has more than {types.MAX_SCALE} decimals or {types.MAX_DIGITS} digits",
        )
    return Const(Number(scale, number, number), number)


def literal_time(checker: Checker, text: str, span: Span) -> Node:
    if (day := parse_date(text)) is not None:
        return day_constant(day)
    if (days := parse_days(text)) is not None:
        return Const(Duration(days, days), days)
    if (months := parse_months(text)) is not None:
        return Const(Months(months, months), months)
    raise checker.fail(
        BAD_LITERAL,
        span,
        f"`{text}` is neither a date nor a duration",
        hint="dates are `2023-04-01`, durations `P30D` or `P2M`",
    )


def day_constant(day: date) -> Const:
    return Const(Date(day.toordinal(), day.toordinal()), day.toordinal())
