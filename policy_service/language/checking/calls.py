"""Calls of builtins."""

from difflib import get_close_matches

from policy_service.diagnostics.catalogue import NAME_UNKNOWN, OUTSIDE_PROFILE

# The module, not its table: builtins type their arguments by the rules of this package, and may be imported first.
from policy_service.language import ast, builtins
from policy_service.language.checking.checker import Checker, Found
from policy_service.language.format import print_node


def call(checker: Checker, node: ast.Call) -> Found:
    name = node.function.name if isinstance(node.function, ast.Name) else ""
    builtin = builtins.BUILTINS.get(name)
    if builtin is None:
        close = get_close_matches(name, list(builtins.BUILTINS), 1)
        raise checker.fail(
            NAME_UNKNOWN,
            node.function.span,
            f"`{print_node(node.function)}` is not a builtin",
            f"did you mean `{close[0]}`?" if close else None,
        )
    if node.names:
        raise checker.fail(OUTSIDE_PROFILE, node.span, "rule files pass arguments by place", builtin.signature)
    return builtin.typing(builtins.BuiltinCall(checker, builtin, node.arguments, node.span))
