"""What is generated is up to date, and the two ways to build it."""

import shutil
import sys
from pathlib import Path

import pytest

from tools import build_docs
from tools.docs import diagnostics, http, language
from tools.docs.blocks import BlockFault, filled, names, written
from tools.docs.files import makers, pages, stale
from tools.docs.markdown import as_json, code, parsed, table
from tools.docs.shipped import Shipped, shipped

PAGE = "# Page\n\n<!-- generated: one -->\nold\n<!-- end -->\n\ntext\n\n<!-- generated: two words -->\n<!-- end -->\n"


@pytest.mark.slow
def test_nothing_generated_is_stale(root: Path) -> None:
    # Rules of its own: decisions that other tests made in the shared ones would move the ids that pages show.
    with shipped(root) as fresh:
        assert sorted(stale(fresh)) == [], "`make docs` rebuilds them"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A repository of one family, whose documentation is stale."""
    made = tmp_path_factory.mktemp("repository")
    (made / "tests").symlink_to(root / "tests")
    shutil.copytree(root / "rules", made / "rules", ignore=lambda _, names: {n for n in names if n in families(root)})
    for path in ("docs/policies/old/gone.md", "README.md", "examples/gone.answer.json"):
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text("<!-- generated: settings -->\n<!-- end -->\n", "utf-8")
    return made


def families(root: Path) -> set[str]:
    """All but one."""
    return {p.name for p in (root / "rules").iterdir() if p.is_dir()} - {"chuanliu"}


def run(monkeypatch: pytest.MonkeyPatch, root: Path, *words: str) -> int:
    monkeypatch.setattr(build_docs, "ROOT", root)
    monkeypatch.setattr(sys, "argv", ["build_docs", *words])
    return build_docs.main()


@pytest.mark.slow
def test_check_lists_what_is_stale_and_writes_nothing_and_a_build_mends_it(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(small.rglob("*"))
    assert run(monkeypatch, small, "--check") == 1
    told = capsys.readouterr().out.splitlines()
    assert {f"stale: {path}" for path in ("README.md", "docs/policies/old/gone.md", "examples/gone.answer.json")} < set(
        told
    )
    assert sorted(small.rglob("*")) == before

    assert run(monkeypatch, small) == 0
    assert [line.replace("wrote", "stale:") for line in capsys.readouterr().out.splitlines()] == told
    assert "POLICY_RULES" in (small / "README.md").read_text("utf-8")
    assert (small / "docs/policies/chuanliu/advice.md").exists()
    assert not (small / "docs/policies/old/gone.md").exists()
    assert (run(monkeypatch, small, "--check"), capsys.readouterr().out) == (0, "")


def test_rules_with_an_error_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rules").mkdir()
    assert run(monkeypatch, tmp_path, "--check") == 1
    assert "rules:1:1: error P117 rules-folder: the folder lacks `facts.yaml`" in capsys.readouterr().err


def test_every_block_that_can_be_generated_stands_on_a_page(rules: Shipped) -> None:
    used = [name for path in pages(rules.root) for name in names((rules.root / path).read_text("utf-8"))]
    assert sorted(set(used)) == sorted(makers(rules))


def test_blocks_are_filled_and_the_rest_stays() -> None:
    page = filled(PAGE, {"one": lambda: "new\n\nlines\n", "two words": lambda: "x"})
    assert page == PAGE.replace("old", "new\n\nlines").replace("words -->\n", "words -->\nx\n")
    assert filled(page, {"one": lambda: "old", "two words": lambda: ""}).replace("-->\n\n<", "-->\n<") == PAGE
    assert written(page) == written(PAGE) == PAGE.replace("old\n", "")


def test_a_block_that_nothing_generates_is_a_fault() -> None:
    with pytest.raises(BlockFault, match="nothing generates `two words`; there are one"):
        filled(PAGE, {"one": lambda: ""})


@pytest.mark.parametrize(
    "page",
    [
        PAGE.replace("<!-- end -->", "", 1),
        PAGE + "<!-- end -->\n",
        PAGE + "<!-- generated: three -->\n",
        "<!-- generated: one -->\n<!-- generated: two words -->\n<!-- end -->\n<!-- end -->\n",
    ],
)
def test_a_marker_without_its_partner_is_a_fault(page: str) -> None:
    with pytest.raises(BlockFault, match="has no partner"):
        filled(page, {"one": str, "two words": str, "three": str})


def test_a_table_escapes_what_would_break_it() -> None:
    assert table(["a", "b"], [["x|y", "1\n2"]]) == "| a | b |\n| --- | --- |\n| x\\|y | 1<br>2 |"
    assert (code("a`b"), code(""), code("c")) == ("``a`b``", "", "`c`")


def test_json_is_laid_out_in_lines_and_keeps_its_numbers() -> None:
    text = '{"a": [1.50, {"b": "中"}], "c": {}}'
    assert as_json(parsed(text)) == text
    assert as_json(parsed(text), 20) == '{\n  "a": [\n    1.50,\n    {"b": "中"}\n  ],\n  "c": {}\n}'


def test_every_builtin_and_every_route_has_an_example(rules: Shipped) -> None:
    contract = http.Contract(rules)
    assert sorted(http.EXAMPLES) == sorted(o["operationId"] for _, o in contract.operations())
    assert list(language.BUILTIN_EXAMPLES) == list(language.BUILTINS)


def test_every_code_of_a_request_has_a_request_or_a_note() -> None:
    told = {c.code for c in diagnostics.ALL if c.code[0] in "ADE"}
    assert told == diagnostics.BODIES.keys() | diagnostics.NOTES.keys()
