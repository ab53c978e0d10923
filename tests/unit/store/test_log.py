"""What a commit leaves for the sealer, and the sealed log on both databases."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import Engine, insert, select

from policy_service.decisions.ports.acts import StoredAct
from policy_service.decisions.ports.log import Extension, LogEntry, SignedHead, Term
from policy_service.decisions.ports.records import (
    DecisionRecord,
    IdempotencyClaim,
    IdempotencyConflict,
    NewRecord,
    StoreRefused,
)
from policy_service.proofs.commitments import Private
from policy_service.store import SqlDecisionStore, SqlLogStore
from policy_service.store.tables import decisions as decisions_table
from policy_service.store.tables import idempotency, private_values, terms, unsealed

PRIVATE = (Private("/a", b"s" * 32, b'"one"'), Private("/b", b"t" * 32, b"2"))
NOON = "2023-04-01T12:00:00.000Z"
HIDDEN = b'{"a":{"commitment":"hmac-sha256:' + b"0" * 64 + b'"}}'


@pytest.fixture
def log(engine: Engine) -> SqlLogStore:
    return SqlLogStore(engine)


def extension(log: SqlLogStore, *, after: int | None = None) -> Extension:
    """What a seal of all that waits would add; its hashes are none."""
    waiting, size = log.unsealed(1000), log.size() if after is None else after
    entries = [LogEntry(size + n, one.kind, one.id, "0" * 64, NOON, "2023-04-01") for n, one in enumerate(waiting)]
    total = size + len(waiting)
    found = [Term(text, one.index, text == "secret") for one in entries for text in ("open", "secret")]
    return Extension(
        size, [one.number for one in waiting], entries, found, {(0, 0): bytes(32 * total)},
        SignedHead(total, "0" * 64, NOON, "note"),
    )  # fmt: skip


def table(engine: Engine, of: object) -> list[object]:
    with engine.connect() as connection:
        return list(connection.execute(select(of)).all())


def test_an_append_leaves_its_private_values_and_its_place_in_the_queue(
    decisions: SqlDecisionStore, log: SqlLogStore, make_record: object
) -> None:
    record = replace(make_record(1, body=HIDDEN), leaf="1" * 64, receipt="{}", privates=PRIVATE)
    decisions.append(record, None)
    assert decisions.decision(record.id) == record
    (waiting,) = log.unsealed(10)
    assert (waiting.kind, waiting.id, waiting.record, waiting.sealed) == ("decision", record.id, record, False)
    assert log.waiting_since() == record.decided_at
    assert log.waiting_body(record.id) == HIDDEN


def test_of_requests_under_one_key_only_the_first_leaves_anything(
    engine: Engine, decisions: SqlDecisionStore, log: SqlLogStore, make_record: object
) -> None:
    made = [replace(make_record(n, body=HIDDEN), privates=PRIVATE) for n in range(1, 4)]
    claims = [IdempotencyClaim("c", "k", digest) for digest in ("d", "d", "other")]
    found = decisions.append_all([NewRecord(one, claim) for one, claim in zip(made, claims, strict=True)])
    assert isinstance(found[2], IdempotencyConflict)
    assert [one.record for one in found[:2]] == [made[0]] * 2
    assert [one.id for one in log.unsealed(10)] == [made[0].id]
    assert len(table(engine, private_values)) == len(PRIVATE)


def test_a_commit_that_is_refused_leaves_nothing(
    engine: Engine, decisions: SqlDecisionStore, make_record: object
) -> None:
    good = replace(make_record(1, body=HIDDEN), privates=PRIVATE)
    twice = replace(make_record(2, body=HIDDEN), privates=(PRIVATE[0], PRIVATE[0]))
    with pytest.raises(StoreRefused):
        decisions.append_all([NewRecord(good), NewRecord(twice, IdempotencyClaim("c", "k", "d"))])
    for of in (decisions_table, unsealed, private_values, idempotency):
        assert table(engine, of) == []


def test_threads_that_share_commits_leave_each_record_once_in_the_queue(
    decisions: SqlDecisionStore, log: SqlLogStore, make_record: object
) -> None:
    made = [replace(make_record(n, body=HIDDEN), privates=PRIVATE) for n in range(1, 41)]
    threads = [
        threading.Thread(target=lambda some: [decisions.append(one, None) for one in some], args=(made[n::8],))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    waiting = log.unsealed(100)
    assert sorted(one.id for one in waiting) == sorted(one.id for one in made)
    assert all(one.record.privates == PRIVATE for one in waiting)
    assert [one.number for one in waiting] == sorted(one.number for one in waiting)


def test_an_extension_made_for_another_size_is_not_added(
    engine: Engine, decisions: SqlDecisionStore, log: SqlLogStore, make_record: object
) -> None:
    decisions.append(make_record(1), None)
    assert not log.extend(extension(log, after=1))
    assert (log.size(), log.waiting(), table(engine, terms)) == (0, 1, [])
    one = extension(log)
    assert log.extend(one)
    assert not log.extend(one), "nor the same one again"
    assert (log.size(), log.waiting(), log.head()) == (1, 0, one.head)
    entry = one.entries[0]
    assert log.entry(entry.id) == entry
    assert log.bodies([entry]) == {entry.id: b"{}"}


def test_an_extension_that_contradicts_the_log_is_refused_whole(
    engine: Engine, decisions: SqlDecisionStore, log: SqlLogStore, make_record: object
) -> None:
    record: DecisionRecord = make_record(1)
    decisions.append(record, None)
    assert log.extend(extension(log))
    with engine.connect() as connection:
        connection.execute(insert(unsealed).values(kind="decision", id=record.id))
        connection.commit()
    with pytest.raises(StoreRefused):
        log.extend(extension(log))
    assert (log.size(), log.waiting(), len(table(engine, terms))) == (1, 1, 2)


def test_an_erasure_that_erases_nothing_is_not_recorded(
    engine: Engine, decisions: SqlDecisionStore, log: SqlLogStore, make_record: object
) -> None:
    plain, hidden = make_record(1), replace(make_record(2, body=HIDDEN), privates=PRIVATE)
    for one in (plain, hidden):
        decisions.append(one, IdempotencyClaim("c", one.id, "d"))
    assert log.extend(extension(log))
    erasure = StoredAct("e" * 36, NOON, "decision.erase", None, b"{}", "0" * 64, None)
    assert log.erase(erasure, [plain.id]) == 0
    assert log.waiting() == 0
    assert log.erase(erasure, [hidden.id]) == 2
    assert [(one.kind, one.record) for one in log.unsealed(10)] == [("act", replace(erasure, number=1))]
    assert log.waiting_since() == NOON
    assert log.records_of("secret") == []
    assert log.records_of("open") == [plain.id, hidden.id]
    kept = decisions.decision(hidden.id)
    assert kept is not None
    assert (kept.body, kept.privates) == (HIDDEN, ())


def test_what_is_neither_sealed_nor_waiting_is_told_in_portions(
    engine: Engine,
    decisions: SqlDecisionStore,
    log: SqlLogStore,
    make_record: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("policy_service.store.log._PORTION", 2)
    made = [make_record(n) for n in range(1, 8)]
    for one in made:
        decisions.append(one, None)
    assert log.unaccounted(10) == []
    with engine.connect() as connection:
        connection.execute(unsealed.delete().where(unsealed.c.id.in_([made[n].id for n in (0, 3, 6)])))
        connection.commit()
    assert log.extend(extension(log))
    lost = [("decision", made[n].id) for n in (0, 3, 6)]
    assert log.unaccounted(10) == lost
    assert log.unaccounted(2) == lost[:2]
