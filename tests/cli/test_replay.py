"""`policyctl replay`: one decision, a range, all; what differs and what is refused."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from policy_service.proofs.tree import leaf_hash

Run = Callable[..., Result]


@pytest.fixture
def decide(run: Run, rules: Path, request_file: Callable[..., Path]) -> Callable[..., str]:
    """The id of a decision that was recorded and sealed."""

    def one(**changes: Any) -> str:
        found = run("evaluate", request_file(changes), "--rules", rules, "--decide")
        assert found.exit_code == 0, found.stderr
        assert run("audit", "seal").exit_code == 0
        id_: str = json.loads(found.stdout)["decision_id"]
        return id_

    return one


def rewritten(id_: str, change: Callable[[bytes], bytes], *, sealed: bool) -> None:
    """A record changed by who can write the store; `sealed`: its hashes with it, as if it had always been so."""
    database = sqlite3.connect("var/policy.sqlite3")
    with database:
        body = change(database.execute("SELECT body FROM decisions WHERE id = ?", [id_]).fetchone()[0])
        leaf = leaf_hash(body).hex()
        database.execute("UPDATE decisions SET body = ? WHERE id = ?", [body, id_])
        if sealed:
            for table in ("decisions", "log_entries"):
                database.execute(f"UPDATE {table} SET leaf = ? WHERE id = ?", [leaf, id_])
    database.close()


def test_all_decisions_are_the_same_again(run: Run, decide: Callable[..., str]) -> None:
    for day in ("2023-04-01", "2023-04-02"):
        decide(as_of=day)
    found = run("replay")
    assert (found.exit_code, found.stdout) == (0, "2 decisions: 2 identical, 0 different, 0 erased, 0 refused\n")
    assert "2 decisions in " in found.stderr
    assert "a second" in found.stderr


def test_a_range_is_of_what_the_filters_find(run: Run, decide: Callable[..., str]) -> None:
    decide(as_of="2023-04-01")
    decide(as_of="2023-04-02")
    for words, number in (
        (("--as-of-from", "2023-04-02"), 1),
        (("--subject", "merchant:m-1"), 2),
        (("--subject", "merchant:m-9"), 0),
        (("--policy", "shop.hours"), 2),
        (("--from", "2020-01-01"), 2),
        (("--to", "2020-01-01"), 0),
    ):
        assert run("replay", *words).stdout.split()[0] == str(number), words


def test_one_decision_may_wait_for_its_seal(run: Run, rules: Path, request_file: Callable[..., Path]) -> None:
    made = json.loads(run("evaluate", request_file({}), "--rules", rules, "--decide").stdout)["decision_id"]
    found = run("replay", made)
    assert (found.exit_code, found.stdout.split(":")[0]) == (0, "1 decision")
    assert run("replay").stdout.startswith("0 decisions")
    absent = run("replay", "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e11")
    assert (absent.exit_code, "there is no decision" in absent.stderr) == (1, True)


def test_other_rules_may_differ_and_that_is_no_fault(
    run: Run, decide: Callable[..., str], rules: Path, edit: Callable[[str, str, str], None]
) -> None:
    made = decide()
    plain = json.loads(run("replay", "--format", "json").stdout)
    assert plain == {"identical": 1, "different": 0, "erased": 0, "refused": 0, "refusals": {}}
    edit(
        "shop/hours.yaml",
        "| >= min_hours          | >= 100      | 10  ",
        "| >= min_hours          | >= 100      | 11  ",
    )
    assert run("bundle", "publish", rules).exit_code == 0
    other = json.loads(run("check", "--rules", rules, "--format", "json").stdout)["bundle"]
    found = run("replay", "--bundle", other, "--format", "json")
    assert found.exit_code == 0, found.stderr
    different, counts = (json.loads(line) for line in found.stdout.splitlines())
    assert (different["decision_id"], different["outcome"], different["bundle"]) == (made, "different", other)
    assert {"pointer": "/policies/0/decisions/granted", "recorded": 10, "replayed": 11} in different["differences"]
    assert counts["different"] == 1
    assert run("replay", made, "--bundle", other).exit_code == 0


def test_another_day_may_differ_and_the_first_differences_are_shown(run: Run, decide: Callable[..., str]) -> None:
    made = decide()
    found = run("replay", "--as-of", "2024-06-01")
    assert found.exit_code == 0
    assert f"different: {made}, index 2" in found.stdout
    assert found.stdout.count(" -> ") == 5
    assert "further difference" in found.stdout


def test_another_day_may_be_an_instant(run: Run, decide: Callable[..., str]) -> None:
    made = decide(as_of="2023-04-01")
    same = run("replay", made, "--as-of", "2023-03-31t16:00:00z", "--format", "json")
    assert (same.exit_code, json.loads(same.stdout)["identical"]) == (0, 1)


@pytest.mark.parametrize("text", ["2023-4-1", "２０２３-04-01", "2023-W13-6", "20230401", "2023-04-01 08:00:00Z"])
def test_a_day_of_another_form_is_a_wrong_command_line(run: Run, text: str) -> None:
    found = run("replay", "--as-of", text)
    assert (found.exit_code, found.stdout) == (2, "")
    assert "a day is written 2023-04-01" in found.stderr


def test_an_answer_that_differs_under_its_own_rules_is_a_fault(run: Run, decide: Callable[..., str]) -> None:
    """The record was made to claim another answer, and its hashes with it: the rules tell."""
    made = decide()
    rewritten(made, lambda body: body.replace(b'"status":"applied"', b'"status":"suspended"', 1), sealed=True)
    for words in ((), (made,)):
        found = run("replay", *words)
        assert found.exit_code == 1
        assert f"different: {made}" in found.stdout
        assert "/policies/0/status" in found.stdout


@pytest.mark.parametrize(
    ("change", "sealed", "reason"),
    [
        (lambda body: body.replace(b"4.5", b"4.6"), False, "its bytes do not fit its digest"),
        (lambda body: body.replace(b'"language":1', b'"language":9'), True, "version 9 of the rule language"),
        (lambda body: body.replace(b'"format":1,"language"', b'"format":7,"language"'), True, "format 7 of answers"),
        (lambda _: b"x", True, "no record of a decision"),
    ],
)
def test_what_cannot_honestly_be_answered_is_refused_with_the_reason(
    run: Run, decide: Callable[..., str], change: Callable[[bytes], bytes], sealed: bool, reason: str
) -> None:
    decide()
    made = decide()
    rewritten(made, change, sealed=sealed)
    found = run("replay", "--format", "json")
    assert found.exit_code == 1
    refused, counts = (json.loads(line) for line in found.stdout.splitlines())
    assert (refused["decision_id"], refused["outcome"], refused["index"]) == (made, "refused", 3)
    assert reason in refused["reason"]
    assert (counts["identical"], counts["refused"], list(counts["refusals"].values())) == (1, 1, [1])
    alone = run("replay", made)
    assert (alone.exit_code, reason in alone.stdout) == (1, True)


def test_rules_that_are_not_as_they_were_refuse_their_decisions(run: Run, decide: Callable[..., str]) -> None:
    made = decide()
    database = sqlite3.connect("var/policy.sqlite3")
    with database:
        changed = "UPDATE bundle_sources SET text = replace(text, '| 10  ', '| 11  ') WHERE path = 'shop/hours.yaml'"
        assert database.execute(changed).rowcount == 1
    database.close()
    for words in ((), (made,)):
        found = run("replay", *words)
        assert (found.exit_code, "do not give that bundle" in found.stdout) == (1, True)


def test_a_bundle_that_is_not_stored_is_told(run: Run, decide: Callable[..., str]) -> None:
    decide()
    found = run("replay", "--bundle", "sha256:" + "0" * 64)
    assert (found.exit_code, "there is no bundle" in found.stderr) == (1, True)


@pytest.mark.parametrize(
    "words",
    [("--as-of", "2023-02-30"), ("--from", "soon"), ("x", "--policy", "a.b"), ("--bundle",), ("--subject", "m-1")],
)
def test_a_wrong_word_is_a_wrong_command_line(run: Run, words: tuple[str, ...]) -> None:
    assert run("replay", *words).exit_code == 2
