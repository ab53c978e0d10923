"""`null` where a value is needed is a fault, for every key that the page about rule files shows."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from policy_service.decisions.rule_tests.cases import read_cases
from policy_service.diagnostics import Report
from policy_service.policies.loader import load

PAGE = Path(__file__).parents[3] / "docs/rule_files.md"
MEANT = {"default"}
"""Keys that may say that there is none."""
Place = tuple[str | int, ...]


@cache
def shop() -> dict[str, str]:
    """The folder of the page, which holds every key of every file."""
    blocks = re.findall(r"^```yaml title=shop/(\S+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return dict(blocks)


def places(node: yaml.Node, place: Place = ()) -> Iterator[tuple[Place, yaml.Node]]:
    """Every value of a file with the keys that lead to it."""
    if isinstance(node, yaml.MappingNode):
        entries = [(key.value, value) for key, value in node.value]
    else:
        entries = list(enumerate(node.value)) if isinstance(node, yaml.SequenceNode) else []
    for key, value in entries:
        yield (*place, key), value
        yield from places(value, (*place, key))


def emptied() -> Iterator[tuple[str, Place, str]]:
    """Each file with one of its values made null. What a case posts or expects may well be null."""
    for file, text in shop().items():
        for place, node in places(yaml.compose(text)):
            if MEANT.isdisjoint(place) and not ("test" in file and {"facts", "expect", "states"} & {*place[:-1]}):
                start, end = node.start_mark.index, node.end_mark.index
                yield file, place, f"{text[:start]}null{text[start + len(text[start:end].rstrip()) :]}"


@pytest.mark.parametrize(("file", "place", "text"), [*emptied()])
def test_a_null_is_no_value(file: str, place: Place, text: str) -> None:
    sources = shop() | {file: text}
    rules, found = load(sources)
    report = Report(found)
    read_cases(sources, "rules", rules, report)
    assert report.has_errors, place


def test_every_file_of_the_page_is_emptied_key_by_key() -> None:
    assert {file for file, _, _ in emptied()} == set(shop())
    assert {"when", "applies", "amount", "effective", "note", "basis", "unit"} <= {p[-1] for _, p, _ in emptied()}
