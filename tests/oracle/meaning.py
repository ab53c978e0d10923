"""What an expression means: its value on a sheet, within the rows around it.

A sheet holds what is known of one subject under one policy: its facts, parameters and decisions. The rows are those of
relations under evaluation, the innermost first.
"""

from datetime import date
from typing import Any, Protocol

from tests.oracle import syntax
from tests.oracle.functions import FUNCTIONS, PARTS
from tests.oracle.syntax import Node
from tests.oracle.values import (
    Value,
    added,
    both,
    compared,
    divided,
    either,
    moment_of,
    multiplied,
    negated,
    opposite,
    subtracted,
    within,
)


class Row(Protocol):
    """A row of a relation: its columns, `row` among them."""

    def __contains__(self, column: str) -> bool: ...
    def value(self, column: str) -> Value: ...


Rows = tuple[Row, ...]


class Sheet(Protocol):
    as_of: date

    def fact(self, section: str, fact: str) -> Value: ...
    def is_section(self, name: str) -> bool: ...
    def named(self, name: str) -> Value: ...
    def other(self, policy: str, decision: str) -> Value: ...
    def campaign_day(self, name: str) -> date | None: ...


_ARITHMETIC = {"+": added, "-": subtracted, "*": multiplied, "/": divided}


def value_of(node: Node, sheet: Sheet, rows: Rows = ()) -> Value:
    """The value of an expression."""
    return _EVALUATORS[type(node)](node, sheet, rows)


def condition_value(value: Value, cell: syntax.Tests, sheet: Sheet, rows: Rows = ()) -> bool | None:
    """Whether a value passes the tests of a cell; null where that is not known."""
    if not cell.items:
        return True
    passed = either([_passes(value, test, sheet, rows) for test in cell.items])
    return opposite(passed) if cell.negated else passed


def _passes(value: Value, test: syntax.Test, sheet: Sheet, rows: Rows) -> bool | None:
    if isinstance(test, syntax.Ordered):
        return compared(test.op, value, value_of(test.node, sheet, rows))
    if isinstance(test, syntax.Range):
        return within(value, value_of(test.low, sheet, rows), value_of(test.high, sheet, rows), test.closed)
    wanted = value_of(test.node, sheet, rows)
    return value in wanted if isinstance(wanted, list) else compared("=", value, wanted)


def _literal(node: syntax.Literal, sheet: Sheet, rows: Rows) -> Value:
    return node.value


def _moment(node: syntax.Moment, sheet: Sheet, rows: Rows) -> Value:
    return moment_of(node.text)


def _name(node: syntax.Name, sheet: Sheet, rows: Rows) -> Value:
    for row in rows:
        if node.text in row:
            return row.value(node.text)
    return sheet.as_of if node.text == "as_of" else sheet.named(node.text)


def _part(node: syntax.Part, sheet: Sheet, rows: Rows) -> Value:
    if isinstance(node.base, syntax.Name):
        name = node.base.text
        if name == "this":
            return rows[0].value(node.name)
        if name == "campaign":
            return sheet.campaign_day(node.name)
        if sheet.is_section(name):
            return sheet.fact(name, node.name)
    return part_of(value_of(node.base, sheet, rows), node.name)


def part_of(value: Value, name: str) -> Value:
    """A column of rows or of a record, or a part of a day or duration."""
    if isinstance(value, list):
        return [part_of(each, name) for each in value]
    if value is None:
        return None
    if isinstance(value, dict):
        return value[name]
    return value.value(name) if hasattr(value, "value") else PARTS[name](value)


def _filter(node: syntax.Filter, sheet: Sheet, rows: Rows) -> Value:
    kept: Any = value_of(node.base, sheet, rows)
    return (
        None
        if kept is None
        else [row for row in kept if value_of(node.condition, sheet, (_as_row(row), *rows)) is True]
    )


def _as_row(element: Any) -> Row:
    return element if hasattr(element, "value") else _Record(element)


class _Record(dict[str, Value]):
    """A record of a list, taken as a row."""

    def value(self, column: str) -> Value:
        return self[column]


def _if(node: syntax.If, sheet: Sheet, rows: Rows) -> Value:
    chosen = node.then if value_of(node.condition, sheet, rows) is True else node.otherwise
    return value_of(chosen, sheet, rows)


def _logic(node: syntax.Logic, sheet: Sheet, rows: Rows) -> bool | None:
    values = [value_of(each, sheet, rows) for each in node.operands]
    return both(values) if node.op == "and" else either(values)


def _between(node: syntax.Between, sheet: Sheet, rows: Rows) -> bool | None:
    return within(*(value_of(each, sheet, rows) for each in (node.operand, node.low, node.high)))


def _other(node: syntax.Other, sheet: Sheet, rows: Rows) -> Value:
    value = sheet.other(node.policy, node.decision)
    return value if node.column is None else part_of(value, node.column)


def _call(node: syntax.Call, sheet: Sheet, rows: Rows) -> Value:
    return FUNCTIONS[node.name](*(value_of(each, sheet, rows) for each in node.arguments))


def _arithmetic(node: syntax.Arithmetic, sheet: Sheet, rows: Rows) -> Value:
    return _ARITHMETIC[node.op](value_of(node.left, sheet, rows), value_of(node.right, sheet, rows))


_EVALUATORS: dict[type, Any] = {
    syntax.Literal: _literal,
    syntax.Moment: _moment,
    syntax.Name: _name,
    syntax.Part: _part,
    syntax.Filter: _filter,
    syntax.If: _if,
    syntax.Logic: _logic,
    syntax.Between: _between,
    syntax.Other: _other,
    syntax.Call: _call,
    syntax.Arithmetic: _arithmetic,
    syntax.Minus: lambda node, sheet, rows: negated(value_of(node.operand, sheet, rows)),
    syntax.Elements: lambda node, sheet, rows: [value_of(each, sheet, rows) for each in node.items],
    syntax.Compare: lambda node, sheet, rows: compared(
        node.op, value_of(node.left, sheet, rows), value_of(node.right, sheet, rows)
    ),
    syntax.In: lambda node, sheet, rows: condition_value(value_of(node.operand, sheet, rows), node.tests, sheet, rows),
}
