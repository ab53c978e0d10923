"""`if … then … else …`."""

from typing import cast

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import OUTSIDE_PROFILE
from policy_service.language import ast, types
from policy_service.language.checking.checker import Checker, Ratio, Rows
from policy_service.language.checking.conditions import boolean
from policy_service.language.checking.fit import fit, no_common_type
from policy_service.language.checking.numbers import bounded, same_unit
from policy_service.language.checking.quotients import NO_RATIO, plain, ratio
from policy_service.language.typed import If, Node
from policy_service.language.types import Relation, Type


def choice(checker: Checker, node: ast.If, expected: Type | None) -> Node | Ratio:
    condition = boolean(checker, node.condition)
    then = checker.any_value(node.then, expected)
    otherwise = checker.any_value(node.otherwise, expected)
    if isinstance(then, Ratio) or isinstance(otherwise, Ratio):
        one = ratio(checker, plain(checker, then, node.then.span), node.then.span)
        two = ratio(checker, plain(checker, otherwise, node.otherwise.span), node.otherwise.span)
        return _ratio(checker, condition, one, two, node.span)
    if isinstance(then, Rows) or isinstance(otherwise, Rows):
        raise checker.fail(OUTSIDE_PROFILE, node.span, "a choice is between values, not rows")
    if isinstance(then.type, Relation) or isinstance(otherwise.type, Relation):
        raise checker.fail(OUTSIDE_PROFILE, node.span, "a choice is between values, not relations")
    kind = types.union(then.type, otherwise.type)
    if kind is None:
        raise no_common_type(checker, then.type, otherwise.type, ("`then`", "`else`"), node.span)
    then, otherwise = fit(checker, then, kind, node.then.span), fit(checker, otherwise, kind, node.otherwise.span)
    return If(kind, condition, bounded(checker, then, node.then.span), bounded(checker, otherwise, node.otherwise.span))


def _ratio(checker: Checker, condition: Node, one: Ratio, two: Ratio, span: Span) -> Ratio:
    """A choice between two quotients: that of their numerators, and that of their denominators."""
    if one.numerator == NO_RATIO:
        one.denominator = two.denominator
    elif two.numerator == NO_RATIO:
        two.denominator = one.denominator
    condition = checker.once(condition)
    return Ratio(
        _either(condition, one.numerator, two.numerator),
        _either(condition, one.denominator, two.denominator),
        same_unit(checker, one.unit, two.unit, span),
    )


def _either(condition: Node, one: Node, two: Node) -> Node:
    return If(cast(Type, types.union(one.type, two.type)), condition, one, two)
