"""Numbers: that they fit the machine, their scales and units, and their sums, differences and products."""

from typing import cast

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import NUMBER_RANGE, UNIT_MISMATCH
from policy_service.language import bounds, typed, types
from policy_service.language.checking.checker import Checker
from policy_service.language.typed import Arithmetic, Node
from policy_service.language.types import Number


def in_range(checker: Checker, node: Node, span: Span) -> Node:
    """The number, if its bounds fit the machine and, outside a rounding, its scale the profile."""
    _fits(checker, cast(Number, node.type), span)
    return typed.folded(node)


def bounded(checker: Checker, node: Node, span: Span) -> Node:
    """The node, if its numbers still fit the machine after they were brought to a larger scale."""
    for path, number in types.numbers(node.type):
        _fits(checker, number, span, field_words(path))
    return node


def field_words(path: tuple[str, ...]) -> str:
    """How a message says which field of a record it is about."""
    return f"field `{'.'.join(path)}`: " if path else ""


def _fits(checker: Checker, result: Number, span: Span, where: str = "") -> None:
    limit = types.INT128_SAFE if checker.rounding else types.INT64
    if bounds.size(result) > limit:
        raise checker.fail(
            NUMBER_RANGE,
            span,
            f"{where}the value may become too large to stay exact",
            hint="narrow the range of the facts, or round earlier",
        )
    if result.scale > types.MAX_SCALE and not checker.rounding:
        raise checker.fail(
            NUMBER_RANGE,
            span,
            f"{where}the value has {result.scale} decimals, {types.MAX_SCALE} are allowed",
            hint="put it inside a rounding: `round half up(…, 2)`",
        )


def rescaled(node: Node, scale: int) -> Node:
    """The number at a larger scale."""
    number = cast(Number, node.type)
    if number.scale == scale:
        return node
    return typed.converted(node, bounds.grown(number, scale))


def same_unit(checker: Checker, one: str | None, two: str | None, span: Span) -> str | None:
    if one and two and one != two:
        raise checker.fail(UNIT_MISMATCH, span, f"`{one}` and `{two}` do not add up")
    return one or two


def calculated(checker: Checker, operator: str, left: Node, right: Node, span: Span) -> Node:
    """A sum, difference or product of two numbers."""
    if operator == "*":
        return product(checker, left, right, span)
    one, two = cast(Number, left.type), cast(Number, right.type)
    unit = same_unit(checker, one.unit, two.unit, span)
    scale = max(one.scale, two.scale)
    left, right = rescaled(left, scale), rescaled(right, scale)
    one, two = cast(Number, left.type), cast(Number, right.type)
    if operator == "+":
        return in_range(checker, Arithmetic(Number(scale, *bounds.plus(one, two), unit), "+", left, right), span)
    return in_range(checker, Arithmetic(Number(scale, *bounds.minus(one, two), unit), "-", left, right), span)


def product(checker: Checker, left: Node, right: Node, span: Span) -> Node:
    one, two = cast(Number, left.type), cast(Number, right.type)
    result = Number(one.scale + two.scale, *bounds.times(one, two), product_unit(one.unit, two.unit))
    return in_range(checker, Arithmetic(result, "*", left, right), span)


def product_unit(one: str | None, two: str | None) -> str | None:
    return None if one and two else one or two
