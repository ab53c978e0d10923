"""Nodes of text with their places: every character of a value is found again in the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_service.diagnostics import Report, Span
from policy_service.sources import Form, Mapping, Node, Text, read


def load(text: str) -> Mapping:
    report = Report()
    node = read("f.yaml", text, report)
    assert [d.message for d in report] == []
    assert isinstance(node, Mapping)
    return node


def value(text: str, key: str = "k") -> Text:
    node = load(text).get(key)
    assert isinstance(node, Text)
    return node


def faults(text: str) -> list[tuple[str, str, str]]:
    report = Report()
    read("f.yaml", text, report)
    return [(d.code.code, str(d.span), d.message) for d in report]


def place(text: Text, part: str) -> tuple[int, int, int]:
    """Line, column and end of the first place of a part of the value."""
    start = text.value.index(part)
    span = text.origin.span(start, start + len(part))
    return span.line, span.column, span.end


@pytest.mark.parametrize(
    ("source", "part", "expected"),
    [
        ("k: abc def", "def", (1, 8, 11)),
        ("k: 'abc def'", "def", (1, 9, 12)),
        ("k: 'it''s def'", "def", (1, 11, 14)),
        ('k: "abc def"', "def", (1, 9, 12)),
        ('k: "a\\tb\\x41\\u4e2d\\U0001F600 def"', "def", (1, 30, 33)),
        ('k: "say \\"hi\\" def"', "def", (1, 16, 19)),
        ("直播: 1\nk: 开播 def", "def", (2, 7, 10)),
        ('{zh: 直播，开播, k: "时长 ＞ 4"}', "＞", (1, 20, 21)),
        ("k: abc\n   def", "def", (2, 4, 7)),
        ("k: 'abc\n\n   def'", "def", (3, 4, 7)),
        ('k: "abc \\\n   def"', "def", (2, 4, 7)),
        ("k: |\n  abc\n  def\n", "def", (3, 3, 6)),
        ("k: |\n  abc\n     def\n  ghi\n", "def", (3, 6, 9)),
        ("k: |\n  abc\n     def\n  ghi\n", "ghi", (4, 3, 6)),
        ("k: |\n  中文\n\n  def\n", "def", (4, 3, 6)),
        ("k: |\n\n    abc\n\n\n    def\n", "def", (6, 5, 8)),
        ("k: |2\n    abc\n  def\n", "abc", (2, 5, 8)),
        ("k: |-  # the table\n  abc\n  def", "def", (3, 3, 6)),
        ("k: >\n  abc\n  def\n", "def", (3, 3, 6)),
        ("k: >\n  abc\n\n  def\n", "def", (4, 3, 6)),
        ("k: >\n  abc\n    more\n  def\n", "more", (3, 5, 9)),
        ("k: >\n  abc\n    more\n  def\n", "def", (4, 3, 6)),
        ("k: |\r\n  abc\r\n  def\r\n", "def", (3, 3, 6)),
        ("\ufeffk: def", "def", (1, 5, 8)),
    ],
)
def test_a_part_of_a_value_is_found_in_the_file(source: str, part: str, expected: tuple[int, int, int]) -> None:
    assert place(value(source), part) == expected


LINES = st.lists(
    st.sampled_from(["abc", "  deep", "中文 ｜", "", "x  y", "a: b", "'q'", '\\n"']), min_size=1, max_size=6
)


@given(LINES, st.sampled_from("|>"), st.sampled_from(["", "-", "+"]))
def test_every_character_of_a_block_stands_where_its_origin_says(lines: list[str], sign: str, chomp: str) -> None:
    source = f"k: {sign}2{chomp}\n" + "".join(f"  {line}\n" if line else "\n" for line in lines) + "z: 1\n"
    text = value(source)
    assert len(text.origin.offsets) == len(text.value)
    for char, offset in zip(text.value, text.origin.offsets, strict=True):
        assert source[offset] == char or (char == " " and source[offset] == "\n")
    assert list(text.origin.offsets) == sorted(text.origin.offsets)


@given(st.lists(st.sampled_from(["abc", "中文", "x  y", "''", "-"]), min_size=1, max_size=5), st.sampled_from("'\""))
def test_every_character_of_a_quoted_text_stands_where_its_origin_says(lines: list[str], quote: str) -> None:
    source = f"k: {quote}" + "\n   ".join(lines) + quote
    text = value(source)
    assert len(text.origin.offsets) == len(text.value)
    for char, offset in zip(text.value, text.origin.offsets, strict=True):
        assert source[offset] == char or (char == " " and source[offset] == "\n")


def test_words_stay_words_and_numbers_keep_their_scale() -> None:
    root = load("a: 5.00\nb: on\nc: no\nd: 0x10\ne: 2023-04-01\nf: 1_000")
    assert [node.value for _, node in root if isinstance(node, Text)] == [
        "5.00",
        "on",
        "no",
        "0x10",
        "2023-04-01",
        "1_000",
    ]


@pytest.mark.parametrize(
    ("source", "is_null"),
    [
        ("k:", True),
        ("k: null", True),
        ("k: ~", True),
        ("k: 'null'", False),
        ('k: ""', False),
        ("k: |\n  null\n", False),
        ("k: Null", False),
    ],
)
def test_null_is_a_plain_null(source: str, is_null: bool) -> None:
    assert value(source).is_null is is_null


def test_the_span_of_a_value_ends_with_its_first_line() -> None:
    text = value("k: abc\n   def")
    assert text.span == Span("f.yaml", 1, 4, 7)


def test_a_key_that_stands_twice_is_reported_at_the_second_and_the_first_is_kept() -> None:
    report = Report()
    root = read("f.yaml", "k: 1\n  \nother: 2\nk: 3", report)
    assert [(d.code.code, str(d.span), [str(s) for s, _ in d.related]) for d in report] == [
        ("P105", "f.yaml:4:1", ["f.yaml:1:1"])
    ]
    assert isinstance(root, Mapping)
    assert root.get("k") == root.entries[0][1]


@pytest.mark.parametrize(
    ("source", "where", "message"),
    [
        ("a: &x 1\nb: *x", "f.yaml:1:4", "anchors and aliases are not used in rule files"),
        ("a: &unused [1]", "f.yaml:1:4", "anchors and aliases are not used in rule files"),
        ("a: &loop [*loop]", "f.yaml:1:4", "anchors and aliases are not used in rule files"),
        ("a: !env HOME", "f.yaml:1:4", "tags are not used in rule files"),
        ("? [a]\n: b", "f.yaml:1:3", "a key must be a plain word"),
        ("", "f.yaml:1:1", "the file is empty"),
        ("# nothing\n", "f.yaml:1:1", "the file is empty"),
        ("a: \x07", "f.yaml:1:4", "a rule file may not hold the sign with number 0x0007"),
        ("a: \ud800", "f.yaml:1:4", "a rule file may not hold the sign with number 0xd800"),
        ('a: "\\ud83d\\ude00"', "f.yaml:1:4", "a rule file may not hold the sign with number 0xd83d"),
        ('"\\0": a', "f.yaml:1:1", "a rule file may not hold the sign with number 0x0000"),
        ("a: b\u2028c", "f.yaml:1:5", "a rule file may not hold the sign with number 0x2028"),
        ("a: b\rc: d", "f.yaml:1:5", "a rule file may not hold the sign with number 0x000d"),
        ("a: b: c", "f.yaml:1:5", "not readable as YAML: mapping values are not allowed here"),
        ("a: [1\nb: 2\n", "f.yaml:2:2", "not readable as YAML: expected ',' or ']', but got ':'"),
        ("a: {b: 1\n", "f.yaml:1:4", "not readable as YAML: expected ',' or '}', but got '<stream end>'"),
        ("[" * 100_000, "f.yaml:1:1", "the file is nested too deeply"),
        ("- " * 100_000, "f.yaml:1:1", "the file is nested too deeply"),
        ("[" * 900 + "]" * 900, "f.yaml:1:1", "the file is nested too deeply"),
        ("[" * 101 + "]" * 101, "f.yaml:1:1", "the file is nested too deeply"),
    ],
)
def test_what_rule_files_may_not_hold_is_one_fault_at_its_place(source: str, where: str, message: str) -> None:
    assert faults(source) == [("P101", where, message)]


@pytest.mark.parametrize("source", ["a: b\r\n", "\ufeffa: b\n", "a:\r\n  b\r\n", 'a: "\\x62"\n'])
def test_a_mark_of_bytes_and_the_line_ends_of_others_are_read(source: str) -> None:
    assert value(source, "a").value == "b"


def test_a_hundred_levels_are_read() -> None:
    assert not faults("[" * 100 + "]" * 100)


def form(source: str, allowed: tuple[str, ...] = ("name", "count", "on", "items", "map")) -> tuple[Form, Report]:
    report = Report()
    node: Node | None = read("f.yaml", source, report)
    return Form(node, "a thing", report, Span("f.yaml", 1, 1, 2), allowed), report


def told(report: Report) -> list[tuple[str, str, str | None]]:
    return [(d.code.code, d.message, d.hint) for d in report]


def test_an_unknown_key_is_told_with_the_nearest_known_one() -> None:
    assert told(form("nmae: x")[1]) == [("P102", "a thing has no key `nmae`", "did you mean `name`?")]


def test_a_form_that_is_no_mapping_is_told_once_and_its_keys_are_not_asked_for() -> None:
    one, report = form("[a]")
    assert (one.text("name", required=True), one.entries("map", required=True), one.has("on")) == (None, (), False)
    assert told(report) == [("P104", "a thing must be a mapping", "its keys: name, count, on, items, map")]


def test_a_missing_key_is_told_at_the_first_key_of_the_form() -> None:
    one, report = form("\n\n  on: true")
    assert one.word("name", required=True) is None
    assert [(d.code.code, str(d.span), d.message) for d in report] == [("P103", "f.yaml:3:3", "a thing lacks `name`")]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("count: 1.5", "`count` must be a whole number"),
        ("count: ١", "`count` must be a whole number"),
        ("count: [1]", "`count` must be a single value"),
        ("on: yes", "`on` cannot be `yes`"),
        ("items: x", "`items` must be a list"),
        ("map: [x]", "`map` must be a mapping"),
    ],
)
def test_a_value_of_the_wrong_form_is_told(source: str, message: str) -> None:
    one, report = form(source)
    assert one.integer("count") is None
    assert one.flag("on") is False
    assert one.words("items") == ()
    assert one.entries("map") == ()
    assert [d.message for d in report] == [message]


@pytest.mark.parametrize("key", ["😀", "a/b", "''", "A", "1"])
def test_the_keys_of_texts_are_names(key: str) -> None:
    one, report = form(f"map: {{{key}: x, y: z}}")
    assert one.texts("map")["y"].value == "z"
    assert [d.message for d in report] == [f"`{key.strip(chr(39))}` is not a name"]


def test_a_message_about_several_lines_is_one_line() -> None:
    one, report = form('on: "a\\nb"')
    assert one.flag("on") is False
    assert [d.message for d in report] == ["`on` cannot be `a\\nb`"]


def test_a_null_where_a_value_is_needed_is_told_at_its_key_once() -> None:
    one, report = form("name: null\ncount: ~\nmap:")
    assert (one.word("name"), one.integer("count"), one.entries("map")) == (None, None, ())
    assert one.word("name", required=True) is None
    assert [(str(d.span), d.message) for d in report] == [
        ("f.yaml:1:1", "`name` has no value"),
        ("f.yaml:2:1", "`count` has no value"),
        ("f.yaml:3:1", "`map` has no value"),
    ]


def test_a_null_is_a_value_where_the_key_may_say_that_there_is_none() -> None:
    one, report = form("name: null")
    found = one.text("name", nullable=True)
    assert found is not None
    assert found.is_null
    assert told(report) == []


@pytest.mark.parametrize("escape", ["\\U00110000", "\\UFFFFFFFF"])
def test_an_escape_of_yaml_that_is_no_character_is_told_at_its_place(escape: str) -> None:
    report = Report()
    assert read("f.yaml", f'a: "\\U0001F40E{escape}"', report) is None
    assert [(d.code.code, d.span.column, d.message) for d in report] == [("P101", 15, f"`{escape}` is no character")]
