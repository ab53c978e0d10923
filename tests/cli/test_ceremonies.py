"""`policyctl audit begin|rotate-key|retire-key|adopt-backup|repair`, `export --log`: what they print, exit status."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.former import Former

Run = Callable[..., Result]
TOOL = Path(__file__).parents[2] / "tools" / "verify_log.py"
DATABASE = Path("var/policy.sqlite3")
WHY = ("--reason", "as agreed")


@pytest.fixture
def decide(run: Run, rules: Path, request_file: Callable[..., Path]) -> Callable[[], str]:
    def one() -> str:
        found = run("evaluate", request_file({}), "--rules", rules, "--decide")
        assert found.exit_code == 0, found.stderr
        return str(json.loads(found.stdout)["decision_id"])

    return one


def tampered(statement: str, *values: Any, database: Path = DATABASE) -> None:
    with sqlite3.connect(database) as connection:
        assert connection.execute(statement, values).rowcount > 0
    connection.close()


def copied(source: Path, target: Path) -> None:
    with sqlite3.connect(source) as one, sqlite3.connect(target) as two:
        one.backup(two)
    one.close()
    two.close()


@pytest.mark.parametrize("command", ["begin", "rotate-key KEY", "retire-key KEY", "adopt-backup", "repair"])
def test_each_needs_a_reason_of_one_line(run: Run, command: str) -> None:
    words = ("audit", *command.split())
    assert run(*words).exit_code == 2
    assert run(*words, "--reason", "a\nb").exit_code == 2


# ---- begin


@pytest.fixture
def former(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[Former]:
    (tmp_path / "former").mkdir()
    found = Former(tmp_path / "former")
    monkeypatch.setenv("POLICY_DATABASE_URL", found.settings.database_url)
    monkeypatch.setenv("POLICY_SIGNING_KEY", str(found.key))
    yield found
    found.close()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_former_store_is_begun_once(run: Run, former: Former, rules: Path, form: str) -> None:
    held = run("audit", "seal")
    assert (held.exit_code, "policyctl audit begin" in held.stderr) == (1, True)
    found = run("audit", "begin", *WHY, "--format", form)
    assert found.exit_code == 0, found.stderr
    said = "the log is begun, after 9 records from before\n"
    assert (json.loads(found.stdout) == {"legacy": 9}) if form == "json" else (found.stdout == said)
    again = run("audit", "begin", *WHY)
    assert (again.exit_code, again.stderr) == (1, "error: the log was begun before\n")
    assert run("audit", "verify").stdout.endswith("all fits\n")
    assert "7 identical, 0 different, 1 erased, 0 refused" in run("replay").stdout


def test_who_serves_a_former_store_is_told_to_begin_it(run: Run, former: Former, rules: Path) -> None:
    found = run("serve", "--rules", rules, "--port", "0")
    assert (found.exit_code, "not started: the store has records" in found.stderr) == (1, True)
    assert "policyctl audit begin" in found.stderr


def test_a_new_store_is_not_begun_by_hand(run: Run) -> None:
    assert run("audit", "begin", *WHY).stderr == "error: the log was begun before\n"


# ---- keys


def test_a_key_is_added_by_its_text_or_file_and_the_old_one_retired(
    run: Run, decide: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [run("audit", "new-key", f"{name}.pem").stdout.strip() for name in ("one", "two", "three")]
    labels = ["+".join(text.split("+")[:2]) for text in texts]
    monkeypatch.setenv("POLICY_SIGNING_KEY", "one.pem")
    decide()
    assert run("audit", "rotate-key", texts[1], *WHY).stdout == f"added: {labels[1]}\n"
    assert json.loads(run("audit", "rotate-key", "three.pem", *WHY, "--format", "json").stdout) == {"added": labels[2]}
    again = run("audit", "rotate-key", "two.pem", *WHY)
    assert (again.exit_code, again.stderr) == (1, f"error: {labels[1]} signs already\n")
    own = run("audit", "retire-key", labels[0], *WHY)
    assert (own.exit_code, "still signs here" in own.stderr) == (1, True)
    Path("retired.txt").write_text(texts[0], "utf-8")
    monkeypatch.setenv("POLICY_SIGNING_KEY", "two.pem")
    monkeypatch.setenv("POLICY_RETIRED_KEYS", "retired.txt")
    assert run("audit", "retire-key", labels[0], *WHY).stdout == f"retired: {labels[0]}\n"
    unknown = run("audit", "retire-key", labels[0], *WHY)
    assert (unknown.exit_code, f"no key {labels[0]} signs" in unknown.stderr) == (1, True)
    decide()
    run("audit", "seal")
    assert run("audit", "verify").stdout.endswith("all fits\n")
    monkeypatch.setenv("POLICY_SIGNING_KEY", "one.pem")
    late = run("audit", "rotate-key", "three.pem", *WHY)
    assert (late.exit_code, "does not know the key" in late.stderr) == (1, True)


@pytest.mark.parametrize("text", ["nonsense", "a+b+c", "folder", "text.pem", "text.pub"])
def test_what_is_no_key_is_not_added(run: Run, text: str) -> None:
    Path("folder").mkdir()
    for name in ("text.pem", "text.pub"):
        Path(name).write_text("no key", "utf-8")
        os.chmod(name, 0o600)
    found = run("audit", "rotate-key", text, *WHY)
    assert (found.exit_code, f"`{text}` is neither a verifier key nor the file of a key" in found.stderr) == (1, True)


# ---- a backup


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_restored_copy_is_adopted_and_what_is_lost_is_told(run: Run, decide: Callable[[], str], form: str) -> None:
    decide()
    run("audit", "seal")
    copied(DATABASE, Path("older"))
    decide()
    run("audit", "seal")
    copied(Path("older"), DATABASE)
    held = run("audit", "seal")
    assert (held.exit_code, "audit adopt-backup" in held.stderr) == (1, True)
    found = run("audit", "adopt-backup", *WHY, "--format", form)
    assert found.exit_code == 0, found.stderr
    if form == "json":
        assert json.loads(found.stdout) == {"size": 3, "version": 2, "lost": {"size": 4, "version": 2}}
    else:
        assert found.stdout.splitlines() == [
            "adopted at 3 records and 2 orders",
            "4 and 2 were signed before: what is missing is lost to this store",
        ]
    assert decide()
    assert run("audit", "verify").stdout.endswith("all fits\n")
    again = run("audit", "adopt-backup", *WHY)
    assert (again.exit_code, "not behind" in again.stderr) == (1, True)


def test_a_guard_that_is_none_is_told(run: Run, decide: Callable[[], str]) -> None:
    decide()
    Path("var/policy.sqlite3.guard").write_text("no guard", "utf-8")
    for command in ("adopt-backup", "repair"):
        found = run("audit", command, *WHY)
        assert (found.exit_code, "was not written by this service" in found.stderr) == (1, True)


# ---- repair


def test_what_lost_its_place_is_queued_and_what_is_forged_taken_out(run: Run, decide: Callable[[], str]) -> None:
    lost = decide()
    tampered("DELETE FROM unsealed WHERE id = ?", lost)
    tampered(
        "INSERT INTO acts (id, at, action, version, body, leaf, receipt)"
        " SELECT 'forged', at, action, version + 1, body, leaf, receipt FROM acts WHERE version = 2"
    )
    assert run("audit", "verify").exit_code == 1
    found = run("audit", "repair", *WHY)
    assert found.stdout == "queued again: 1 record; taken out: 1 forged order\n", found.stderr
    assert json.loads(run("audit", "repair", *WHY, "--format", "json").stdout) == {"queued": 0, "removed": 0}
    run("audit", "seal")
    assert run("audit", "verify").stdout.endswith("all fits\n")
    assert lost in run("decisions").stdout


# ---- the whole log


def test_the_whole_log_is_exported_and_verified_elsewhere(run: Run, decide: Callable[[], str]) -> None:
    unsealed = run("audit", "export", "--log", "export")
    assert (unsealed.exit_code, "nothing is sealed" in unsealed.stderr) == (1, True)
    decide()
    run("audit", "seal")
    assert run("audit", "export", "--log", "export").stdout == "export: 3 records, 1 head\n"
    assert json.loads(run("audit", "export", "--log", "other", "--format", "json").stdout) == {
        "size": 3, "heads": 1, "bundles": 1,
    }  # fmt: skip
    key = json.loads(run("audit", "head", "--format", "json").stdout)["keys"][0]
    verified = subprocess.run(
        [sys.executable, "-I", TOOL, "export", "--key", key], capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stdout
    again = run("audit", "export", "--log", "export")
    assert (again.exit_code, "`export` is not empty" in again.stderr) == (1, True)


@pytest.mark.parametrize("words", [(), ("ID",), ("--proof", "f"), ("ID", "--log", "f"), ("--log", "f", "--proof", "g"),
                                   ("--log", "f", "--private")])  # fmt: skip
def test_an_export_is_of_one_decision_or_of_the_log(run: Run, words: tuple[str, ...]) -> None:
    assert run("audit", "export", *words).exit_code == 2
