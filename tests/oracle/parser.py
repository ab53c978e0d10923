"""Expressions and cells read into trees: one method a level of precedence, from the loosest to the tightest."""

from collections.abc import Callable
from functools import lru_cache

from tests.oracle import syntax
from tests.oracle.lexer import Token, tokens
from tests.oracle.syntax import Node
from tests.oracle.values import number_of

_COMPARISONS = {"=", "!=", "<", "<=", ">", ">="}
_CONSTANTS = {"true": True, "false": False, "null": None}


@lru_cache(maxsize=100_000)
def expression(source: str) -> Node:
    """The tree of an expression."""
    parser = _Parser(source)
    node = parser.whole()
    parser.expect_end()
    return node


@lru_cache(maxsize=100_000)
def cell(source: str) -> syntax.Tests:
    """The tests of an input cell."""
    if source.strip() == "-":
        return syntax.Tests(())
    parser = _Parser(source)
    found = parser.cell()
    parser.expect_end()
    return found


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = tokens(source)
        self.place = 0

    # -- tokens

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def sees(self, *texts: str) -> bool:
        return self.next.kind in ("sign", "word") and self.next.text in texts

    def skip(self, *texts: str) -> bool:
        """Takes the next token if it is one of these."""
        if self.sees(*texts):
            self.place += 1
            return True
        return False

    def expect(self, *texts: str) -> str:
        if not self.sees(*texts):
            raise SyntaxError(f"{self.source!r}: {self.next.text!r} instead of {texts}")
        return self.take().text

    def expect_end(self) -> None:
        if self.next.kind != "end":
            raise SyntaxError(f"{self.source!r}: {self.next.text!r} after the end")

    # -- expressions

    def whole(self) -> Node:
        if self.skip("if"):
            condition = self.whole()
            self.expect("then")
            then = self.whole()
            self.expect("else")
            return syntax.If(condition, then, self.whole())
        return self.disjunction()

    def disjunction(self) -> Node:
        operands = [self.conjunction()]
        while self.skip("or"):
            operands.append(self.conjunction())
        return operands[0] if len(operands) == 1 else syntax.Logic("or", tuple(operands))

    def conjunction(self) -> Node:
        operands = [self.comparison()]
        while self.skip("and"):
            operands.append(self.comparison())
        return operands[0] if len(operands) == 1 else syntax.Logic("and", tuple(operands))

    def comparison(self) -> Node:
        left = self.sum()
        if self.sees(*_COMPARISONS):
            return syntax.Compare(self.take().text, left, self.sum())
        if self.skip("between"):
            low = self.sum()
            self.expect("and")
            return syntax.Between(left, low, self.sum())
        if self.skip("in"):
            return syntax.In(left, self.choice())
        return left

    def sum(self) -> Node:
        left = self.product()
        while self.sees("+", "-"):
            left = syntax.Arithmetic(self.take().text, left, self.product())
        return left

    def product(self) -> Node:
        left = self.signed()
        while self.sees("*", "/"):
            left = syntax.Arithmetic(self.take().text, left, self.signed())
        return left

    def signed(self) -> Node:
        return syntax.Minus(self.signed()) if self.skip("-") else self.postfix()

    def postfix(self) -> Node:
        node = self.primary()
        while self.sees(".") or self.filters():
            if self.take().text == ".":
                node = syntax.Part(node, self.name())
            else:
                node = syntax.Filter(node, self.whole())
                self.expect("]")
        return node

    def filters(self) -> bool:
        """Whether a bracket begins a filter; behind the end of a range it closes it: `]2..4[`."""
        behind = self.tokens[self.place + 1] if self.sees("[") else None
        return behind is not None and (
            behind.kind in ("number", "text", "moment", "name")
            or behind.text in ("if", "true", "false", "null", "(", "[", "-")
        )

    def name(self) -> str:
        """The name after a dot, which may also be a keyword."""
        if self.next.kind not in ("name", "word"):
            raise SyntaxError(f"{self.source!r}: {self.next.text!r} is no name")
        return self.take().text

    def primary(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return syntax.Literal(number_of(token.text))
        if token.kind == "text":
            return syntax.Literal(token.text)
        if token.kind == "moment":
            return syntax.Moment(token.text)
        if token.kind == "word" and token.text in _CONSTANTS:
            return syntax.Literal(_CONSTANTS[token.text])
        if token.kind == "name":
            return self.called(token.text) if self.sees("(") else syntax.Name(token.text)
        if token.text == "(":
            node = self.whole()
            self.expect(")")
            return node
        if token.text == "[":
            return syntax.Elements(self.arguments("]"))
        raise SyntaxError(f"{self.source!r}: {token.text!r} is not expected")

    def called(self, name: str) -> Node:
        self.expect("(")
        if name == "decision":
            path = [self.name()]
            while self.skip("."):
                path.append(self.name())
            self.expect(")")
            return syntax.Other(".".join(path[:2]), path[2], path[3] if len(path) > 3 else None)
        return syntax.Call(name, self.arguments(")"))

    def arguments(self, end: str) -> tuple[Node, ...]:
        """Expressions parted by commas, up to the end sign."""
        found: list[Node] = []
        while not self.skip(end):
            if found:
                self.expect(",")
            found.append(self.whole())
        return tuple(found)

    # -- tests

    def cell(self) -> syntax.Tests:
        """Tests parted by commas, the whole perhaps in `not(…)`."""
        if self.next == Token("name", "not") and self.tokens[self.place + 1] == Token("sign", "("):
            start = self.place
            self.place += 2
            found = self.some_tests()
            if self.skip(")") and self.next.kind == "end":
                return syntax.Tests(found, negated=True)
            self.place = start
        return syntax.Tests(self.some_tests())

    def choice(self) -> syntax.Tests:
        """What stands behind `in`: one test, or several in parentheses."""
        if self.sees("(") and not self.is_range():
            self.take()
            found = self.some_tests()
            self.expect(")")
            return syntax.Tests(found)
        return syntax.Tests((self.test(self.sum),))

    def some_tests(self) -> tuple[syntax.Test, ...]:
        found = [self.test(self.whole)]
        while self.skip(","):
            found.append(self.test(self.whole))
        return tuple(found)

    def test(self, value: Callable[[], Node]) -> syntax.Test:
        if self.sees(*_COMPARISONS):
            return syntax.Ordered(self.take().text, self.sum())
        if self.is_range():
            return self.range()
        return syntax.Equals(value())

    def is_range(self) -> bool:
        """Whether a range begins here: a bracket, a value, two dots."""
        if not self.sees("[", "(", "]"):
            return False
        start = self.place
        self.take()
        try:
            self.sum()
            return self.sees("..")
        except SyntaxError:
            return False
        finally:
            self.place = start

    def range(self) -> syntax.Range:
        opening = self.expect("[", "(", "]")
        low = self.sum()
        self.expect("..")
        high = self.sum()
        closing = self.expect("]", ")", "[")
        return syntax.Range(low, high, (opening == "[", closing == "]"))
