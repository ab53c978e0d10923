"""Conditions: comparisons and unary tests."""

from typing import cast

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import NUMBER_RANGE, OUTSIDE_PROFILE, TYPE_MISMATCH, UNIT_MISMATCH
from policy_service.language import ast, bounds, typed, types
from policy_service.language.bounds import Quantity
from policy_service.language.checking.checker import Checker
from policy_service.language.checking.fit import fit, member
from policy_service.language.checking.numbers import bounded, rescaled
from policy_service.language.format import print_node
from policy_service.language.operations import LIST_CONTAINS
from policy_service.language.operators import EQUALITY
from policy_service.language.typed import BOOLEAN, And, Compare, Const, If, ListOf, Node, Or
from policy_service.language.types import Enum, List, Null, Number, Relation


def boolean(checker: Checker, node: ast.Node) -> Node:
    found = checker.value(node)
    if isinstance(found.type, Null):
        return Const(BOOLEAN, None)
    if found.type != BOOLEAN:
        raise checker.fail(
            TYPE_MISMATCH,
            node.span,
            f"a condition is needed, this is a {types.kind(found.type)}",
            hint=f"compare it: `{print_node(node)} = …`",
        )
    return found


def comparison(checker: Checker, operator: ast.ComparisonOperator, left: ast.Node, right: ast.Node, span: Span) -> Node:
    one = shown_value(checker, left)
    two = checker.value(right, one.type)
    two = member(checker, two, one.type, right.span)
    one = member(checker, one, two.type, left.span)
    return compared(checker, operator, one, two, span)


def shown_value(checker: Checker, node: ast.Node) -> Node:
    """The value that a condition is about: `because` shows it."""
    found = checker.value(node)
    if any(bounds.size(n) > types.MAX_VALUE for _, n in types.numbers(found.type)):
        raise checker.fail(
            NUMBER_RANGE,
            node.span,
            f"the value may pass {types.MAX_DIGITS} digits, and `because` shows it",
            hint="narrow the range of the facts, or round to fewer decimals",
        )
    return found


def compared(checker: Checker, operator: ast.ComparisonOperator, left: Node, right: Node, span: Span) -> Node:
    checker.spend(1, span)
    if isinstance(left.type, Null) or isinstance(right.type, Null):
        if operator not in EQUALITY:
            raise checker.fail(TYPE_MISMATCH, span, "null has no order", hint="test presence with `x != null`")
        return Compare(BOOLEAN, operator, left, right)
    union = types.union(left.type, right.type)
    if isinstance(left.type, Number) and isinstance(right.type, Number):
        if union is None:
            raise checker.fail(UNIT_MISMATCH, span, f"`{left.type.unit}` is compared with `{right.type.unit}`")
        scale = max(left.type.scale, right.type.scale)
        left, right = rescaled(left, scale), rescaled(right, scale)
        bounded(checker, left, span)
        bounded(checker, right, span)
        return Compare(BOOLEAN, operator, left, right)
    if isinstance(left.type, Enum) and isinstance(right.type, Enum):
        meeting(checker, left.type, right.type, span)
    elif union is None:
        raise checker.fail(
            TYPE_MISMATCH, span, f"a {types.kind(left.type)} is compared with a {types.kind(right.type)}"
        )
    if operator not in EQUALITY and not isinstance(left.type, Quantity):
        raise checker.fail(TYPE_MISMATCH, span, f"a {types.kind(left.type)} has no order")
    if isinstance(left.type, List | types.Record | Relation):
        raise checker.fail(OUTSIDE_PROFILE, span, "lists and records are not compared")
    return Compare(BOOLEAN, operator, left, right)


def meeting(checker: Checker, left: Enum, right: Enum, span: Span) -> None:
    """Two enumerations without a common member are never equal, and two names are two kinds of things."""
    if left.name and right.name and left.name != right.name:
        message = f"a `{left.name}` is compared with a `{right.name}`"
        raise checker.fail(TYPE_MISMATCH, span, message, hint="compare values of one type of types.yaml")
    if set(left.members).isdisjoint(right.members):
        message = f"one of {', '.join(left.members)} is compared with one of {', '.join(right.members)}"
        raise checker.fail(TYPE_MISMATCH, span, message, hint="no value is in both")


def _test(checker: Checker, test: ast.Node, value: Node) -> Node:
    """The condition that one unary test puts on a value."""
    match test:
        case ast.ComparisonTest(operator, operand):
            return compared(checker, operator, value, endpoint(checker, operand, value), test.span)
        case ast.Range(low, high, low_closed, high_closed):
            first, last = endpoint(checker, low, value), endpoint(checker, high, value)
            return And(
                BOOLEAN,
                (
                    compared(checker, ">=" if low_closed else ">", value, first, low.span),
                    compared(checker, "<=" if high_closed else "<", value, last, high.span),
                ),
            )
    found = checker.value(test, value.type)
    if isinstance(found.type, List):
        if not isinstance(found, ListOf):
            raise checker.fail(
                OUTSIDE_PROFILE,
                test.span,
                f"`{print_node(test)}` may be null, and is then no list",
                hint=f"write `list contains({print_node(test)}, …)`",
            )
        return list_contains(checker, found, value, test.span)
    return compared(checker, "=", value, endpoint(checker, test, value), test.span)


def endpoint(checker: Checker, node: ast.Node, value: Node) -> Node:
    return member(checker, checker.value(node, value.type), value.type, node.span)


def any_test(checker: Checker, value: Node, tests: tuple[ast.Node, ...]) -> Node:
    """The condition that one of the tests holds for a value."""

    def conditions(named: Node) -> Node:
        found = tuple(_test(checker, test, named) for test in tests)
        return found[0] if len(found) == 1 else Or(BOOLEAN, found)

    return checker.reading(value, conditions)


def list_contains(checker: Checker, elements: Node, value: Node, span: Span) -> Node:
    """Whether a list holds a value: one that is written out is compared element by element."""
    if not isinstance(elements, ListOf):
        found = cast(List, elements.type)
        kind = bounds.boundless(bounds.as_fine(found.element, value.type))
        elements = fit(checker, elements, List(kind, found.most), span)
        return LIST_CONTAINS.call(elements, bounded(checker, fit(checker, value, kind, span), span))
    tests = []
    for item in elements.items:
        element = member(checker, item.value, value.type, span)
        test = compared(checker, "=", member(checker, value, element.type, span), element, span)
        tests.append(test if item.guard is None else And(BOOLEAN, (_is_true(item.guard), test)))
    return Or(BOOLEAN, tuple(tests)) if tests else LIST_CONTAINS.call(elements, value)


def _is_true(guard: Node) -> Node:
    """A filter keeps only true; null must not spread out of it."""
    return If(BOOLEAN, guard, typed.TRUE, typed.FALSE)
