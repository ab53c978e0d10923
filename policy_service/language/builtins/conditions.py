"""The builtin on conditions: `not`."""

from policy_service.language.builtins.builtin import Builtin, BuiltinCall
from policy_service.language.checking.conditions import boolean
from policy_service.language.typed import BOOLEAN, Node, Not


def _not(call: BuiltinCall) -> Node:
    call.takes(1)
    return Not(BOOLEAN, boolean(call.checker, call.arguments[0]))


BUILTINS = (Builtin("not", "not(condition)", "the opposite; null stays null", _not, (Not,)),)
