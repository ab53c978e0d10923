"""Why: the comparisons behind a condition or a row, as `because` lists them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from policy_service.engines.answer import BecauseLeaf
from policy_service.engines.reference.evaluation import Evaluation
from policy_service.engines.reference.interpret import Months, Scope, evaluate, matches
from policy_service.engines.reference.values import shown
from policy_service.language import ast, types
from policy_service.language.format import print_node
from policy_service.language.typed import references
from policy_service.language.values import days_text, months_text
from policy_service.policies.model import Expression, RelationTable, Row, RowOf, Table

Cells = Mapping[str, ast.Node]
"""Of a row of a relation, the trees of its cells by column."""


class Leaf(NamedTuple):
    """One comparison or boolean operand: what is tested, the test behind it, and the whole that holds or not."""

    tested: ast.Node
    test: ast.Node
    whole: ast.Node


def of_condition(evaluation: Evaluation, condition: Expression | None, row: RowOf | None) -> list[BecauseLeaf]:
    """The leaves of a `when`."""
    if condition is None:
        return []
    cells = _cells(evaluation, row) if row is not None else {}
    return _entries(evaluation, _leaves(condition.tree, cells), evaluation.scope(row))


def of_table_row(evaluation: Evaluation, table: Table, row: Row) -> list[BecauseLeaf]:
    """The cells of a row of a table, other than `-`."""
    scope = evaluation.scope()
    return [
        _entry(evaluation, header.tree, cell.tree, matches(cell.tree, evaluate(header.tree, scope), scope), scope)
        for header, cell in zip(table.inputs, row.cells, strict=True)
        if not cell.tree.is_any
    ]


def of_relation_row(evaluation: Evaluation, row: RowOf) -> list[BecauseLeaf]:
    """The leaves of a row's boolean cells, but of those that are constant."""
    body, cells = _relation(evaluation, row), _cells(evaluation, row)
    found: list[BecauseLeaf] = []
    for column, cell in zip(body.columns, body.by_id[row.row].cells, strict=True):
        if isinstance(column.type, types.Boolean) and references(cell.typed):
            found += _entries(evaluation, _leaves(cell.tree, cells), evaluation.scope(row))
    return found


def _relation(evaluation: Evaluation, row: RowOf) -> RelationTable:
    body = evaluation.policy.decisions[row.relation].body
    if not isinstance(body, RelationTable):
        raise TypeError(f"{row.relation} is no relation")
    return body


def _cells(evaluation: Evaluation, row: RowOf) -> Cells:
    body = _relation(evaluation, row)
    return {column.name: cell.tree for column, cell in zip(body.columns, body.by_id[row.row].cells, strict=True)}


def _leaves(tree: ast.Node, cells: Cells) -> Iterator[Leaf]:
    """In text order, without a short cut; a column's name stands for its cell."""
    match tree:
        case ast.Conjunction(operands) | ast.Disjunction(operands) | ast.Call(ast.Name("not"), operands):
            for operand in operands:
                yield from _leaves(operand, cells)
        case ast.Comparison(operator, left, right):
            yield Leaf(left, ast.ComparisonTest(operator, right), tree)
        case ast.Between(operand) | ast.In(operand):
            yield Leaf(operand, replace(tree, operand=ast.NullLiteral()), tree)
        case ast.BooleanLiteral():
            pass
        case ast.Name(name) | ast.Path(ast.Name("this"), name) if name in cells:
            yield from _leaves(cells[name], cells)
        case _:
            yield Leaf(tree, ast.ComparisonTest("=", ast.BooleanLiteral(True)), tree)


def _entries(evaluation: Evaluation, leaves: Iterator[Leaf], scope: Scope) -> list[BecauseLeaf]:
    return [_entry(evaluation, leaf.tested, leaf.test, evaluate(leaf.whole, scope), scope) for leaf in leaves]


def _entry(evaluation: Evaluation, tested: ast.Node, test: ast.Node, holds: Any, scope: Scope) -> BecauseLeaf:
    text = print_node(_with_values(test, evaluation.dated.parameters))
    return {
        "fact": print_node(tested),
        "value": shown(evaluate(tested, scope)),
        "test": text.removeprefix("null ") if isinstance(test, ast.Between | ast.In) else text,
        "holds": holds if isinstance(holds, bool) else None,
    }


def _with_values(tree: ast.Node, parameters: Mapping[str, Any]) -> ast.Node:
    """The tree with parameters replaced by their values."""
    match tree:
        case ast.Name(name):
            return _literal(parameters[name]) if name in parameters else tree
        case ast.Call(arguments=arguments):
            return replace(tree, arguments=tuple(_with_values(a, parameters) for a in arguments))
    changes: dict[str, Any] = {}
    for name in tree.__dataclass_fields__:
        part = getattr(tree, name)
        if isinstance(part, ast.Node):
            changes[name] = _with_values(part, parameters)
        elif isinstance(part, tuple) and all(isinstance(item, ast.Node) for item in part):
            changes[name] = tuple(_with_values(item, parameters) for item in part)
    return replace(tree, **changes)


def _literal(value: Any) -> ast.Node:
    """A value as rule files write it."""
    match value:
        case None:
            return ast.NullLiteral()
        case bool():
            return ast.BooleanLiteral(value)
        case Decimal():
            return ast.NumberLiteral(value)
        case date():
            return ast.Call(ast.Name("date"), (ast.StringLiteral(value.isoformat()),))
        case timedelta():
            return ast.Call(ast.Name("duration"), (ast.StringLiteral(days_text(value.days)),))
        case Months(count):
            return ast.Call(ast.Name("duration"), (ast.StringLiteral(months_text(count)),))
    return ast.StringLiteral(value)
