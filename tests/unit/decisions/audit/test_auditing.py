"""What auditors ask of the log: proofs to any head, and the file of one decision."""

from typing import Any

import pytest

from policy_service.decisions.audit.proving import NotSealed
from policy_service.decisions.ports.records import NotFound
from policy_service.diagnostics import InvalidInput
from policy_service.proofs import notes, receipts, tree
from policy_service.proofs.commitments import fits
from policy_service.proofs.export import Export
from tests.unit.decisions.conftest import BEGUN


@pytest.fixture
def log(club: Any) -> Any:
    """Nine records and the acts before them, under heads of 4, 7 and 11."""
    for size in (2, 3, 4):
        for n in range(size):
            club.member(n + 100_000, id=f"u-MARKER-{n}")
        club.seal()
    return club


def roots(club: Any) -> dict[int, bytes]:
    found = {}
    for head in club.auditing.log.heads():
        signed = notes.open_head(head.note, club.auditing.keys.verifiers, club.settings.log_origin)
        found[signed.size] = signed.root
    return found


def test_every_record_is_proved_under_every_head_since(log: Any) -> None:
    for entry in log.entries():
        for size, root in roots(log).items():
            if entry.index >= size:
                continue
            found = log.auditing.proof(entry.id, size)
            step = found.inclusion
            assert (step.index, step.size, found.leaf.hex()) == (entry.index, size, entry.leaf)
            assert tree.verify_inclusion(found.leaf, step.index, size, step.hashes, root)
            assert found.head == log.auditing.log.head(size)


def test_without_a_size_the_last_head_proves(log: Any) -> None:
    assert log.auditing.proof(log.entries()[0].id).head.size == BEGUN + 9


def test_every_head_is_the_beginning_of_every_later_one(log: Any) -> None:
    for new, new_root in roots(log).items():
        for old, old_root in roots(log).items():
            if old <= new:
                head, hashes = log.auditing.consistency(old, new)
                assert head.size == new
                assert tree.verify_consistency(old, new, hashes, old_root, new_root)


@pytest.mark.parametrize("size", [0, 5, 12])
def test_a_size_that_has_no_head_proves_nothing(log: Any, size: int) -> None:
    with pytest.raises(InvalidInput):
        log.auditing.proof(log.entries()[0].id, size)


def test_a_record_is_not_proved_under_a_head_before_it(log: Any) -> None:
    with pytest.raises(InvalidInput):
        log.auditing.proof(log.entries()[4].id, 4)


@pytest.mark.parametrize(("old", "new"), [(-1, None), (12, None), (7, 4), (4, 5)])
def test_sizes_that_do_not_follow_each_other_are_refused(log: Any, old: int, new: int | None) -> None:
    with pytest.raises(InvalidInput):
        log.auditing.consistency(old, new)


def test_a_record_that_waits_and_one_that_is_none_are_told_apart(log: Any) -> None:
    waits = log.merchant(1).decision_id
    with pytest.raises(NotSealed):
        log.auditing.proof(waits)
    for ask in (log.auditing.proof, log.auditing.export):
        with pytest.raises(NotFound):
            ask("0" * 36)
    log.seal()
    assert log.auditing.proof(waits).inclusion.index == BEGUN + 9


def test_a_record_that_is_sealed_between_two_questions_is_proved(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = log.merchant(1).decision_id
    real = type(log.auditing.log).waiting_body

    def late(store: Any, id_: str) -> bytes | None:
        log.seal()
        found: bytes | None = real(store, id_)
        return found

    monkeypatch.setattr(type(log.auditing.log), "waiting_body", late)
    assert log.auditing.proof(waits).inclusion.index == BEGUN + 9


def test_the_export_of_a_decision_proves_it_and_shows_nothing_private(log: Any) -> None:
    id_ = log.entries()[3].id
    text = log.auditing.export(id_).dumps()
    assert "u-MARKER" not in text
    found = Export.loads(text)
    head = notes.open_head(found.head, log.auditing.keys.verifiers, log.settings.log_origin)
    step = found.inclusion
    assert tree.leaf_hash(found.record) == found.leaf
    assert tree.verify_inclusion(found.leaf, step.index, step.size, step.hashes, head.root)
    assert found.receipt is not None
    receipts.verified(found.receipt, log.settings.log_origin, id_, log.auditing.keys.verifiers)
    assert found.receipt.digest == receipts.digest_of(found.leaf)
    assert (found.bundle.id, found.bundle.sources) == (log.rules.id, dict(log.rules.sources))
    assert found.private == ()


def test_an_export_with_private_values_has_what_the_commitments_are_to(log: Any) -> None:
    id_ = log.entries()[3].id
    found = log.auditing.export(id_, private=True)
    commitments = [line.split('"')[0] for line in found.record.decode().split('{"commitment":"')[1:]]
    assert len(found.private) == len(commitments) > 0
    assert all(any(fits(one, private) for one in commitments) for private in found.private)
    log.auditing.erasing.erase("member", "u-MARKER-1", ticket="T", actor="op")
    assert log.auditing.export(id_, private=True).private == ()
