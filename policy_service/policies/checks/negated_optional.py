"""`!=` with a value, or `not(…)`, on an optional fact: it holds, or is unknown, when the fact is missing."""

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import NOT_EQUAL_OPTIONAL
from policy_service.language import ast
from policy_service.language.format import print_node
from policy_service.language.references import Fact
from policy_service.policies.model import Rules, Table


def check(rules: Rules, report: Report) -> None:
    for policy in rules.policies:
        optional = {read.name for read in policy.optional if isinstance(read, Fact)}
        for expression in policy.expressions():
            for node in ast.walk(expression.tree):
                if _negates(node):
                    _warn(node, _facts(node) & optional, report)
        for decision in policy.decisions.values():
            if isinstance(decision.body, Table):
                _check_cells(decision.body, optional, report)


def _check_cells(table: Table, optional: set[str], report: Report) -> None:
    for row in table.rows:
        for header, cell in zip(table.inputs, row.cells, strict=True):
            if _is_negated(cell.tree):
                _warn(cell.tree, _facts(header.tree) & optional, report)


def _is_negated(cell: ast.Cell) -> bool:
    """Whether the cell may hold on a null input; one that names null says what a missing fact means."""
    operators = {t.operator for t in cell.tests if isinstance(t, ast.ComparisonTest)}
    if any(isinstance(n, ast.NullLiteral) for n in ast.walk(cell)):
        return False
    if not cell.negated:
        return "!=" in operators
    return operators <= {"="} and not any(isinstance(t, ast.Range) for t in cell.tests)


def _negates(node: ast.Node) -> bool:
    match node:
        case ast.Comparison("!=", left, right):
            return ast.NullLiteral() not in (left, right)
        case ast.Call(ast.Name("not"), _):
            return True
    return False


def _warn(node: ast.Node, read: set[str], report: Report) -> None:
    if read:
        report.add(
            NOT_EQUAL_OPTIONAL,
            node.span,
            f"`{print_node(node)}` negates the optional `{min(read)}`",
            hint=f"say what a missing one means: `{min(read)} != null and …`",
        )


def _facts(node: ast.Node) -> set[str]:
    """Facts below a node, but for those that are only tested for presence."""
    if isinstance(node, ast.Comparison) and ast.NullLiteral() in (node.left, node.right):
        return set()
    if isinstance(node, ast.Path) and isinstance(node.base, ast.Name):
        return {f"{node.base.name}.{node.name}"}
    return {name for child in ast.children(node) for name in _facts(child)}
