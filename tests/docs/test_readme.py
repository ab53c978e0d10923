"""The README does what it says: its blocks run as written, and print what it shows.

How blocks are run, and which parts of an output are the same on every machine: tools/docs/running.py.
"""

import re
import shutil
from pathlib import Path

import pytest

from tools.docs.running import fences, rerun

pytestmark = pytest.mark.slow
README = "README.md"


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / README).read_text("utf-8")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README asks the service with curl")
def test_every_block_runs_and_prints_what_the_readme_shows(page: str, root: Path) -> None:
    assert rerun(page, root, README) == page


def test_the_two_commands_are_there(page: str) -> None:
    (block,) = [b for b in fences(page) if b.kind == "sh dry"]
    assert block.body.split() == ["make", "run", "make", "test"]


def test_the_request_is_answered_with_a_reward_a_recommendation_and_why(page: str) -> None:
    answer = next(b.body for b in fences(page) if b.kind == "json output")
    for key in ("rewards", "recommendations", "because", "claim", "fired", "missing", "not_granted"):
        assert f'"{key}"' in answer


def test_a_retry_pays_nothing_a_correction_the_difference_and_what_was_paid_stays(page: str) -> None:
    shown = next(b.body for b in fences(page) if "pays" in b.body and b.kind == "text output")
    assert re.findall(r"pays (-?\d+)", shown) == ["10", "0", "15", "0"]


@pytest.mark.parametrize("reader", ["policy author", "caller", "auditor"])
def test_each_reader_has_a_start_of_three_to_six_lines_and_a_command(page: str, reader: str) -> None:
    start = re.search(rf"\*\*An? {reader}\*\*.*?(?=\n\*\*An? |\n## )", page, re.DOTALL)
    assert start is not None
    assert "```sh" in start[0]
    assert 3 <= start[0].partition("```sh")[0].strip().count("\n") + 1 + start[0].count("```sh") <= 6


def test_it_stays_short(page: str) -> None:
    assert len([line for line in page.splitlines() if line.strip()]) < 230
