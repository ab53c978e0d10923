"""Conditions to the pen's language: facts against constants of the epoch.

What the pen cannot say is computed before it as a field: the difference of two quantities, the value of an
expression, and, last, the truth of a condition of another form. Fields are counted by how much they leave to
the pen: `fact` (posted as it is), `number` (computed, then compared by the pen), `flag` (decided before).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from policy_service.engines.rete import pen
from policy_service.language import bounds, typed, types
from policy_service.language.ast import ComparisonOperator
from policy_service.language.operators import COMPARE, EQUALITY, FLIPPED, OPPOSITE, divided
from policy_service.language.typed import BOOLEAN, Arithmetic, Compare, Const, Load, Node

FieldKind = Literal["fact", "number", "flag", "absent"]
_OPS: dict[ComparisonOperator, pen.Op] = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
Constant = Literal["never", "always"]
_NEVER: Constant = "never"
_ALWAYS: Constant = "always"
Lowered = pen.Condition | Constant


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the pen's fact: its name, what it holds, and how it is computed."""

    name: str
    node: Node
    kind: FieldKind


@dataclass(slots=True)
class Fields:
    """Fields of the rules that are matched together, each expression once; a pen gets those that its own rules use."""

    names: Iterator[str] = field(default_factory=pen.field_names)
    known: dict[tuple[Node, FieldKind], Field] = field(default_factory=dict)

    def name(self, node: Node, kind: FieldKind) -> str:
        """The name of the field that holds the value of a node.

        Raises:
            PenRefusal: value-type, when the value is a record, a list or beyond 64 bits.
        """
        if kind != "absent" and not types.is_scalar(node.type):
            raise pen.PenRefusal("value-type", f"a {node.type} is no whole number of 64 bits, text or boolean")
        key = (node, kind)
        if key not in self.known:
            self.known[key] = Field(next(self.names), node, kind)
        return self.known[key].name


def lower(node: Node, fields: Fields, holds: bool = True) -> Lowered:
    """The pen's condition for `node is true` (or, with holds=False, `node is false`)."""
    match node:
        case Const(value=value):
            return _ALWAYS if value is holds else _NEVER
        case typed.And(operands=operands):
            return _join([lower(o, fields, holds) for o in operands], every=holds)
        case typed.Or(operands=operands):
            return _join([lower(o, fields, holds) for o in operands], every=not holds)
        case typed.Not(operand=operand):
            return lower(operand, fields, not holds)
        case typed.Let():
            return lower(typed.inlined(node), fields, holds)
        case Load():
            return pen.Test(fields.name(node, "fact"), "eq", holds)
        case Compare():
            return _compare(node, fields, holds)
    return pen.Test(fields.name(node, "flag"), "eq", holds)


def _join(conditions: list[Lowered], *, every: bool) -> Lowered:
    end, rest = (_NEVER, _ALWAYS) if every else (_ALWAYS, _NEVER)
    if end in conditions:
        return end
    kept = tuple(c for c in conditions if not isinstance(c, str))
    if not kept:
        return rest
    return kept[0] if len(kept) == 1 else pen.All(kept) if every else pen.Either(kept)


def _compare(node: Compare, fields: Fields, holds: bool) -> Lowered:
    operator, left, right = node.operator, node.left, node.right
    if isinstance(left, Const) and not isinstance(right, Const):
        operator, left, right = FLIPPED[operator], right, left
    if isinstance(right, Const):
        if right.value is None:
            return _presence(left, operator, fields, holds)
        return _constant(operator if holds else OPPOSITE[operator], left, right.value, fields)
    if operator not in EQUALITY and bounds.gap_fits(left.type, right.type):
        gap = Arithmetic(left.type, "-", left, right)
        return _constant(operator if holds else OPPOSITE[operator], gap, 0, fields)
    return pen.Test(fields.name(node, "flag"), "eq", holds)


def _presence(node: Node, operator: ComparisonOperator, fields: Fields, holds: bool) -> Lowered:
    if operator not in EQUALITY:
        return _NEVER
    if isinstance(node, Const):
        return _ALWAYS if (node.value is None) is ((operator == "=") is holds) else _NEVER
    if (operator == "=") is holds:
        return pen.Test(fields.name(node, "absent"), "eq", 1)
    if not types.is_scalar(node.type):  # the engine would take a record for fields of its own
        present = Compare(BOOLEAN, "!=", node, Const(types.Null(), None))
        return pen.Test(fields.name(present, "flag"), "eq", True)
    return pen.Present(fields.name(node, _kind(node)))


def _kind(node: Node) -> FieldKind:
    return "fact" if isinstance(node, Load) else "flag" if node.type == BOOLEAN else "number"


def _constant(operator: ComparisonOperator, left: Node, value: Any, fields: Fields) -> Lowered:
    if isinstance(left, Const):
        left_value = left.value
        if left_value is None:
            return _ALWAYS if operator == "!=" else _NEVER
        return _ALWAYS if COMPARE[operator](left_value, value) else _NEVER
    left, factor = typed.unscaled(left)
    if factor > 1:
        if operator in EQUALITY and value % factor:
            return _ALWAYS if operator == "!=" else _NEVER
        value = divided(operator, value, factor)
    name = fields.name(left, _kind(left))
    test = pen.Test(name, _OPS[operator], value)
    if operator == "!=":
        return pen.Either((test, pen.Test(fields.name(left, "absent"), "eq", 1)))
    return test
