"""The builtin `steps`: the value beside the last start that is reached."""

from itertools import pairwise
from typing import cast

from policy_service.diagnostics.catalogue import ARGUMENTS
from policy_service.language import bounds
from policy_service.language.builtins.builtin import Builtin, BuiltinCall
from policy_service.language.checking.conditions import compared
from policy_service.language.operations import STEPS
from policy_service.language.typed import Compare, Const, Item, ListOf, Node
from policy_service.language.types import List


def _steps(call: BuiltinCall) -> Node:
    call.takes(3)
    value, starts, values = (call.checker.value(a) for a in call.arguments)
    starts, values = _lists(call, starts, values)
    tests = [cast(Compare, compared(call.checker, ">=", value, start.value, call.span)) for start in starts.items]
    kind = bounds.as_fine(cast(List, starts.type).element, tests[0].right.type)
    begun = ListOf(List(kind, len(tests)), tuple(Item(None, test.right) for test in tests))
    return STEPS.call(tests[0].left, begun, values)


def _lists(call: BuiltinCall, starts: Node, values: Node) -> tuple[ListOf, ListOf]:
    """The starts and the values; a fault unless they are lists of one length, the starts ascending."""
    if not (isinstance(starts, ListOf) and isinstance(values, ListOf)) or not 0 < len(starts.items) == len(
        values.items
    ):
        raise call.checker.fail(ARGUMENTS, call.span, "`starts` and `values` are lists of one length, not empty")
    if any(i.guard is not None for i in (*starts.items, *values.items)):
        raise call.checker.fail(ARGUMENTS, call.span, "`starts` and `values` of `steps` are not filtered")
    known = [i.value.value for i in starts.items if isinstance(i.value, Const)]
    if any(a is None or b is None or a >= b for a, b in pairwise(known)):
        raise call.checker.fail(ARGUMENTS, call.arguments[1].span, "the starts of `steps` ascend")
    return starts, values


BUILTINS = (
    Builtin(
        "steps",
        "steps(x, starts, values)",
        "the value beside the last start <= x; null below the first",
        _steps,
        (STEPS,),
    ),
)
