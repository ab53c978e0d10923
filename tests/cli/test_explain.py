"""`policyctl explain`: what a person reads, in both languages."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from policy_service.cli.terminal import width

HERE = Path(__file__).parent
Run = Callable[..., Result]
Edit = Callable[[str, str, str], None]
RequestFile = Callable[..., Path]


def told(found: Result) -> str:
    """The explanation; the id of the bundle is another on every change of the rules."""
    assert (found.exit_code, found.stderr) == (0, "")
    return re.sub("sha256:[0-9a-f]{64}", "sha256:…", found.stdout)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_answer_is_told_in_words(run: Run, rules: Path, request_file: RequestFile, lang: str) -> None:
    expected = (HERE / "explained" / f"standard.{lang}.txt").read_text("utf-8")
    assert told(run("explain", "--lang", lang, request_file())) == expected


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_not_granted_is_told_with_its_reason(
    run: Run, rules: Path, request_file: RequestFile, lang: str
) -> None:
    facts = {
        "merchant": {"id": "m-1", "enrolled_on": "2023-01-01", "frozen": True, "type": "enterprise"},
        "live": {"hours": 3.5, "orders": 20},
        "member": {"level": 3},
    }
    expected = (HERE / "explained" / f"refused.{lang}.txt").read_text("utf-8")
    assert told(run("explain", "--lang", lang, request_file({"facts": facts}))) == expected


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_is_that_of_the_environment(
    run: Run, rules: Path, request_file: RequestFile, environment: dict[str, str], lang: str
) -> None:
    found = run("explain", request_file(), **environment)
    assert ("发放" in found.stdout) == (lang == "zh")


def test_lines_stay_within_a_hundred_columns(run: Run, rules: Path, request_file: RequestFile) -> None:
    found = run("explain", "--lang", "en", request_file())
    assert max(map(len, found.stdout.split("\n"))) <= 100


def test_a_narrow_terminal_breaks_lines_earlier(run: Run, rules: Path, request_file: RequestFile) -> None:
    lines = run("explain", "--lang", "zh", request_file(), COLUMNS="50").stdout.split("\n")
    long = [line for line in lines if width(line) > 50]
    assert all(" " not in line.strip() for line in long)  # an id or a claim key is not broken


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"merchant": {"id": "m-1", "enrolled_on": "2023-04-02"}},
            "it applies when Enrolled from is on or before the day",
        ),
        ({"merchant": {"id": "m-1", "enrolled_on": "2023-04-02"}}, "· Enrolled from: 2023-04-02"),
        ({"merchant": {"id": "m-1"}}, "· Enrolled from: ? (not known)"),
        ({"live": {"hours": 1}}, "nothing of `Merchant` was posted"),
        ({"merchant": {"id": "m-1"}}, "nothing of `Member` was posted"),
        ({"merchant": {"id": "m-1", "enrolled_on": "2023-01-01"}}, "missing: Hours broadcast on the day (live.hours)"),
    ],
)
def test_a_status_is_told_with_its_reason(
    run: Run, rules: Path, request_file: RequestFile, facts: dict[str, Any], sentence: str
) -> None:
    assert sentence in run("explain", request_file({"facts": facts})).stdout


def test_a_policy_out_of_its_time_is_told_with_its_periods(run: Run, rules: Path, request_file: RequestFile) -> None:
    found = run("explain", request_file({"as_of": "2024-01-01"}))
    assert "in force: 2023-01-01 through 2023-12-31" in found.stdout
    assert "in force: 2023-03-30 through 2023-04-15" in found.stdout


def test_json_is_the_preview_with_the_full_trace(run: Run, rules: Path, request_file: RequestFile) -> None:
    found = run("explain", "--format", "json", request_file())
    assert found.stdout == run("evaluate", "--trace", "full", request_file()).stdout


def test_nothing_is_recorded(run: Run, rules: Path, request_file: RequestFile, tmp_path: Path) -> None:
    run("explain", request_file({"purpose": "decide"}))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["request.json", "rules"]


def test_faults_are_told_as_by_evaluate(run: Run, rules: Path, request_file: RequestFile) -> None:
    file = request_file({"facts": {"live": {"hours": "3"}}})
    found = run("explain", file)
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr == run("evaluate", file).stderr


def test_rules_with_errors_explain_nothing(run: Run, rules: Path, edit: Edit, request_file: RequestFile) -> None:
    edit("shop/hours.yaml", "granted > 0", "grantd > 0")
    found = run("explain", request_file())
    assert (found.exit_code, found.stdout) == (1, "")
    assert "error L201" in found.stderr


@pytest.mark.parametrize("words", [(), ("nowhere.json",), ("--lang", "fr", "-")])
def test_a_wrong_command_line_is_told_as_such(run: Run, rules: Path, words: tuple[str, ...]) -> None:
    assert run("explain", *words, input="{}").exit_code == 2
