"""Tokens: full-width signs, the accepted mathematical ones, names with spaces, and ranges that leave an end out."""

import pytest

from policy_service.diagnostics import Report, plain
from policy_service.language.tokens import Vocabulary, half_width, is_word, report_full_width, tokenize

WORDS = Vocabulary(["round half up", "round up", "list contains", "stock"])


def tokens(text: str, *, cell: bool = False) -> list[tuple[str, str]] | None:
    found = tokenize(text, plain(text), WORDS, Report(), cell=cell)
    return None if found is None else [(t.type, t.value) for t in found]


def kinds(text: str, *, cell: bool = False) -> list[str]:
    return [kind for kind, _ in tokens(text, cell=cell) or []]


def faults(text: str) -> list[tuple[str, int, int, str, str | None]]:
    report = Report()
    tokenize(text, plain(text), WORDS, report, cell=False)
    return [(d.code.code, d.span.column, d.span.end, d.message, d.hint) for d in report]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x＞＝5", [("L102", 2, 4, "full-width `＞＝`", "write `>=`")]),
        ("（x）", [("L102", 1, 2, "full-width `（`", "write `(`"), ("L102", 3, 4, "full-width `）`", "write `)`")]),
        ("x ＞ ５", [("L102", 3, 4, "full-width `＞`", "write `>`"), ("L102", 5, 6, "full-width `５`", "write `5`")]),
        ('"开播，时长" ＝ x', [("L102", 9, 10, "full-width `＝`", "write `=`")]),
        (
            "x = “中，文”",
            [("L102", 5, 6, "full-width `“`", 'write `"`'), ("L102", 9, 10, "full-width `”`", 'write `"`')],
        ),
        ("[1，2]", [("L102", 3, 4, "full-width `，`", "write `,`")]),
        ('"a\\\\" ＝ x', [("L102", 7, 8, "full-width `＝`", "write `=`")]),
        ('"a\\"，" = x', []),
    ],
)
def test_full_width_signs_outside_texts_are_found_with_their_replacement(text: str, expected: list[object]) -> None:
    assert faults(text) == expected


def test_an_expression_with_full_width_signs_is_still_read() -> None:
    assert tokens("（x ＞＝ ５）") == [("LPAR", "("), ("NAME", "x"), ("COMPARE", ">="), ("NUMBER", "5"), ("RPAR", ")")]


def test_half_width_keeps_the_length() -> None:
    assert half_width("（a，中）　１") == "(a,中) 1"


def test_a_text_in_full_width_quotes_keeps_its_full_width_signs() -> None:
    text = "“中，文”，x"
    assert report_full_width(text, plain(text), Report()) == '"中，文",x'


@pytest.mark.parametrize(("sign", "meaning"), [("≥", ">="), ("≤", "<="), ("≠", "!="), (">=", ">="), ("!=", "!=")])
def test_mathematical_comparisons_are_accepted(sign: str, meaning: str) -> None:
    assert faults(f"x {sign} 5") == []
    assert tokens(f"x{sign}5") == [("NAME", "x"), ("COMPARE", meaning), ("NUMBER", "5")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("round half up(x, 2)", "round half up"),
        ("round  half\n up(x, 2)", "round half up"),
        ("round up(x, 2)", "round up"),
        ("round upper", "round"),
        ("rounds", "rounds"),
        ("list containsx", "list"),
        ("stock", "stock"),
    ],
)
def test_the_longest_known_name_is_taken(text: str, expected: str) -> None:
    assert (tokens(text) or [])[0] == ("NAME", expected)


def test_a_name_behind_a_dot_may_be_a_keyword() -> None:
    assert tokens("a.in.of") == [("NAME", "a"), ("DOT", "."), ("NAME", "in"), ("DOT", "."), ("NAME", "of")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("]1..2[", ["RANGE_OPEN", "NUMBER", "DOTDOT", "NUMBER", "RANGE_CLOSE"]),
        ("[1..2[", ["LSQB", "NUMBER", "DOTDOT", "NUMBER", "RANGE_CLOSE"]),
        ("]1..2]", ["RANGE_OPEN", "NUMBER", "DOTDOT", "NUMBER", "RSQB"]),
        ("x in ]a..b[", ["NAME", "IN", "RANGE_OPEN", "NAME", "DOTDOT", "NAME", "RANGE_CLOSE"]),
        ("r[x]", ["NAME", "LSQB", "NAME", "RSQB"]),
        ("[]", ["LSQB", "RSQB"]),
        ("[r[1]..2]", ["LSQB", "NAME", "LSQB", "NUMBER", "RSQB", "DOTDOT", "NUMBER", "RSQB"]),
        (
            "r[x in ]1..2[]",
            ["NAME", "LSQB", "NAME", "IN", "RANGE_OPEN", "NUMBER", "DOTDOT", "NUMBER", "RANGE_CLOSE", "RSQB"],
        ),
    ],
)
def test_brackets_of_open_ranges_are_told_from_those_of_lists_and_filters(text: str, expected: list[str]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("text", "is_negated"),
    [
        ("not(1, 2)", True),
        ("not([5..10))", True),
        ("not((5..10])", True),
        ("not(]5..10[)", True),
        ("not(f(x))", True),
        ("not(a) or not(b)", False),
        ("not(a), not(b)", False),
        ("not", False),
        ("(not(a))", False),
        ("not(a", False),
    ],
)
def test_not_around_a_whole_cell_negates_the_cell(text: str, is_negated: bool) -> None:
    assert (kinds(text, cell=True)[:1] == ["CELL_NOT"]) is is_negated


def test_not_in_an_expression_is_a_builtin() -> None:
    assert kinds("not(a)") == ["NAME", "LPAR", "NAME", "RPAR"]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("x = 'abc'", "`'abc'` has no place in an expression", 'texts stand in double quotes: `"…"`'),
        ('x = "abc', '`"abc` has no place in an expression', "close the text with a double quote"),
        ("a & b", "`&` has no place in an expression", "write `and`"),
        ("a | b", "`|` has no place in an expression", "write `or`"),
        ("!a", "`!` has no place in an expression", "write `!=` or `not(…)`"),
        ("5～10", "`～` has no place in an expression", "a range is written `[5..10]`"),
        ("a; b", "`;` has no place in an expression", None),
    ],
)
def test_a_sign_that_no_expression_holds_is_told_once(text: str, message: str, hint: str | None) -> None:
    assert tokens(text) is None
    assert [(code, told, advice) for code, _, _, told, advice in faults(text)] == [("L101", message, hint)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5", ["NUMBER"]),
        (".5", ["NUMBER"]),
        ("1e3", ["NUMBER"]),
        ("1..5", ["NUMBER", "DOTDOT", "NUMBER"]),
        ("1.e", ["NUMBER", "DOT", "NAME"]),
        ('@"P1D"', ["AT", "STRING"]),
        ("2**3", ["NUMBER", "POWER", "NUMBER"]),
        ("直播 > 1", ["NAME", "COMPARE", "NUMBER"]),
    ],
)
def test_tokens_end_where_the_next_begins(text: str, expected: list[str]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hours", True),
        ("开播", True),
        ("if", False),
        ("a b", False),
        ("", False),
        ("1a", False),
        ("ａ", False),
    ],
)
def test_a_word_stands_without_quotes(text: str, expected: bool) -> None:
    assert is_word(text) is expected
