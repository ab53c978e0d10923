"""Every page by hand: its blocks run and print what it shows, its links lead somewhere, and it can be found."""

import re
import shutil
from pathlib import Path

import pytest

from tools.docs import blocks
from tools.docs.files import GENERATED, pages
from tools.docs.running import fences, rerun

ROOT = Path(__file__).parents[2]
PAGES = pages(ROOT)
RUN = [p for p in PAGES if p != "README.md" and fences((ROOT / p).read_text("utf-8"))]
EVERY = sorted(
    [*PAGES, *(p.relative_to(ROOT).as_posix() for folder in GENERATED for p in (ROOT / folder).rglob("*.md"))]
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("path", RUN)
def test_every_block_runs_and_prints_what_the_page_shows(path: str) -> None:
    page = (ROOT / path).read_text("utf-8")
    if "curl" in page and shutil.which("curl") is None:
        pytest.skip("the page asks the service with curl")
    assert rerun(page, ROOT, path) == page


@pytest.mark.parametrize("path", PAGES)
def test_every_block_is_run_shown_or_generated(path: str) -> None:
    """A fence that nobody understands would be prose in disguise."""
    known = {"sh", "sh dry", "sh serve", "python", "text output", "json output"}
    for block in fences((ROOT / path).read_text("utf-8")):
        assert block.kind in known or block.option("title"), f"{path}:{block.line}"


def text_of(path: str) -> str:
    """A page without its blocks and inline code."""
    return re.sub(r"``.*?``|`[^`\n]*`", "", _FENCED.sub("", (ROOT / path).read_text("utf-8")))


def anchors(path: Path) -> set[str]:
    """Where the headings of a page can be linked to, as GitHub makes it."""
    headings = re.findall(r"^#+ (.*)$", _FENCED.sub("", path.read_text("utf-8")), re.MULTILINE)
    lowered = (h.lower().replace(" ", "-").replace("`", "") for h in headings)
    return {"".join(c for c in h if c.isalnum() or c in "-_") for h in lowered}


def links(path: str) -> list[str]:
    return [link for link in _LINK.findall(_FENCED.sub("", (ROOT / path).read_text("utf-8"))) if "://" not in link]


@pytest.mark.parametrize("path", EVERY)
def test_links_lead_to_files_and_headings(path: str) -> None:
    for link in links(path):
        name, _, anchor = link.partition("#")
        target = (ROOT / path).parent / name if name else ROOT / path
        assert target.exists(), f"{path}: {link}"
        assert not anchor or anchor in anchors(target), f"{path}: {link}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, todo = set(), ["README.md"]
    while todo:
        page = todo.pop()
        seen.add(page)
        targets = ((ROOT / page).parent / link.partition("#")[0] for link in links(page))
        found = {t.resolve().relative_to(ROOT).as_posix() for t in targets if t.suffix == ".md"}
        todo += found - seen - set(todo)
    assert sorted(set(EVERY) - seen) == []


@pytest.mark.parametrize("path", PAGES)
def test_what_is_written_by_hand_is_short_lines_and_no_path_of_a_machine(path: str) -> None:
    lines = blocks.written(_FENCED.sub("", (ROOT / path).read_text("utf-8"))).splitlines()
    assert [line for line in lines if len(line) > 130 and not line.startswith("|")] == []
    assert not re.search(r"/(home|root|tmp|work|Users)/", (ROOT / path).read_text("utf-8"))
