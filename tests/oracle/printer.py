"""The canonical print of an expression or of the tests of a cell: least parentheses, one blank around operators.

Where values are given for names (the parameters), these stand in place of them.
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from tests.oracle import syntax
from tests.oracle.syntax import Node
from tests.oracle.values import Days, Months, Value, digits, iso

# How tight an expression binds; what is looser than its place needs parentheses.
_IF, _OR, _AND, _COMPARISON, _SUM, _PRODUCT, _SIGN, _POSTFIX = range(8)
_LEVELS = {"or": _OR, "and": _AND, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT}

_UNSEEN = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)
_ESCAPES = {sign: f"\\u{sign:04X}" for sign in _UNSEEN} | str.maketrans(
    {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)

Values = Mapping[str, Value]
_NOTHING: Values = {}


def printed(node: Node, values: Values = _NOTHING) -> str:
    """An expression as a whole."""
    return _print(node, values, _IF)


def operand(node: Node, values: Values = _NOTHING) -> str:
    """An expression as it stands beside a comparison."""
    return _print(node, values, _SUM)


def cell(tests: syntax.Tests, values: Values = _NOTHING) -> str:
    """The tests of a cell."""
    if not tests.items:
        return "-"
    inner = ", ".join(_test(test, values) for test in tests.items)
    return f"not({inner})" if tests.negated else inner


def choice(tests: syntax.Tests, values: Values = _NOTHING) -> str:
    """Tests as they stand behind `in`."""
    alone = tests.items[0] if len(tests.items) == 1 else None
    if isinstance(alone, syntax.Equals):
        return operand(alone.node, values)
    return cell(tests, values) if alone else f"({cell(tests, values)})"


def constant(value: Value) -> str:
    """A value as an expression writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Fraction):
        return digits(value)
    if isinstance(value, date):
        return f'date("{value.isoformat()}")'
    if isinstance(value, Days | Months):
        return f'duration("{iso(value)}")'
    return f'"{value.translate(_ESCAPES)}"'


def _test(test: syntax.Test, values: Values) -> str:
    if isinstance(test, syntax.Ordered):
        return f"{test.op} {operand(test.node, values)}"
    if isinstance(test, syntax.Range):
        opening, closing = "[" if test.closed[0] else "(", "]" if test.closed[1] else ")"
        return f"{opening}{operand(test.low, values)}..{_high(test.high, values)}{closing}"
    return printed(test.node, values)


def _high(node: Node, values: Values) -> str:
    """The end of a range; one with brackets of its own stands in parentheses."""
    bracketed = any(isinstance(each, syntax.Elements | syntax.Filter) for each in syntax.nodes(node))
    return f"({printed(node, values)})" if bracketed else operand(node, values)


def _print(node: Node, values: Values, least: int) -> str:
    text, level = _text(node, values)
    return f"({text})" if level < least else text


def _text(node: Node, values: Values) -> tuple[str, int]:
    """The print of a node, and how tight it binds."""
    match node:
        case syntax.Literal(value):
            return constant(value), _POSTFIX
        case syntax.Moment(text):
            return f'@"{text}"', _POSTFIX
        case syntax.Name(name):
            return constant(values[name]) if name in values else name, _POSTFIX
        case syntax.Part(base, name):
            return f"{_print(base, values, _POSTFIX)}.{name}", _POSTFIX
        case syntax.Filter(base, condition):
            return f"{_print(base, values, _POSTFIX)}[{printed(condition, values)}]", _POSTFIX
        case syntax.Call(name, arguments):
            return f"{name}({_list(arguments, values)})", _POSTFIX
        case syntax.Elements(items):
            return f"[{_list(items, values)}]", _POSTFIX
        case syntax.Other(policy, decision, column):
            return f"decision({'.'.join(filter(None, (policy, decision, column)))})", _POSTFIX
        case syntax.Minus(inner):
            return f"-{_print(inner, values, _SIGN)}", _SIGN
        case syntax.Arithmetic(op, left, right):
            level = _LEVELS[op]
            return f"{_print(left, values, level)} {op} {_print(right, values, level + 1)}", level
        case syntax.Compare(op, left, right):
            return f"{operand(left, values)} {op} {operand(right, values)}", _COMPARISON
        case syntax.Between(value, low, high):
            ends = f"{operand(low, values)} and {operand(high, values)}"
            return f"{operand(value, values)} between {ends}", _COMPARISON
        case syntax.In(value, tests):
            return f"{operand(value, values)} in {choice(tests, values)}", _COMPARISON
        case syntax.Logic(op, operands):
            level = _LEVELS[op]
            return f" {op} ".join(_print(each, values, level + 1) for each in operands), level
        case syntax.If(condition, then, otherwise):
            parts = (printed(each, values) for each in (condition, then, otherwise))
            return "if {} then {} else {}".format(*parts), _IF


def _list(nodes: tuple[Node, ...], values: Values) -> str:
    return ", ".join(printed(node, values) for node in nodes)
