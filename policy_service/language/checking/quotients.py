"""Quotients: exact as long as they stand inside a rounding."""

from dataclasses import replace
from typing import cast

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import DIVISION_UNROUNDED, OUTSIDE_PROFILE, TYPE_MISMATCH
from policy_service.language import ast, bounds, typed, types
from policy_service.language.checking.checker import Checker, Ratio, Rows
from policy_service.language.checking.numbers import calculated, in_range, product, product_unit, same_unit
from policy_service.language.typed import BOOLEAN, Compare, Const, If, Node, Round, RoundingMode
from policy_service.language.types import Null, Number

NO_RATIO = Const(Number(0, 0, 0), None)


def operand(checker: Checker, node: ast.Node) -> Node | Ratio:
    return plain(checker, checker.any_value(node), node.span)


def plain(checker: Checker, found: Node | Ratio | Rows, span: Span) -> Node | Ratio:
    if isinstance(found, Rows):
        raise checker.fail(OUTSIDE_PROFILE, span, "rows are not a number")
    return found


def ratio(checker: Checker, value: Node | Ratio, span: Span) -> Ratio:
    if isinstance(value, Ratio):
        return value
    if isinstance(value.type, Null):
        value = NO_RATIO
    if not isinstance(value.type, Number):
        raise checker.fail(TYPE_MISMATCH, span, f"a number is needed, this is a {types.kind(value.type)}")
    value, _ = typed.unscaled(value)  # the quotient is the same, and a conversion must keep its type
    number = cast(Number, value.type)
    ten = 10**number.scale
    whole = Number(0, number.low, number.high)
    return Ratio(replace(value, type=whole), Const(Number(0, ten, ten), ten), number.unit)


def quotient(checker: Checker, operator: str, left: Ratio, right: Ratio, span: Span) -> Ratio:
    if not checker.rounding:
        raise checker.fail(
            DIVISION_UNROUNDED,
            span,
            "a quotient has no exact decimal value",
            hint="name the scale: `round half up(a / b, 2)`",
        )
    a, b, c, d = left.numerator, left.denominator, right.numerator, right.denominator
    if operator == "*":
        unit = product_unit(left.unit, right.unit)
        return Ratio(product(checker, a, c, span), product(checker, b, d, span), unit)
    if operator == "/":
        unit = None if right.unit else left.unit
        d = checker.once(d)
        return Ratio(unless_zero(d, product(checker, a, d, span)), product(checker, b, c, span), unit)
    unit = same_unit(checker, left.unit, right.unit, span)
    b, d = checker.once(b), checker.once(d)
    one, two = product(checker, a, d, span), product(checker, c, b, span)
    return Ratio(calculated(checker, operator, one, two, span), product(checker, b, d, span), unit)


def unless_zero(divisor: Node, node: Node) -> Node:
    """The node; null where the divisor of a quotient inside another is zero, which the whole no longer shows."""
    if bounds.excludes_zero(divisor.type):
        return node
    zero = Const(replace(cast(Number, divisor.type), low=0, high=0), 0)
    return If(node.type, Compare(BOOLEAN, "=", divisor, zero), Const(node.type, None), node)


def rounded(checker: Checker, mode: RoundingMode, argument: ast.Node, scale: int, span: Span) -> Node:
    around, checker.shared = checker.shared, []
    checker.rounding += 1
    exact = ratio(checker, operand(checker, argument), argument.span)
    ten = Const(Number(0, 10**scale, 10**scale), 10**scale)
    numerator = product(checker, exact.numerator, ten, span)
    checker.rounding -= 1
    shared, checker.shared = checker.shared, around
    within = bounds.quotient(cast(Number, numerator.type), cast(Number, exact.denominator.type))
    node = in_range(checker, Round(Number(scale, *within, exact.unit), mode, numerator, exact.denominator), span)
    for local, value in reversed(shared):
        node = typed.let(local, value, node)
    return node
