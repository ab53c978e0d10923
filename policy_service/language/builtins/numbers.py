"""Builtins on numbers: `abs` and `modulo`."""

from policy_service.diagnostics.catalogue import TYPE_MISMATCH
from policy_service.language import types
from policy_service.language.builtins.builtin import Builtin, BuiltinCall
from policy_service.language.checking.numbers import bounded, in_range, rescaled, same_unit
from policy_service.language.operations import ABS, MODULO
from policy_service.language.typed import Node
from policy_service.language.types import Duration, Months, Number


def _abs(call: BuiltinCall) -> Node:
    call.takes(1)
    value = call.checker.value(call.arguments[0])
    if not isinstance(value.type, Number | Duration | Months):
        message = f"`abs` of a {types.kind(value.type)} has no meaning"
        raise call.checker.fail(TYPE_MISMATCH, call.span, message)
    return ABS.call(value)


def _modulo(call: BuiltinCall) -> Node:
    call.takes(2)
    one, two = (call.checker.value(a) for a in call.arguments)
    if not isinstance(one.type, Number) or not isinstance(two.type, Number):
        raise call.checker.fail(TYPE_MISMATCH, call.span, "two numbers are needed")
    same_unit(call.checker, one.type.unit, two.type.unit, call.span)
    scale = max(one.type.scale, two.type.scale)
    one, two = (bounded(call.checker, rescaled(n, scale), call.span) for n in (one, two))
    return in_range(call.checker, MODULO.call(one, two), call.span)


BUILTINS = (
    Builtin("abs", "abs(n)", "the size of a number without its sign", _abs, (ABS,)),
    Builtin(
        "modulo",
        "modulo(n, divisor)",
        "the rest of a division, with the sign of the divisor; null by zero",
        _modulo,
        (MODULO,),
    ),
)
