"""The typed tree: what the compiling engines read. Every number in it is a scaled integer.

Operands of `Arithmetic` and `Compare`, branches of `If` and elements of `ListOf` are already brought to one type,
quotients stand only in `Round`, relations are unrolled to their cells. What an expression needs several times is bound
once by `Let`, so that a tree is never much larger than the text it came from. Nodes are frozen and hashable.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from policy_service.language import types
from policy_service.language.operators import ARITHMETIC
from policy_service.language.references import AsOf, Fact, Local, Reference
from policy_service.language.types import Number, Type
from policy_service.language.values import conversion

RoundingMode = Literal["up", "down", "half_up", "half_down", "half_even", "floor", "ceiling"]
OperationName = Literal[
    "abs",
    "add months",
    "all",
    "any",
    "contains",
    "count",
    "date",
    "day",
    "days",
    "ends with",
    "list contains",
    "max",
    "min",
    "modulo",
    "month",
    "months",
    "starts with",
    "steps",
    "string length",
    "sum",
    "weekday",
    "year",
    "years",
    "years and months duration",
]
"""The closed set of what a `Call` computes; see `operations`."""


@dataclass(frozen=True, slots=True)
class Const:
    type: Type
    value: Any


@dataclass(frozen=True, slots=True)
class Load:
    type: Type
    reference: Reference


@dataclass(frozen=True, slots=True)
class Convert:
    """The operand brought to `type`: a number to a larger scale, a record field by field, a list element by element.

    Null stays null.
    """

    type: Type
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Integers of one scale, or days; null when an operand is null."""

    type: Type
    operator: Literal["+", "-", "*"]
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Round:
    """numerator / denominator, rounded once; null when either is null or the denominator is 0."""

    type: Type
    mode: RoundingMode
    numerator: "Node"
    denominator: "Node"


@dataclass(frozen=True, slots=True)
class Compare:
    """`=` and `!=` are true or false also on null; the others are null on null."""

    type: Type
    operator: Literal["=", "!=", "<", "<=", ">", ">="]
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class And:
    type: Type
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    type: Type
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    type: Type
    operand: "Node"


@dataclass(frozen=True, slots=True)
class If:
    """A null condition takes the second branch, as in FEEL."""

    type: Type
    condition: "Node"
    then: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Let:
    """`body`, in which `Load(reference)` is the value of `value`."""

    type: Type
    reference: Local
    value: "Node"
    body: "Node"


@dataclass(frozen=True, slots=True)
class Item:
    """One element of a list; it is there when its guard is absent or true."""

    guard: "Node | None"
    value: "Node"


@dataclass(frozen=True, slots=True)
class ListOf:
    type: Type
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A core operation on values; `operations` says of each what it makes of null."""

    type: Type
    name: OperationName
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a record, or of every record of a list."""

    type: Type
    operand: "Node"
    name: str


Node = Const | Load | Convert | Arithmetic | Round | Compare | And | Or | Not | If | Let | ListOf | Call | Member
BOOLEAN = types.Boolean()
TRUE, FALSE = Const(BOOLEAN, True), Const(BOOLEAN, False)
NULL = Const(types.Null(), None)


def any_of(conditions: Iterable[Node]) -> Node:
    """Whether one of the conditions is true."""
    found = tuple(c for c in conditions if c != FALSE)
    return FALSE if not found else found[0] if len(found) == 1 else Or(BOOLEAN, found)


def all_of(conditions: Iterable[Node]) -> Node:
    """Whether all of the conditions are true."""
    found = tuple(conditions)
    return TRUE if not found else found[0] if len(found) == 1 else And(BOOLEAN, found)


def operands(node: Node) -> Iterator[Node]:
    """The child nodes."""
    match node:
        case Const() | Load():
            return
        case Convert() | Not() | Member():
            yield node.operand
        case Arithmetic() | Compare():
            yield from (node.left, node.right)
        case Round():
            yield from (node.numerator, node.denominator)
        case And() | Or() | Call():
            yield from node.operands
        case If():
            yield from (node.condition, node.then, node.otherwise)
        case Let():
            yield from (node.value, node.body)
        case ListOf():
            for item in node.items:
                if item.guard is not None:
                    yield item.guard
                yield item.value


def references(node: Node) -> frozenset[Reference]:
    """Every reference that the node or a node below it reads, but for values that a `Let` binds."""
    found: set[Reference] = set()
    stack = [node]
    while stack:
        top = stack.pop()
        if isinstance(top, Load) and not isinstance(top.reference, Local):
            found.add(top.reference)
        stack.extend(operands(top))
    return frozenset(found)


def is_ready(node: Node) -> bool:
    """Whether the node reads only facts and `as_of`, so that it is known before any decision."""
    return all(isinstance(read, Fact | AsOf) for read in references(node))


def rebuild(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with `change` applied to each child."""
    match node:
        case Const() | Load():
            return node
        case Convert() | Not() | Member():
            return replace(node, operand=change(node.operand))
        case Arithmetic() | Compare():
            return replace(node, left=change(node.left), right=change(node.right))
        case Round():
            return replace(node, numerator=change(node.numerator), denominator=change(node.denominator))
        case And() | Or() | Call():
            return replace(node, operands=tuple(change(o) for o in node.operands))
        case If():
            return replace(
                node, condition=change(node.condition), then=change(node.then), otherwise=change(node.otherwise)
            )
        case Let():
            return replace(node, value=change(node.value), body=change(node.body))
        case ListOf():
            return replace(
                node,
                items=tuple(Item(None if i.guard is None else change(i.guard), change(i.value)) for i in node.items),
            )


def converted(node: Node, wanted: Type) -> Node:
    """The node brought to a type that holds its values; itself where they stand as they are."""
    change = conversion(node.type, wanted)
    if change is None:
        return node
    if isinstance(node, Const):
        return Const(wanted, None if node.value is None else change(node.value))
    return Convert(wanted, node)


def unscaled(node: Node) -> tuple[Node, int]:
    """The number under any conversions to larger scales, and the product of their factors."""
    factor = 1
    while isinstance(node, Convert) and isinstance(node.type, Number) and isinstance(node.operand.type, Number):
        factor *= 10 ** (node.type.scale - node.operand.type.scale)
        node = node.operand
    return node, factor


def folded(node: Node) -> Node:
    """Conversion and arithmetic of constants done once; other nodes as they are."""
    match node:
        case Convert(operand=Const() as constant):
            return converted(constant, node.type)
        case Arithmetic(left=Const(value=left), right=Const(value=right)):
            if left is None or right is None:
                return Const(node.type, None)
            return Const(node.type, ARITHMETIC[node.operator](left, right))
    return node


def bind(node: Node, constants: Mapping[Reference, Any]) -> Node:
    """The node with some references replaced by their values."""
    match node:
        case Load(type=kind, reference=reference):
            return Const(kind, constants[reference]) if reference in constants else node
        case Let(reference=local, value=value, body=body):
            known = bind(value, constants)
            if isinstance(known, Const):
                return bind(body, {**constants, local: known.value})
            return replace(node, value=known, body=bind(body, constants))
    return folded(rebuild(node, lambda child: bind(child, constants)))


def let(local: Local, value: Node, body: Node) -> Node:
    """The body with the local bound to the value; without a `Let` where it is read once."""
    bound = Let(body.type, local, value, body)
    return inlined(bound) if _count(body, local) == 1 else bound


def _count(node: Node, local: Local) -> int:
    found, stack = 0, [node]
    while stack:
        top = stack.pop()
        found += isinstance(top, Load) and top.reference == local
        stack.extend(operands(top))
    return found


def inlined(node: Let) -> Node:
    """The body with the value in the places that read it."""

    def put(part: Node) -> Node:
        return node.value if isinstance(part, Load) and part.reference == node.reference else rebuild(part, put)

    return put(node.body)
