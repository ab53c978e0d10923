"""Builtins on lists: aggregates, and whether a list holds a value."""

from dataclasses import replace
from functools import partial
from typing import cast

from policy_service.diagnostics.catalogue import ARGUMENTS, DIVISION_UNROUNDED, TYPE_MISMATCH
from policy_service.language import types
from policy_service.language.bounds import Quantity
from policy_service.language.builtins.builtin import Builtin, BuiltinCall
from policy_service.language.checking.checker import Ratio, Rows
from policy_service.language.checking.conditions import list_contains
from policy_service.language.checking.numbers import in_range, product
from policy_service.language.checking.quotients import ratio
from policy_service.language.checking.relations import all_rows, list_of, projected
from policy_service.language.operations import ALL, ANY, COUNT, LIST_CONTAINS, MAX, MIN, SUM, Operation
from policy_service.language.typed import Compare, Node, Or, Round
from policy_service.language.types import List, Null, Number, Relation


def _count(call: BuiltinCall) -> Node:
    return COUNT.call(_elements(call))


def _logical(call: BuiltinCall, *, operation: Operation) -> Node:
    elements = _elements(call)
    kind = cast(List, elements.type)
    if kind.most and not isinstance(kind.element, types.Boolean | Null):
        raise call.checker.fail(TYPE_MISMATCH, call.span, f"`{call.builtin.name}` is about conditions")
    return operation.call(elements)


def _extreme(call: BuiltinCall, *, operation: Operation) -> Node:
    elements = _elements(call)
    kind = cast(List, elements.type).element
    if not isinstance(kind, Quantity):
        message = f"`{call.builtin.name}` of a {types.kind(kind)} has no meaning"
        raise call.checker.fail(TYPE_MISMATCH, call.span, message)
    return operation.call(elements)


def _sum(call: BuiltinCall) -> Node:
    return in_range(call.checker, SUM.call(_numbers(call)), call.span)


def _mean(call: BuiltinCall) -> Ratio:
    written = _numbers(call)
    elements = call.checker.once(written) if call.checker.rounding else written
    total = replace(SUM.call(written), operands=(elements,))  # its bounds are those of what is written
    in_range(call.checker, total, call.span)
    if not call.checker.rounding:
        raise call.checker.fail(
            DIVISION_UNROUNDED,
            call.span,
            "an average has no exact decimal value",
            hint="name the scale: `round half up(mean(…), 2)`",
        )
    exact = ratio(call.checker, total, call.span)
    count = COUNT.call(elements)
    return Ratio(exact.numerator, product(call.checker, exact.denominator, count, call.span), exact.unit)


def _numbers(call: BuiltinCall) -> Node:
    elements = _elements(call)
    if not isinstance(cast(List, elements.type).element, Number):
        raise call.checker.fail(TYPE_MISMATCH, call.span, f"`{call.builtin.name}` is about numbers")
    return elements


def _elements(call: BuiltinCall) -> Node:
    """The list that a call is about: its only argument if that is a list, else a list of its arguments."""
    if not call.arguments:
        raise call.wrong()
    if len(call.arguments) > 1:
        return list_of(call.checker, [call.checker.value(a) for a in call.arguments], call.span)
    found = call.checker.any_value(call.arguments[0])
    if isinstance(found, Ratio):
        raise call.checker.fail(DIVISION_UNROUNDED, call.span, "a quotient is no list")
    is_count = call.builtin.name == COUNT.name
    if isinstance(found, Rows) or isinstance(found.type, Relation):
        if not is_count:
            message = f"`{call.builtin.name}` needs a column: `relation.column`"
            raise call.checker.fail(ARGUMENTS, call.span, message)
        return projected(call.checker, all_rows(found), "row", call.span)
    if isinstance(found.type, List):
        return found
    if is_count:
        raise call.wrong()  # of one value it would be 1, but null when the value is null
    return list_of(call.checker, [found], call.span)


def _list_contains(call: BuiltinCall) -> Node:
    call.takes(2)
    elements, value = (call.checker.value(a) for a in call.arguments)

    def found(named: Node) -> Node:
        if not isinstance(elements.type, List):
            raise call.wrong()
        return list_contains(call.checker, elements, named, call.span)

    return call.checker.reading(value, found)


BUILTINS = (
    Builtin(
        "min",
        "min(list) or min(a, b, …)",
        "the least; null of an empty list or with a null element",
        partial(_extreme, operation=MIN),
        (MIN,),
    ),
    Builtin(
        "max",
        "max(list) or max(a, b, …)",
        "the greatest; null of an empty list or with a null element",
        partial(_extreme, operation=MAX),
        (MAX,),
    ),
    Builtin("sum", "sum(list)", "the total; null of an empty list or with a null element", _sum, (SUM,)),
    Builtin("count", "count(list)", "how many elements", _count, (COUNT,)),
    Builtin(
        "mean", "mean(list)", "the average; stands inside a rounding that names its scale", _mean, (SUM, COUNT, Round)
    ),
    Builtin(
        "list contains",
        "list contains(list, element)",
        "whether the list holds the element",
        _list_contains,
        (LIST_CONTAINS, Compare, Or),
    ),
    Builtin(
        "all",
        "all(list)",
        "whether every element is true; true of an empty list",
        partial(_logical, operation=ALL),
        (ALL,),
    ),
    Builtin(
        "any",
        "any(list)",
        "whether one element is true; false of an empty list",
        partial(_logical, operation=ANY),
        (ANY,),
    ),
)
