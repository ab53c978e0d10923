"""Canonical text of a tree: one spelling for each meaning; parse(print(t)) == t."""

import re
from decimal import Decimal

from policy_service.language import ast
from policy_service.language.tokens import is_word

_ATOM, _UNARY, _POWER, _TIMES, _PLUS, _COMPARE, _AND, _OR, _LOOSE = range(9)
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ARITHMETIC = {"+": _PLUS, "-": _PLUS, "*": _TIMES, "/": _TIMES, "**": _POWER}


def number_text(value: Decimal) -> str:
    """Shortest exact decimal: `12.5`, never an exponent, no `-0`."""
    if value == 0:
        return "0"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def string_text(value: str) -> str:
    """The text in quotes; what cannot be seen, or is a line break in YAML, is escaped."""
    return f'"{_ESCAPED.sub(_escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    sign = match.group()
    return _ESCAPES.get(sign) or f"\\u{ord(sign):04X}"


def print_node(node: ast.Node) -> str:
    """The canonical text of an expression, a test or a cell."""
    return _print(node)[0]


def _at(node: ast.Node, level: int) -> str:
    text, own = _print(node)
    return text if own <= level else f"({text})"


def _join(nodes: tuple[ast.Node, ...]) -> str:
    return ", ".join(print_node(n) for n in nodes)


def _print(node: ast.Node) -> tuple[str, int]:
    match node:
        case ast.NumberLiteral(value):
            return number_text(value), _UNARY if value < 0 else _ATOM
        case ast.StringLiteral(value):
            return string_text(value), _ATOM
        case ast.BooleanLiteral(value):
            return ("true" if value else "false"), _ATOM
        case ast.NullLiteral():
            return "null", _ATOM
        case ast.AtLiteral(text):
            return "@" + string_text(text), _ATOM
        case ast.Name(name):
            return name, _ATOM
        case ast.Path(base, name):
            return f"{_at(base, _ATOM)}.{name}", _ATOM
        case ast.Call(function, arguments, names):
            parts = [print_node(a) for a in arguments]
            named = [f"{n}: {p}" for n, p in zip(names, parts, strict=True)] if names else parts
            return f"{_at(function, _ATOM)}({', '.join(named)})", _ATOM
        case ast.Filter(base, condition):
            return f"{_at(base, _ATOM)}[{print_node(condition)}]", _ATOM
        case ast.Negation(operand):
            return f"-{_at(operand, _UNARY)}", _UNARY
        case ast.Arithmetic(operator, left, right):
            level = _ARITHMETIC[operator]
            return f"{_at(left, level)} {operator} {_at(right, level - 1)}", level
        case ast.Comparison(operator, left, right):
            return f"{_at(left, _PLUS)} {operator} {_at(right, _PLUS)}", _COMPARE
        case ast.Between(operand, low, high):
            return f"{_at(operand, _PLUS)} between {_at(low, _PLUS)} and {_at(high, _PLUS)}", _COMPARE
        case ast.In(operand, tests):
            return f"{_at(operand, _PLUS)} in {_tests(tests)}", _COMPARE
        case ast.InstanceOf(operand, type_name):
            return f"{_at(operand, _PLUS)} instance of {type_name}", _COMPARE
        case ast.Conjunction(operands):
            return " and ".join(_at(o, _COMPARE) for o in operands), _AND
        case ast.Disjunction(operands):
            return " or ".join(_at(o, _AND) for o in operands), _OR
        case ast.If(condition, then, otherwise):
            text = f"if {print_node(condition)} then {print_node(then)} else {print_node(otherwise)}"
            return text, _LOOSE
        case ast.For(iterators, result):
            return f"for {_iterators(iterators)} return {print_node(result)}", _LOOSE
        case ast.Quantified(quantifier, iterators, condition):
            return f"{quantifier} {_iterators(iterators)} satisfies {print_node(condition)}", _LOOSE
        case ast.FunctionDefinition(parameters, body):
            return f"function({', '.join(parameters)}) {print_node(body)}", _LOOSE
        case ast.Range(low, high, low_closed, high_closed):
            ends = "[" if low_closed else "(", "]" if high_closed else ")"
            last, own = _print(high)
            # A `[` behind `..` would be read as the sign of a range that leaves its end out.
            last = last if own <= _PLUS and "[" not in last else f"({last})"
            return f"{ends[0]}{_at(low, _PLUS)}..{last}{ends[1]}", _ATOM
        case ast.ListLiteral(items):
            return f"[{_join(items)}]", _ATOM
        case ast.ContextLiteral(entries):
            inner = ", ".join(f"{_key(name)}: {print_node(value)}" for name, value in entries)
            return "{" + inner + "}", _ATOM
        case ast.ComparisonTest(operator, operand):
            return f"{operator} {_at(operand, _PLUS)}", _COMPARE
        case ast.Cell(tests, negated):
            if not tests:
                return "-", _COMPARE
            if not negated and len(tests) == 1 and _is_not(tests[0]):
                return f"({_join(tests)})", _LOOSE
            return (f"not({_join(tests)})" if negated else _join(tests)), _LOOSE
    raise TypeError(type(node).__name__)


def _key(name: str) -> str:
    return name if is_word(name) else string_text(name)


def _is_not(node: ast.Node) -> bool:
    """Whether a call, alone in a cell, would be read as the cell's own `not(…)`."""
    return isinstance(node, ast.Call) and node.function == ast.Name("not")


def _tests(tests: tuple[ast.Node, ...]) -> str:
    if len(tests) > 1:
        return f"({_join(tests)})"
    return _at(tests[0], _COMPARE if isinstance(tests[0], ast.ComparisonTest) else _PLUS)


def _iterators(iterators: tuple[tuple[str, ast.Node], ...]) -> str:
    return ", ".join(f"{name} in {_at(source, _PLUS)}" for name, source in iterators)
