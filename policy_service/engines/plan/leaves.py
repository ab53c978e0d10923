"""Leaves of conditions and rows: the comparisons and boolean operands that an answer lists as its reasons."""

from collections.abc import Iterator
from functools import cached_property

from policy_service.diagnostics import PolicyError, Report
from policy_service.engines.plan.formulas import Binding
from policy_service.engines.plan.terms import Condition, Formula, Leaf
from policy_service.language import ast, typed
from policy_service.language.checking import Parts, check_expression
from policy_service.language.format import print_node
from policy_service.policies import model
from policy_service.policies.model import Expression, Policy, RowOf

_TRUE = ast.ComparisonTest("=", ast.BooleanLiteral(True))


class Leaves:
    """Finds the leaves of the conditions of one policy file."""

    def __init__(self, policy: Policy, binding: Binding) -> None:
        self._policy, self._binding = policy, binding

    def condition(self, expression: Expression, row: RowOf | None = None) -> Condition:
        formula = self._binding.expression(expression)
        return Condition(formula, tuple(self.of(expression, row)), self._all_hold(expression.tree, row))

    def of(self, expression: Expression, row: RowOf | None) -> Iterator[Leaf]:
        """Comparisons and boolean operands in text order; a row's column stands for its cell."""
        yield from self._below(expression.tree, _Typed(expression), row)

    def of_cell(self, cell: model.CellTest, header: Expression, operand: Formula, holds: Formula) -> Leaf:
        """The leaf of an input cell.

        Args:
            operand, holds: the formulas of the header and of the cell.
        """
        asked = self._binding.substituted(cell.tree)
        return Leaf(header.tree, asked, header.text, print_node(asked), operand, holds, typed.references(cell.typed))

    def _below(self, tree: ast.Node, known: "_Typed", row: RowOf | None) -> Iterator[Leaf]:
        match tree:
            case ast.Conjunction(operands) | ast.Disjunction(operands):
                for operand in operands:
                    yield from self._below(operand, known, row)
            case ast.Call(ast.Name("not"), (operand,)):
                yield from self._below(operand, known, row)
            case ast.Comparison(operator, left, right):
                yield self._leaf(left, ast.ComparisonTest(operator, right), tree, known)
            case ast.Between(operand) | ast.In(operand):
                yield self._leaf(operand, tree, tree, known)
            case ast.BooleanLiteral():
                return
            case _ if (cell := self._cell(tree, row)) is not None:
                yield from self._below(cell.tree, _Typed(cell), row)
            case _:
                yield self._leaf(tree, _TRUE, tree, known)

    def _leaf(self, subject: ast.Node, asked: ast.Node, whole: ast.Node, known: "_Typed") -> Leaf:
        """A leaf.

        Args:
            asked: a test, or a `between` or `in` with its operand.
            whole: subject and test together.
        """
        found = self._binding.substituted(asked)
        one = self._binding.formula(subject, known.of(subject))
        two = one if subject is whole else self._binding.formula(whole, known.of(whole))
        reads = typed.references(known.of(whole))
        return Leaf(subject, found, print_node(subject), _text(found), one, two, reads)

    def _all_hold(self, tree: ast.Node, row: RowOf | None) -> bool:
        match tree:
            case ast.Conjunction(operands):
                return all(self._all_hold(o, row) for o in operands)
            case ast.Disjunction() | ast.Call(ast.Name("not"), _):
                return False
        cell = self._cell(tree, row)
        return cell is None or self._all_hold(cell.tree, row)

    def _cell(self, tree: ast.Node, row: RowOf | None) -> Expression | None:
        """The cell that a column's name stands for in a row."""
        match tree:
            case ast.Name(name) | ast.Path(ast.Name("this"), name) if row is not None:
                columns, cells = relation_row(self._policy, row)
                return next((cell for column, cell in zip(columns, cells, strict=True) if column.name == name), None)
        return None


class _Typed:
    """The typed parts of an expression, worked out when the first is asked for."""

    def __init__(self, expression: Expression) -> None:
        self._expression = expression

    def of(self, tree: ast.Node) -> typed.Node:
        return self._parts.of(tree)

    @cached_property
    def _parts(self) -> Parts:
        parts, report = Parts(), Report()
        if check_expression(self._expression.tree, self._expression.scope, report, parts=parts) is None:
            raise PolicyError(report)  # never: the expression was typed before
        return parts


def relation_row(policy: Policy, row: RowOf) -> tuple[tuple[model.Column, ...], tuple[Expression, ...]]:
    """Columns and cells of a relation's row."""
    body = policy.decisions[row.relation].body
    if not isinstance(body, model.RelationTable):
        raise TypeError(f"{row.relation} is not a relation")
    return body.columns, body.by_id[row.row].cells


def _text(asked: ast.Node) -> str:
    """The text of a test; of `between` and `in` what follows the operand."""
    if isinstance(asked, ast.Between):
        return print_node(ast.Between(ast.NullLiteral(), asked.low, asked.high)).removeprefix("null ")
    if isinstance(asked, ast.In):
        return print_node(ast.In(ast.NullLiteral(), asked.tests)).removeprefix("null ")
    return print_node(asked)
