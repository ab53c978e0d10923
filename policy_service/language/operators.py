"""The comparison and arithmetic operators, each table in one place."""

from collections.abc import Callable, Mapping
from operator import add, eq, ge, gt, le, lt, mul, ne, sub
from typing import Any

from policy_service.language.ast import ComparisonOperator

ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {"+": add, "-": sub, "*": mul}
COMPARE: Mapping[ComparisonOperator, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
"""On two values; what an operator means on null says its null rule."""
OPPOSITE: Mapping[ComparisonOperator, ComparisonOperator] = {
    "=": "!=",
    "!=": "=",
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
}
"""What holds of two values exactly when the operator does not."""
FLIPPED: Mapping[ComparisonOperator, ComparisonOperator] = {
    "=": "=",
    "!=": "!=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}
"""The same comparison with its two sides exchanged."""
EQUALITY: frozenset[ComparisonOperator] = frozenset(("=", "!="))
"""Operators that compare with null too; the others order."""


def divided(operator: ComparisonOperator, value: int, factor: int) -> int:
    """The constant c for which `x OP c` says the same as `x * factor OP value`; with `=`, factor divides value."""
    return -(-value // factor) if operator in ("<", ">=") else value // factor
