"""`policyctl audit`, `policyctl decisions`: the log sealed, found, verified, proved, erased from."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from policy_service.decisions.audit import verifying
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.proofs import keys
from policy_service.store import SqlLogStore
from tests.agents import write_public
from tools import witness as program

Run = Callable[..., Result]
TOOL = Path(__file__).parents[2] / "tools" / "verify_decision.py"
DATABASE = "var/policy.sqlite3"
Decide = Callable[..., dict[str, Any]]


@pytest.fixture
def decide(run: Run, rules: Path, request_file: Callable[..., Path]) -> Decide:
    """A decision that was recorded; the answer is kept in `NAME.json`."""

    def one(name: str = "answer", **changes: Any) -> dict[str, Any]:
        found = run("evaluate", request_file(changes), "--rules", rules, "--decide")
        assert found.exit_code == 0, found.stderr
        Path(f"{name}.json").write_text(found.stdout, "utf-8")
        answer: dict[str, Any] = json.loads(found.stdout)
        return answer

    return one


def tampered(statement: str, *values: Any, most: int = 1) -> None:
    """Changes the store as somebody could who can write it: one row, or at most so many."""
    database = sqlite3.connect(DATABASE)
    with database:
        database.execute("PRAGMA foreign_keys = off")
        assert 1 <= database.execute(statement, values).rowcount <= most
    database.close()


def stored(statement: str) -> Any:
    database = sqlite3.connect(DATABASE)
    found = database.execute(statement).fetchone()[0]
    database.close()
    return found


def test_what_waits_is_sealed_and_found(run: Run, decide: Decide) -> None:
    assert "nothing is sealed yet" in run("audit", "head").stderr
    assert run("audit", "verify").stdout == "checked 0 records, 0 heads and 0 bundles: the log is empty\n"
    first = decide()
    assert run("decisions").stdout == ""
    assert run("audit", "seal").stdout == "sealed 3 records, the log has 3\n"
    assert json.loads(run("audit", "seal", "--format", "json").stdout) == {"sealed": 0, "size": 3}
    second = decide(supersedes=first["decision_id"], reason="appeal")
    run("audit", "seal")
    page = json.loads(run("decisions", "--limit", "1", "--format", "json").stdout)
    assert [one["decision_id"] for one in page["decisions"]] == [second["decision_id"]]
    older = run("decisions", "--cursor", page["next"])
    assert older.stdout.split()[:2] == ["2", first["decision_id"]]
    assert f"corrected by {second['decision_id']}" in older.stdout
    assert run("decisions", "--merchant", "m-2").stdout == ""
    assert len(run("decisions", "--merchant", "m-1", "--as-of-from", "2023-04-01").stdout.splitlines()) == 2
    assert run("decisions", "--as-of-from", "yesterday").exit_code == 2
    assert run("decisions", "--policy", "a b").exit_code == 2


def test_a_whole_log_fits_its_heads_and_receipts(run: Run, decide: Decide) -> None:
    decide("one")
    run("audit", "seal")
    Path("head.txt").write_text(run("audit", "head").stdout, "utf-8")
    shown = run("audit", "head", "--format", "json").stdout
    Path("head.json").write_text(shown, "utf-8")
    decide("two")
    found = run(
        "audit", "verify", "--key", json.loads(shown)["keys"][0], "--head", "head.txt", "--head", "head.json",
        "--receipt", "one.json", "--receipt", "two.json",
    )  # fmt: skip
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout == "checked 3 records, 3 heads and 1 bundle; 1 wait to be sealed: all fits\n"


@pytest.mark.parametrize(
    ("statement", "kind", "index"),
    [
        ("UPDATE decisions SET body = replace(body, '4.5', '4.6') "
         "WHERE id = (SELECT id FROM log_entries WHERE \"index\" = 3)", "record-altered", 3),
        ("DELETE FROM decisions WHERE id = (SELECT id FROM log_entries WHERE \"index\" = 3)", "record-lost", 3),
        ("DELETE FROM log_entries WHERE \"index\" = 1", "index-gap", 1),
        ("UPDATE log_heads SET note = replace(note, '5', '6') WHERE size = 5", "head-refused", None),
    ],
)  # fmt: skip
def test_the_first_record_that_does_not_fit_is_named_with_the_reason(
    run: Run, decide: Decide, statement: str, kind: str, index: int | None
) -> None:
    made = [decide() for _ in range(3)]
    run("audit", "seal")
    tampered(statement)
    found = run("audit", "verify")
    assert found.exit_code == 1
    assert kind in found.stdout
    assert found.stdout.endswith("it does not fit\n")
    report = json.loads(run("audit", "verify", "--format", "json").stdout)
    assert (report["fits"], kind in {one["kind"] for one in report["findings"]}) == (False, True)
    if index is not None:
        assert report["first"]["index"] == index
        assert f"the first record that does not fit: index {index}" in found.stdout
    if kind in ("record-altered", "record-lost"):
        assert report["first"]["id"] == made[1]["decision_id"]


def test_a_log_that_was_cut_short_is_found_by_a_receipt_or_a_head(run: Run, decide: Decide) -> None:
    """As if it had been so from the start: the later records, heads and tiles are gone."""
    decide("one")
    run("audit", "seal")
    two = decide("two")["decision_id"]
    run("audit", "seal")
    Path("head.txt").write_text(run("audit", "head").stdout, "utf-8")
    tampered("DELETE FROM log_heads WHERE size = 4")
    tampered("DELETE FROM log_entries WHERE id = ?", two)
    tampered('DELETE FROM terms WHERE "index" = 3', most=100)
    tampered("DELETE FROM decisions WHERE id = ?", two)
    tampered("UPDATE log_tiles SET hashes = substr(hashes, 1, 96)")
    by_guard = run("audit", "verify")
    assert (by_guard.exit_code, "log-truncated" in by_guard.stdout) == (1, True)
    Path(f"{DATABASE}.guard").unlink()
    assert run("audit", "verify").exit_code == 0
    by_receipt = run("audit", "verify", "--receipt", "two.json")
    assert (by_receipt.exit_code, "receipt-unmet" in by_receipt.stdout) == (1, True)
    by_head = run("audit", "verify", "--head", "head.txt")
    assert (by_head.exit_code, "log-truncated" in by_head.stdout) == (1, True)


# ---- witnesses


@pytest.fixture
def witness(tmp_path: Path, run: Run) -> Iterator[tuple[str, str]]:
    """A witness of this log on this machine: its key, and what POLICY_WITNESSES is for it."""
    run("audit", "seal")  # the store makes its key
    log = keys.load(Path(f"{DATABASE}.signing-key.pem"), "policy-service").verifier.text
    made = program.new(tmp_path / "witness", "witness.example/w1").text
    own, memory = program.loaded(tmp_path / "witness", [log])
    with program.Server("127.0.0.1", 0, own) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made, f"{made}=http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
    memory.close()


def test_a_head_is_pushed_and_a_quorum_is_verified(
    run: Run, decide: Decide, witness: tuple[str, str], tmp_path: Path
) -> None:
    key, setting = witness
    (tmp_path / "heads").mkdir()
    decide()
    run("audit", "seal")
    unwitnessed = run("audit", "verify", "--witness", key)
    assert (unwitnessed.exit_code, "witness-quorum: no head is cosigned by 1 of the 1 w" in unwitnessed.stdout) == (
        1,
        True,
    )
    places = {"POLICY_WITNESSES": setting, "POLICY_HEADS_FOLDER": "heads"}
    assert run("audit", "push", **places).stdout == (
        "witness witness.example/w1: cosigned: 3 records\nfolder: kept: 3 records\n"
    )
    assert json.loads(run("audit", "push", "--format", "json", **places).stdout) == [
        {"place": "witness witness.example/w1", "outcome": "cosigned", "size": 3, "message": ""},
        {"place": "folder", "outcome": "kept", "size": 3, "message": ""},
    ]
    found = run("audit", "verify", "--witness", key)
    assert (found.exit_code, found.stdout.splitlines()[-1]) == (0, "1 of 1 witness cosigned the head of 3 records")
    assert json.loads(run("audit", "verify", "--witness", key, "--format", "json").stdout)["witnessed"] == 3
    assert json.loads(run("audit", "verify", "--format", "json").stdout)["witnessed"] is None
    shown = run("audit", "head").stdout
    assert "— witness.example/w1 " in shown
    assert json.loads(run("audit", "head", "--format", "json").stdout)["note"] == shown
    assert (tmp_path / "heads" / "00000000000000000003.txt").read_text("utf-8").count("— ") == 2


def test_a_head_that_does_not_arrive_is_told_and_stops_no_decision(run: Run, decide: Decide, witness: Any) -> None:
    away = witness[1].rpartition("=")[0] + "=http://127.0.0.1:1"
    decide()
    run("audit", "seal")
    found = run("audit", "push", POLICY_WITNESSES=away, POLICY_HEADS_FOLDER="unmounted")
    assert found.exit_code == 1
    assert "witness witness.example/w1: unreachable: " in found.stdout
    assert "folder: unreachable: No such file or directory: unmounted" in found.stdout
    assert "heads" not in run("audit", "push").stdout
    assert decide()["decision_id"]


def test_a_store_that_was_set_back_is_told_by_its_witness(run: Run, decide: Decide, witness: Any) -> None:
    decide("one")
    run("audit", "seal")
    two = decide("two")["decision_id"]
    run("audit", "seal")
    assert run("audit", "push", POLICY_WITNESSES=witness[1]).exit_code == 0
    tampered("DELETE FROM log_heads WHERE size = 4")
    tampered("DELETE FROM log_entries WHERE id = ?", two)
    tampered('DELETE FROM terms WHERE "index" = 3', most=100)
    tampered("DELETE FROM decisions WHERE id = ?", two)
    tampered("UPDATE log_tiles SET hashes = substr(hashes, 1, 96)")
    tampered("DELETE FROM cosignatures")
    Path(f"{DATABASE}.guard").unlink()
    assert run("audit", "verify").exit_code == 0
    pushed = run("audit", "push", POLICY_WITNESSES=witness[1])
    assert (pushed.exit_code, "behind: it has seen a log of 4 records, the store has 3" in pushed.stdout) == (1, True)
    assert run("audit", "verify", "--witness", witness[0]).exit_code == 1


def test_there_must_be_a_place_to_push_to(run: Run) -> None:
    found = run("audit", "push")
    assert (found.exit_code, "POLICY_WITNESSES, POLICY_HEADS_FOLDER" in found.stderr) == (1, True)


def test_a_witness_that_is_named_wrongly_is_told_at_the_start(run: Run) -> None:
    found = run("audit", "push", POLICY_WITNESSES="https://witness.example")
    assert (found.exit_code, "POLICY_WITNESSES: a witness is `<verifier key>=<url>`" in found.stderr) == (1, True)


@pytest.mark.parametrize(
    "words", [("--quorum", "1"), ("--witness", "KEY", "--quorum", "2"), ("--witness", "KEY", "--witness", "KEY"),
              ("--witness", "no key"), ("--witness", "KEY", "--quorum", "0")],
)  # fmt: skip
def test_a_quorum_that_cannot_be_had_is_wrong_usage(run: Run, words: tuple[str, ...]) -> None:
    key = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
    assert run("audit", "verify", *(key if word == "KEY" else word for word in words)).exit_code == 2


def test_a_key_of_somebody_else_verifies_nothing(run: Run, decide: Decide) -> None:
    decide()
    run("audit", "seal")
    stranger = run("audit", "new-key", "stranger.pem").stdout.strip()
    found = run("audit", "verify", "--key", stranger)
    assert (found.exit_code, "head-refused" in found.stdout) == (1, True)


def test_a_verification_goes_on_where_it_ended(run: Run, decide: Decide) -> None:
    decide()
    run("audit", "seal")
    assert run("audit", "verify", "--resume", "progress.json").exit_code == 0
    decide()
    run("audit", "seal")
    assert run("audit", "verify", "--resume", "progress.json").exit_code == 0
    kept = Path("progress.json").read_text("utf-8")
    assert json.loads(kept)["records"] == 4
    tampered('DELETE FROM log_entries WHERE "index" = 1')
    assert run("audit", "verify", "--resume", "progress.json").exit_code == 1
    assert Path("progress.json").read_text("utf-8") == kept  # what did not fit is looked at again


def test_a_verification_that_is_broken_off_keeps_how_far_it_came(
    run: Run, decide: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        decide()
    run("audit", "seal")  # with the two acts of its beginning there are five records
    monkeypatch.setattr(verifying, "AT_ONCE", 2)

    def broken_off(_: Any) -> Any:
        raise StoreUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(SqlLogStore, "waiting", broken_off)
        assert run("audit", "verify", "--resume", "progress.json").exit_code == 1
    assert json.loads(Path("progress.json").read_text("utf-8"))["records"] == 4
    assert run("audit", "verify", "--resume", "progress.json").exit_code == 0
    assert json.loads(Path("progress.json").read_text("utf-8"))["records"] == 5
    assert not list(Path().glob("*.new"))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"records": 3, "complete": []}', '{"records": 1, "complete": [[0, "x"]]}']
)
def test_a_file_that_no_verification_wrote_is_refused(run: Run, text: str) -> None:
    Path("progress.json").write_text(text, "utf-8")
    assert run("audit", "verify", "--resume", "progress.json").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--key", "x"),
        ("--head", "absent"),
        ("--receipt", "empty"),
        ("--receipt", "no_receipt"),
        ("--head", "no_note"),
    ],
)
def test_what_cannot_be_a_key_a_head_or_a_receipt_is_a_wrong_command_line(run: Run, words: tuple[str, str]) -> None:
    Path("empty").write_text("", "utf-8")
    Path("no_receipt").write_text('{"decision_id": "x", "receipt": {}}', "utf-8")
    Path("no_note").write_text("{}", "utf-8")
    assert run("audit", "verify", *words).exit_code == 2


def test_one_file_proves_a_decision_without_the_service(run: Run, decide: Decide) -> None:
    made = decide()["decision_id"]
    waiting = run("audit", "export", made, "--proof", "proof.json")
    assert (waiting.exit_code, "policyctl audit seal" in waiting.stderr) == (1, True)
    run("audit", "seal")
    assert run("audit", "export", made, "--proof", "proof.json").exit_code == 0
    key = json.loads(run("audit", "head", "--format", "json").stdout)["keys"][0]
    verified = subprocess.run(
        [sys.executable, TOOL, "proof.json", "--key", key], capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stdout
    assert run("audit", "export", "x", "--proof", "other.json").exit_code == 1
    assert not Path("other.json").exists()


def test_private_values_are_exported_to_their_owner_alone_and_the_trail_has_it(
    run: Run, decide: Decide, edit: Callable[[str, str, str], None]
) -> None:
    edit("facts.yaml", "enrolled_on: {type: date,", "enrolled_on: {type: date, sensitive: true,")
    made = decide()["decision_id"]
    run("audit", "seal")
    assert run("audit", "export", made, "--proof", "plain.json").exit_code == 0
    assert "2023-01-01" not in json.dumps({**json.loads(Path("plain.json").read_text("utf-8")), "bundle": None})
    assert run("trail", "--format", "json").stdout.count("decision.reveal") == 0
    assert run("audit", "export", made, "--proof", "private.json", "--private").exit_code == 0
    assert json.loads(Path("private.json").read_text("utf-8"))["private"]
    assert stat.S_IMODE(os.stat("private.json").st_mode) == 0o600
    (noted, *_) = json.loads(run("trail", "--format", "json").stdout)["entries"]
    assert (noted["actor"], noted["action"], noted["target"]) == ("policyctl", "decision.reveal", made)


def test_an_erasure_takes_the_values_and_leaves_the_proofs(
    run: Run, decide: Decide, edit: Callable[[str, str, str], None]
) -> None:
    edit("facts.yaml", "enrolled_on: {type: date,", "enrolled_on: {type: date, sensitive: true,")
    made = decide()["decision_id"]
    erased = run("audit", "erase", "--subject", "merchant:m-1", "--ticket", "T-1", "--format", "json")
    assert erased.exit_code == 0, erased.stderr
    assert json.loads(erased.stdout)["records"] == [made]
    assert stored("SELECT count(*) FROM private_values") == 0
    verified = run("audit", "verify", "--receipt", "answer.json")
    assert (verified.exit_code, "checked 4 records" in verified.stdout) == (0, True), verified.stdout
    replayed = run("replay")
    assert replayed.exit_code == 0
    assert f"erased: {made}, index 2" in replayed.stdout
    assert "0 identical, 0 different, 1 erased, 0 refused" in replayed.stdout
    again = run("audit", "erase", "--subject", "merchant:m-1", "--ticket", "T-1")
    assert (again.exit_code, "nothing to erase" in again.stderr) == (1, True)
    assert run("audit", "verify").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [("--subject", "m-1", "--ticket", "T"), ("--subject", "merchant:m-1"),
     ("--subject", "merchant:m 1", "--ticket", "T"), ("--subject", "merchant:m-1", "--ticket", "a\nb")],
)  # fmt: skip
def test_an_erasure_needs_a_subject_and_a_ticket(run: Run, words: tuple[str, ...]) -> None:
    assert run("audit", "erase", *words).exit_code == 2


def test_a_new_key_is_its_owners_alone_and_no_file_is_overwritten(run: Run) -> None:
    made = run("audit", "new-key", "key.pem", POLICY_LOG_ORIGIN="log.example")
    assert made.exit_code == 0, made.stderr
    assert made.stdout.startswith("log.example+")
    assert stat.S_IMODE(os.stat("key.pem").st_mode) == 0o600
    before = Path("key.pem").read_bytes()
    assert run("audit", "new-key", "key.pem").exit_code == 1
    assert Path("key.pem").read_bytes() == before
    assert run("audit", "new-key", "absent/key.pem").exit_code == 1


def test_a_log_is_signed_by_the_key_of_the_settings_and_an_old_one_overlaps(run: Run, decide: Decide) -> None:
    old = run("audit", "new-key", "old.pem").stdout.strip()
    new = run("audit", "new-key", "new.pem").stdout.strip()
    os.environ["POLICY_SIGNING_KEY"] = "old.pem"
    try:
        decide()
        run("audit", "seal")
        assert run("audit", "rotate-key", "new.pem", "--reason", "yearly").exit_code == 0
        os.environ["POLICY_SIGNING_KEY"] = "new.pem:old.pem"
        decide()
        run("audit", "seal")
        assert run("audit", "verify", "--key", old).exit_code == 0
        assert run("audit", "verify", "--key", new).exit_code == 1  # the first head is the old key's alone
        assert run("audit", "verify", "--key", new, "--key", old).exit_code == 0
    finally:
        del os.environ["POLICY_SIGNING_KEY"]


# ---- with the key or without it

KEY = Path(f"{DATABASE}.signing-key.pem")


@pytest.fixture
def kept(run: Run, decide: Decide) -> tuple[str, str]:
    """A log of one decision, whose key was taken away; the id of the decision, and the verifier key."""
    made = decide()
    assert run("audit", "seal").exit_code == 0
    (verifier,) = json.loads(run("audit", "head", "--format", "json").stdout)["keys"]
    KEY.rename("taken.pem")
    return str(made["decision_id"]), verifier


READING = [
    ("audit", "head"),
    ("audit", "verify"),
    ("audit", "export", "ID", "--proof", "file.proof"),
    ("decisions",),
    ("replay", "ID"),
    ("compare", "ID", "ID"),
    ("trail",),
    ("judged",),
    ("keys", "list"),
    ("bundle", "list"),
]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_who_only_reads_makes_no_key(run: Run, words: tuple[str, ...]) -> None:
    run(*words)
    assert Path(DATABASE).exists()
    assert not KEY.exists()


@pytest.mark.parametrize("words", [words for words in READING if words[-1] != "verify"], ids=" ".join)
def test_who_only_reads_needs_no_key(run: Run, kept: tuple[str, str], words: tuple[str, ...]) -> None:
    Path("retired.txt").write_text(kept[1])  # which API keys there are, nobody says who trusts no key of the log
    named = {"POLICY_RETIRED_KEYS": "retired.txt"} if words == ("keys", "list") else {}
    found = run(*(kept[0] if word == "ID" else word for word in words), **named)
    assert found.exit_code == 0, found.stderr
    assert not KEY.exists()


def test_a_log_is_verified_with_verifier_keys_alone(run: Run, kept: tuple[str, str]) -> None:
    found = run("audit", "verify", "--key", kept[1])
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout.endswith("all fits\n")
    Path("retired.txt").write_text(kept[1])
    assert run("audit", "verify", POLICY_RETIRED_KEYS="retired.txt").exit_code == 0
    assert not KEY.exists()


def test_without_any_key_nothing_is_said_to_fit(run: Run, kept: tuple[str, str]) -> None:
    found = run("audit", "verify")
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr == "error: no key to trust is at hand: give --key\n"


def test_a_log_with_records_gets_no_other_key(
    run: Run, kept: tuple[str, str], rules: Path, request_file: Callable[..., Path]
) -> None:
    found = run("evaluate", request_file(), "--rules", rules, "--decide")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "POLICY_SIGNING_KEY: the log has records, and the key that signs it is not at" in found.stderr
    assert not KEY.exists()
    assert stored("SELECT count(*) FROM decisions") == 1
    again = run("evaluate", request_file(), "--rules", rules, "--decide", POLICY_SIGNING_KEY="taken.pem")
    assert again.exit_code == 0, again.stderr


def test_an_agent_that_does_not_sign_is_named(run: Run, rules: Path, request_file: Callable[..., Path]) -> None:
    run("audit", "new-key", "key.pem")
    write_public(Path("key.pem"), Path("key.pub"))
    settings = {"POLICY_SIGNING_KEY": "key.pub", "POLICY_SIGNING_AGENT": "nobody"}
    found = run("evaluate", request_file(), "--rules", rules, "--decide", **settings)
    assert (found.exit_code, found.stdout) == (1, "")
    assert "the agent at `nobody` does not sign: [Errno 2] No such file or directory" in found.stderr
    assert stored("SELECT count(*) FROM decisions") == 0
