"""Text to tree: precedence, spans, and one fault for one mistake."""

from decimal import Decimal

import pytest

from policy_service.diagnostics import Report, plain
from policy_service.language import ast
from policy_service.language.checking import Scope, check_expression
from policy_service.language.parser import MAX_DEPTH, parse_cell, parse_expression


def read(text: str) -> ast.Node:
    report = Report()
    node = parse_expression(text, plain(text), report)
    assert report.diagnostics == []
    assert node is not None
    return node


def cell(text: str) -> ast.Cell:
    report = Report()
    node = parse_cell(text, plain(text), report)
    assert report.diagnostics == []
    assert node is not None
    return node


def faults(text: str, *, in_cell: bool = False) -> list[tuple[str, int, int, str]]:
    report = Report()
    node = (parse_cell if in_cell else parse_expression)(text, plain(text), report)
    assert node is None
    return [(d.code.code, d.span.column, d.span.end, d.message) for d in report]


def number(value: str | int) -> ast.NumberLiteral:
    return ast.NumberLiteral(Decimal(value))


A, B, C = ast.Name("a"), ast.Name("b"), ast.Name("c")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b * c", ast.Arithmetic("+", A, ast.Arithmetic("*", B, C))),
        ("a - b - c", ast.Arithmetic("-", ast.Arithmetic("-", A, B), C)),
        ("-a ** b", ast.Arithmetic("**", ast.Negation(A), B)),
        ("-5", number(-5)),
        ("--5", ast.Negation(number(-5))),
        ("a or b and c", ast.Disjunction((A, ast.Conjunction((B, C))))),
        ("a and b and c", ast.Conjunction((A, B, C))),
        ("a + 1 > b", ast.Comparison(">", ast.Arithmetic("+", A, number(1)), B)),
        ("a between 1 and 2 and b", ast.Conjunction((ast.Between(A, number(1), number(2)), B))),
        ("a in (1, < 2)", ast.In(A, (number(1), ast.ComparisonTest("<", number(2))))),
        ("a in [1..2)", ast.In(A, (ast.Range(number(1), number(2), True, False),))),
        ("a in < 5", ast.In(A, (ast.ComparisonTest("<", number(5)),))),
        ("if a then b else if b then c else a", ast.If(A, B, ast.If(B, C, A))),
        ("a[b > 1].c", ast.Path(ast.Filter(A, ast.Comparison(">", B, number(1))), "c")),
        ("round half up(a / b, 2)", ast.Call(ast.Name("round half up"), (ast.Arithmetic("/", A, B), number(2)))),
        ("f(x: a)", ast.Call(ast.Name("f"), (A,), ("x",))),
        ('@"P1D"', ast.AtLiteral("P1D")),
        ('{a: 1, "b c": 2}', ast.ContextLiteral((("a", number(1)), ("b c", number(2))))),
        ("for a in b return a + 1", ast.For((("a", B),), ast.Arithmetic("+", A, number(1)))),
        ("every a in b satisfies a > 1", ast.Quantified("every", (("a", B),), ast.Comparison(">", A, number(1)))),
        ('"\\"中\\n\\\\\\u4e2d\\ud83d\\ude00"', ast.StringLiteral('"中\n\\中😀')),
        ("1.50", number("1.5")),
    ],
)
def test_an_expression_is_read_as_this_tree(text: str, tree: ast.Node) -> None:
    assert read(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("-", ast.Cell(())),
        ("-1", ast.Cell((number(-1),))),
        ("< 5, [7..9]", ast.Cell((ast.ComparisonTest("<", number(5)), ast.Range(number(7), number(9), True, True)))),
        ('"a", "b"', ast.Cell((ast.StringLiteral("a"), ast.StringLiteral("b")))),
        ("not(1, null)", ast.Cell((number(1), ast.NullLiteral()), negated=True)),
        ("not([5..10))", ast.Cell((ast.Range(number(5), number(10), True, False),), negated=True)),
        ("not((5..10])", ast.Cell((ast.Range(number(5), number(10), False, True),), negated=True)),
        ("not(a) and b", ast.Cell((ast.Conjunction((ast.Call(ast.Name("not"), (A,)), B)),))),
        ("]a..b[", ast.Cell((ast.Range(A, B, False, False),))),
        (
            '>= as_of - duration("P30D")',
            ast.Cell(
                (
                    ast.ComparisonTest(
                        ">=",
                        ast.Arithmetic(
                            "-", ast.Name("as_of"), ast.Call(ast.Name("duration"), (ast.StringLiteral("P30D"),))
                        ),
                    ),
                )
            ),
        ),
    ],
)
def test_a_cell_is_read_as_these_tests(text: str, tree: ast.Cell) -> None:
    assert cell(text) == tree


def test_every_node_knows_where_it_stands_after_chinese_text() -> None:
    tree = read('"开播" = b and live.hours >= -4')
    spans = {type(n).__name__: (n.span.column, n.span.end) for n in ast.walk(tree)}
    assert spans["Conjunction"] == (1, 30)
    assert spans["StringLiteral"] == (1, 5)
    assert spans["Path"] == (14, 24)
    assert spans["NumberLiteral"] == (28, 30)


def test_a_node_on_the_second_line_has_that_line() -> None:
    tree = read("a\n and 开 > 1")
    assert [(n.span.line, n.span.column, n.span.end) for n in ast.walk(tree) if isinstance(n, ast.Comparison)] == [
        (2, 6, 11)
    ]


def test_places_do_not_count_when_trees_are_compared() -> None:
    assert read("a  +  b") == read("a+b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("L101", 1, 2, "an expression is missing")),
        ("  ", ("L101", 1, 3, "an expression is missing")),
        ("a +", ("L101", 3, 4, "the expression ends too early, after `+`")),
        ("a b", ("L101", 3, 4, "`b` is not expected here")),
        ("1 < a < 2", ("L101", 7, 8, "`<` is not expected here")),
        ("a == b", ("L101", 4, 5, "`=` is not expected here")),
        ("(a", ("L101", 2, 3, "the expression ends too early, after `a`")),
        ("a)", ("L101", 2, 3, "`)` is not expected here")),
        ("if a then b", ("L101", 11, 12, "the expression ends too early, after `b`")),
        ("f(1, x: 2)", ("L101", 1, 11, "arguments are passed all by name or all by place")),
        ("1e50", ("L103", 1, 5, "`1e50` is out of any range we keep")),
        ("1e99999999999999999999", ("L103", 1, 23, "`1e99999999999999999999` is out of any range we keep")),
        ('"\\ud83d"', ("L103", 2, 8, "`\\ud83d` is half of a character")),
    ],
)
def test_one_mistake_is_one_fault_at_its_place(text: str, expected: tuple[str, int, int, str]) -> None:
    assert faults(text) == [expected]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1 < a < 2", "comparisons do not chain: write `a <= x and x <= b`, or `x between a and b`"),
        ("a == b", "equality is written with one `=`"),
        ("> 5", "name what is compared on its left"),
        ("a b", None),
    ],
)
def test_the_hint_fits_the_mistake(text: str, hint: str | None) -> None:
    report = Report()
    parse_expression(text, plain(text), report)
    assert [d.hint for d in report] == [hint]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\"\\\n\r\t"', '"\\\n\r\t'),
        (r'"\'"', "'"),
        (r'"\u4E2D\u4e2d"', "中中"),
        (r'"\U01F40E"', "🐎"),
        (r'"\U000041\U10FFFF"', "A\U0010ffff"),
        (r'"\uD83D\uDC0E"', "🐎"),
        (r'"\\u4E2D"', r"\u4E2D"),
        (r'"\\\u4E2D"', r"\中"),
        (r'"\u005Cn"', r"\n"),
        (r'"\uD7FF\uE000"', "\ud7ff\ue000"),
        ("'a'", None),
    ],
)
def test_escapes_of_feel_are_read(text: str, value: str | None) -> None:
    report = Report()
    tree = parse_expression(text, plain(text), report)
    assert (tree == ast.StringLiteral(value)) if value is not None else (tree is None)


@pytest.mark.parametrize(
    ("text", "marked", "message", "hint"),
    [
        (r'"中\q"', r"\q", r"`\q` is no escape", r"a backslash is `\\`"),
        (r'"\/"', r"\/", r"`\/` is no escape", r"a backslash is `\\`"),
        (r'"a\|b"', r"\|", r"`\|` is no escape", "a bar is escaped in a table's cell alone"),
        (r'"\u12"', r"\u", r"`\u` is no escape", "four hex digits follow"),
        (r'"\U1F40E"', r"\U", r"`\U` is no escape", "six hex digits follow"),
        (r'"\U110000"', r"\U110000", r"`\U110000` is no character", r"the last one is `\U10FFFF`"),
        (r'"\uDC0E\uD83D"', r"\uDC0E", r"`\uDC0E` is half of a character", "write the character itself"),
        (r'"\uD83D\n"', r"\uD83D", r"`\uD83D` is half of a character", "write the character itself"),
        (r'"\U00D83D\uDC0E"', r"\U00D83D", r"`\U00D83D` is half of a character", "write the character itself"),
        (r'@"\q"', r"\q", r"`\q` is no escape", r"a backslash is `\\`"),
        (r'{"\q": 1}', r"\q", r"`\q` is no escape", r"a backslash is `\\`"),
    ],
)
def test_an_escape_that_is_none_is_told_at_its_place(text: str, marked: str, message: str, hint: str) -> None:
    report = Report()
    assert parse_expression(text, plain(text), report) is None
    found = report.diagnostics[0]
    assert (found.code.code, text[found.span.column - 1 : found.span.end - 1]) == ("L103", marked)
    assert found.message == message
    assert (found.hint or "").startswith(hint)


def test_every_wrong_escape_of_a_text_is_told() -> None:
    assert [(column, end) for _, column, end, _ in faults(r'"\a \n \b"')] == [(2, 4), (8, 10)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1_000", "write `1000`"),
        ("10,000", "write `10000`"),
        ("5万", "write `50000`"),
        ("1.5亿", "write `150000000`"),
        ("1.", "write `1`"),
        ("+1", "a number needs no `+`"),
        ("0x10", "between a number and a name stands an operator"),
        ("50%", "a share is written as a number: `0.25`"),
        ("a // b", "comments are YAML's: `# …` behind a blank, or a column `# note`"),
        ("a /* b\nc */", "comments are YAML's: `# …` behind a blank, or a column `# note`"),
        ("a\u200b+ 1", "delete it: it cannot be seen"),
        ("a ≧ 1", "write `>=`"),
        ("[1…2]", "a range is written `[5..10]`"),
        ("‘a", 'texts stand in double quotes: `"…"`'),
        ('"a\rb', "close the text with a double quote"),
    ],
)
def test_what_other_notations_write_is_told_as_it_is_written_here(text: str, hint: str) -> None:
    report = Report()
    parse_expression(text, plain(text), report)
    assert report.diagnostics[0].hint == hint


@pytest.mark.parametrize("text", ["1" * 5000, "0." + "1" * 5000, "0" * 5000, "x" * 5000 + " y", '"' + "x" * 5000])
def test_a_message_stays_short_however_long_the_source(text: str) -> None:
    report = Report()
    tree = parse_expression(text, plain(text), report)
    if tree is not None:
        check_expression(tree, Scope({}), report)
    assert max((len(d.message) for d in report), default=0) < 120


@pytest.mark.parametrize("blank", ["\t", "\u00a0", "\u2003", "\n"])
def test_any_blank_of_feel_parts_words(blank: str) -> None:
    assert read(f"round{blank}half up(a,{blank}2)") == read("round half up(a, 2)")


def test_a_comparison_without_its_left_side_is_a_test_only_in_a_cell() -> None:
    assert cell("> 5") == ast.Cell((ast.ComparisonTest(">", number(5)),))
    assert [code for code, *_ in faults("> 5")] == ["L101"]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000 + "a" + ")" * 20_000,
        "-" * 20_000 + "a",
        " + ".join("a" * 20_000),
        "not(" * 2000 + "a" + ")" * 2000,
    ],
)
def test_an_expression_that_is_nested_too_deep_is_a_fault_and_no_crash(text: str) -> None:
    assert [message for *_, message in faults(text)] == [f"the expression is nested more than {MAX_DEPTH} deep"]


def test_a_long_list_is_not_deep() -> None:
    tree = read("[" + ", ".join("1" for _ in range(5000)) + "]")
    assert isinstance(tree, ast.ListLiteral)
    assert len(tree.items) == 5000
