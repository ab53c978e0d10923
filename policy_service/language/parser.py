"""Text to tree, every node with its Span."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Any, cast

from lark import Lark, Token, Transformer, Tree, UnexpectedInput, v_args
from lark.lexer import Lexer
from lark.tree import Meta

from policy_service.diagnostics import Origin, Report, Span
from policy_service.diagnostics.catalogue import BAD_LITERAL, SYNTAX
from policy_service.language import ast
from policy_service.language.builtins import SPACED_NAMES
from policy_service.language.tokens import Vocabulary, tokenize

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_PROFILE = Vocabulary(SPACED_NAMES)
MAX_DEPTH = 100


class _Tokens(Lexer):
    """Hands Lark the tokens that tokens.py made."""

    def __init__(self, _conf: object) -> None:
        pass

    def lex(self, data: Any) -> Any:  # type: ignore[override]  # lark passes through whatever `parse` was given
        return iter(data)


_GRAMMAR = Lark(
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
        tree = _GRAMMAR.parse(cast(str, tokens), start=start)
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
        report.add(SYNTAX, span, f"the expression ends too early, after `{last.value}`")
        return
    span = origin.span(token.start_pos or 0, token.end_pos or 0)
    report.add(SYNTAX, span, f"`{token.value}` is not expected here", hint=_hint(token, tokens))


def _hint(token: Token, tokens: list[Token]) -> str | None:
    before = [t for t in tokens if (t.start_pos or 0) < (token.start_pos or 0)]
    if token.type == "COMPARE" and before and before[-1].type == "COMPARE":
        return "equality is written with one `=`" if token.value == "=" else None
    if token.type == "COMPARE" and any(t.type == "COMPARE" for t in before):
        return "comparisons do not chain: write `a <= x and x <= b`, or `x between a and b`"
    if token.type == "COMPARE" and not before:
        return "name what is compared on its left"
    return None


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    return chr(int(code[1:], 16)) if code[0] == "u" and len(code) == 5 else _ESCAPED.get(code, code)


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
        """The text that a string token stands for; `\\ud83d\\ude00` is one character."""
        value = _ESCAPE.sub(_unescape, token.value)
        try:
            return value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.report.add(
                BAD_LITERAL,
                self.origin.span(token.start_pos or 0, token.end_pos or 0),
                "the text holds half of a character",
                hint="write the character itself",
            )
            return ""

    def expression(self, _meta: Meta, items: list[Any]) -> Any:
        return items[0]

    def primary(self, _meta: Meta, items: list[Any]) -> Any:
        return items[1]

    def number(self, meta: Meta, items: list[Token]) -> ast.Node:
        try:
            value = Decimal(items[0].value)
        except InvalidOperation:
            value = Decimal("Infinity")
        if not value.is_finite() or abs(value.adjusted()) > 40:
            self.report.add(BAD_LITERAL, self._span(meta), f"`{items[0].value}` is out of any range we keep")
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
