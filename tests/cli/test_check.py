"""`policyctl check`: every fault with its place, one line of summary, and what the exit status says."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
Edit = Callable[[str, str, str], None]
BUNDLE = r"sha256:[0-9a-f]{64}"


def test_a_clean_folder_ends_with_its_counts_and_bundle_id(run: Run, rules: Path) -> None:
    found = run("check", "--rules", rules)
    assert found.exit_code == 0
    assert re.fullmatch(rf"4 policies, 8 files, 0 errors, 0 warnings: {BUNDLE}\n", found.stdout)
    assert found.stderr == ""


def test_the_folder_is_rules_by_default_then_of_the_environment_then_of_the_option(run: Run, rules: Path) -> None:
    assert run("check").exit_code == 0
    assert run("check", POLICY_RULES="elsewhere").exit_code == 1
    assert run("check", "--rules", rules, POLICY_RULES="elsewhere").exit_code == 0


def test_places_are_given_as_the_folder_was_named(run: Run, rules: Path, edit: Edit) -> None:
    edit("shop/hours.yaml", "granted > 0", "grantd > 0")
    assert run("check").stdout.startswith("rules/shop/hours.yaml:")
    assert run("check", "--rules", rules).stdout.startswith(f"{rules}/shop/hours.yaml:")


def test_faults_of_all_files_are_shown_at_once_with_their_line(run: Run, edit: Edit, rules: Path) -> None:
    edit("shop/hours.yaml", "granted > 0", "grantd > 0")
    edit("shop/torn.yaml", "subject: product", "subject: produkt")
    found = run("check")
    assert found.exit_code == 1
    assert (
        "error L201 name-unknown: `grantd` is not declared\n"
        "   35 |     when: grantd > 0\n"
        "      |           ^^^^^^\n"
        "   hint: did you mean `granted`?\n"
    ) in found.stdout
    assert "rules/shop/torn.yaml:3:10: error P115 reference-unknown" in found.stdout
    assert found.stdout.endswith("4 policies, 8 files, 2 errors, 0 warnings\n")


def test_warnings_do_not_change_the_exit_status_but_strict_does(run: Run, edit: Edit, rules: Path) -> None:
    edit("shop/hours.yaml", "optional: [live.peers,", "optional: [live.peers, merchant.type,")
    found = run("check")
    assert found.exit_code == 0
    assert "warning P118 optional-unused" in found.stdout
    assert re.search(rf"\n4 policies, 8 files, 0 errors, 1 warning: {BUNDLE}\n$", found.stdout)
    assert run("check", "--strict").exit_code == 1


def test_strict_is_content_with_a_clean_folder(run: Run, rules: Path) -> None:
    assert run("check", "--strict").exit_code == 0


def test_cases_are_checked_too(run: Run, edit: Edit, rules: Path) -> None:
    edit("shop/hours.test.yaml", "rewards: {traffic: 10, bonus: 2,", "rewards: {trafic: 10, bonus: 2,")
    found = run("check")
    assert found.exit_code == 1
    assert found.stdout == (
        "rules/shop/hours.test.yaml:15:17: error P119 case-invalid: `shop.hours` has no reward `trafic`\n"
        "   15 |       rewards: {trafic: 10, bonus: 2, of_peers: 1}\n"
        "      |                 ^^^^^^\n"
        "   hint: did you mean `traffic`?\n"
        "4 policies, 8 files, 1 error, 0 warnings\n"
    )


def test_the_form_of_cases_is_checked_beside_rules_with_errors(run: Run, edit: Edit, rules: Path) -> None:
    edit("shop/hours.yaml", "granted > 0", "grantd > 0")
    edit("shop/hours.test.yaml", "  - name: the highest row\n", "  - nam: the highest row\n")
    found = run("check")
    assert "L201" in found.stdout
    assert "a case has no key `nam`" in found.stdout
    assert found.stdout.endswith("2 errors, 0 warnings\n") or found.stdout.endswith("3 errors, 0 warnings\n")


def test_json_holds_the_same_counts_and_the_faults_as_objects(run: Run, edit: Edit, rules: Path) -> None:
    clean = json.loads(run("check", "--format", "json").stdout)
    assert clean.pop("bundle").startswith("sha256:")
    assert clean == {"policies": 4, "files": 8, "errors": 0, "warnings": 0, "diagnostics": []}
    edit("shop/hours.yaml", "granted > 0", "grantd > 0")
    found = run("check", "--format", "json")
    assert found.exit_code == 1
    told = json.loads(found.stdout)
    assert (told["bundle"], told["errors"]) == (None, 1)
    assert told["diagnostics"] == [
        {
            "code": "L201", "name": "name-unknown", "severity": "error", "message": "`grantd` is not declared",
            "hint": "did you mean `granted`?", "file": "rules/shop/hours.yaml", "line": 35, "column": 11, "end": 17,
        }
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["check", "test", "inventory"])
def test_a_missing_folder_is_one_clear_line(run: Run, command: str) -> None:
    found = run(command, "--rules", "nowhere")
    assert found.exit_code == 1
    told = found.stdout + found.stderr
    assert "nowhere:1:1: error P117 rules-folder: there is no such folder\n" in told
    assert "Traceback" not in told


def test_a_file_in_the_place_of_the_folder_is_one_clear_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = run("check", "--rules", "file")
    assert found.exit_code == 1
    assert "file:1:1: error P117 rules-folder: there is no such folder" in found.stdout


def test_files_that_are_not_utf_8_are_told_with_their_place(run: Run, rules: Path) -> None:
    (rules / "shop/torn.yaml").write_bytes("policy: shop.torn\ntitle: 商".encode() + b"\xff\n")
    (rules / "facts.yaml").write_bytes(b"\xfe")
    found = run("check")
    assert found.exit_code == 1
    assert "rules/facts.yaml:1:1: error P101 yaml-syntax: the file is not UTF-8: byte 0xfe" in found.stdout
    assert "rules/shop/torn.yaml:2:9: error P101 yaml-syntax: the file is not UTF-8: byte 0xff" in found.stdout


def test_a_file_that_cannot_be_read_is_one_clear_line(run: Run, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_it_is = Path.read_text

    def refuse(path: Path, *args: str) -> str:
        if path.name == "torn.yaml":
            raise PermissionError(13, "Permission denied", str(path))
        return as_it_is(path, *args)

    monkeypatch.setattr(Path, "read_text", refuse)
    found = run("check")
    assert found.exit_code == 1
    assert "rules/shop/torn.yaml:1:1: error P117 rules-folder: cannot be read: permission denied" in found.stdout


def test_an_empty_folder_lacks_its_files(run: Run, tmp_path: Path) -> None:
    found = run("check", "--rules", tmp_path)
    assert found.exit_code == 1
    assert "the folder lacks `facts.yaml`" in found.stdout
    assert "the folder lacks `bundle.yaml`" in found.stdout
    assert found.stdout.endswith("0 policies, 0 files, 2 errors, 0 warnings\n")


def test_a_wrong_word_is_a_wrong_command_line(run: Run, rules: Path) -> None:
    assert run("check", "--stric").exit_code == 2
    assert run("check", "--format", "xml").exit_code == 2
    assert run("check", "rules").exit_code == 2
