"""Builtins that round a number or a quotient to a constant scale."""

from collections.abc import Mapping
from functools import partial

from policy_service.diagnostics.catalogue import ARGUMENTS
from policy_service.language import types
from policy_service.language.builtins.builtin import Builtin, BuiltinCall
from policy_service.language.checking.quotients import rounded
from policy_service.language.typed import Const, Node, Round, RoundingMode
from policy_service.language.types import Number

ROUNDINGS: Mapping[str, RoundingMode] = {
    "round up": "up",
    "round down": "down",
    "round half up": "half_up",
    "round half down": "half_down",
    "round half even": "half_even",
    "floor": "floor",
    "ceiling": "ceiling",
}
"""The mode of `Round` by the name of the builtin."""


def _rounding(call: BuiltinCall, *, optional: bool) -> Node:
    call.takes(*((1, 2) if optional else (2,)))
    scale = _scale(call) if len(call.arguments) == 2 else 0
    return rounded(call.checker, ROUNDINGS[call.builtin.name], call.arguments[0], scale, call.span)


def _scale(call: BuiltinCall) -> int:
    found = call.checker.value(call.arguments[1])
    if isinstance(found, Const) and isinstance(found.type, Number) and found.type.scale == 0:
        scale: int = found.value
        if 0 <= scale <= types.MAX_SCALE:
            return scale
    message = f"the scale is a number from 0 to {types.MAX_SCALE}"
    raise call.checker.fail(ARGUMENTS, call.arguments[1].span, message)


_to_scale = partial(_rounding, optional=False)
_to_whole = partial(_rounding, optional=True)

BUILTINS = (
    Builtin(
        "floor", "floor(n) or floor(n, scale)", "the greatest number of that scale not above n", _to_whole, (Round,)
    ),
    Builtin(
        "ceiling", "ceiling(n) or ceiling(n, scale)", "the least number of that scale not below n", _to_whole, (Round,)
    ),
    Builtin("round up", "round up(n, scale)", "away from zero", _to_scale, (Round,)),
    Builtin("round down", "round down(n, scale)", "towards zero", _to_scale, (Round,)),
    Builtin("round half up", "round half up(n, scale)", "to the nearest, a tie away from zero", _to_scale, (Round,)),
    Builtin("round half down", "round half down(n, scale)", "to the nearest, a tie towards zero", _to_scale, (Round,)),
    Builtin(
        "round half even",
        "round half even(n, scale)",
        "to the nearest, a tie to the even neighbour",
        _to_scale,
        (Round,),
    ),
)
