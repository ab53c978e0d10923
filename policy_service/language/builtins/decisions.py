"""The builtin `decision(…)`: a decision of another policy."""

from policy_service.diagnostics.catalogue import NAME_UNKNOWN
from policy_service.language import ast
from policy_service.language.builtins.builtin import Builtin, BuiltinCall
from policy_service.language.checking.checker import Fault
from policy_service.language.checking.scope import FAULTY
from policy_service.language.typed import Load, Member, Node


def _decision(call: BuiltinCall) -> Node:
    name = ast.dotted(call.arguments[0]) if len(call.arguments) == 1 else None
    if name is None:
        raise call.wrong()
    found = call.checker.scope.decision(name)
    if found is FAULTY:
        raise Fault
    if found is None:
        message = f"`{name}` is no decision of another policy in reach"
        raise call.checker.fail(NAME_UNKNOWN, call.arguments[0].span, message)
    return found


BUILTINS = (
    Builtin(
        "decision",
        "decision(family.policy.name)",
        "another policy's decision; null when that is not applied",
        _decision,
        (Load, Member),
    ),
)
