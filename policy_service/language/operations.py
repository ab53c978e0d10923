"""The closed set of core operations on values, each with its null rule, the bounds of its result and its totality.

They are what a `Call` may name. The other typed nodes are operations of one form each: `nullness` has their rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import cast

from policy_service.language import bounds
from policy_service.language.bounds import Quantity
from policy_service.language.typed import BOOLEAN, Call, ListOf, Node, OperationName
from policy_service.language.types import FIRST_DAY, LAST_DAY, Date, Duration, List, Months, Number, Type


class Nulls(Enum):
    """What an operation makes of null operands."""

    STRICT = "null when an operand is null"
    NEVER = "never null"
    OWN = "by a rule of its own"


@dataclass(frozen=True, slots=True)
class Operation:
    """One core operation.

    result: the type of its value, with bounds, from its operands.
    nulls: what it makes of a null operand.
    elements: what it makes of a null element of a list; None where it takes no list.
    total: whether a call is not null when none of its operands is, and no element of a list among them. False also
        where that is not easily seen.
    """

    name: OperationName
    result: Callable[..., Type]
    nulls: Nulls = Nulls.STRICT
    elements: Nulls | None = None
    total: Callable[[Call], bool] = lambda _call: True

    def call(self, *operands: Node) -> Call:
        return Call(self.result(*operands), self.name, operands)


def _of(kind: Type) -> Callable[..., Type]:
    return lambda *_operands: kind


def _never(_call: Call) -> bool:
    return False


# ---- numbers


def _absolute(value: Node) -> Type:
    low, high = bounds.absolute(cast(Number, value.type))
    return replace(cast(Number, value.type), low=low, high=high)


def _rest(value: Node, divisor: Node) -> Type:
    size = bounds.size(cast(Number, divisor.type))
    return replace(cast(Number, value.type), low=-size, high=size)


ABS = Operation("abs", _absolute)
MODULO = Operation("modulo", _rest, total=lambda call: bounds.excludes_zero(call.operands[1].type))

# ---- dates and durations


def _days(duration: Node) -> Type:
    kind = cast(Duration, duration.type)
    return Number(0, kind.low, kind.high, "day")


def _years(months: Node) -> Type:
    years = bounds.size(cast(Months, months.type)) // 12
    return Number(0, -years, years)


def _added(day: Node, months: Node) -> tuple[int | None, int | None]:
    return bounds.added_months(cast(Date, day.type), cast(Months, months.type))


def _later(day: Node, months: Node) -> Type:
    first, last = _added(day, months)
    return Date(first or FIRST_DAY, last or LAST_DAY)


YEAR = Operation("year", _of(Number(0, 1, 9999)))
MONTH = Operation("month", _of(Number(0, 1, 12)))
DAY = Operation("day", _of(Number(0, 1, 31)))
WEEKDAY = Operation("weekday", _of(Number(0, 1, 7)))
DAYS = Operation("days", _days)
YEARS = Operation("years", _years)
MONTHS = Operation("months", _of(Number(0, -11, 11)))
ADD_MONTHS = Operation("add months", _later, total=lambda call: None not in _added(*call.operands))
DATE = Operation("date", lambda *parts: bounds.date_of(*(p.type for p in parts)), total=_never)
MONTHS_BETWEEN = Operation("years and months duration", lambda a, b: bounds.months_apart(a.type, b.type))

# ---- texts

CONTAINS = Operation("contains", _of(BOOLEAN))
STARTS_WITH = Operation("starts with", _of(BOOLEAN))
ENDS_WITH = Operation("ends with", _of(BOOLEAN))
STRING_LENGTH = Operation("string length", _of(Number(0, 0, 1_000_000)))

# ---- lists


def _count(elements: Node) -> Type:
    return Number(0, 0, cast(List, elements.type).most)


def _total(elements: Node) -> Type:
    kind = cast(List, elements.type)
    number = cast(Number, kind.element)
    low, high = bounds.total(elements, number, kind.most)
    return replace(number, low=low, high=high)


def _extreme(of: Callable[[Node, Quantity], tuple[int, int]]) -> Callable[[Node], Type]:
    def result(elements: Node) -> Type:
        kind = cast(Quantity, cast(List, elements.type).element)
        low, high = of(elements, kind)
        return replace(kind, low=low, high=high)

    return result


def _has_elements(call: Call) -> bool:
    """Whether the list is written out and cannot be empty: of an empty list there is no sum and no extreme."""
    elements = call.operands[0]
    return isinstance(elements, ListOf) and len(elements.items) > 0 and all(i.guard is None for i in elements.items)


COUNT = Operation("count", _count, elements=Nulls.NEVER)
SUM = Operation("sum", _total, elements=Nulls.STRICT, total=_has_elements)
MIN = Operation("min", _extreme(bounds.least), elements=Nulls.STRICT, total=_has_elements)
MAX = Operation("max", _extreme(bounds.greatest), elements=Nulls.STRICT, total=_has_elements)
ALL = Operation("all", _of(BOOLEAN), elements=Nulls.OWN)
"""Kleene's and over the elements."""
ANY = Operation("any", _of(BOOLEAN), elements=Nulls.OWN)
"""Kleene's or over the elements."""
LIST_CONTAINS = Operation("list contains", _of(BOOLEAN), Nulls.OWN, elements=Nulls.NEVER)
"""Null of a null list; a null element is found like any other."""

# ---- steps

STEPS = Operation("steps", lambda _value, _starts, values: values.type.element, Nulls.OWN, Nulls.OWN, total=_never)
"""Null below the first start; a null start begins nothing, and the value beside a start may be null."""

OPERATIONS: Mapping[OperationName, Operation] = {
    operation.name: operation
    for operation in (
        *(ABS, MODULO),
        *(YEAR, MONTH, DAY, WEEKDAY, DAYS, YEARS, MONTHS, ADD_MONTHS, DATE, MONTHS_BETWEEN),
        *(CONTAINS, STARTS_WITH, ENDS_WITH, STRING_LENGTH),
        *(COUNT, SUM, MIN, MAX, ALL, ANY, LIST_CONTAINS),
        STEPS,
    )
}
