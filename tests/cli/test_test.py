"""`policyctl test`: which cases run, how failures are told, and what the exit status says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
Edit = Callable[[str, str, str], None]


def test_all_cases_pass(run: Run, rules: Path) -> None:
    found = run("test")
    assert (found.exit_code, found.stdout, found.stderr) == (0, "2 cases passed, 0 failed\n", "")


@pytest.mark.parametrize("engine", ["rete", "reference", "all"])
def test_an_engine_can_be_chosen(run: Run, rules: Path, engine: str) -> None:
    assert run("test", "--engine", engine).stdout == "2 cases passed, 0 failed\n"


def test_a_failure_names_place_case_expected_and_got(run: Run, rules: Path, edit: Edit) -> None:
    edit("shop/hours.test.yaml", "granted: 10", "granted: 10.5")
    edit("shop/hours.test.yaml", "rows: {granted: one}, recommendations: [go_on]", "rows: {granted: [some]}")
    found = run("test")
    assert found.exit_code == 1
    assert found.stdout == (
        "rules/shop/hours.test.yaml:12:7: the highest row\n"
        "    granted: expected 10.5, got 10 (rete, reference)\n"
        "rules/shop/hours.test.yaml:20:33: 就差一点 just below\n"
        '    rows of granted: expected ["some"], got ["one"] (rete, reference)\n'
        "0 cases passed, 2 failed\n"
    )


def test_one_engine_is_named_alone(run: Run, rules: Path, edit: Edit) -> None:
    edit("shop/hours.test.yaml", "granted: 10", "granted: 11")
    assert "expected 11, got 10 (reference)\n" in run("test", "--engine", "reference").stdout


def test_json_lists_the_failures(run: Run, rules: Path, edit: Edit) -> None:
    clean = json.loads(run("test", "--format", "json").stdout)
    assert clean == {"cases": 2, "passed": 2, "failed": 0, "engines": ["rete", "reference"], "failures": []}
    edit("shop/hours.test.yaml", "granted: 10", "granted: 11")
    found = run("test", "--format", "json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["failures"] == [
        {
            "case": "the highest row", "policy": "shop.hours", "file": "rules/shop/hours.test.yaml", "line": 12,
            "column": 7, "what": "granted", "expected": 11, "got": 10, "engines": ["rete", "reference"],
        }
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["just below", "JUST", "就差"])
def test_cases_are_chosen_by_a_text_in_their_name(run: Run, rules: Path, text: str) -> None:
    assert run("test", "-k", text).stdout == "1 case passed, 0 failed\n"


@pytest.mark.parametrize("path", ["rules", "rules/shop", "rules/shop/hours.test.yaml", "rules/shop/hours.yaml"])
def test_cases_are_chosen_by_folder_case_file_or_policy_file(run: Run, rules: Path, path: str) -> None:
    assert run("test", path).stdout == "2 cases passed, 0 failed\n"


def test_a_dated_policy_file_stands_for_the_cases_it_shares(run: Run, rules: Path) -> None:
    text = (
        (rules / "shop/hours.yaml").read_text("utf-8").replace("from: 2023-01-01, to: 2024-01-01", "from: 2024-01-01")
    )
    (rules / "shop/hours@2024-01-01.yaml").write_text(text, "utf-8")
    assert run("test", "rules/shop/hours@2024-01-01.yaml").stdout == "2 cases passed, 0 failed\n"


@pytest.mark.parametrize(
    "words", [("nowhere",), ("rules/shop/torn.yaml",), ("-k", "no such name"), ("--engine", "columnar")]
)
def test_what_names_no_case_is_a_wrong_command_line(run: Run, rules: Path, words: tuple[str, ...]) -> None:
    found = run("test", *words)
    assert found.exit_code == 2
    assert found.stdout == ""


def test_a_folder_without_cases_passes(run: Run, rules: Path) -> None:
    (rules / "shop/hours.test.yaml").unlink()
    found = run("test")
    assert (found.exit_code, found.stdout) == (0, "0 cases passed, 0 failed\n")


@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("shop/hours.yaml", "granted > 0", "grantd > 0", "L201"),
        ("shop/hours.test.yaml", "granted: 10", "grantd: 10", "P119"),
    ],
)
def test_nothing_runs_on_a_folder_with_errors(
    run: Run, rules: Path, edit: Edit, file: str, old: str, new: str, code: str
) -> None:
    edit(file, old, new)
    found = run("test")
    assert found.exit_code == 1
    assert f"error {code}" in found.stdout
    assert "passed" not in found.stdout
    told = json.loads(run("test", "--format", "json").stdout)
    assert [d["code"] for d in told["diagnostics"]] == [code]


def test_warnings_do_not_keep_cases_from_running(run: Run, rules: Path, edit: Edit) -> None:
    edit("shop/hours.yaml", "optional: [live.peers,", "optional: [live.peers, merchant.type,")
    assert run("test").stdout == "2 cases passed, 0 failed\n"
