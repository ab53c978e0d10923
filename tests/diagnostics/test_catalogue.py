"""Every code of rule files has a page: what it means, a wrong source with its exact rendering, a right one."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from policy_service.decisions.rule_tests.cases import read_cases
from policy_service.diagnostics import Diagnostic, Report, render_all
from policy_service.diagnostics.catalogue import ALL, Code
from policy_service.policies.loader import Sources, check_sources, load, read_folder
from policy_service.policies.model import Rules

HERE = Path(__file__).parent
PENDING = {"E101"}
"""E101 is for the rete engine: its page comes with what reports it."""
_FENCE = re.compile(r"^```(\w+)(?: (\w+)=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MANY = re.compile(r"^.*\{n\}.*\n", re.MULTILINE)
"""A line that stands for very many, `{n}` for their numbers."""
RULES = {c.code: c for c in ALL if c.code[0] in "LFPTE"}
"""The codes that loading a folder can give; A and D are about requests and records."""
CODES = sorted(RULES.keys() - PENDING)


@dataclass(frozen=True)
class Page:
    prose: str
    wrong: dict[str, str]
    rendering: str
    right: dict[str, str]


@cache
def base() -> dict[str, str]:
    return read_folder(HERE / "base")


def checked(sources: Sources) -> tuple[Rules | None, list[Diagnostic]]:
    """The rules of a folder whose files and cases have no error, and every diagnostic of both."""
    rules, found = load(sources)
    report = Report(found)
    read_cases(sources, "rules", rules, report)
    return (None if report.has_errors else rules), report.sorted()


def read_page(code: str) -> Page:
    text = (HERE / f"{code}.md").read_text("utf-8")
    wrong, right, renderings = base().copy(), base().copy(), []
    for language, word, path, body in _FENCE.findall(text):
        match language, word:
            case "yaml", "title":
                wrong[path] = body
            case "yaml", "without":
                del wrong[path]
            case "yaml", "many":
                wrong[path] = _MANY.sub(lambda line: "".join(line[0].replace("{n}", str(n)) for n in range(5001)), body)
            case "yaml", "right":
                right[path] = body
            case "text", "":
                renderings.append(body)
            case _:
                raise AssertionError(f"{code}.md has a block `{language} {word}`")
    assert right != base() or wrong.keys() != base().keys(), f"{code}.md has no right source"
    (rendering,) = renderings
    return Page(_FENCE.sub("", text), wrong, rendering, right)


def test_codes_are_a_letter_and_three_digits_and_stand_for_one_fault_each() -> None:
    assert all(re.fullmatch(r"[LFPTEDA][0-9]{3}", code.code) for code in ALL)
    assert len({code.code for code in ALL}) == len(ALL) == len({code.name for code in ALL})


def test_names_complete_the_word_allow_and_explanations_are_sentences() -> None:
    for code in ALL:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code.name), code
        assert re.fullmatch(r"[A-Za-z][^\n]*\.", code.explanation), code


def test_there_is_a_page_for_every_code_and_for_nothing_else() -> None:
    assert sorted(page.stem for page in HERE.glob("*.md")) == CODES


def test_pages_that_are_pending_are_not_there_yet() -> None:
    assert RULES.keys() >= PENDING
    assert not [code for code in PENDING if (HERE / f"{code}.md").exists()]


def test_the_base_folder_has_no_fault() -> None:
    assert checked(base())[1] == []


@pytest.mark.parametrize("code", CODES)
def test_the_wrong_source_is_rendered_exactly_as_the_page_shows(code: str) -> None:
    page = read_page(code)
    _, found = checked(page.wrong)
    assert render_all(found, check_sources(page.wrong)) + "\n" == page.rendering


@pytest.mark.parametrize("code", CODES)
def test_the_wrong_source_shows_this_fault_and_no_other(code: str) -> None:
    rules, found = checked(read_page(code).wrong)
    assert {(d.code, d.severity) for d in found} == {(RULES[code], RULES[code].severity)}
    assert (rules is None) == (RULES[code].severity == "error")


@pytest.mark.parametrize("code", CODES)
def test_the_right_source_has_no_fault(code: str) -> None:
    page = read_page(code)
    rules, found = checked(page.right)
    assert render_all(found, check_sources(page.right)) == ""
    assert rules is not None


@pytest.mark.parametrize("code", CODES)
def test_the_page_opens_with_the_code_and_explains_it(code: str) -> None:
    prose = read_page(code).prose.splitlines()
    assert prose[0] == f"# {RULES[code]}"
    explanation = " ".join(prose[1:]).removesuffix("Right:")
    assert 2 <= len(re.findall(r"[.]`?(?: |$)", explanation.rstrip())) <= 6


def test_messages_are_one_line_in_the_authors_words() -> None:
    python = re.compile(r"\b(None|True|False|dict|tuple|object|NoneType|Exception)\b")
    for code in CODES:
        for found in checked(read_page(code).wrong)[1]:
            assert "\n" not in found.message
            assert not found.message.endswith(".")
            assert not python.search(found.message)


def test_a_code_reads_as_its_number_and_name() -> None:
    assert str(Code("L101", "syntax", "The expression or cell cannot be read.")) == "L101 syntax"
