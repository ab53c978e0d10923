"""Typed trees to closures over slots; every number is a scaled integer.

A closure takes the slot list of one view and gives the value, None for null.
"""

from collections.abc import Callable, Mapping
from datetime import date
from operator import itemgetter
from typing import Any

from policy_service.language import typed, types
from policy_service.language.nullness import null_rule
from policy_service.language.operations import Nulls
from policy_service.language.operators import ARITHMETIC, COMPARE
from policy_service.language.references import Reference
from policy_service.language.typed import Node
from policy_service.language.values import (
    Conversion,
    add_months,
    conjunction,
    conversion,
    disjunction,
    months_between,
    round_quotient,
)

Slots = list[Any]
Closure = Callable[[Slots], Any]


def closure(node: Node, place: Callable[[Reference], int]) -> Closure:
    """The closure of a typed tree.

    Args:
        place: the slot of what a reference stands for.
    """
    match node:
        case typed.Const(value=value):
            return lambda _slots: value
        case typed.Load(reference=reference):
            return itemgetter(place(reference))
        case typed.Convert(type=kind, operand=operand):
            return _convert(closure(operand, place), conversion(operand.type, kind))
        case typed.Arithmetic(operator=operator, left=left, right=right):
            return _strict(ARITHMETIC[operator], closure(left, place), closure(right, place))
        case typed.Round(mode=mode, numerator=numerator, denominator=denominator):
            return _round(mode, closure(numerator, place), closure(denominator, place))
        case typed.Compare():
            return _compare(node, place)
        case typed.And(operands=operands):
            return _all([closure(o, place) for o in operands])
        case typed.Or(operands=operands):
            return _any([closure(o, place) for o in operands])
        case typed.Not(operand=operand):
            return _not(closure(operand, place))
        case typed.If(condition=condition, then=then, otherwise=otherwise):
            return _if(closure(condition, place), closure(then, place), closure(otherwise, place))
        case typed.Let(reference=local, value=value, body=body):
            return _let(place(local), closure(value, place), closure(body, place))
        case typed.ListOf(items=items):
            return _list(
                [(None if i.guard is None else closure(i.guard, place), closure(i.value, place)) for i in items]
            )
        case typed.Member(type=kind, operand=operand, name=name):
            return _member(
                closure(operand, place), name, isinstance(kind, types.List) and isinstance(operand.type, types.List)
            )
        case typed.Call(name=name, operands=operands):
            return _call(name, [closure(o, place) for o in operands])
    raise TypeError(type(node).__name__)


def _convert(operand: Closure, change: Conversion | None) -> Closure:
    if change is None:
        return operand

    def run(slots: Slots) -> Any:
        value = operand(slots)
        return None if value is None else change(value)

    return run


def _strict(function: Callable[[Any, Any], Any], left: Closure, right: Closure) -> Closure:
    """Null when an operand is null."""

    def run(slots: Slots) -> Any:
        one = left(slots)
        if one is None:
            return None
        two = right(slots)
        return None if two is None else function(one, two)

    return run


def _round(mode: str, numerator: Closure, denominator: Closure) -> Closure:
    def run(slots: Slots) -> Any:
        one, two = numerator(slots), denominator(slots)
        return None if one is None or two is None else round_quotient(one, two, mode)

    return run


def _compare(node: typed.Compare, place: Callable[[Reference], int]) -> Closure:
    left, right = closure(node.left, place), closure(node.right, place)
    holds = COMPARE[node.operator]
    if null_rule(node) is Nulls.NEVER:
        return lambda slots: holds(left(slots), right(slots))
    if isinstance(node.right, typed.Const) and node.right.value is not None:
        return _order_constant(holds, left, node.right.value)
    return _strict(holds, left, right)


def _order_constant(order: Callable[[Any, Any], bool], left: Closure, constant: Any) -> Closure:
    def run(slots: Slots) -> Any:
        value = left(slots)
        return None if value is None else order(value, constant)

    return run


def _all(operands: list[Closure]) -> Closure:
    def run(slots: Slots) -> Any:
        unknown = False
        for operand in operands:
            value = operand(slots)
            if value is False:
                return False
            if value is None:
                unknown = True
        return None if unknown else True

    return run


def _any(operands: list[Closure]) -> Closure:
    def run(slots: Slots) -> Any:
        unknown = False
        for operand in operands:
            value = operand(slots)
            if value is True:
                return True
            if value is None:
                unknown = True
        return None if unknown else False

    return run


def _not(operand: Closure) -> Closure:
    def run(slots: Slots) -> Any:
        value = operand(slots)
        return None if value is None else not value

    return run


def _if(condition: Closure, then: Closure, otherwise: Closure) -> Closure:
    return lambda slots: then(slots) if condition(slots) is True else otherwise(slots)


def _let(at: int, value: Closure, body: Closure) -> Closure:
    def run(slots: Slots) -> Any:
        slots[at] = value(slots)
        return body(slots)

    return run


def _list(items: list[tuple[Closure | None, Closure]]) -> Closure:
    return lambda slots: [value(slots) for guard, value in items if guard is None or guard(slots) is True]


def _member(operand: Closure, name: str, of_list: bool) -> Closure:
    def run(slots: Slots) -> Any:
        value = operand(slots)
        if value is None:
            return None
        if of_list:
            return [None if item is None else item[name] for item in value]
        return value[name]

    return run


# ---- builtins


def _call(name: str, operands: list[Closure]) -> Closure:
    if name in _LISTS:
        aggregate, elements = _LISTS[name], operands[0]
        return lambda slots: aggregate(elements(slots))
    if name == "list contains":
        elements, wanted = operands
        return lambda slots: _contains(elements(slots), wanted(slots))
    if name == "steps":
        return _steps(*operands)
    function = _VALUES[name]

    def run(slots: Slots) -> Any:
        values = [operand(slots) for operand in operands]
        return None if None in values else function(*values)

    return run


def _steps(value: Closure, starts: Closure, values: Closure) -> Closure:
    def run(slots: Slots) -> Any:
        given, found = value(slots), None
        if given is not None:
            for start, chosen in zip(starts(slots), values(slots), strict=True):
                if start is not None and start <= given:
                    found = chosen
        return found

    return run


def _contains(elements: list[Any] | None, wanted: Any) -> bool | None:
    return None if elements is None else wanted in elements


def _aggregate(function: Callable[[list[Any]], Any]) -> Callable[[list[Any] | None], Any]:
    """Null of null, of an empty list and of a list with a null element."""
    return lambda items: None if not items or None in items else function(items)


_LISTS: Mapping[str, Callable[[Any], Any]] = {
    "count": lambda items: None if items is None else len(items),
    "sum": _aggregate(sum),
    "min": _aggregate(min),
    "max": _aggregate(max),
    "all": lambda items: None if items is None else conjunction(items),
    "any": lambda items: None if items is None else disjunction(items),
}


def _months_sign(value: int, part: int) -> int:
    return -part if value < 0 else part


def _add_months(day: int, months: int) -> int | None:
    found = add_months(date.fromordinal(day), months)
    return found.toordinal() if found is not None else None


def _date(year: int, month: int, day: int) -> int | None:
    try:
        return date(year, month, day).toordinal()
    except (ValueError, OverflowError):
        return None


_VALUES: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "modulo": lambda n, by: n % by if by else None,
    "year": lambda day: date.fromordinal(day).year,
    "month": lambda day: date.fromordinal(day).month,
    "day": lambda day: date.fromordinal(day).day,
    "weekday": lambda day: date.fromordinal(day).isoweekday(),
    "days": lambda days: days,
    "years": lambda months: _months_sign(months, abs(months) // 12),
    "months": lambda months: _months_sign(months, abs(months) % 12),
    "add months": _add_months,
    "date": _date,
    "years and months duration": lambda start, end: months_between(date.fromordinal(start), date.fromordinal(end)),
    "contains": lambda text, part: part in text,
    "starts with": lambda text, part: text.startswith(part),
    "ends with": lambda text, part: text.endswith(part),
    "string length": len,
}
