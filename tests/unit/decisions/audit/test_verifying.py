"""What a verification says of a log that is whole, of one that others kept something of, and how it goes on.

What it finds of a store that somebody has changed by hand is the table in tests/tampering.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, text, update

from policy_service.access.trail import Act
from policy_service.decisions.audit.findings import Finding, GivenReceipt, Progress, Verified
from policy_service.decisions.audit.whole import noting, records
from policy_service.decisions.deciding.recording import parsed
from policy_service.decisions.ports.log import LogEntry
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs import keys, notes
from policy_service.proofs.receipts import Receipt, issue
from policy_service.proofs.tree import root_of
from policy_service.store.tables import (
    acts,
    bundle_sources,
    bundles,
    decisions,
    idempotency,
    log_entries,
    log_heads,
    log_tiles,
    private_values,
    terms,
    unsealed,
)
from tests.unit.decisions.conftest import BEGUN

FIRST, SECOND, LAST = BEGUN + 3, BEGUN + 6, BEGUN + 10
"""Sizes of the heads of the log below."""
FIFTH = BEGUN + 4
"""The index of its fifth decision."""


@pytest.fixture
def log(club: Any) -> Any:
    """Ten decisions under three heads: members with private values at 0, 3, 6 and 9, merchants between."""
    for size in (3, 3, 4):
        for n in range(size):
            club.member(100 + n, id=f"u-{club.read}") if n % 3 == 0 else club.merchant(n + 4)
        club.seal()
    return club


def kinds(found: Verified) -> list[str]:
    return [one.kind for one in found.findings]


def first(club: Any, **asked: Any) -> Finding:
    found = club.auditing.verify(**asked)
    assert found.findings, "nothing was found"
    told: Finding = found.findings[0]
    return told


def entry(club: Any, index: int) -> LogEntry:
    found = club.auditing.log.entries(index, 1)[0]
    assert isinstance(found, LogEntry)
    return found


def tamper(engine: Engine, *statements: Any) -> None:
    """What somebody does who may write to the database, whatever it says of foreign keys."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        else:
            connection.execute(text("SET session_replication_role = replica"))
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, "the tampering changed nothing"
        connection.commit()
        connection.exec_driver_sql(
            "PRAGMA foreign_keys = ON" if engine.dialect.name == "sqlite" else "SET session_replication_role = DEFAULT"
        )


def set_body(id_: str, body: bytes) -> Any:
    return update(decisions).where(decisions.c.id == id_).values(body=body)


def receipt(club: Any, index: int) -> GivenReceipt:
    id_ = entry(club, index).id
    kept = club.auditing.decisions.decision(id_).receipt
    return GivenReceipt(id_, Receipt.parse(parsed(kept.encode())))


# ---- what is whole


def test_a_log_that_nobody_touched_is_whole(log: Any) -> None:
    log.member(5)
    seen: list[int] = []
    found = log.auditing.verify(step=seen.append)
    assert found.findings == ()
    assert (found.records, found.heads, found.bundles, found.waiting) == (LAST, 3, 1, 1)
    assert seen == list(range(1, LAST + 1))


def test_a_log_of_which_nothing_is_sealed_is_whole(club: Any) -> None:
    found = club.auditing.verify()
    assert (found.findings, found.records, found.waiting) == ((), 0, BEGUN)


def member(club: Any, index: int) -> str:
    found = club.auditing.log.privates([entry(club, index).id])[entry(club, index).id]
    return next(one.value for one in found if one.pointer == "/request/facts/member/id").decode().strip('"')


def erase(club: Any, index: int) -> None:
    assert club.auditing.erasing.erase("member", member(club, index), ticket="T-1", actor="op").values


def test_a_log_is_whole_after_an_erasure(log: Any) -> None:
    erase(log, BEGUN)
    found = log.auditing.verify()
    assert (found.findings, found.records) == ((), LAST + 1)


def test_a_log_is_whole_while_the_record_of_an_erasure_waits(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log.auditing.sealer, "seal_all", lambda: 0)
    erase(log, BEGUN + 3)
    found = log.auditing.verify()
    assert (found.findings, found.waiting) == ((), 1)


@pytest.mark.parametrize("at", [1, LAST])
def test_a_log_is_whole_in_which_values_are_erased_during_the_walk(log: Any, at: int) -> None:
    """The erasure is sealed behind the last record that the walk looks at, which may have seen the values or not."""
    found = log.auditing.verify(step=lambda done: erase(log, BEGUN + 9) if done == at else None)
    assert (found.findings, found.records) == ((), LAST)


def test_a_log_that_grows_during_the_walk_is_whole(log: Any) -> None:
    def grow(done: int) -> None:
        log.member(7, id=f"u-{done}")
        log.seal()

    found = log.auditing.verify(step=grow)
    assert (found.findings, found.records) == ((), LAST)
    assert log.auditing.verify(resume=found.progress).records == 2 * LAST


def test_a_stop_during_the_walk_is_no_fault(log: Any) -> None:
    def stop(done: int) -> None:
        if done == LAST:
            log.assembled.publishing.stop("club.prices", None, Act("op", "wrong"))
            log.merchant(7)
            log.seal()

    assert log.auditing.verify(step=stop).findings == ()
    assert log.auditing.verify().findings == ()


def test_a_hash_in_a_higher_tile_is_computed_too(local_club: Any) -> None:
    """A proof would be put together from it."""
    for _ in range(260):
        local_club.merchant(5)
    local_club.seal()
    assert local_club.auditing.verify().findings == ()
    tamper(local_club.engine, update(log_tiles).where(log_tiles.c.level == 1).values(hashes=b"0" * 32))
    assert [(one.kind, one.index) for one in local_club.auditing.verify().findings] == [("tree-altered", 0)]


def test_findings_beyond_the_first_hundred_are_counted(log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noting, "MOST_FINDINGS", 3)
    tamper(log.engine, update(decisions).values(body=b"{}"))
    found = log.auditing.verify()
    assert len(found.findings) == 3
    assert found.further >= 7


def test_what_cannot_be_read_is_told_and_does_not_hide_the_rest(log: Any) -> None:
    id_ = entry(log, FIFTH).id
    tamper(
        log.engine,
        set_body(id_, b"{}"),
        delete(decisions).where(decisions.c.id == entry(log, FIFTH + 3).id),
    )
    told = [(one.kind, one.index) for one in log.auditing.verify().findings]
    assert told == [("record-altered", FIFTH), ("record-lost", FIFTH + 3)]


# ---- heads that somebody kept


@pytest.fixture
def attacker(tmp_path: Path, log: Any) -> LogKeys:
    """Keys of the same name, which nobody trusts."""
    return LogKeys(log.settings.log_origin, (keys.make(tmp_path / "attacker.pem", log.settings.log_origin),))


def test_a_kept_head_and_a_kept_receipt_of_a_whole_log_fit(log: Any) -> None:
    found = log.auditing.verify(heads=[log.auditing.log.head(SECOND).note], given=[receipt(log, FIFTH)])
    assert found.findings == ()
    assert found.heads == 4


def test_a_given_head_by_an_unknown_key_is_refused(log: Any, attacker: LogKeys) -> None:
    head = notes.parse_head(notes.parse(log.auditing.log.head(SECOND).note).text)
    given = [notes.sign_head(head, attacker.signers), "no note"]
    assert kinds(log.auditing.verify(heads=given)) == ["head-refused"] * 2


def test_a_kept_head_of_another_root_or_of_a_size_that_no_head_has_is_told(log: Any) -> None:
    signers = log.auditing.keys.signers
    other = notes.sign_head(notes.Head(log.settings.log_origin, SECOND, bytes(32)), signers)
    leaves = [bytes.fromhex(one.leaf) for one in log.auditing.log.entries(0, FIRST + 1)]
    between = notes.sign_head(notes.Head(log.settings.log_origin, FIRST + 1, root_of(leaves)), signers)
    assert kinds(log.auditing.verify(heads=[other])) == ["root-differs"]
    assert [(one.kind, one.index) for one in log.auditing.verify(heads=[between]).findings] == [("head-lost", FIRST)]


# ---- a log that was cut off


def cut(club: Any, size: int) -> None:
    """The store as it was at a size: nothing in it contradicts anything, and the host has forgotten what it knew."""
    gone = [one.id for one in club.auditing.log.entries(size, 1000)]
    tile = club.auditing.log.tile(0, 0)
    tamper(
        club.engine,
        delete(log_entries).where(log_entries.c.index >= size),
        delete(log_heads).where(log_heads.c.size > size),
        update(log_tiles).values(hashes=tile[: size * 32]),
        delete(terms).where(terms.c.index >= size),
        delete(private_values).where(private_values.c.record.in_(gone)),
        delete(decisions).where(decisions.c.id.in_(gone)),
    )


def forget(club: Any) -> None:
    club.guard.unlink()
    club.__post_init__()


def test_a_log_that_was_cut_off_is_found_by_this_host(log: Any) -> None:
    cut(log, SECOND)
    assert [(one.kind, one.index) for one in log.auditing.verify().findings] == [("log-truncated", SECOND)]


def test_a_log_that_was_cut_off_is_found_by_who_verified_it_before(log: Any) -> None:
    before = log.auditing.verify().progress
    cut(log, SECOND)
    forget(log)
    assert log.auditing.verify().findings == ()
    found = log.auditing.verify(resume=before)
    assert [(one.kind, one.index) for one in found.findings] == [("log-truncated", SECOND)]


def test_a_log_that_was_cut_off_and_has_grown_again_is_found_by_who_verified_it_before(log: Any) -> None:
    before = log.auditing.verify().progress
    cut(log, SECOND)
    forget(log)
    for n in range(6):
        log.merchant(20 + n)
    log.seal()
    assert log.auditing.verify().findings == ()
    assert kinds(log.auditing.verify(resume=before)) == ["root-differs", "record-not-receipted"]


def test_an_order_that_this_host_has_seen_and_that_is_gone_before_it_is_sealed_is_told(log: Any) -> None:
    """A stop, taken away with its place in the queue, leaves no trace but in the guard."""
    log.assembled.publishing.stop("club.prices", None, Act("op", "wrong"))
    derived = [one.id for one in log.auditing.bundles.bundles() if one.id != log.rules.id]
    tamper(
        log.engine,
        delete(acts).where(acts.c.action == "policy.stop"),
        delete(unsealed),
        delete(bundle_sources).where(bundle_sources.c.bundle.in_(derived)),
        delete(bundles).where(bundles.c.id.in_(derived)),
    )
    assert kinds(log.auditing.verify()) == ["order-refused"]


# ---- receipts


def test_a_receipt_for_another_decision_is_refused(log: Any) -> None:
    wrong = replace(receipt(log, FIFTH), decision_id=entry(log, FIFTH + 1).id)
    assert kinds(log.auditing.verify(given=[wrong])) == ["receipt-refused"]


def test_a_forged_receipt_is_refused(log: Any, attacker: LogKeys) -> None:
    good = receipt(log, FIFTH)
    forged = issue(attacker.signers[0], attacker.origin, good.decision_id, good.receipt.decided_at, bytes(32))
    spliced = replace(good.receipt, digest=forged.digest)
    given = [GivenReceipt(good.decision_id, one) for one in (forged, spliced)]
    assert kinds(log.auditing.verify(given=given)) == ["receipt-refused"] * 2


def test_a_receipt_for_a_record_that_was_changed_is_unmet_though_its_entry_says_otherwise(log: Any) -> None:
    kept = receipt(log, FIFTH)
    tamper(log.engine, set_body(kept.decision_id, b"{}"))
    assert kinds(log.auditing.verify(given=[kept])) == ["record-altered", "receipt-unmet"]


def test_a_receipt_for_a_record_that_waits_is_met(log: Any) -> None:
    found = log.merchant(6)
    given = GivenReceipt(found.decision_id, Receipt.parse(found.answer["receipt"]))
    assert log.auditing.verify(given=[given]).findings == ()


# ---- idempotency keys


def test_a_key_is_missed_only_while_it_is_promised_to_hold(log: Any) -> None:
    id_ = log.merchant(6, key="k-1").decision_id
    tamper(log.engine, delete(idempotency))
    assert [(one.kind, one.id) for one in log.auditing.verify().findings] == [("claim-lost", id_)]
    log.read += 35 * 24 * 3600
    assert log.auditing.verify().findings == ()


# ---- going on from where a walk stopped


@pytest.fixture
def half_way(log: Any) -> Progress:
    """The progress of a walk that saw the records up to the second head."""
    kept: list[Progress] = []
    cut_off = type("Cut", (Exception,), {})

    def keep(progress: Progress) -> None:
        kept.append(progress)
        raise cut_off

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("policy_service.decisions.audit.verifying.AT_ONCE", SECOND)
        with pytest.raises(cut_off):
            log.auditing.verify(keep=keep)
    assert kept[0].records == SECOND
    return kept[0]


LATER: Mapping[str, Any] = {
    "a record": lambda club: tamper(club.engine, set_body(entry(club, SECOND + 1).id, b"{}")),
    "an entry": lambda club: tamper(club.engine, delete(log_entries).where(log_entries.c.index == SECOND + 1)),
    "the last head": lambda club: tamper(club.engine, delete(log_heads).where(log_heads.c.size == LAST)),
}


@pytest.mark.parametrize("changed", LATER)
def test_a_walk_that_goes_on_finds_what_the_whole_walk_finds(log: Any, half_way: Progress, changed: str) -> None:
    LATER[changed](log)
    resumed, whole = log.auditing.verify(resume=half_way), log.auditing.verify()
    assert resumed.findings == whole.findings != ()


def test_a_walk_that_goes_on_reads_all_again_and_ends_as_the_whole_walk(log: Any, half_way: Progress) -> None:
    seen: list[int] = []
    resumed, whole = log.auditing.verify(resume=half_way, step=seen.append), log.auditing.verify()
    assert resumed.findings == ()
    assert resumed.progress == whole.progress
    assert seen == list(range(1, LAST + 1))


def test_a_walk_that_goes_on_verifies_only_the_signatures_that_are_new(
    log: Any, half_way: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    check = records.check_receipt

    def counting(text: str | None, id_: str, *rest: Any) -> Any:
        checked.append(id_)
        return check(text, id_, *rest)

    monkeypatch.setattr(records, "check_receipt", counting)
    assert log.auditing.verify(resume=half_way).findings == ()
    assert checked == [one.id for one in log.auditing.log.entries(SECOND, 100)]


def test_a_walk_that_goes_on_is_not_fooled_by_other_records_or_receipts_before(log: Any, half_way: Progress) -> None:
    assert first(log, resume=replace(half_way, root=bytes(32).hex())).kind == "root-differs"
    assert first(log, resume=replace(half_way, receipts=bytes(32).hex())).kind == "record-not-receipted"


def test_a_head_that_was_kept_of_records_before_is_judged_by_a_walk_that_goes_on(log: Any, half_way: Progress) -> None:
    signers = log.auditing.keys.signers
    wrong = notes.sign_head(notes.Head(log.settings.log_origin, FIRST, bytes(32)), signers)
    assert log.auditing.verify(resume=half_way, heads=[log.auditing.log.head(FIRST).note]).findings == ()
    assert kinds(log.auditing.verify(resume=half_way, heads=[wrong])) == ["root-differs"]
