"""Records of every version that was ever released are still the same: their hashes, receipts, and replays."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from policy_service import canonical
from policy_service.decisions.deciding.previewing import previewing
from policy_service.decisions.deciding.recording import commitments, parsed
from policy_service.decisions.deciding.replay import FORMATS, LANGUAGES, NotReplayable, check_replayable, replay
from policy_service.decisions.deciding.service import PolicyService
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.engines import registry
from policy_service.engines.registry import NAMES
from policy_service.policies.bundle import stored
from policy_service.policies.packing import Limits, unpack
from policy_service.proofs import receipts
from policy_service.proofs.commitments import Private
from policy_service.proofs.keys import Verifier, unbase64
from policy_service.proofs.receipts import Receipt, digest_of
from policy_service.proofs.tree import leaf_hash

RECORDS = Path(__file__).parents[3] / "data" / "records"
VERSIONS = sorted(path for path in RECORDS.iterdir() if path.is_dir() and path.name.startswith("language-"))
FILES = [file for version in VERSIONS for file in sorted(version.glob("*.json"))]
by_name = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")


def kept(file: Path) -> tuple[dict[str, Any], DecisionRecord]:
    """What a file says, and the record in it."""
    found = json.loads(file.read_text("utf-8"))
    body = found["record"].encode()
    privates = tuple(
        Private(one["pointer"], unbase64(one["salt"]) or b"", one["value"].encode()) for one in found["private"]
    )
    said = parsed(body)
    leaf = found["leaf"].removeprefix("sha256:")
    as_of = said["request"]["as_of"]
    return found, DecisionRecord(
        said["decision_id"], said["decided_at"], said["bundle"], as_of, None, body, leaf=leaf, privates=privates
    )


@cache
def service(version: Path, engine: str) -> PolicyService:
    sources = unpack((version / "bundle.zip").read_bytes(), Limits(10**7, 10**7))
    _, record = kept(next(version.glob("*.json")))
    found = stored(sources, record.bundle)
    assert found is not None, "the rule texts give another bundle now"
    return previewing(found, registry.engine(engine))


def test_every_version_that_this_program_replays_has_records() -> None:
    versions = {f"language-{language}-format-{form}" for language in LANGUAGES for form in FORMATS}
    assert versions <= {version.name for version in VERSIONS}
    for version in VERSIONS:
        assert len([file for file in FILES if file.parent == version]) >= 8


@by_name
def test_it_is_of_the_version_of_its_folder(file: Path) -> None:
    found, _ = kept(file)
    record = json.loads(found["record"])
    assert file.parent.name == f"language-{record['language']}-format-{record['format']}"


@by_name
def test_its_hash_and_its_receipt_hold(file: Path) -> None:
    found, record = kept(file)
    assert digest_of(leaf_hash(record.body)) == found["leaf"] == found["receipt"]["digest"]
    key = Verifier.parse((file.parent / "key.txt").read_text("utf-8").strip())
    assert receipts.verified(Receipt.parse(found["receipt"]), "records.example", record.id, [key]) == key
    assert canonical.dumps(parsed(record.body)) == record.body


@by_name
@pytest.mark.parametrize("engine", [name for name in NAMES if name in ("rete", "reference")])
def test_it_replays_byte_for_byte(file: Path, engine: str) -> None:
    _, record = kept(file)
    check_replayable(record.id, record.body, record.leaf)
    known = service(file.parent, engine)
    replayed = replay(record, known.resolver)
    assert (replayed.identical, replayed.differences, replayed.bundle) == (True, (), record.bundle)


def test_some_have_values_that_are_hidden() -> None:
    assert any(commitments(kept(file)[1].body) for file in FILES)


# ---- what is not replayed

PLAIN = b'{"format":1,"language":1}'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"format":1,"language":2}', "version 2 of the rule language"),
        (b'{"format":1,"language":"1"}', "version 1 of the rule language"),
        (b'{"format":3,"language":1}', "format 3 of answers"),
        (b'{"format":1}', "no record of a decision"),
        (b"[]", "no record of a decision"),
        (b"\xff", "no record of a decision"),
    ],
)
def test_what_this_program_does_not_know_it_refuses_and_says_why(body: bytes, reason: str) -> None:
    with pytest.raises(NotReplayable, match=reason):
        check_replayable("x", body, leaf_hash(body).hex())


def test_the_digest_is_asked_before_anything_else() -> None:
    check_replayable("x", PLAIN, leaf_hash(PLAIN).hex())
    check_replayable("x", PLAIN, None)
    with pytest.raises(NotReplayable, match="do not fit its digest"):
        check_replayable("x", PLAIN + b" ", leaf_hash(PLAIN).hex())
