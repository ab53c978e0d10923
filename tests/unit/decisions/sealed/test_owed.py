"""What this process has committed and is not in the log as it was is told, once, in the log itself."""

from typing import Any

import pytest
from sqlalchemy import delete, update

from policy_service.access.trail import TrailEntry
from policy_service.decisions.sealed import acts
from policy_service.decisions.sealed.guard import Guard
from policy_service.decisions.sealed.ordering import SignedOrders
from policy_service.decisions.sealed.sealing import MISSING, Sealer
from policy_service.store.database import writing
from policy_service.store.tables import acts as acts_table
from policy_service.store.tables import decisions, log_entries, private_values, unsealed
from tests.signed import MORNING, new_id


def write(club: Any, *statements: Any) -> None:
    with writing(club.engine) as connection:
        for statement in statements:
            connection.execute(statement)


def take_away(club: Any, id_: str) -> None:
    write(
        club,
        delete(unsealed).where(unsealed.c.id == id_),
        delete(private_values).where(private_values.c.record == id_),
        delete(decisions).where(decisions.c.id == id_),
    )


def beside(club: Any) -> Sealer:
    """The sealer of another process of this host, which owes nothing."""
    orders = club.assembled.orders
    guard = Guard(club.guard, orders.keys.origin)
    return Sealer(
        club.auditing.log, SignedOrders(orders.store, orders.keys, guard, now=club.now, new_id=new_id), now=club.now
    )


def turn(club: Any) -> None:
    """What the thread of the sealer does now and then; what was committed before the first of two turns is due."""
    club.auditing.sealer._turn()
    club.auditing.sealer._turn()


def told(club: Any) -> list[tuple[str, str]]:
    """Id and digest found of each record that was told to be missing, oldest first."""
    found = [acts.parse(one.body).entry for one in reversed(club.assembled.orders.store.acts(None, 1000))]
    return [(one.target, one.detail["found"]) for one in found if one.action == MISSING]


def test_what_is_sealed_is_owed_no_longer(club: Any) -> None:
    club.merchant(1)
    turn(club)
    assert told(club) == []
    assert club.auditing.sealer.owed._leaves == {}


def test_a_decision_that_is_deleted_before_it_is_sealed_is_told_once(club: Any) -> None:
    kept, lost = club.member(1).decision_id, club.member(2).decision_id
    take_away(club, lost)
    turn(club)
    assert told(club) == [(lost, "")]
    turn(club)
    assert told(club) == [(lost, "")]
    assert kept in [one.id for one in club.entries()]


def test_a_decision_whose_place_in_the_queue_is_taken_away_is_told(club: Any) -> None:
    lost = club.merchant(1).decision_id
    write(club, delete(unsealed).where(unsealed.c.id == lost))
    turn(club)
    assert told(club) == [(lost, "")]


def test_a_decision_that_is_altered_before_it_is_sealed_is_not_sealed_and_told(club: Any) -> None:
    id_ = club.merchant(1).decision_id
    body = club.auditing.decisions.decision(id_).body
    write(club, update(decisions).where(decisions.c.id == id_).values(body=body.replace(b"m-1", b"m-2")))
    turn(club)
    assert told(club) == [(id_, "")]
    assert [one.reason for one in club.auditing.log.refused(0, 10)] == ["its receipt is for other bytes"]


def test_a_record_that_is_in_the_log_as_another_is_told_with_what_is_there(club: Any) -> None:
    """As where somebody with a key, or another process, has sealed something else under its id."""
    id_ = club.merchant(1).decision_id
    owed = club.auditing.sealer.owed
    leaf = owed.leaf(id_)
    club.seal()
    write(club, update(log_entries).where(log_entries.c.id == id_).values(leaf="f" * 64))
    owed._leaves[id_] = leaf
    turn(club)
    assert told(club) == [(id_, f"sha256:{'f' * 64}")]


def test_what_another_process_has_sealed_is_owed_no_longer(club: Any) -> None:
    id_ = club.merchant(1).decision_id
    sealer = beside(club)
    sealer.seal_all()
    assert club.auditing.sealer.owed.leaf(id_) is not None
    turn(club)
    assert told(club) == []
    assert club.auditing.sealer.owed.leaf(id_) is None


def test_what_still_waits_is_not_missing(club: Any) -> None:
    club.merchant(1)
    for _ in range(3):
        assert club.auditing.sealer.owed.missing(club.auditing.log) == []


def test_what_was_committed_since_the_last_look_is_not_due_yet(club: Any) -> None:
    """It may be between its commit and the queue of another snapshot."""
    lost = club.merchant(1).decision_id
    take_away(club, lost)
    owed = club.auditing.sealer.owed
    assert owed.missing(club.auditing.log) == []
    assert [(one.id, one.found) for one in owed.missing(club.auditing.log)] == [(lost, None)]


@pytest.mark.parametrize("what", [acts_table, unsealed])
def test_a_note_that_is_taken_away_before_it_is_sealed_is_told(club: Any, what: Any) -> None:
    """Who revealed something must not be able to hide it."""
    club.assembled.trail.note(TrailEntry(MORNING, "wei", "decision.reveal", "d"))
    lost = club.assembled.orders.store.acts(None, 1)[0].id
    write(club, *(delete(table).where(table.c.id == lost) for table in {unsealed, what}))
    turn(club)
    assert told(club) == [(lost, "")]


def test_an_erasure_that_is_taken_away_before_it_is_sealed_is_told(club: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    club.member(1)
    club.seal()
    erase = club.auditing.log.erase

    def erased_and_hidden(act: Any, records: Any) -> int:
        found: int = erase(act, records)
        write(club, *(delete(table).where(table.c.id == act.id) for table in (unsealed, acts_table)))
        return found

    monkeypatch.setattr(club.auditing.log, "erase", erased_and_hidden)
    erased = club.auditing.erasing.erase("member", "u-1", ticket="T-1", actor="op")
    turn(club)
    assert told(club) == [(erased.id, "")]
