"""The file of one decision is verified by a program that shares no code with the service."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policy_service.policies.bundle import Bundle, bundle, former_id, model_of
from policy_service.proofs import tree
from policy_service.proofs.cosignatures import WitnessKey, cosign, joined
from policy_service.proofs.export import Export, ExportRefused, ProvedBundle
from tests.tools.verifydecision.conftest import Verify
from tests.tools.verifydecision.log import (
    ID,
    INDEX,
    LEGACY,
    NEW,
    OLD,
    ORIGIN,
    PINNED,
    SEALED_AT,
    SIZE,
    STRANGER,
    Decided,
    decided,
    exported,
    failing,
)
from tools import verify_decision

ROOT = Path(__file__).parents[3]
TOOL = ROOT / "tools" / "verify_decision.py"
CHECKS = ["record", "bundle", "texts", "order", "inclusion", "head", "keys", "receipt", "values"]


# ---- what is right passes


def test_an_export_is_read_back_as_it_was_written(export: Export) -> None:
    assert Export.loads(export.dumps()) == export
    assert Export.loads(replace(export, receipt=None, private=()).dumps()).receipt is None


def test_a_right_file_passes_every_check(verify: Verify, export: Export) -> None:
    status, found = verify(export, *PINNED, "--evaluate")
    assert (status, failing(found)) == (0, set())
    assert list(found) == [*CHECKS, "evaluate"]
    assert found["bundle"] == f"ok the record names {export.bundle.id}, which the model gives"
    assert found["texts"] == f"ok all {len(export.bundle.sources)} are those that were stored, and no other"
    assert "label club: entry 20, signed by log.example/decisions+" in found["order"]
    assert found["inclusion"] == f"ok entry {INDEX} of the {SIZE} in {ORIGIN}"
    assert found["head"] == f"ok signed by {NEW.verifier.label} at {SEALED_AT}"
    assert found["keys"].startswith(f"ok in force at entry {INDEX}: {OLD.verifier.label}, {NEW.verifier.label}")
    assert found["values"].endswith("fit what the record is committed to, 0 are not in the file")
    assert found["evaluate"].endswith("the request gives this answer again")


def test_the_program_runs_alone_and_says_what_it_did_not_check(tmp_path: Path, export: Export) -> None:
    """In isolated mode neither the repository nor PYTHONPATH is importable; site-packages has no policy_service."""
    alone, file = tmp_path / "verify.py", tmp_path / "decision.json"
    alone.write_bytes(TOOL.read_bytes())
    file.write_text(export.dumps(), "utf-8")
    command = [sys.executable, "-I", str(alone), str(file), *PINNED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ok"] * len(CHECKS) + ["note"]
    assert "was not checked" in done.stdout


def test_the_program_evaluates_where_the_service_is_importable(tmp_path: Path, export: Export) -> None:
    file = tmp_path / "decision.json"
    file.write_text(export.dumps(), "utf-8")
    command = [sys.executable, str(TOOL), str(file), *PINNED, "--evaluate"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the request gives this answer again" in done.stdout


def test_a_bundle_that_is_held_by_its_former_id_is_bound_to_the_model_that_gives_it(
    verify: Verify, rules: Bundle
) -> None:
    former = Bundle(former_id(rules.rules), rules.rules, rules.sources)
    assert former.id != rules.id
    assert model_of(former) != model_of(rules)
    status, found = verify(exported(decided(former), former), *PINNED, "--evaluate")
    assert (status, failing(found)) == (0, set())


# ---- who signed


def test_without_a_key_nothing_is_known_of_who_signed(verify: Verify, export: Export) -> None:
    status, found = verify(export)
    assert (status, failing(found)) == (1, set())
    assert found["trust"].startswith("warn ")
    assert verify(export, "--untrusted")[0] == 0


def test_a_file_signed_by_another_is_refused_under_the_key_given(verify: Verify, export: Export) -> None:
    status, found = verify(export, "--key", STRANGER.verifier.text, "--untrusted")
    assert (status, failing(found)) == (1, {"head"})


def test_a_head_of_a_retired_key_is_refused_though_the_key_was_given(
    verify: Verify, decision: Decided, rules: Bundle
) -> None:
    status, found = verify(exported(decision, rules, heads=[OLD]), *PINNED, "--key", OLD.verifier.text)
    assert (status, failing(found)) == (1, {"head"})
    assert "was not in force when it was sealed" in found["head"]


@pytest.mark.parametrize(
    ("index", "signer", "fits"),
    [(3, OLD, True), (3, NEW, False), (399, OLD, True), (401, OLD, False), (401, NEW, True), (INDEX, STRANGER, False)],
    ids=["first key", "not yet added", "both", "retired", "after a retirement", "stranger"],
)
def test_a_receipt_must_be_of_a_key_in_force_at_its_place(
    verify: Verify, decision: Decided, rules: Bundle, index: int, signer: Any, fits: bool
) -> None:
    found = exported(decision, rules, index=index, signer=signer)
    status, outcome = verify(found, *PINNED, "--key", OLD.verifier.text)
    assert (status, failing(outcome)) == ((0, set()) if fits else (1, {"receipt"}))


def test_a_record_without_receipt_is_refused(verify: Verify, export: Export) -> None:
    status, found = verify(replace(export, receipt=None), *PINNED)
    assert (status, failing(found)) == (1, {"receipt"})
    assert found["receipt"] == "FAIL the record has no receipt"


@pytest.mark.parametrize("index", range(LEGACY))
def test_a_record_from_before_the_first_act_may_be_without_receipt(
    verify: Verify, decision: Decided, rules: Bundle, index: int
) -> None:
    export = exported(decision.with_(orders=0), rules, index=index)
    status, found = verify(replace(export, receipt=None), *PINNED)
    assert (status, failing(found)) == (0, set())
    assert found["receipt"] == f"ok none: it is one of the first {LEGACY} entries, from before the first act"


def test_the_receipt_of_a_record_from_before_the_first_act_must_be_right_where_there_is_one(
    verify: Verify, decision: Decided, rules: Bundle
) -> None:
    for signer, fits in ((OLD, True), (NEW, True), (STRANGER, False)):
        status, found = verify(exported(decision, rules, index=0, signer=signer), *PINNED)
        assert (status, failing(found)) == ((0, set()) if fits else (1, {"receipt"}))


@pytest.mark.parametrize(
    "extensions", [(), ("after 650",), ("time yesterday",), ("time 2023-04-01T09:00:00Z", "time 2023-04-01T10:00:00Z")]
)
def test_a_head_must_tell_its_time_within_what_is_signed(
    verify: Verify, decision: Decided, rules: Bundle, extensions: tuple[str, ...]
) -> None:
    status, found = verify(exported(decision, rules, extensions=extensions), *PINNED)
    assert (status, failing(found)) == (1, {"head"})


# ---- witnesses

WITNESSES = {name: Ed25519PrivateKey.from_private_bytes(name[:1].encode() * 32) for name in ("a.org", "b.org", "c.org")}
VKEYS = {name: WitnessKey(name, key.public_key().public_bytes_raw()).text for name, key in WITNESSES.items()}


def cosigned(export: Export, *names: str, at: int = 1680339600) -> Export:
    """Cosigned by witnesses at 2023-04-01T09:00:00Z."""
    text = export.head.rpartition("\n\n")[0] + "\n"
    return replace(export, head=joined(export.head, [cosign(text, name, WITNESSES[name], at) for name in names]))


def given(*names: str) -> list[str]:
    return [word for name in names for word in ("--witness", VKEYS[name])]


def test_witnesses_are_shown_when_they_are_not_asked_for(verify: Verify, export: Export) -> None:
    status, found = verify(cosigned(export, "a.org", "b.org"), *PINNED)
    assert (status, found["witnesses"]) == (0, "note not verified: a.org, b.org; --witness does")
    assert "witnesses" not in verify(export, *PINNED)[1]


@pytest.mark.parametrize(
    ("quorum", "fits"), [((), False), (("--quorum", "2"), True), (("--quorum", "1"), True), (("--quorum", "3"), False)]
)
def test_as_many_witnesses_as_the_quorum_says_must_have_cosigned(
    verify: Verify, export: Export, quorum: tuple[str, ...], fits: bool
) -> None:
    status, found = verify(cosigned(export, "a.org", "b.org"), *PINNED, *given("a.org", "b.org", "c.org"), *quorum)
    assert (status, failing(found)) == ((0, set()) if fits else (1, {"witnesses"}))
    assert "2 of the 3 witnesses" in found["witnesses"]
    assert not fits or "a.org at 2023-04-01T09:00:00Z" in found["witnesses"]


def test_a_cosignature_of_another_head_or_time_is_refused(verify: Verify, export: Export) -> None:
    other = cosigned(replace(export, head=export.head.replace("after 650", "after 651")), "a.org")
    stolen = replace(export, head=export.head + other.head.splitlines()[-1] + "\n")
    for wrong in (stolen, cosigned(export, "a.org", at=2**40)):
        status, found = verify(wrong, *PINNED, *given("a.org"))
        assert (status, failing(found)) == (1, {"witnesses"})
        assert "does not fit" in found["witnesses"]


# ---- evaluating


def test_with_values_missing_the_policies_that_need_none_are_compared_and_the_others_listed(
    verify: Verify, export: Export
) -> None:
    status, found = verify(replace(export, private=()), *PINNED, "--evaluate")
    assert (status, failing(found)) == (0, set())
    assert found["evaluate"].endswith("but for what was not compared without hidden values: club.member")


@pytest.mark.parametrize("private", [True, False])
def test_an_answer_that_the_rules_do_not_give_is_found_by_evaluating_with_and_without_hidden_values(
    verify: Verify, decision: Decided, rules: Bundle, private: bool
) -> None:
    """Signed and sealed by the log itself: only evaluating can tell."""
    answer = verify_decision.parsed(decision.body.decode())["answer"]
    place = next(n for n, one in enumerate(answer["rewards"]) if one["policy"] == "club.hours")
    answer["rewards"][place]["amount"] = 9999
    wrong = exported(decision.with_(answer=answer), rules)
    status, outcome = verify(wrong if private else replace(wrong, private=()), *PINNED, "--evaluate")
    assert (status, failing(outcome)) == (1, {"evaluate"})
    assert "/rewards/" in outcome["evaluate"]


def test_a_policy_whose_sensitive_fact_was_not_posted_is_not_compared_where_its_decisions_are_hidden(
    verify: Verify, rules: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the policy depends on no hidden value, but the record hides what it decided."""
    monkeypatch.setitem(decided.__globals__["FACTS"], "member", {"id": "u-1"})
    export = exported(decided(rules), rules)
    assert export.private
    assert verify(export, *PINNED, "--evaluate")[0] == 0
    status, found = verify(replace(export, private=()), *PINNED, "--evaluate")
    assert (status, failing(found)) == (0, set())
    assert found["evaluate"].endswith("hidden values: club.member")


def test_where_the_texts_that_were_stored_give_another_bundle_evaluating_finds_it(
    verify: Verify, decision: Decided, rules: Bundle
) -> None:
    """Signed and sealed by the log itself, model and texts apart."""
    path = next(p for p in rules.sources if p.endswith("hours.yaml"))
    edited = {**rules.sources, path: rules.sources[path].replace("zh:", "zh: 改", 1)}
    found, _ = bundle(edited)
    assert found is not None
    assert found.id != rules.id
    export = exported(decision, Bundle(rules.id, rules.rules, edited))
    assert verify(export, *PINNED)[0] == 0
    status, outcome = verify(export, *PINNED, "--evaluate")
    assert (status, failing(outcome)) == (1, {"evaluate"})
    assert "do not give this bundle" in outcome["evaluate"]


@pytest.mark.parametrize("changed", [{"language": 0}, {"format": 0}])
def test_a_record_of_another_language_or_format_is_not_evaluated(
    verify: Verify, decision: Decided, rules: Bundle, changed: dict[str, Any]
) -> None:
    status, outcome = verify(exported(decision.with_(**changed), rules), *PINNED, "--evaluate")
    assert (status, failing(outcome)) == (1, {"evaluate"})
    assert "another language version or answer format" in outcome["evaluate"]


# ---- hostile files, and wrong use


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 100_000, '{"format": 2, "format": 2}', "NaN", "1" * 5000, '{"format": 1E+9999999999999999999}'],
)
def test_what_is_no_export_is_refused(verify: Verify, text: str) -> None:
    with pytest.raises(ExportRefused):
        Export.loads(text)
    assert verify(text, *PINNED)[0] == 1


def test_a_record_nested_as_deep_as_can_be_read_is_refused_or_verified(verify: Verify, export: Export) -> None:
    for depth in range(880, 1000, 4):
        deep = export.record[:-1] + b',"deep":' + b"[" * depth + b"]" * depth + b"}"
        status, found = verify(replace(export, record=deep, leaf=tree.leaf_hash(deep)), *PINNED)
        assert status == 1
        assert failing(found)


def test_nothing_in_a_file_steers_the_terminal(
    tmp_path: Path, export: Export, capsys: pytest.CaptureFixture[str]
) -> None:
    record = export.record.replace(ID.encode(), b"\\u001b[31m\\u202e")
    file = tmp_path / "decision.json"
    order = replace(export.bundle.order, body=export.bundle.order.body.replace(b'"club"', b'"\\u001b[31m\\ud800"'))
    named: ProvedBundle = replace(export.bundle, order=order, sources={"\x1b[0m": ""})
    hostile = replace(export, record=record, leaf=tree.leaf_hash(record), bundle=named)
    for one in (hostile, replace(hostile, keys=("a\x1b[0m+b+c",))):
        file.write_text(one.dumps(), "utf-8")
        for options in ((), PINNED):
            verify_decision.main([str(file), *options])
            assert not {"\x1b", "\u202e", "\ud800"} & set(capsys.readouterr().out)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nowhere.json",),
        (str(TOOL), "--key", "no key"),
        (str(TOOL), "--key", OLD.verifier.text + "A"),
        (str(TOOL), "--witness", OLD.verifier.text),
        (str(TOOL), "--quorum", "1"),
        (str(TOOL), "--witness", VKEYS["a.org"], "--quorum", "0"),
        (str(TOOL), "--witness", VKEYS["a.org"], "--witness", VKEYS["a.org"]),
        ("--no",),
    ],
)
def test_wrong_use_ends_with_2(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        verify_decision.main(arguments)
    assert ended.value.code == 2


def test_a_file_that_is_not_UTF_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "decision.json"
    file.write_bytes(b"\xff\xfe")
    assert verify_decision.main([str(file)]) == 1
