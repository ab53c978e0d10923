"""The tree of an expression or cell: frozen nodes, each with its place; nothing else.

`span` does not take part in equality, so that parse(print(t)) == t can be asked.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from policy_service.diagnostics import NOWHERE, Span

ArithmeticOperator = Literal["+", "-", "*", "/", "**"]
ComparisonOperator = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NumberLiteral(Node):
    value: Decimal


@dataclass(frozen=True, slots=True)
class StringLiteral(Node):
    value: str


@dataclass(frozen=True, slots=True)
class BooleanLiteral(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class NullLiteral(Node):
    pass


@dataclass(frozen=True, slots=True)
class AtLiteral(Node):
    """`@"2023-04-01"`: a date or duration by its text."""

    text: str


@dataclass(frozen=True, slots=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Path(Node):
    """`base.name`."""

    base: Node
    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(arguments)`; `names` are given when arguments are passed by name."""

    function: Node
    arguments: tuple[Node, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Negation(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    operator: ArithmeticOperator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    operator: ComparisonOperator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Conjunction(Node):
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Disjunction(Node):
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Between(Node):
    operand: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class In(Node):
    """`operand in tests`: true when one of the tests holds."""

    operand: Node
    tests: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class If(Node):
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Range(Node):
    """`[low..high)`; a bracket that is not closed leaves its end out."""

    low: Node
    high: Node
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ContextLiteral(Node):
    entries: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """`base[condition]`."""

    base: Node
    condition: Node


@dataclass(frozen=True, slots=True)
class For(Node):
    iterators: tuple[tuple[str, Node], ...]
    result: Node


@dataclass(frozen=True, slots=True)
class Quantified(Node):
    quantifier: Literal["some", "every"]
    iterators: tuple[tuple[str, Node], ...]
    condition: Node


@dataclass(frozen=True, slots=True)
class FunctionDefinition(Node):
    parameters: tuple[str, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class InstanceOf(Node):
    operand: Node
    type_name: str


@dataclass(frozen=True, slots=True)
class ComparisonTest(Node):
    """A unary test `< 5`: the input stands on its left."""

    operator: ComparisonOperator
    operand: Node


@dataclass(frozen=True, slots=True)
class Cell(Node):
    """The tests of one cell, any of which suffices; no test at all is `-`."""

    tests: tuple[Node, ...]
    negated: bool = False

    @property
    def is_any(self) -> bool:
        return not self.tests


def children(node: Node) -> tuple[Node, ...]:
    """The child nodes, in text order."""
    found: list[Node] = []
    for name in node.__dataclass_fields__:
        if name != "span":
            _collect(getattr(node, name), found)
    return tuple(found)


def _collect(value: object, found: list[Node]) -> None:
    if isinstance(value, Node):
        found.append(value)
    elif isinstance(value, tuple):
        for item in value:
            _collect(item, found)


def walk(node: Node) -> tuple[Node, ...]:
    """The node and everything below it, in text order."""
    out = [node]
    for child in children(node):
        out.extend(walk(child))
    return tuple(out)


def dotted(node: Node) -> str | None:
    """`a.b.c` of nested paths over a name; None of anything else."""
    if isinstance(node, Name):
        return node.name
    base = dotted(node.base) if isinstance(node, Path) else None
    return f"{base}.{node.name}" if isinstance(node, Path) and base else None
