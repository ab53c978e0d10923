"""Every form of expression, each by its rule."""

from policy_service.diagnostics.catalogue import OUTSIDE_PROFILE
from policy_service.language import ast, typed
from policy_service.language.checking.arithmetic import arithmetic, negated
from policy_service.language.checking.calls import call
from policy_service.language.checking.checker import Checker, Found
from policy_service.language.checking.choices import choice
from policy_service.language.checking.conditions import any_test, boolean, comparison, shown_value
from policy_service.language.checking.literals import literal_number, literal_time
from policy_service.language.checking.names import named, path
from policy_service.language.checking.quotients import operand
from policy_service.language.checking.relations import filtered, list_of
from policy_service.language.format import print_node
from policy_service.language.typed import BOOLEAN, And, Const, Or
from policy_service.language.types import Text, Type


def type_tree(checker: Checker, node: ast.Node, expected: Type | None) -> Found:
    """The rule for each form of expression."""
    match node:
        case ast.NumberLiteral(value):
            return literal_number(checker, value, node.span)
        case ast.StringLiteral(text):
            return Const(Text(), text)
        case ast.BooleanLiteral(flag):
            return typed.TRUE if flag else typed.FALSE
        case ast.NullLiteral():
            return typed.NULL
        case ast.AtLiteral(text):
            return literal_time(checker, text, node.span)
        case ast.Name(name):
            return named(checker, name, node.span, expected)
        case ast.Path():
            return path(checker, node)
        case ast.Negation(inner):
            return negated(checker, operand(checker, inner), node.span)
        case ast.Arithmetic(operator, left, right):
            return arithmetic(checker, operator, operand(checker, left), operand(checker, right), node.span)
        case ast.Comparison(operator, left, right):
            return comparison(checker, operator, left, right, node.span)
        case ast.Conjunction(operands):
            return And(BOOLEAN, tuple(boolean(checker, o) for o in operands))
        case ast.Disjunction(operands):
            return Or(BOOLEAN, tuple(boolean(checker, o) for o in operands))
        case ast.Between(inner, low, high):
            within = ast.Range(low, high, True, True, span=node.span)
            return any_test(checker, shown_value(checker, inner), (within,))
        case ast.In(inner, tests):
            return any_test(checker, shown_value(checker, inner), tests)
        case ast.If():
            return choice(checker, node, expected)
        case ast.ListLiteral(items):
            return list_of(checker, [checker.value(i) for i in items], node.span)
        case ast.Filter(base, condition):
            return filtered(checker, base, condition, node.span)
        case ast.Call():
            return call(checker, node)
    raise checker.fail(
        OUTSIDE_PROFILE,
        node.span,
        f"`{print_node(node)}` is FEEL that rule files do not use",
        hint="write it as a decision table or a relation",
    )
