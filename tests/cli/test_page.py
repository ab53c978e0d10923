"""`policyctl audit page`: a file that stands for itself."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

ROOT = Path(__file__).parents[2]
Run = Callable[..., Result]


@pytest.fixture
def decided(run: Run, rules: Path, tmp_path: Path) -> tuple[dict[str, str], str]:
    """The settings of a database with a decision, and the decision's id."""
    settings = {"POLICY_DATABASE_URL": f"sqlite:///{tmp_path / 'policy.sqlite3'}"}
    found = run("evaluate", "--decide", "--rules", rules, Path(__file__).parent / "request.json", **settings)
    assert found.exit_code == 0, found.stderr
    return settings, json.loads(found.stdout)["decision_id"]


@pytest.mark.parametrize(("lang", "title"), [("zh", "判定案卷"), ("en", "Case file of a decision")])
def test_the_page_is_written_to_the_file(
    run: Run, decided: tuple[dict[str, str], str], tmp_path: Path, lang: str, title: str
) -> None:
    settings, id_ = decided
    found = run("audit", "page", id_, "--lang", lang, "-o", "case.html", **settings)
    assert (found.exit_code, found.stdout) == (0, "")
    html = (tmp_path / "case.html").read_text("utf-8")
    assert f"<title>{title} {id_}</title>" in html
    assert 'href="/' not in html
    assert 'href="?' not in html


def test_without_a_file_the_page_goes_to_standard_output(run: Run, decided: tuple[dict[str, str], str]) -> None:
    settings, id_ = decided
    assert run("audit", "page", id_, **settings).stdout.rstrip().endswith("</html>")


def test_for_an_unknown_decision_nothing_is_written(
    run: Run, decided: tuple[dict[str, str], str], tmp_path: Path
) -> None:
    settings, id_ = decided
    found = run("audit", "page", id_[:-1] + ("0" if id_[-1] != "0" else "1"), "-o", "case.html", **settings)
    assert (found.exit_code, found.stdout) == (1, "")
    assert "there is no decision" in found.stderr
    assert not (tmp_path / "case.html").exists()
