"""The type checker: a tree and the declared names give a typed tree, or diagnostics.

Every node gets the bounds of its value.
"""

from policy_service.diagnostics import Report
from policy_service.language import ast, typed
from policy_service.language.checking.checker import MAX_PARTS, Checker, Fault, Parts
from policy_service.language.checking.conditions import any_test
from policy_service.language.checking.expressions import type_tree
from policy_service.language.checking.fit import fit
from policy_service.language.checking.scope import FAULTY, Scope, row_scope
from policy_service.language.typed import BOOLEAN, Node, Not
from policy_service.language.types import Type

__all__ = ["FAULTY", "MAX_PARTS", "Parts", "Scope", "check_cell", "check_expression", "row_scope"]


def check_expression(
    node: ast.Node, scope: Scope, report: Report, expected: Type | None = None, parts: Parts | None = None
) -> Node | None:
    """The typed tree of an expression, of the expected type when one is given; None with the fault reported.

    Args:
        parts: to be filled with the typed nodes of all parts of the expression.
    """
    checker = Checker(scope, report, type_tree, parts)
    try:
        found = checker.value(node, expected)
        return found if expected is None else fit(checker, found, expected, node.span)
    except Fault:
        return None


def check_cell(cell: ast.Cell, header: Node, scope: Scope, report: Report) -> Node | None:
    """The typed condition that the cell puts on the value of its header."""
    if not cell.tests:
        return Not(BOOLEAN, typed.TRUE) if cell.negated else typed.TRUE
    try:
        condition = any_test(Checker(scope, report, type_tree), header, cell.tests)
    except Fault:
        return None
    return Not(BOOLEAN, condition) if cell.negated else condition
