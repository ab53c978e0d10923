"""The glossary has every word of a closed set, and the list of packages every package."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest

from policy_service.access.principals import ROLES
from policy_service.decisions.explaining import words
from policy_service.engines import answer
from policy_service.engines.registry import Contract
from policy_service.pages.words import BASIS, HIT, PER, Words
from policy_service.policies.model import HIT_POLICIES
from policy_service.policies.model.answers import Per

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/glossary.md").read_text("utf-8")
PACKAGES = (ROOT / "docs/design/index.md").read_text("utf-8").partition("## The package")[2]
WITH_ROOMS = ("decisions", "engines", "policies")


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of a table, by the first of each line without its marks."""
    text = PAGE.split(f"\n{heading}\n")[1]
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table is not None
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table[0].splitlines()[2:]]
    return {line[0].strip("`"): line[1:] for line in lines}


@pytest.mark.parametrize(
    ("heading", "wanted", "said"),
    [
        ("### Statuses", answer.STATUSES, words.STATUS),
        ("### Hit policies", HIT_POLICIES, HIT),
        ("### Claims", get_args(Per), PER),
    ],
)
def test_closed_sets_in_order_and_in_the_words_of_pages(heading: str, wanted: Iterable[str], said: Words) -> None:
    found = rows(heading)
    assert list(found) == list(wanted)
    assert {name: cells[0] for name, cells in found.items()} == {name: said[name]["zh"] for name in wanted}


def test_every_reason_that_is_no_status_of_the_policy() -> None:
    found = rows("### Reasons")
    assert {*found, *answer.STATUSES} - {"applied"} == set(answer.REASONS)
    assert all(words.REASON[name]["zh"].startswith(cells[0]) for name, cells in found.items())


def test_roles_contracts_and_bases() -> None:
    assert all(f"`{role}`" in rows("## Access")["role"][0] for role in ROLES)
    assert all(f"`{contract}`" in rows("## Engines")["contract"][0] for contract in get_args(Contract))
    assert all(f"`{name}` ({said['zh']})" in rows("## Rules")["basis"][1] for name, said in BASIS.items())


def test_every_line_says_something() -> None:
    for line in PAGE.splitlines():
        if line.startswith("|"):
            assert line.rstrip("| ").count("|") >= 2, line


def test_no_term_twice_under_one_heading() -> None:
    for part in re.split(r"^#+ ", PAGE, flags=re.MULTILINE)[1:]:
        terms = [line.split("|")[1].strip() for line in part.splitlines() if line.startswith("|")]
        assert len(terms) == len(set(terms)), part.partition("\n")[0]


def test_every_package_is_listed_once_and_no_other() -> None:
    package = ROOT / "policy_service"
    found = {
        p.stem
        for p in package.iterdir()
        if p.name != "__init__.py" and (p.suffix == ".py" or (p / "__init__.py").is_file())
    }
    rooms = {
        f"{name}/{p.name}" for name in WITH_ROOMS for p in (package / name).iterdir() if (p / "__init__.py").is_file()
    }
    first = [line.split("|")[1] for line in PACKAGES.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`([^`]+)`", "".join(first))) == sorted((found - set(WITH_ROOMS)) | rooms)
