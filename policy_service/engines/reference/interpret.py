"""What an expression means: a walk over its tree, on exact decimals, dates and FEEL's null.

Values: None, bool, str, Decimal (Fraction for a quotient that has no exact decimal), date, timedelta of
whole days, Months, list, dict. A relation is a list of records with their `row`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal, Inexact, Overflow
from fractions import Fraction
from math import ceil, floor
from typing import Any

from policy_service.language import ast
from policy_service.language.values import (
    add_months,
    conjunction,
    disjunction,
    months_between,
    negation,
    parse_date,
    parse_days,
    parse_months,
)

_CONTEXT = Context(prec=34, traps=[Inexact, Overflow])
_SCALES = range(-6111, 6177)


@dataclass(frozen=True, slots=True, order=True)
class Months:
    """A years and months duration."""

    count: int


class Scope:
    """Names in reach while an expression runs."""

    def __init__(self, names: Mapping[str, Any], find: Callable[[str], Any], decision: Callable[[str], Any]) -> None:
        self.names, self.find, self.decision = names, find, decision

    def within(self, row: Mapping[str, Any]) -> "Scope":
        """The scope of one row: its columns by name and through `this`."""
        return Scope({**self.names, **row, "this": dict(row)}, self.find, self.decision)


class _Unknown:
    """A name that stands for nothing yet: the first part of `section.fact`."""

    def __init__(self, name: str) -> None:
        self.name = name


def evaluate(node: ast.Node, scope: Scope) -> Any:
    """The value of an expression."""
    value = _value(node, scope)
    return value.name if isinstance(value, _Unknown) else value  # a bare member of an enumeration


def matches(cell: ast.Cell, value: Any, scope: Scope) -> bool | None:
    """Whether a cell's tests hold for a value: true, false or unknown."""
    if cell.is_any:
        return True
    found = disjunction(_test(test, value, scope) for test in cell.tests)
    return negation(found) if cell.negated else found


def _value(node: ast.Node, scope: Scope) -> Any:
    match node:
        case ast.NumberLiteral(value) | ast.StringLiteral(value) | ast.BooleanLiteral(value):
            return value
        case ast.NullLiteral():
            return None
        case ast.AtLiteral(text):
            return _time(text)
        case ast.Name(name):
            return scope.names[name] if name in scope.names else scope.find(name) or _Unknown(name)
        case ast.Path(base, name):
            return _part(_value(base, scope), name, scope)
        case ast.Negation(operand):
            value = evaluate(operand, scope)
            return None if value is None else _calculate("-", _zero(value), value)
        case ast.Arithmetic(operator, left, right):
            return _calculate(operator, evaluate(left, scope), evaluate(right, scope))
        case ast.Comparison(operator, left, right):
            return compare(operator, evaluate(left, scope), evaluate(right, scope))
        case ast.Conjunction(operands):
            return conjunction([evaluate(o, scope) for o in operands])
        case ast.Disjunction(operands):
            return disjunction([evaluate(o, scope) for o in operands])
        case ast.Between(operand, low, high):
            value = evaluate(operand, scope)
            return conjunction(
                (compare(">=", value, evaluate(low, scope)), compare("<=", value, evaluate(high, scope)))
            )
        case ast.In(operand, tests):
            value = evaluate(operand, scope)
            return disjunction([_test(t, value, scope) for t in tests])
        case ast.If(condition, then, otherwise):
            return evaluate(then if evaluate(condition, scope) is True else otherwise, scope)
        case ast.ListLiteral(items):
            return [evaluate(i, scope) for i in items]
        case ast.Filter(base, condition):
            return [row for row in evaluate(base, scope) if evaluate(condition, scope.within(row)) is True]
        case ast.Call(ast.Name(name), arguments, ()):
            return _call(name, arguments, scope)
    raise NotImplementedError(type(node).__name__)


def _part(base: Any, name: str, scope: Scope) -> Any:
    """`base.name`: a fact of a section, a column of rows, a field of a record, a part of a date."""
    match base:
        case _Unknown():
            return scope.find(f"{base.name}.{name}")
        case None:
            return None
        case list():
            return [None if item is None else item[name] for item in base]
        case dict():
            return base[name]
        case date():
            return Decimal(base.isoweekday() if name == "weekday" else getattr(base, name))
        case timedelta() if name == "days":
            return Decimal(base.days)
        case Months(count) if name in ("years", "months"):
            whole = abs(count) // 12 if name == "years" else abs(count) % 12
            return Decimal(-whole if count < 0 else whole)
    raise NotImplementedError(name)


def _test(test: ast.Node, value: Any, scope: Scope) -> bool | None:
    """One unary test with the value on its left."""
    match test:
        case ast.ComparisonTest(operator, operand):
            return compare(operator, value, evaluate(operand, scope))
        case ast.Range(low, high, low_closed, high_closed):
            first = compare(">=" if low_closed else ">", value, evaluate(low, scope))
            last = compare("<=" if high_closed else "<", value, evaluate(high, scope))
            return conjunction((first, last))
    wanted = evaluate(test, scope)
    if isinstance(wanted, list):
        return disjunction(compare("=", value, item) for item in wanted)
    return compare("=", value, wanted)


def compare(operator: str, left: Any, right: Any) -> bool | None:
    """FEEL's comparison: equality knows null, order does not."""
    if operator in ("=", "!="):
        same = left == right if left is not None and right is not None else left is right
        return same if operator == "=" else not same
    if left is None or right is None:
        return None
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator])


def _zero(value: Any) -> Any:
    return Months(0) if isinstance(value, Months) else timedelta(0) if isinstance(value, timedelta) else Decimal(0)


def _calculate(operator: str, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if isinstance(left, Decimal | Fraction) and isinstance(right, Decimal | Fraction):
        return _numbers(operator, left, right)
    sign = 1 if operator == "+" else -1
    match left, operator, right:
        case (date(), "-", date()):
            return timedelta(days=(left - right).days)
        case (date(), "+" | "-", timedelta()):
            return left + sign * right
        case (date(), "+" | "-", Months(count)):
            return add_months(left, sign * count)
        case (timedelta() | Months(), "+", date()):
            return _calculate(operator, right, left)
        case (Months(one), "+" | "-", Months(two)):
            return Months(one + sign * two)
        case (timedelta(), "+" | "-", timedelta()):
            return left + sign * right
        case (Decimal(), "*", timedelta() | Months()):
            return _calculate(operator, right, left)
        case (timedelta(), "*", Decimal()) if right == int(right):
            return timedelta(days=left.days * int(right))
        case (Months(count), "*", Decimal()) if right == int(right):
            return Months(count * int(right))
    raise NotImplementedError(operator)  # no tree that passed the check comes here


def _numbers(operator: str, left: Decimal | Fraction, right: Decimal | Fraction) -> Decimal | Fraction | None:
    if operator == "**":
        raise NotImplementedError(operator)  # the check refuses powers: L204
    if operator == "/":
        return None if right == 0 else Fraction(left) / Fraction(right)
    if isinstance(left, Fraction) or isinstance(right, Fraction):
        one, two = Fraction(left), Fraction(right)
        return one + two if operator == "+" else one - two if operator == "-" else one * two
    step = {"+": _CONTEXT.add, "-": _CONTEXT.subtract, "*": _CONTEXT.multiply}[operator]
    return step(left, right)


def _rounded(to_whole: Callable[[Fraction], int], value: Decimal | Fraction | None, scale: int) -> Decimal | None:
    """The value with so many decimals; null of null, and of a scale that no FEEL number has (DMN 1.5, 10.3.4.5)."""
    if value is None or scale not in _SCALES:
        return None
    return Decimal(to_whole(Fraction(value) * Fraction(10) ** scale)).scaleb(-scale, _CONTEXT)


def _by_size(to_whole: Callable[[Fraction], int]) -> Callable[[Fraction], int]:
    """A rounding that looks at the size of a number alone: the sign is put aside and given back."""
    return lambda number: -to_whole(-number) if number < 0 else to_whole(number)


_HALF = Fraction(1, 2)
_ROUNDINGS: Mapping[str, Callable[[Fraction], int]] = {
    "floor": floor,
    "ceiling": ceil,
    "round up": _by_size(ceil),
    "round down": _by_size(floor),
    "round half up": _by_size(lambda size: floor(size + _HALF)),
    "round half down": _by_size(lambda size: ceil(size - _HALF)),
    "round half even": round,
}


def _time(text: str) -> Any:
    if (day := parse_date(text)) is not None:
        return day
    if (days := parse_days(text)) is not None:
        return timedelta(days=days)
    if (months := parse_months(text)) is not None:
        return Months(months)
    raise NotImplementedError(text)  # times of day, which the check refuses: L103


def _call(name: str, arguments: tuple[ast.Node, ...], scope: Scope) -> Any:
    if name == "decision":
        return scope.decision(ast.dotted(arguments[0]) or "")
    values = [evaluate(a, scope) for a in arguments]
    if name in _ROUNDINGS:
        return _rounded(_ROUNDINGS[name], values[0], int(values[1]) if len(values) > 1 else 0)
    if name in _LISTS:
        if len(values) == 1 and values[0] is None:
            return None
        many = values[0] if len(values) == 1 and isinstance(values[0], list) else values
        return _LISTS[name](many)
    if name == "list contains":
        return None if values[0] is None else disjunction([compare("=", item, values[1]) for item in values[0]])
    if name == "steps":
        return _steps(*values)
    return None if None in values else _VALUES[name](*values)


def _steps(value: Any, starts: list[Any], values: list[Any]) -> Any:
    found = None
    for start, chosen in zip(starts, values, strict=True):
        if compare(">=", value, start) is True:
            found = chosen
    return found


def _total(items: list[Any]) -> Any:
    total = items[0]
    for item in items[1:]:
        total = _numbers("+", total, item)
    return total


def _unless_null(aggregate: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    """Null of an empty list, and of one with a null element."""
    return lambda items: None if not items or any(i is None for i in items) else aggregate(items)


_LISTS: Mapping[str, Callable[[list[Any]], Any]] = {
    "count": lambda items: Decimal(len(items)),
    "sum": _unless_null(_total),
    "min": _unless_null(min),
    "max": _unless_null(max),
    "mean": _unless_null(lambda items: Fraction(_total(items)) / len(items)),
    "all": conjunction,
    "any": disjunction,
}
_VALUES: Mapping[str, Callable[..., Any]] = {
    "not": negation,
    "abs": lambda n: Months(abs(n.count)) if isinstance(n, Months) else abs(n),
    "modulo": lambda n, by: None if by == 0 else n - by * floor(Fraction(n) / Fraction(by)),
    "contains": lambda text, part: part in text,
    "starts with": lambda text, part: text.startswith(part),
    "ends with": lambda text, part: text.endswith(part),
    "string length": lambda text: Decimal(len(text)),
    "date": lambda *parts: parse_date(parts[0]) if len(parts) == 1 else _day(*parts),
    "duration": _time,
    "years and months duration": lambda start, end: Months(months_between(start, end)),
}


def _day(year: Decimal, month: Decimal, day: Decimal) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except (ValueError, OverflowError):
        return None
