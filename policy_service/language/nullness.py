"""When a value is null: the null rule of every typed node, and whether a node can be null at all."""

from policy_service.language import bounds, typed
from policy_service.language.operations import OPERATIONS, Nulls
from policy_service.language.operators import EQUALITY
from policy_service.language.typed import Const, Load, Node
from policy_service.language.types import List


def null_rule(node: Node) -> Nulls:
    """What the operation at the top of a node makes of its null operands.

    Rules of their own: `And` and `Or` are Kleene's; a null condition of `If` takes the second branch; `Let` is null
    when its body is; a `ListOf` is never null itself, and leaves out what has a null guard.
    """
    match node:
        case typed.Convert() | typed.Arithmetic() | typed.Round() | typed.Not() | typed.Member():
            return Nulls.STRICT
        case typed.Compare(operator=operator):
            return Nulls.NEVER if operator in EQUALITY else Nulls.STRICT
        case typed.ListOf():
            return Nulls.NEVER
        case typed.Call(name=name):
            return OPERATIONS[name].nulls
        case Const() | Load() | typed.And() | typed.Or() | typed.If() | typed.Let():
            return Nulls.OWN


def is_total(node: Node) -> bool:
    """Whether the node is never null when nothing that it reads is; False also where that is not easily seen.

    A list is total when none of its elements can be null.
    """
    match node:
        case Const(value=value):
            return value is not None
        case Load(type=kind):
            return not isinstance(kind, List)
        case typed.Compare(operator="=" | "!="):
            return True
        case typed.If():
            return is_total(node.then) and is_total(node.otherwise)
        case typed.Member():
            return False  # a field of a record may be null
        case typed.Round(denominator=denominator):
            return bounds.excludes_zero(denominator.type) and _all_total(node)
        case typed.Call(name=name):
            return OPERATIONS[name].total(node) and _all_total(node)
    return _all_total(node)


def _all_total(node: Node) -> bool:
    return all(is_total(operand) for operand in typed.operands(node))
