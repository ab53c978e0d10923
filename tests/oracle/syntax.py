"""The tree of an expression, and of the tests of a cell."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    value: Fraction | str | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """`base.name`: a fact of a section, a column of a record or relation, a part of a day."""

    base: "Node"
    name: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A day or duration by its text: `@"2023-04-01"`."""

    text: str


@dataclass(frozen=True, slots=True)
class Minus:
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    op: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Compare:
    op: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Between:
    operand: "Node"
    low: "Node"
    high: "Node"


@dataclass(frozen=True, slots=True)
class In:
    operand: "Node"
    tests: "Tests"


@dataclass(frozen=True, slots=True)
class Logic:
    """`a and b and c`, or the same with `or`."""

    op: str
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class If:
    condition: "Node"
    then: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Elements:
    """`[a, b]`"""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """`base[condition]`"""

    base: "Node"
    condition: "Node"


@dataclass(frozen=True, slots=True)
class Other:
    """`decision(family.policy.name)`, or with a column of it."""

    policy: str
    decision: str
    column: str | None


Node = (
    Literal | Name | Part | Minus | Arithmetic | Compare | Between | In | Logic | If | Elements | Call | Filter | Other
)


@dataclass(frozen=True, slots=True)
class Equals:
    """A cell's value: it holds for what is equal to it, or is an element of it."""

    node: Node


@dataclass(frozen=True, slots=True)
class Ordered:
    """`>= 5`"""

    op: str
    node: Node


@dataclass(frozen=True, slots=True)
class Range:
    """`[low..high)`"""

    low: Node
    high: Node
    closed: tuple[bool, bool]


Test = Equals | Ordered | Range


@dataclass(frozen=True, slots=True)
class Tests:
    """Tests of which one must hold; `negated` that none may. No test at all is `-`, which always holds."""

    items: tuple[Test, ...]
    negated: bool = False


def nodes(tree: Any) -> Iterator[Any]:
    """A tree's node and all that stand below it; of several trees, those of each."""
    if isinstance(tree, tuple):
        for each in tree:
            yield from nodes(each)
    elif is_dataclass(tree):
        yield tree
        for field in fields(tree):
            yield from nodes(getattr(tree, field.name))
