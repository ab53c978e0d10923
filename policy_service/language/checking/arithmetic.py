"""Sums, differences and products of numbers, dates and durations."""

from typing import cast

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import NUMBER_RANGE, OUTSIDE_PROFILE, TYPE_MISMATCH
from policy_service.language import bounds, typed, types
from policy_service.language.checking.checker import Checker, Ratio
from policy_service.language.checking.numbers import calculated
from policy_service.language.checking.quotients import quotient, ratio
from policy_service.language.operations import ADD_MONTHS
from policy_service.language.typed import Arithmetic, Const, Node
from policy_service.language.types import Date, Duration, Months, Null, Number


def arithmetic(checker: Checker, operator: str, left: Node | Ratio, right: Node | Ratio, span: Span) -> Node | Ratio:
    if operator == "**":
        raise checker.fail(OUTSIDE_PROFILE, span, "powers are FEEL that rule files do not use")
    if operator == "/" or isinstance(left, Ratio) or isinstance(right, Ratio):
        return quotient(checker, operator, ratio(checker, left, span), ratio(checker, right, span), span)
    match left.type, right.type:
        case Number(), Number():
            return calculated(checker, operator, left, right, span)
        case (Null(), other) | (other, Null()):
            # Always null, and yet a fact is read: the answer says whether it was there.
            return Arithmetic(other, "+", left, right)
        case (Date(), _) | (_, Date()):
            return _dates(checker, operator, left, right, span)
    return _durations(checker, operator, left, right, span)


def negated(checker: Checker, operand: Node | Ratio, span: Span) -> Node | Ratio:
    """`-x`, as zero of its kind minus x."""
    nothing: Node = Const(Number(0, 0, 0), 0)
    match operand.type if not isinstance(operand, Ratio) else None:
        case Null():
            return typed.NULL
        case Duration() | Months() as kind:
            nothing = Const(type(kind)(0, 0), 0)
        case Number() | None:
            pass
        case kind:
            raise checker.fail(TYPE_MISMATCH, span, f"`-` of a {types.kind(kind)} has no meaning")
    return arithmetic(checker, "-", nothing, operand, span)


def _dates(checker: Checker, operator: str, left: Node, right: Node, span: Span) -> Node:
    match left.type, right.type:
        case (Date() as one, Date() as two) if operator == "-":
            return Arithmetic(Duration(*bounds.minus(one, two)), "-", left, right)
        case (Date() as one, Duration() as two) if operator == "+":
            return typed.folded(Arithmetic(_in_calendar(checker, bounds.plus(one, two), span), "+", left, right))
        case (Date() as one, Duration() as two) if operator == "-":
            return typed.folded(Arithmetic(_in_calendar(checker, bounds.minus(one, two), span), "-", left, right))
        case (Duration() | Months(), Date()) if operator == "+":
            return _dates(checker, "+", right, left, span)
        case (Date() as day, Months() as months) if operator == "+":
            _in_calendar(checker, bounds.added_months(day, months), span)
            return ADD_MONTHS.call(left, right)
        case (Date(), Months()) if operator == "-":
            return _dates(checker, "+", left, cast(Node, negated(checker, right, span)), span)
    raise checker.fail(
        TYPE_MISMATCH, span, f"a {types.kind(left.type)} {operator} a {types.kind(right.type)} has no meaning"
    )


def _in_calendar(checker: Checker, ends: tuple[int | None, int | None], span: Span) -> Date:
    """The date type from one day to another; a fault where one of them is outside of the calendar, or None."""
    low, high = ends
    if low is None or high is None or low < types.FIRST_DAY or high > types.LAST_DAY:
        raise checker.fail(
            NUMBER_RANGE,
            span,
            "the date may leave the calendar (years 1 to 9999)",
            hint="give the fact a narrower range",
        )
    return Date(low, high)


def _durations(checker: Checker, operator: str, left: Node, right: Node, span: Span) -> Node:
    match left.type, right.type:
        case (Duration() as one, Duration() as two) | (Months() as one, Months() as two) if operator == "+":
            return _in_length(checker, Arithmetic(type(one)(*bounds.plus(one, two)), "+", left, right), span)
        case (Duration() as one, Duration() as two) | (Months() as one, Months() as two) if operator == "-":
            return _in_length(checker, Arithmetic(type(one)(*bounds.minus(one, two)), "-", left, right), span)
        case (Duration() | Months() as one, Number(scale=0) as factor) if operator == "*":
            return _in_length(checker, Arithmetic(type(one)(*bounds.times(one, factor)), "*", left, right), span)
        case (Number(), Duration() | Months()) if operator == "*":
            return _durations(checker, "*", right, left, span)
        case (Duration() | Months(), Number()) if operator == "*":
            raise checker.fail(
                TYPE_MISMATCH,
                span,
                "durations are whole days or months",
                hint='round the factor first: `round up(…, 0) * duration("P1D")`',
            )
    raise checker.fail(
        TYPE_MISMATCH, span, f"a {types.kind(left.type)} {operator} a {types.kind(right.type)} has no meaning"
    )


def _in_length(checker: Checker, node: Arithmetic, span: Span) -> Node:
    """The duration; a fault where it may have more days or months than every engine can hold."""
    if bounds.size(cast(Duration | Months, node.type)) > types.MAX_LENGTH:
        raise checker.fail(NUMBER_RANGE, span, "the duration may become too long", hint="narrow the range of the facts")
    return typed.folded(node)
