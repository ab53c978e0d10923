"""Hidden values at the command line: shown with --reveal alone, and noted in the trail."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]
DATABASE = "var/policy.sqlite3"


@pytest.fixture
def decided(
    run: Run, rules: Path, request_file: Callable[..., Path], edit: Callable[[str, str, str], None]
) -> tuple[str, str]:
    """Two sealed decisions under rules that hide a merchant's id and orders; they differ in the orders."""
    edit("facts.yaml", "id: {type: id, label: {zh: 商家", "id: {type: id, sensitive: true, label: {zh: 商家")
    edit("facts.yaml", "orders: {type: integer,", "orders: {type: integer, sensitive: true,")
    made = []
    for orders in (50, 120):
        facts = json.loads(request_file({}).read_text("utf-8"))["facts"]
        facts["live"]["orders"] = orders
        found = run("evaluate", request_file({"facts": facts}), "--rules", rules, "--decide")
        assert found.exit_code == 0, found.stderr
        made.append(json.loads(found.stdout)["decision_id"])
    run("audit", "seal")
    return made[0], made[1]


def noted(run: Run) -> list[tuple[str, str]]:
    """Targets and places of what was shown, oldest first."""
    entries = json.loads(run("trail", "--format", "json").stdout)["entries"]
    found = [(one["target"], one["detail"]["shown_in"]) for one in entries if one["action"] == "decision.reveal"]
    return found[::-1]


def test_a_comparison_shows_what_depends_on_hidden_values_with_reveal_alone(run: Run, decided: tuple[str, str]) -> None:
    found = json.loads(run("compare", *decided, "--format", "json").stdout)
    assert "shop.hours" in found["hidden"]
    ours = [one for one in found["rewards"] if one["policy"] == "shop.hours"]
    assert {json.dumps(one["with_old"]) for one in ours} == {'{"hidden": true}'}
    assert "m-1" not in json.dumps(found)
    assert "hidden" in run("compare", *decided).stdout
    assert noted(run) == []
    shown = json.loads(run("compare", *decided, "--reveal", "--format", "json").stdout)
    assert shown["hidden"] == []
    assert "m-1" in json.dumps(shown)
    assert noted(run) == [(id_, "comparison") for id_ in decided]


def test_a_replay_for_another_day_shows_what_depends_on_hidden_values_with_reveal_alone(
    run: Run, decided: tuple[str, str]
) -> None:
    words = ("replay", decided[0], "--as-of", "2024-04-01")
    found = run(*words)
    assert "  hidden: shop.hours" in found.stdout
    assert "m-1" not in found.stdout
    first = json.loads(run(*words, "--format", "json").stdout.splitlines()[0])
    assert "shop.hours" in first["hidden"]
    assert noted(run) == []
    shown = json.loads(run(*words, "--reveal", "--format", "json").stdout.splitlines()[0])
    assert shown["hidden"] == []
    assert len(shown["differences"]) > len(first["differences"])
    assert noted(run) == [(decided[0], "replay")]


def test_a_replay_that_shows_nothing_hidden_is_not_noted(run: Run, decided: tuple[str, str]) -> None:
    found = run("replay", "--reveal")
    assert "2 identical" in found.stdout
    assert noted(run) == []


@pytest.mark.parametrize("words", [("decisions",), ("replay",)])
def test_to_look_for_a_hidden_subject_is_noted_without_its_id(
    run: Run, decided: tuple[str, str], words: tuple[str, ...]
) -> None:
    found = run(*words, "--merchant", "m-1")
    assert found.exit_code == 0, found.stderr
    assert ("2 identical" if words == ("replay",) else decided[0]) in found.stdout
    assert noted(run) == [("merchant", "search")]
    assert "m-1" not in run("trail").stdout


def test_an_erasure_is_certified_once_the_file_was_made_anew(run: Run, decided: tuple[str, str]) -> None:
    told = run("audit", "erase", "--subject", "merchant:m-1", "--ticket", "T-1")
    assert told.exit_code == 0, told.stderr
    id_ = told.stdout.splitlines()[0].rpartition(" ")[2]
    assert "not yet gone: unused parts of the database's files may hold old copies" in told.stdout
    assert "not yet gone: backups" in told.stdout
    before = run("audit", "erased", id_)
    assert (before.exit_code, before.stdout.count("not yet gone")) == (1, 1)
    assert json.loads(run("audit", "erased", id_, "--format", "json").stdout)["gone"] is False
    found = run("audit", "erased", id_, "--vacuum")
    assert found.exit_code == 0, found.stdout
    certificate: dict[str, Any] = json.loads(found.stdout)
    assert (certificate["erasure_id"], certificate["gone"]) == (id_, True)
    assert sorted(certificate["records"]) == sorted(decided)
    kept = Path(DATABASE).read_bytes()
    assert not any(text in kept for text in (b'"m-1"', b"merchant:m-1"))
    assert b"m-1" in kept, "in the cases of the rules, which name nobody"


def test_what_is_no_erasure_has_no_certificate(run: Run, decided: tuple[str, str]) -> None:
    found = run("audit", "erased", decided[0])
    assert (found.exit_code, found.stderr) == (1, f"error: `{decided[0]}` is no erasure\n")
    assert run("audit", "erased").exit_code == 2
