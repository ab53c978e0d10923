"""Builtins that make dates and durations."""

from policy_service.diagnostics.catalogue import BAD_LITERAL, TYPE_MISMATCH
from policy_service.language import ast
from policy_service.language.builtins.builtin import Builtin, BuiltinCall
from policy_service.language.checking.checker import Checker
from policy_service.language.checking.literals import day_constant, literal_time
from policy_service.language.operations import DATE, MONTHS_BETWEEN
from policy_service.language.typed import Const, Node
from policy_service.language.types import Date, Number
from policy_service.language.values import parse_date


def _date(call: BuiltinCall) -> Node:
    if len(call.arguments) == 1 and isinstance(call.arguments[0], ast.StringLiteral):
        return _date_written(call, call.arguments[0].value)
    call.takes(3)
    return DATE.call(*[_whole(call.checker, a) for a in call.arguments])


def _date_written(call: BuiltinCall, text: str) -> Node:
    day = parse_date(text)
    if day is None:
        raise call.checker.fail(BAD_LITERAL, call.span, f"there is no day `{text}`", "dates are `2023-04-01`")
    return day_constant(day)


def _whole(checker: Checker, argument: ast.Node) -> Node:
    found = checker.value(argument)
    if not isinstance(found.type, Number) or found.type.scale:
        raise checker.fail(TYPE_MISMATCH, argument.span, "a whole number is needed")
    return found


def _duration(call: BuiltinCall) -> Node:
    if len(call.arguments) != 1 or not isinstance(call.arguments[0], ast.StringLiteral):
        raise call.wrong()
    text = call.arguments[0].value
    found = literal_time(call.checker, text, call.span)
    if isinstance(found.type, Date):
        raise call.checker.fail(BAD_LITERAL, call.span, f"`{text}` is not a duration")
    return found


def _months_between(call: BuiltinCall) -> Node:
    call.takes(2)
    start, end = (call.checker.value(a) for a in call.arguments)
    if not (isinstance(start.type, Date) and isinstance(end.type, Date)):
        raise call.checker.fail(TYPE_MISMATCH, call.span, "two dates are needed")
    return MONTHS_BETWEEN.call(start, end)


BUILTINS = (
    Builtin(
        "date",
        'date("2023-04-01") or date(year, month, day)',
        "a date; null when there is no such day",
        _date,
        (Const, DATE),
    ),
    Builtin("duration", 'duration("P30D") or duration("P2M")', "a duration of days or of months", _duration, (Const,)),
    Builtin(
        "years and months duration",
        "years and months duration(from, to)",
        "whole months between two dates",
        _months_between,
        (MONTHS_BETWEEN,),
    ),
)
