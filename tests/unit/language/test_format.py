"""The canonical text of a tree reads back as the same tree."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_service.diagnostics import Report, plain
from policy_service.language import ast
from policy_service.language.format import number_text, print_node, string_text
from policy_service.language.parser import parse_cell, parse_expression
from policy_service.language.tokens import KEYWORDS
from policy_service.policies.reading.grid import read_grid
from policy_service.sources import Mapping, Text
from policy_service.sources import read as read_yaml

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(lambda n: n not in KEYWORDS and n != "not")
NUMBERS = st.decimals(min_value=0, max_value=10**12, places=3).map(lambda d: d.normalize() + 0)
TEXTS = st.one_of(
    st.text(max_size=8), st.sampled_from(['"', "\\", "\\\\", 'a"b', "开播", "a\nb", "\r\t", "，（）", "{x}", "]["])
)
UNPRINTED = [*map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF])]
ALL_SIGNS = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from([*UNPRINTED, *'"\\|uUn0{“']))
COMPARISONS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
LEAVES = st.one_of(
    NUMBERS.map(ast.NumberLiteral),
    NUMBERS.filter(lambda n: n > 0).map(lambda n: ast.NumberLiteral(-n)),
    TEXTS.map(ast.StringLiteral),
    st.booleans().map(ast.BooleanLiteral),
    st.just(ast.NullLiteral()),
    st.sampled_from(["2023-04-01", "P30D"]).map(ast.AtLiteral),
    NAMES.map(ast.Name),
    st.builds(ast.Path, NAMES.map(ast.Name), NAMES),
)


def some(items: st.SearchStrategy[ast.Node], least: int, most: int = 3) -> st.SearchStrategy[tuple[ast.Node, ...]]:
    return st.lists(items, min_size=least, max_size=most).map(tuple)


def ranges(inner: st.SearchStrategy[ast.Node]) -> st.SearchStrategy[ast.Node]:
    return st.builds(ast.Range, inner, inner, st.booleans(), st.booleans())


def unary_tests(inner: st.SearchStrategy[ast.Node]) -> st.SearchStrategy[ast.Node]:
    return st.one_of(inner, ranges(inner), st.builds(ast.ComparisonTest, COMPARISONS, inner))


def calls(inner: st.SearchStrategy[ast.Node]) -> st.SearchStrategy[ast.Node]:
    functions = st.sampled_from(["round half up", "list contains", "not", "min"]) | NAMES
    by_name = st.lists(st.tuples(NAMES, inner), min_size=1, max_size=2)
    return st.one_of(
        st.builds(ast.Call, functions.map(ast.Name), some(inner, 0)),
        st.builds(
            lambda f, pairs: ast.Call(ast.Name(f), tuple(v for _, v in pairs), tuple(n for n, _ in pairs)),
            functions,
            by_name,
        ),
    )


def deeper(inner: st.SearchStrategy[ast.Node]) -> st.SearchStrategy[ast.Node]:
    iterators = st.lists(st.tuples(NAMES, inner), min_size=1, max_size=2).map(tuple)
    entries = st.lists(st.tuples(NAMES | TEXTS | st.sampled_from(["if", "true", "a b"]), inner), max_size=3).map(tuple)
    negatable = inner.filter(lambda n: not (isinstance(n, ast.NumberLiteral) and n.value > 0))
    return st.one_of(
        calls(inner),
        ranges(inner),
        st.builds(ast.Path, inner, NAMES),
        negatable.map(ast.Negation),
        st.builds(ast.Arithmetic, st.sampled_from(["+", "-", "*", "/", "**"]), inner, inner),
        st.builds(ast.Comparison, COMPARISONS, inner, inner),
        some(inner, 2).map(ast.Conjunction),
        some(inner, 2).map(ast.Disjunction),
        st.builds(ast.Between, inner, inner, inner),
        st.builds(ast.In, inner, some(unary_tests(inner), 1)),
        st.builds(ast.If, inner, inner, inner),
        some(inner, 0).map(ast.ListLiteral),
        entries.map(ast.ContextLiteral),
        st.builds(ast.Filter, inner, inner),
        st.builds(ast.For, iterators, inner),
        st.builds(ast.Quantified, st.sampled_from(["some", "every"]), iterators, inner),
        st.builds(ast.FunctionDefinition, st.lists(NAMES, max_size=2).map(tuple), inner),
        st.builds(ast.InstanceOf, inner, NAMES),
    )


EXPRESSIONS = st.recursive(LEAVES, deeper, max_leaves=12)
CELLS = st.one_of(
    st.just(ast.Cell(())),
    some(unary_tests(EXPRESSIONS), 1).map(ast.Cell),
    st.builds(ast.Cell, some(unary_tests(EXPRESSIONS), 1), st.just(True)),
)


def read(text: str) -> ast.Node | None:
    report = Report()
    node = parse_expression(text, plain(text), report)
    assert report.diagnostics == [], text
    return node


def read_cell(text: str) -> ast.Cell | None:
    report = Report()
    node = parse_cell(text, plain(text), report)
    assert report.diagnostics == [], text
    return node


@given(EXPRESSIONS)
def test_an_expression_reads_back_as_it_was_printed(tree: ast.Node) -> None:
    assert read(print_node(tree)) == tree


@given(st.text(ALL_SIGNS, max_size=20))
def test_any_text_reads_back_as_it_was_printed(text: str) -> None:
    printed = string_text(text)
    assert read(printed) == ast.StringLiteral(text)
    assert not [sign for sign in printed if sign in UNPRINTED]


@given(st.text(ALL_SIGNS, max_size=20))
def test_any_text_stands_in_a_table_with_its_bars_escaped(text: str) -> None:
    printed = string_text(text).replace("|", "\\|")
    report = Report()
    root = read_yaml("t.yaml", f"k: |\n  | row | a |\n  | r | {printed} |\n", report)
    assert isinstance(root, Mapping)
    table = root.get("k")
    assert isinstance(table, Text)
    grid = read_grid(table, "`k`", report)
    assert report.diagnostics == []
    assert grid is not None
    assert parse_cell(grid.rows[0][1].text, grid.rows[0][1].origin, report) == ast.Cell((ast.StringLiteral(text),))


@given(CELLS)
def test_a_cell_reads_back_as_it_was_printed(cell: ast.Cell) -> None:
    assert read_cell(print_node(cell)) == cell


@given(EXPRESSIONS)
def test_printing_again_changes_nothing(tree: ast.Node) -> None:
    text = print_node(tree)
    again = read(text)
    assert again is not None
    assert print_node(again) == text


def test_every_kind_of_node_is_generated() -> None:
    kinds = {v for v in vars(ast).values() if isinstance(v, type) and issubclass(v, ast.Node)} - {ast.Node}
    shown = [
        "1 + -2",
        '"a"',
        "true",
        "null",
        '@"P1D"',
        "a.b",
        "f(x: 1)",
        "-x",
        "a = 1 and b < 2 or c",
        "x between 1 and 2",
        "x in (< 1, [2..3])",
        "if a then b else c",
        "[1, 2]",
        "{a: 1}",
        "r[a]",
        "for i in x return i",
        "some i in x satisfies i",
        "function(a) a",
        "x instance of number",
    ]
    found = {type(n) for text in shown for n in ast.walk(read(text) or ast.NullLiteral())}
    found |= {type(n) for n in ast.walk(read_cell("< 1") or ast.NullLiteral())}
    assert found == kinds


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a>=1  and\nb", "a >= 1 and b"),
        ("((a))", "a"),
        ("a ≥ 1.50", "a >= 1.5"),
        ("(a + b) * c", "(a + b) * c"),
        ("a + (b * c)", "a + b * c"),
        ("a - (b - c)", "a - (b - c)"),
        ("(a - b) - c", "a - b - c"),
        ("]1..2[", "(1..2)"),
        ("-1", "-1"),
        ("(a and b) and c", "(a and b) and c"),
        ("[1..(r[1].c)]", "[1..(r[1].c)]"),
        ("1e3", "1000"),
        ("round  half\tup(x,2)", "round half up(x, 2)"),
        ('"\\u4e2d"', '"中"'),
        (r'"\U01F40E"', '"🐎"'),
        (r'"\uD83D\uDC0E"', '"🐎"'),
        (r'"\'\u0022"', r'"\'\""'.replace("\\'", "'")),
        (r'"\u0007\u0085\u2028"', r'"\u0007\u0085\u2028"'),
        ('"\u2028"', r'"\u2028"'),
        ("{a b: 1}", None),
    ],
)
def test_one_meaning_has_one_spelling(text: str, canonical: str | None) -> None:
    report = Report()
    tree = parse_expression(text, plain(text), report)
    assert (print_node(tree) if tree is not None else None) == canonical
    assert report.has_errors == (canonical is None)


def test_a_call_of_not_alone_in_a_cell_stays_a_call() -> None:
    call = ast.Cell((ast.Call(ast.Name("not"), (ast.Name("a"),)),))
    assert print_node(call) == "(not(a))"
    assert read_cell("not(a)") == ast.Cell((ast.Name("a"),), negated=True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("0.00", "0"),
        ("12.50", "12.5"),
        ("1E+3", "1000"),
        ("100", "100"),
        ("-0.001", "-0.001"),
    ],
)
def test_a_number_is_its_shortest_exact_decimal(value: str, text: str) -> None:
    assert number_text(Decimal(value)) == text
