"""The file of one decision is verified by a program that shares no code with the service, and every change is found."""

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policy_service import canonical
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.decisions.deciding.recording import Making, parsed, record_of
from policy_service.decisions.deciding.resolving import EvaluateRequest, Resolved
from policy_service.engines.registry import engine
from policy_service.policies.bundle import Bundle, bundle, load_folder
from policy_service.proofs import commitments, notes, receipts, tree
from policy_service.proofs.export import Export, ExportRefused, Inclusion
from policy_service.proofs.keys import FileSigner
from policy_service.proofs.notes import Head
from policy_service.proofs.tiles import Tile, TileNodes, extend
from tools import verify_decision

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "verify_decision.py"
RULES = ROOT / "tests" / "cli" / "rules"
ORIGIN, ID, AT = "log.example/decisions", "01890a5d-ac96-774b-bcce-b302099a8057", "2023-04-01T08:00:00.000Z"
OLD, NEW, STRANGER = (
    FileSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(seed * 32)) for seed in (b"1", b"2", b"3")
)
FACTS = {
    "merchant": {"id": "m-1", "enrolled_on": "2023-01-01", "frozen": False},
    "live": {"hours": Decimal("5.5"), "orders": 100, "peers": 100},
}
PRIVATE = "/request/facts/merchant/enrolled_on"
INDEX, SIZE = 300, 700


class Kept(dict[tuple[int, int], bytes]):
    """Tiles in memory."""

    def __init__(self, tiles: list[Tile]) -> None:
        super().__init__({(tile.level, tile.number): tile.hashes for tile in tiles})

    def get(self, level: int, number: int) -> bytes | None:
        return super().get((level, number))


def decided(rules: Bundle) -> dict[str, Any]:
    """A record as the service writes it, nothing hidden."""
    evaluator, day = Evaluator(rules, engine("reference")), date(2023, 4, 1)
    request = EvaluateRequest(FACTS, day.isoformat())
    resolved = Resolved(evaluator, evaluator.reader.read(FACTS, day), Question(day, "decide", "fired", None, False))
    answer = evaluator.evaluate(resolved.state, resolved.question)
    return parsed(record_of(request, resolved, answer, Making(ID, AT, "local", 2)).body)


def exported(
    record: dict[str, Any],
    rules: Bundle,
    hidden: tuple[str, ...] = (PRIVATE,),
    signers: tuple[FileSigner, ...] = (OLD, NEW),
) -> Export:
    shown, privates = commitments.hide(record, hidden)
    body = canonical.dumps(shown)
    leaf = tree.leaf_hash(body)
    leaves = [leaf if n == INDEX else tree.leaf_hash(b"%d" % n) for n in range(SIZE)]
    tiles, root = extend(Kept([]), 0, leaves)
    proof = tree.inclusion_proof(TileNodes(Kept(tiles)), INDEX, SIZE)
    return Export(
        body,
        leaf,
        rules.id,
        dict(rules.sources),
        Inclusion(INDEX, SIZE, proof),
        notes.sign_head(Head(ORIGIN, SIZE, root), signers),
        receipts.issue(signers[-1], ORIGIN, ID, AT, leaf),
        tuple(signer.verifier.text for signer in signers),
        privates,
    )


@pytest.fixture(scope="module")
def rules() -> Bundle:
    found, _, _ = load_folder(RULES)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def record(rules: Bundle) -> dict[str, Any]:
    return decided(rules)


@pytest.fixture(scope="module")
def export(record: dict[str, Any], rules: Bundle) -> Export:
    return exported(record, rules)


Verify = Callable[..., tuple[int, dict[str, str]]]
PINNED = ("--key", OLD.verifier.text, "--key", NEW.verifier.text)


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Verify]:
    """Exit status and the outcome by the name of each check."""

    def run(export: Export | str | dict[str, Any], *options: str) -> tuple[int, dict[str, str]]:
        text = export if isinstance(export, str) else None
        if isinstance(export, Export):
            text = export.dumps()
        file = tmp_path / "decision.json"
        file.write_text(text if text is not None else json.dumps(export), "utf-8")
        status = verify_decision.main([str(file), *options])
        lines = [line.split(None, 2) for line in capsys.readouterr().out.splitlines()]
        return status, {name: f"{outcome} {found}" for outcome, name, found in lines}

    return run


def failing(found: dict[str, str]) -> set[str]:
    return {name for name, outcome in found.items() if outcome.startswith("FAIL")}


def test_an_export_is_read_back_as_it_was_written(export: Export) -> None:
    assert Export.loads(export.dumps()) == export
    assert Export.loads(replace(export, receipt=None, private=()).dumps()).receipt is None


def test_a_right_file_passes_every_check(verify: Verify, export: Export) -> None:
    status, found = verify(export, *PINNED, "--evaluate")
    assert (status, failing(found)) == (0, set())
    assert list(found) == ["record", "bundle", "inclusion", "head", "receipt", "values", "evaluate"]
    assert found["inclusion"] == f"ok entry {INDEX} of the {SIZE} in {ORIGIN}"
    assert found["values"] == "ok 1 fit what the record is committed to, 0 are not in the file"


def test_the_program_runs_alone_and_says_what_it_did_not_check(tmp_path: Path, export: Export) -> None:
    """In isolated mode neither the repository nor PYTHONPATH is importable; site-packages has no policy_service."""
    alone, file = tmp_path / "verify.py", tmp_path / "decision.json"
    alone.write_bytes(TOOL.read_bytes())
    file.write_text(export.dumps(), "utf-8")
    command = [sys.executable, "-I", str(alone), str(file), *PINNED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ok"] * 6 + ["note"]
    assert "was not checked" in done.stdout


def test_the_program_evaluates_where_the_service_is_importable(tmp_path: Path, export: Export) -> None:
    file = tmp_path / "decision.json"
    file.write_text(export.dumps(), "utf-8")
    command = [sys.executable, str(TOOL), str(file), *PINNED, "--evaluate"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the request gives this answer again" in done.stdout


def test_without_a_key_nothing_is_known_of_who_signed(verify: Verify, export: Export) -> None:
    status, found = verify(export)
    assert (status, failing(found)) == (1, set())
    assert found["trust"].startswith("warn ")
    assert verify(export, "--untrusted")[0] == 0


def test_either_key_of_a_rotation_verifies_the_head_and_the_receipt_needs_its_own(
    verify: Verify, export: Export
) -> None:
    assert verify(export, "--key", NEW.verifier.text)[0] == 0
    status, found = verify(export, "--key", OLD.verifier.text)
    assert (status, failing(found)) == (1, {"receipt"})


def test_a_file_signed_by_another_is_refused_under_the_key_given(
    verify: Verify, record: dict[str, Any], rules: Bundle
) -> None:
    forged = exported(record, rules, signers=(STRANGER,))
    assert verify(forged, "--untrusted")[0] == 0  # in itself it is right
    status, found = verify(forged, *PINNED, "--untrusted")
    assert (status, failing(found)) == (1, {"head", "receipt"})


def test_a_file_without_receipt_or_private_values_passes(verify: Verify, export: Export) -> None:
    status, found = verify(replace(export, receipt=None, private=()), *PINNED)
    assert (status, failing(found)) == (0, set())
    assert found["receipt"] == "ok none in the file"
    assert found["values"] == "ok 0 fit what the record is committed to, 1 are not in the file"


def test_with_values_erased_nothing_is_evaluated(verify: Verify, export: Export) -> None:
    status, found = verify(replace(export, private=()), *PINNED, "--evaluate")
    assert (status, failing(found)) == (1, {"evaluate"})
    assert "erased or not exported" in found["evaluate"]


def changed_head(export: Export) -> str:
    """A right head of another log of the same size, by the same keys."""
    return notes.sign_head(Head(ORIGIN, SIZE, tree.leaf_hash(b"other")), [OLD, NEW])


CHANGES: dict[str, tuple[Callable[[Export], Export], set[str]]] = {
    "a byte of the record": (
        lambda e: replace(e, record=e.record.replace(b'"m-1"', b'"m-2"', 1)),
        {"record", "inclusion", "receipt"},
    ),
    "record and leaf": (
        lambda e: replace(e, record=e.record + b" ", leaf=tree.leaf_hash(e.record + b" ")),
        {"inclusion", "receipt"},
    ),
    "the leaf": (lambda e: replace(e, leaf=tree.leaf_hash(b"")), {"record"}),
    "the bundle's id": (lambda e: replace(e, bundle="sha256:" + "0" * 64), {"bundle"}),
    "the index": (
        lambda e: replace(e, inclusion=replace(e.inclusion, index=INDEX + 1)),
        {"inclusion"},
    ),
    "an index beyond": (lambda e: replace(e, inclusion=replace(e.inclusion, index=SIZE)), {"inclusion"}),
    "the size": (lambda e: replace(e, inclusion=replace(e.inclusion, size=SIZE + 1)), {"inclusion"}),
    "a hash less": (
        lambda e: replace(e, inclusion=replace(e.inclusion, hashes=e.inclusion.hashes[:-1])),
        {"inclusion"},
    ),
    "a hash more": (
        lambda e: replace(e, inclusion=replace(e.inclusion, hashes=(*e.inclusion.hashes, e.leaf))),
        {"inclusion"},
    ),
    "another head": (lambda e: replace(e, head=changed_head(e)), {"inclusion"}),
    "the head's size": (
        lambda e: replace(e, head=e.head.replace(f"\n{SIZE}\n", f"\n{SIZE}0\n")),
        {"inclusion", "head"},
    ),
    "the head's origin": (lambda e: replace(e, head="x" + e.head), {"head", "receipt"}),
    "no head": (lambda e: replace(e, head=""), {"inclusion", "head", "receipt"}),
    "a receipt of another record": (
        lambda e: replace(e, receipt=receipts.issue(NEW, ORIGIN, ID, AT, tree.leaf_hash(b""))),
        {"receipt"},
    ),
    "a receipt of another time": (
        lambda e: replace(e, receipt=receipts.issue(NEW, ORIGIN, ID, AT.replace("08", "09"), e.leaf)),
        {"receipt"},
    ),
    "a receipt of another decision": (
        lambda e: replace(e, receipt=receipts.issue(NEW, ORIGIN, ID[:-1], AT, e.leaf)),
        {"receipt"},
    ),
    "a receipt of another key": (
        lambda e: replace(e, receipt=receipts.issue(STRANGER, ORIGIN, ID, AT, e.leaf)),
        {"receipt"},
    ),
    "a private value": (
        lambda e: replace(e, private=(replace(e.private[0], value=b'"2023-01-02"'),)),
        {"values"},
    ),
    "a private value's salt": (lambda e: replace(e, private=(replace(e.private[0], salt=b"\0" * 32),)), {"values"}),
    "a private value's place": (
        lambda e: replace(e, private=(replace(e.private[0], pointer="/request/facts/merchant/id"),)),
        {"values"},
    ),
    "a place that is not there": (
        lambda e: replace(e, private=(replace(e.private[0], pointer="/request/facts/live/0"),)),
        {"values"},
    ),
    "a private value twice": (lambda e: replace(e, private=e.private * 2), {"values"}),
}


@pytest.mark.parametrize(("change", "refused"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_found_by_the_checks_that_must_find_it(
    verify: Verify, export: Export, change: Callable[[Export], Export], refused: set[str]
) -> None:
    status, found = verify(change(export), *PINNED, "--evaluate")
    assert (status, failing(found)) == (1, refused)
    assert found["evaluate"].startswith("note not done")


def test_rule_texts_of_another_bundle_are_found_by_evaluating(verify: Verify, export: Export) -> None:
    path = next(p for p in export.sources if p.endswith("hours.yaml"))
    edited = replace(export, sources={**export.sources, path: export.sources[path].replace("zh:", "zh: 改", 1)})
    found, _ = bundle(edited.sources)
    assert found is not None
    assert found.id != export.bundle
    assert verify(edited, *PINNED)[0] == 0  # the id is of the model: without the package it cannot be told
    status, outcome = verify(edited, *PINNED, "--evaluate")
    assert (status, failing(outcome)) == (1, {"evaluate"})
    assert "do not give this bundle" in outcome["evaluate"]


def test_an_answer_that_the_rules_do_not_give_is_found_by_evaluating(
    verify: Verify, record: dict[str, Any], rules: Bundle
) -> None:
    """Signed and sealed by the log itself: only evaluating can tell."""
    answer = record["answer"] | {"rewards": []}
    assert record["answer"]["rewards"]
    wrong = exported(record | {"answer": answer}, rules)
    status, outcome = verify(wrong, *PINNED, "--evaluate")
    assert (status, failing(outcome)) == (1, {"evaluate"})
    assert "/rewards/0" in outcome["evaluate"]


@pytest.mark.parametrize("changed", [{"language": 0}, {"format": 0}])
def test_a_record_of_another_language_or_format_is_not_evaluated(
    verify: Verify, record: dict[str, Any], rules: Bundle, changed: dict[str, Any]
) -> None:
    status, outcome = verify(exported(record | changed, rules), *PINNED, "--evaluate")
    assert (status, failing(outcome)) == (1, {"evaluate"})
    assert "another language version or answer format" in outcome["evaluate"]


MALFORMED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a list": lambda _: [],
    "another format": lambda d: d | {"format": 2},
    "a format that is a truth": lambda d: d | {"format": True},
    "a key more": lambda d: d | {"more": 1},
    "a key less": lambda d: {key: value for key, value in d.items() if key != "receipt"},
    "a record that is no text": lambda d: d | {"record": {}},
    "an index that is a text": lambda d: d | {"inclusion": d["inclusion"] | {"index": "5"}},
    "an index that is a truth": lambda d: d | {"inclusion": d["inclusion"] | {"index": True}},
    "a short hash": lambda d: d | {"inclusion": d["inclusion"] | {"hashes": [b64encode(b"x").decode()]}},
    "hashes that are none": lambda d: d | {"inclusion": d["inclusion"] | {"hashes": None}},
    "sources that are a list": lambda d: d | {"bundle": d["bundle"] | {"sources": []}},
    "a receipt without key": lambda d: d | {"receipt": {"digest": "x"}},
    "a short salt": lambda d: d | {"private": [d["private"][0] | {"salt": "AAAA"}]},
    "a surrogate in a place": lambda d: d | {"private": [d["private"][0] | {"pointer": "/\ud800"}]},
    "a surrogate in the head": lambda d: d | {"head": "\ud800" + d["head"]},
    "a surrogate in a key": lambda d: d | {"keys": ["\ud800+" + d["keys"][0]]},
    "a lone surrogate": lambda d: d | {"record": d["record"].replace("m-1", "\ud800")},
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_document_of_another_form_is_refused_by_both_readers(
    verify: Verify, export: Export, change: Callable[[dict[str, Any]], Any]
) -> None:
    text = json.dumps(change(export.json))
    with pytest.raises(ExportRefused):
        Export.loads(text)
    status, found = verify(text, *PINNED)
    assert (status, failing(found)) == (1, {"file"})


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 100_000, '{"format": 1, "format": 1}', "NaN", "1" * 5000, '{"format": 1E+9999999999999999999}'],
)
def test_what_is_no_export_is_refused(verify: Verify, text: str) -> None:
    with pytest.raises(ExportRefused):
        Export.loads(text)
    assert verify(text, *PINNED)[0] == 1


def test_a_record_with_a_key_twice_is_refused(verify: Verify, export: Export) -> None:
    """Readers differ on which of the two counts."""
    twice = export.record.replace(b'{"answer"', b'{"decision_id":"x","answer"', 1)
    assert twice != export.record
    status, found = verify(replace(export, record=twice, leaf=tree.leaf_hash(twice)), *PINNED)
    assert (status, found) == (1, {"file": "FAIL an object has a key twice"})


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
    hostile = replace(export, record=record, leaf=tree.leaf_hash(record), keys=("a\x1b[0m+b+c",))
    file.write_text(hostile.dumps(), "utf-8")
    for options in ((), PINNED):
        verify_decision.main([str(file), *options])
        assert not {"\x1b", "\u202e"} & set(capsys.readouterr().out)


@pytest.mark.parametrize(
    "arguments",
    [(), ("nowhere.json",), (str(TOOL), "--key", "no key"), (str(TOOL), "--key", OLD.verifier.text + "A"), ("--no",)],
)
def test_wrong_use_ends_with_2(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        verify_decision.main(arguments)
    assert ended.value.code == 2


def test_a_file_that_is_not_UTF_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "decision.json"
    file.write_bytes(b"\xff\xfe")
    assert verify_decision.main([str(file)]) == 1
