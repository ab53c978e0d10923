"""The pairs that stand in a bundle: its trees read again, each operand with its type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from policy_service.diagnostics import Report
from policy_service.language import ast, types
from policy_service.language.checking import Scope, check_expression, row_scope
from policy_service.policies import model
from policy_service.policies.bundle import Bundle
from tests.differential.pairs import Pair

_ROUNDED = {"floor": "floor to 1", "ceiling": "ceiling to 1"}
_EXTREMES = ("min", "max")
_ENDS = {(True, True): "cell [..]", (False, False): "cell (..)"}


def pairs(bundle: Bundle) -> Counter[Pair]:
    """How often each pair stands in the policies of a bundle."""
    return Counter(pair for policy in bundle.rules.policies for pair in _policy(policy))


def _policy(policy: model.Policy) -> Iterator[Pair]:
    for expression in policy.expressions():
        yield from _tree(expression.tree, expression.scope)
    for decision in policy.decisions.values():
        if isinstance(decision.body, model.Table):
            for row in decision.body.rows:
                for cell, header in zip(row.cells, decision.body.inputs, strict=True):
                    yield from _cell(cell.tree, header)


def _tree(node: ast.Node, scope: Scope) -> Iterator[Pair]:
    inner = scope
    if isinstance(node, ast.Filter):
        inner = _within(node.base, scope)
        yield from _tree(node.base, scope)
        yield from _tree(node.condition, inner)
        return
    if isinstance(node, ast.Call) and node.function == ast.Name("decision"):
        return
    yield from _pair(node, scope)
    for child in ast.children(node):
        yield from _tree(child, scope)


def _pair(node: ast.Node, scope: Scope) -> Iterator[Pair]:
    def of(form: str, *operands: ast.Node) -> Pair:
        return Pair(form, tuple(kind(operand, scope) for operand in operands))

    match node:
        case ast.Negation(operand):
            yield of("-x", operand)
        case ast.Arithmetic(operator, left, right) | ast.Comparison(operator, left, right):
            yield of(operator, left, right)
        case ast.Conjunction(operands) | ast.Disjunction(operands):
            form = "and" if isinstance(node, ast.Conjunction) else "or"
            yield from (of(form, one, two) for one, two in pairwise(operands))
        case ast.Between(operand, low, high):
            yield of("between", operand, low, high)
        case ast.In(operand, tests):
            yield from _in(operand, tests, scope)
        case ast.If(condition, then, otherwise):
            yield of("if", condition, then, otherwise)
        case ast.ListLiteral((one, two, *_)):
            yield of("list", one, two)
        case ast.Path(ast.Filter(base, condition), "row"):
            yield Pair(".row of filtered", (kind(base, scope), kind(condition, _within(base, scope))))
            yield of(".row", node.base)
        case ast.Path(base, name) if (base_kind := kind(base, scope)) in ("record", "list of record", *_ROWS):
            form = ".row" if name == "row" else f".{kind(node, scope).removeprefix(_prefix(base_kind))} field"
            yield Pair(form, (base_kind,))
        case ast.Path(base, name):
            yield of(f".{name}", base)
        case ast.Call(ast.Name(name), arguments):
            yield from _call(name, arguments, scope)


_ROWS = ("relation", "rows")


def _prefix(base: str) -> str:
    return "" if base == "record" else "list of "


def _in(operand: ast.Node, tests: tuple[ast.Node, ...], scope: Scope) -> Iterator[Pair]:
    first = kind(operand, scope)
    match tests:
        case (ast.ComparisonTest("<", end),):
            yield Pair("in <", (first, kind(end, scope)))
        case (ast.Range(low, high),):
            yield Pair("in range", (first, kind(low, scope), kind(high, scope)))
        case (ast.ListLiteral((one, two)),):
            yield Pair("in list", (first, kind(one, scope), kind(two, scope)))
        case (value,):
            yield Pair("in value", (first, kind(value, scope)))
        case (value, ast.ComparisonTest(_, end), ast.NullLiteral()):
            yield Pair("in mixed", (first, kind(value, scope), kind(end, scope)))


def _call(name: str, arguments: tuple[ast.Node, ...], scope: Scope) -> Iterator[Pair]:
    kinds = tuple(kind(a, scope) for a in arguments)
    if name in _ROUNDED:
        yield Pair(name if len(arguments) == 1 else _ROUNDED[name], kinds[:1])
    elif name.startswith("round"):
        yield Pair(name, kinds[:1])
    elif name in _EXTREMES and len(kinds) == 1:
        yield Pair(f"{name} of a list", kinds)
    else:
        yield Pair(name, kinds)


def _cell(cell: ast.Cell, header: model.Expression) -> Iterator[Pair]:
    def of(form: str, *ends: ast.Node) -> Pair:
        return Pair(form, (kind(header.tree, header.scope), *(kind(end, header.scope) for end in ends)))

    match cell.negated, cell.tests:
        case False, (ast.ComparisonTest(operator, end),):
            yield of(f"cell {operator}", end)
        case False, (ast.Range(low, high, low_closed, high_closed),) if low_closed is high_closed:
            yield of(_ENDS[low_closed, high_closed], low, high)
        case False, (ast.ComparisonTest("<", end), ast.Range(low, _), ast.NullLiteral()):
            yield of("cell mixed", end, low)
        case negated, (ast.NullLiteral(),):
            yield of("cell not(null)" if negated else "cell null")
        case False, (ast.ListLiteral((one, two)),):
            yield of("cell list", one, two)
        case False, (value, ast.NullLiteral()):
            yield of("cell value or null", value)
        case False, (one, two):
            yield of("cell values", one, two)
        case negated, (value,):
            yield of("cell not(value)" if negated else "cell value", value)


# ---- types


def kind(node: ast.Node, scope: Scope) -> str:
    """The word of the list of pairs for a tree's type; `?` for what has none by itself, as a quotient."""
    if isinstance(node, ast.Filter):
        return "rows"
    dotted = _dotted(node)
    known = scope.find(dotted) if dotted else None
    found = known if known is not None else check_expression(node, scope, Report())
    return "?" if found is None else word(found.type)


def word(type_: types.Type) -> str:
    match type_:
        case types.Number(scale=scale):
            return "integer" if scale == 0 else "decimal" if scale <= 3 else "fine"
        case types.List(element=element):
            return f"list of {word(element)}"
    return type(type_).__name__.lower()


def _dotted(node: ast.Node) -> str | None:
    if isinstance(node, ast.Name):
        return node.name
    base = _dotted(node.base) if isinstance(node, ast.Path) else None
    return f"{base}.{node.name}" if base and isinstance(node, ast.Path) else None


def _within(base: ast.Node, scope: Scope) -> Scope:
    """The names of a row of what is filtered."""
    while isinstance(base, ast.Filter):
        base = base.base
    relation = scope.find(_dotted(base) or "")
    assert relation is not None
    assert isinstance(relation.type, types.Relation)
    return row_scope(relation.type, relation.type.rows[0], relation.type.columns, scope)
