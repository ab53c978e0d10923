"""Text to tree, every node with its Span."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Transformer, Tree, UnexpectedInput, v_args
from lark.lexer import Lexer
from lark.tree import Meta

from policy_service.diagnostics import Origin, Report, Span
from policy_service.diagnostics.catalogue import BAD_LITERAL, SYNTAX
from policy_service.language import ast
from policy_service.language.builtins import SPACED_NAMES
from policy_service.language.format import number_text
from policy_service.language.tokens import Vocabulary, shortened, tokenize

_HEX = "[0-9A-Fa-f]"
_ESCAPE = re.compile(
    rf"\\u(?P<high>[Dd][89ABab]{_HEX}{{2}})\\u(?P<low>[Dd][C-Fc-f]{_HEX}{{2}})"
    rf"|\\(?:u(?P<four>{_HEX}{{4}})|U(?P<six>{_HEX}{{6}})|(?P<sign>.))"
)
"""An escape of FEEL (DMN 1.5, rule 64). Two `\\u` that are the halves of one character are one escape."""
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'"}
_MEANT = {
    "|": "a bar is escaped in a table's cell alone",
    "u": "four hex digits follow: `\\u4E2D`",
    "U": "six hex digits follow: `\\U01F40E`",
}
_ESCAPES = 'a backslash is `\\\\`; others are `\\"`, `\\n`, `\\r`, `\\t`, `\\u4E2D`, `\\U01F40E`'
_THOUSAND = re.compile(r"[0-9]{3}")
_TENS = {"百": 2, "千": 3, "万": 4, "亿": 8}
_LAST = 0x10FFFF
_HALVES = range(0xD800, 0xE000)
_PROFILE = Vocabulary(SPACED_NAMES)
MAX_DEPTH = 100


class _Tokens(Lexer):
    """Hands Lark the tokens that tokens.py made."""

    def __init__(self, _conf: object) -> None:
        pass

    def lex(self, data: Any) -> Any:  # type: ignore[override]  # lark passes through whatever `parse` was given
        return iter(data)


@cache
def _grammar() -> Lark:
    """The parser, made when the first expression is read: that takes longer than loading this package."""
    return Lark(
        files("policy_service.language").joinpath("grammar.lark").read_text("utf-8"),
        parser="lalr",
        lexer=_Tokens,
        start=["expression", "cell"],
        propagate_positions=True,
        maybe_placeholders=True,
    )


def parse_expression(text: str, origin: Origin, report: Report, vocabulary: Vocabulary = _PROFILE) -> ast.Node | None:
    """The tree of an expression, or None with the fault reported."""
    return _parse("expression", text, origin, report, vocabulary)


def parse_cell(text: str, origin: Origin, report: Report, vocabulary: Vocabulary = _PROFILE) -> ast.Cell | None:
    """The tree of an input cell, or None with the fault reported."""
    return cast(ast.Cell | None, _parse("cell", text, origin, report, vocabulary))


def _parse(start: str, text: str, origin: Origin, report: Report, vocabulary: Vocabulary) -> ast.Node | None:
    tokens = tokenize(text, origin, vocabulary, report, cell=start == "cell")
    if tokens is None:
        return None
    if not tokens:
        report.add(SYNTAX, origin.span(0, len(text)), "an expression is missing")
        return None
    try:
        tree = _grammar().parse(cast(str, tokens), start=start)
    except UnexpectedInput as error:
        _report_unexpected(error, tokens, origin, report)
        return None
    faults = len(report.diagnostics)
    node = _Build(origin, report).transform(tree) if _depth(tree) <= MAX_DEPTH else None
    if node is None:
        report.add(
            SYNTAX,
            origin.span(0, len(text)),
            f"the expression is nested more than {MAX_DEPTH} deep",
            hint="split it into decisions",
        )
    return node if len(report.diagnostics) == faults else None


def _depth(tree: Tree[Token]) -> int:
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in node.children if isinstance(child, Tree)]
    return depth


def _report_unexpected(error: UnexpectedInput, tokens: list[Token], origin: Origin, report: Report) -> None:
    token = getattr(error, "token", None)
    if token is None or token.type == "$END":
        last = tokens[-1]
        span = origin.span(last.start_pos or 0, last.end_pos or 0)
        is_number = last.type == "DOT" and len(tokens) > 1 and tokens[-2].type == "NUMBER"
        hint = f"write `{shortened(tokens[-2].value)}`" if is_number else None
        report.add(SYNTAX, span, f"the expression ends too early, after `{shortened(last.value)}`", hint=hint)
        return
    span = origin.span(token.start_pos or 0, token.end_pos or 0)
    report.add(SYNTAX, span, f"`{shortened(token.value)}` is not expected here", hint=_hint(token, tokens))


def _hint(token: Token, tokens: list[Token]) -> str | None:
    at = next(i for i, t in enumerate(tokens) if t.start_pos == token.start_pos)
    before, after = tokens[:at], tokens[at + 1 :]
    last = before[-1] if before else None
    if last is not None and last.type == "NUMBER" and last.end_pos == token.start_pos:
        return _number_hint(last.value, token, after[0].value if after else "")
    if token.type == "PLUS" and after and after[0].type == "NUMBER":
        return "a number needs no `+`"
    if token.type == "COMPARE" and last is not None and last.type == "COMPARE":
        return "equality is written with one `=`" if token.value == "=" else None
    if token.type == "COMPARE" and any(t.type == "COMPARE" for t in before):
        return "comparisons do not chain: write `a <= x and x <= b`, or `x between a and b`"
    if token.type == "COMPARE" and last is None:
        return "name what is compared on its left"
    return None


def _number_hint(number: str, token: Token, following: str) -> str | None:
    """What was meant by a sign right behind a number."""
    digits = ""
    if token.type == "COMMA" and _THOUSAND.fullmatch(following):
        digits = number + following
    elif token.type == "NAME" and token.value.replace("_", "").isdecimal():
        digits = number + token.value.replace("_", "")
    elif token.type == "NAME" and token.value in _TENS:
        digits = number_text(Decimal(number).scaleb(_TENS[token.value]))
    if digits:
        return f"write `{shortened(digits)}`"
    return "between a number and a name stands an operator" if token.type == "NAME" else None


def _unescaped(match: re.Match[str]) -> str | None:
    """The character that an escape stands for; None when it stands for none."""
    if match["sign"] is not None:
        return _ESCAPED.get(match["sign"])
    if match["high"] is not None:
        return (bytes.fromhex(match["high"]) + bytes.fromhex(match["low"])).decode("utf-16-be")
    number = int(match["four"] or match["six"], 16)
    return None if number in _HALVES or number > _LAST else chr(number)


def _no_escape(match: re.Match[str]) -> tuple[str, str]:
    """What is wrong with an escape that stands for no character, and what to write."""
    written = match.group()
    if match["sign"] is not None:
        return f"`{written}` is no escape", _MEANT.get(match["sign"], _ESCAPES)
    if match["six"] is not None and int(match["six"], 16) > _LAST:
        return f"`{written}` is no character", f"the last one is `\\U{_LAST:06X}`"
    return f"`{written}` is half of a character", "write the character itself, or `\\U` and its six hex digits"


def _nodes(items: list[Any]) -> tuple[ast.Node, ...]:
    return tuple(item for item in items if isinstance(item, ast.Node))


@v_args(meta=True)
class _Build(Transformer[Token, ast.Node]):
    """Parse tree to our nodes."""

    def __init__(self, origin: Origin, report: Report) -> None:
        super().__init__()
        self.origin, self.report = origin, report

    def _span(self, meta: Meta) -> Span:
        return self.origin.span(meta.start_pos, meta.end_pos)

    def _string(self, token: Token) -> str:
        """The text that a string token stands for; an escape that stands for no character is reported at its place."""
        inside = (token.start_pos or 0) + 1

        def read(match: re.Match[str]) -> str:
            found = _unescaped(match)
            if found is None:
                message, hint = _no_escape(match)
                span = self.origin.span(inside + match.start(), inside + match.end())
                self.report.add(BAD_LITERAL, span, message, hint=hint)
            return found or ""

        return _ESCAPE.sub(read, token.value)

    def expression(self, _meta: Meta, items: list[Any]) -> Any:
        return items[0]

    def primary(self, _meta: Meta, items: list[Any]) -> Any:
        return items[1]

    def number(self, meta: Meta, items: list[Token]) -> ast.Node:
        text = items[0].value
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("Infinity")
        if not value.is_finite() or abs(value.adjusted()) > 40:
            self.report.add(BAD_LITERAL, self._span(meta), f"`{shortened(text)}` is out of any range we keep")
        return ast.NumberLiteral(value, span=self._span(meta))

    def string(self, meta: Meta, items: list[Token]) -> ast.Node:
        return ast.StringLiteral(self._string(items[0]), span=self._span(meta))

    def boolean(self, meta: Meta, items: list[Token]) -> ast.Node:
        return ast.BooleanLiteral(items[0].value == "true", span=self._span(meta))

    def null(self, meta: Meta, _items: list[Token]) -> ast.Node:
        return ast.NullLiteral(span=self._span(meta))

    def at_literal(self, meta: Meta, items: list[Token]) -> ast.Node:
        return ast.AtLiteral(self._string(items[1]), span=self._span(meta))

    def name(self, meta: Meta, items: list[Token]) -> ast.Node:
        return ast.Name(items[0].value, span=self._span(meta))

    def path(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.Path(items[0], items[2].value, span=self._span(meta))

    def argument(self, _meta: Meta, items: list[Any]) -> Any:
        return (items[0].value if items[0] is not None else None, items[-1])

    def arguments(self, _meta: Meta, items: list[Any]) -> Any:
        return [item for item in items if isinstance(item, tuple)]

    def call(self, meta: Meta, items: list[Any]) -> ast.Node:
        arguments = items[2] or []
        names = tuple(name for name, _ in arguments if name is not None)
        if names and len(names) != len(arguments):
            self.report.add(SYNTAX, self._span(meta), "arguments are passed all by name or all by place")
        return ast.Call(items[0], tuple(value for _, value in arguments), names, span=self._span(meta))

    def filter_expression(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.Filter(items[0], items[2], span=self._span(meta))

    def negation(self, meta: Meta, items: list[Any]) -> ast.Node:
        if isinstance(items[1], ast.NumberLiteral) and items[1].value > 0:
            return ast.NumberLiteral(-items[1].value, span=self._span(meta))
        return ast.Negation(items[1], span=self._span(meta))

    def arithmetic(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.Arithmetic(items[1].value, items[0], items[2], span=self._span(meta))

    def compare(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.Comparison(items[1].value, items[0], items[2], span=self._span(meta))

    def between(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.Between(*_nodes(items), span=self._span(meta))

    def in_tests(self, _meta: Meta, items: list[Any]) -> Any:
        return _nodes(items)

    def contained(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.In(items[0], items[2], span=self._span(meta))

    def instance_of(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.InstanceOf(items[0], items[3].value, span=self._span(meta))

    def conjunction(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.Conjunction(_nodes(items), span=self._span(meta))

    def disjunction(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.Disjunction(_nodes(items), span=self._span(meta))

    def if_expression(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.If(*_nodes(items), span=self._span(meta))

    def iterator(self, _meta: Meta, items: list[Any]) -> Any:
        return (items[0].value, items[2])

    def iterators(self, _meta: Meta, items: list[Any]) -> Any:
        return tuple(item for item in items if isinstance(item, tuple))

    def for_expression(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.For(items[1], items[3], span=self._span(meta))

    def quantified(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.Quantified(items[0].value, items[1], items[3], span=self._span(meta))

    def function_definition(self, meta: Meta, items: list[Any]) -> ast.Node:
        names = tuple(i.value for i in items if isinstance(i, Token) and i.type == "NAME")
        return ast.FunctionDefinition(names, items[-1], span=self._span(meta))

    def list_literal(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.ListLiteral(_nodes(items), span=self._span(meta))

    def entry(self, _meta: Meta, items: list[Any]) -> Any:
        key = items[0]
        return (self._string(key) if key.type == "STRING" else key.value, items[2])

    def context_literal(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.ContextLiteral(tuple(i for i in items if isinstance(i, tuple)), span=self._span(meta))

    def range_literal(self, meta: Meta, items: list[Any]) -> ast.Node:
        low, high = _nodes(items)
        return ast.Range(low, high, items[0].type == "LSQB", items[-1].type == "RSQB", span=self._span(meta))

    def operator_test(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.ComparisonTest(items[0].value, items[1], span=self._span(meta))

    def any_cell(self, meta: Meta, _items: list[Any]) -> ast.Node:
        return ast.Cell((), span=self._span(meta))

    def tests_cell(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.Cell(_nodes(items), span=self._span(meta))

    def not_cell(self, meta: Meta, items: list[Any]) -> ast.Node:
        return ast.Cell(_nodes(items), negated=True, span=self._span(meta))


Parse = Callable[[str, Origin, Report], ast.Node | None]
