"""The names that an expression reads, as its tree has them."""

from collections.abc import Iterator

from policy_service.diagnostics import Span
from policy_service.language import ast


def decision_names(tree: ast.Node) -> Iterator[tuple[str, Span]]:
    """What stands inside `decision(…)` anywhere below."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.function == ast.Name("decision") and node.arguments:
            name = ast.dotted(node.arguments[0])
            if name:
                yield name, node.arguments[0].span


def value_names(tree: ast.Node) -> list[str]:
    """Names that stand for values: not those of builtins, nor those inside `decision(…)`."""
    if isinstance(tree, ast.Name):
        return [tree.name]
    if isinstance(tree, ast.Call) and isinstance(tree.function, ast.Name):
        inner = () if tree.function.name == "decision" else tree.arguments
    else:
        inner = ast.children(tree)
    return [name for child in inner for name in value_names(child)]


def prefixes(name: str) -> Iterator[str]:
    """The shorter beginnings of a dotted name: of `a.b.c`, `a` and `a.b`."""
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))
