"""Widths, columns, broken lines and progress, also where signs take two columns."""

import io
import sys
from collections.abc import Iterator

import pytest

from policy_service.cli import terminal
from policy_service.cli.terminal import aligned, counted, padded, progress, width, wrapped


@pytest.mark.parametrize(("text", "columns"), [("", 0), ("abc", 3), ("商家", 4), ("a商，b", 6), ("✓ ", 2), ("é", 1)])
def test_a_chinese_sign_takes_two_columns(text: str, columns: int) -> None:
    assert width(text) == columns


def test_texts_are_padded_to_columns() -> None:
    assert padded("商", 4) == "商  "
    assert padded("商家", 3) == "商家"


def test_columns_stand_below_each_other() -> None:
    assert list(aligned([("商", "x", "1"), ("abc", "", "22")])) == ["商   x  1", "abc     22"]
    assert list(aligned([])) == []


@pytest.mark.parametrize(("number", "words"), [(0, "0 cases"), (1, "1 case"), (2, "2 cases")])
def test_things_are_counted(number: int, words: str) -> None:
    assert counted(number, "case") == words


def test_a_long_text_is_broken_at_blanks() -> None:
    assert list(wrapped("one two three four", 9, "  ")) == ["  one two", "    three", "    four"]


def test_chinese_is_broken_between_signs_but_not_before_a_mark_that_closes() -> None:
    assert list(wrapped("请开播，谢谢", 6)) == ["请开", "  播，", "  谢谢"]


def test_a_word_that_is_too_long_stands_alone() -> None:
    assert list(wrapped("a sha256:0123456789 b", 8)) == ["a", "  sha256:0123456789", "  b"]


def test_a_short_text_stays_as_it_is() -> None:
    assert list(wrapped("川流 10 hours", 80, " ")) == [" 川流 10 hours"]
    assert list(wrapped("", 80)) == [""]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_SLOW_SECONDS", -1.0)


def shown(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, items: Iterator[int] | list[int]) -> list[int]:
    monkeypatch.setattr(sys, "stderr", stream)
    return list(progress(list(items), "cases"))


def test_work_that_takes_long_at_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch, slow: None) -> None:
    stream = Terminal()
    assert shown(stream, monkeypatch, [1, 2, 3]) == [1, 2, 3]
    assert "cases" in stream.getvalue()
    assert "100%" in stream.getvalue()


def test_short_work_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_SLOW_SECONDS", 1000.0)
    stream = Terminal()
    assert shown(stream, monkeypatch, [1, 2, 3]) == [1, 2, 3]
    assert stream.getvalue() == ""


def test_no_bar_where_nobody_looks(monkeypatch: pytest.MonkeyPatch, slow: None) -> None:
    stream = io.StringIO()
    assert shown(stream, monkeypatch, [1, 2, 3]) == [1, 2, 3]
    assert stream.getvalue() == ""


def test_nothing_to_do_is_done(monkeypatch: pytest.MonkeyPatch, slow: None) -> None:
    assert shown(Terminal(), monkeypatch, []) == []
