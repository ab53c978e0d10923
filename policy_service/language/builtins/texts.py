"""Builtins on texts."""

from functools import partial

from policy_service.diagnostics.catalogue import TYPE_MISMATCH
from policy_service.language.builtins.builtin import Builtin, BuiltinCall
from policy_service.language.operations import CONTAINS, ENDS_WITH, STARTS_WITH, STRING_LENGTH, Operation
from policy_service.language.typed import Node
from policy_service.language.types import Enum, Text


def _texts(call: BuiltinCall, *, operation: Operation, count: int) -> Node:
    call.takes(count)
    found = [call.checker.value(a) for a in call.arguments]
    if not all(isinstance(f.type, Text | Enum) for f in found):
        raise call.checker.fail(TYPE_MISMATCH, call.span, f"`{call.builtin.name}` is about texts")
    return operation.call(*found)


def _builtin(operation: Operation, signature: str, meaning: str, count: int = 2) -> Builtin:
    typing = partial(_texts, operation=operation, count=count)
    return Builtin(operation.name, signature, meaning, typing, (operation,))


BUILTINS = (
    _builtin(CONTAINS, "contains(text, part)", "whether the part stands in the text"),
    _builtin(STARTS_WITH, "starts with(text, part)", "whether the text begins with the part"),
    _builtin(ENDS_WITH, "ends with(text, part)", "whether the text ends with the part"),
    _builtin(STRING_LENGTH, "string length(text)", "how many characters", 1),
)
