"""`!=` with a value, or `not(…)`, on an optional fact: it holds, or is unknown, when the fact is missing."""

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import NOT_EQUAL_OPTIONAL
from policy_service.language import ast
from policy_service.language.format import print_node
from policy_service.policies.model import Policy, Rules


def check(rules: Rules, report: Report) -> None:
    for policy in rules.policies:
        for expression in policy.expressions():
            for node in ast.walk(expression.tree):
                _check(node, policy, report)


def _check(node: ast.Node, policy: Policy, report: Report) -> None:
    optional = {s.name for s in policy.optional}
    match node:
        case ast.Comparison("!=", left, right) if not ast.NullLiteral() in (left, right):
            read = _facts(node) & optional
        case ast.Call(ast.Name("not"), _):
            read = _facts(node) & optional
        case _:
            return
    if read:
        report.add(NOT_EQUAL_OPTIONAL, node.span, f"`{print_node(node)}` negates the optional `{min(read)}`",
                   hint=f"say what a missing one means: `{min(read)} != null and …`")


def _facts(node: ast.Node) -> set[str]:
    return {f"{n.base.name}.{n.name}" for n in ast.walk(node)
            if isinstance(n, ast.Path) and isinstance(n.base, ast.Name)}
