"""The sealer: gapless indices in order of arrival, the tree, and signed heads, whoever else seals at the same time."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from policy_service import canonical
from policy_service.access.trail import TrailEntry
from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.ports.acts import Change
from policy_service.decisions.ports.log import Extension, Refused
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.sealed.guard import Guard, Held
from policy_service.decisions.sealed.ordering import SignedOrders
from policy_service.decisions.sealed.sealing import Sealer, StoredTiles
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs import keys, notes, tree
from policy_service.proofs.receipts import issue
from policy_service.proofs.tiles import TileNodes, TreeDamaged
from policy_service.proofs.tree import leaf_hash, root_of
from policy_service.store import log
from policy_service.store.database import writing
from policy_service.store.tables import decisions, log_tiles, unsealed

HERE = Path(__file__).parent
ROOT = HERE.parents[3]


FIRST = 2
"""The acts that every club's log begins with."""


def beside(club: Any, *, log: Any = None, keys: LogKeys | None = None, **given: Any) -> Sealer:
    """Another sealer of the same host."""
    orders = club.assembled.orders
    mine = SignedOrders(
        orders.store, keys or orders.keys, Guard(club.guard, orders.keys.origin), now=club.now, new_id=new_decision_id
    )
    return Sealer(log or club.auditing.log, mine, now=club.now, **given)


def leaves(club: Any) -> list[bytes]:
    return [bytes.fromhex(one.leaf) for one in club.auditing.log.entries(0, 10_000)]


def is_whole(club: Any, more: int) -> None:
    """Indices without a gap, each record once, and the root of every head that of a tree made from the records.

    Args:
        more: records after the first acts.
    """
    sealed, size = club.auditing.log, FIRST + more
    entries = sealed.entries(0, 10_000)
    assert [one.index for one in entries] == list(range(size))
    bodies = sealed.bodies(entries)
    assert len(bodies) == size
    hashes = [leaf_hash(bodies[one.id]) for one in entries]
    assert [one.leaf for one in entries] == [one.hex() for one in hashes]
    for head in sealed.heads(0, 10_000):
        signed = notes.open_head(head.note, club.auditing.keys.verifiers, club.settings.log_origin)
        assert (signed.size, signed.root) == (head.size, root_of(hashes[: head.size]))
        assert head.root == signed.root.hex()
    assert sealed.size() == size
    assert sealed.head().size == size
    assert sealed.refused(0, 100) == []
    assert club.auditing.verify().findings == ()


def test_records_get_indices_in_the_order_in_which_they_came(club: Any) -> None:
    ids = [club.merchant(n).decision_id for n in range(5)]
    assert club.auditing.log.size() == FIRST
    assert club.auditing.log.waiting() == 5
    assert club.seal() == 5
    ids += [club.merchant(n).decision_id for n in range(3)]
    assert club.seal() == 3
    assert [one.id for one in club.entries()][FIRST:] == ids
    assert club.auditing.log.waiting() == 0
    assert club.auditing.log.waiting_since() is None
    is_whole(club, 8)


def test_nothing_is_sealed_where_nothing_waits(club: Any) -> None:
    before = club.auditing.log.heads()
    assert club.seal() == 0
    assert club.auditing.log.heads() == before


def test_the_acts_of_an_empty_store_are_sealed_first(url: str, make_club: Any) -> None:
    club = make_club(url)
    assert club.seal() == FIRST
    assert [(one.kind, one.as_of) for one in club.entries()] == [("act", None)] * FIRST
    assert club.entries()[0].at <= club.entries()[1].at
    is_whole(club, 0)


def test_an_entry_says_when_and_about_which_day_its_record_was_made(club: Any) -> None:
    found = club.merchant(1, as_of="2023-02-03")
    assert club.auditing.log.waiting_since() == found.answer["decided_at"]
    club.seal()
    one = club.entries()[FIRST]
    assert (one.kind, one.id, one.at, one.as_of) == (
        "decision", found.decision_id, found.answer["decided_at"], "2023-02-03"
    )  # fmt: skip
    assert found.answer["receipt"]["digest"] == f"sha256:{one.leaf}"


def test_the_tree_is_that_of_the_records_at_every_size_across_the_border_of_a_tile(local_club: Any) -> None:
    club, sizes = local_club, (1, 2, 200, 51, 1, 1, 1, 2, 42)
    for some in sizes:
        for n in range(some):
            club.merchant(n % 20)
        assert club.auditing.sealer.seal() == some
    is_whole(club, sum(sizes))
    nodes, hashes = TileNodes(StoredTiles(club.auditing.log)), leaves(club)
    for size in (1, 3, 255, 256, 257, 258, 303):
        assert tree.root(nodes, size) == root_of(hashes[:size])
    for index in (0, 254, 255, 256, 300):
        found = club.auditing.proof(club.entries()[index].id)
        step = found.inclusion
        assert tree.verify_inclusion(found.leaf, step.index, step.size, step.hashes, bytes.fromhex(found.head.root))
    _, hashes_between = club.auditing.consistency(205, 303)
    assert tree.verify_consistency(205, 303, hashes_between, root_of(hashes[:205]), root_of(hashes))


def test_what_waits_is_sealed_a_portion_at_a_time(club: Any) -> None:
    for n in range(7):
        club.merchant(n)
    assert [club.auditing.sealer.seal(3) for _ in range(4)] == [3, 3, 1, 0]
    assert [one.size for one in club.auditing.log.heads(FIRST)] == [FIRST + n for n in (3, 6, 7)]
    is_whole(club, 7)


def test_the_record_of_an_erasure_is_sealed(club: Any) -> None:
    club.member(5)
    erased = club.auditing.erasing.erase("member", "u-1", ticket="T-1", actor="op")
    assert [(one.kind, one.id) for one in club.entries()][FIRST + 1 :] == [("act", erased.id)]
    assert club.entries()[-1].as_of is None
    is_whole(club, 2)


# ---- keys


def rotate(club: Any, **change: Any) -> None:
    orders = club.assembled.orders
    orders.give(Change(TrailEntry("", "op", "log.rotate-key", "key"), **change), orders.catch_up().version)


def test_during_a_rotation_both_keys_sign_and_after_it_the_new_one_alone(club: Any, tmp_path: Path) -> None:
    origin, old = club.settings.log_origin, club.auditing.keys.signers[0]
    new = keys.make(tmp_path / "new.pem", origin)
    rotate(club, signing_added=[new.verifier.text])
    for signers in ((old, new), (new, old), (new,)):
        club.merchant(1)
        beside(club, keys=LogKeys(origin, signers, (old.verifier,))).seal_all()
    signed = [notes.opened(head.note, (old.verifier, new.verifier))[1] for head in club.auditing.log.heads(FIRST)]
    assert [set(one) for one in signed] == [
        {old.verifier, new.verifier}, {old.verifier, new.verifier}, {new.verifier}
    ]  # fmt: skip


def test_a_record_is_sealed_with_a_receipt_of_a_key_that_is_in_force_at_its_place(club: Any, tmp_path: Path) -> None:
    """The key was added by an act that waits before it, and retired by one that waits behind it."""
    origin, old = club.settings.log_origin, club.auditing.keys.signers[0]
    new = keys.make(tmp_path / "new.pem", origin)
    rotate(club, signing_added=[new.verifier.text])
    early = club.merchant(1).decision_id
    receipted_anew(club, early, new)
    rotate(club, signing_retired=[new.verifier.text])
    late = club.merchant(2).decision_id
    receipted_anew(club, late, new)
    stranger = beside(club, keys=LogKeys(origin, (old,)))  # it has answered nothing, so it believes nothing
    stranger.seal_all()
    assert [one.id for one in club.entries()][FIRST + 1] == early
    (refused,) = club.auditing.log.refused(0, 10)
    assert (refused.kind, refused.id) == ("decision", late)
    assert "no known key" in refused.reason


def test_a_sealer_that_does_not_trust_the_first_order_refuses_nothing(club: Any, tmp_path: Path) -> None:
    """It knows nobody's records; others do."""
    new = keys.make(tmp_path / "new.pem", club.settings.log_origin)
    club.merchant(1)
    with pytest.raises(StoreUnavailable):
        beside(club, keys=LogKeys(club.settings.log_origin, (new,))).seal()
    assert club.seal() == 1
    is_whole(club, 1)


def test_a_process_whose_key_is_retired_signs_nothing_more(club: Any, tmp_path: Path) -> None:
    """What it would answer could not be sealed; the order that retires its key reaches it before an answer leaves."""
    origin, old = club.settings.log_origin, club.auditing.keys.signers[0]
    new = keys.make(tmp_path / "new.pem", origin)
    other = beside(club, keys=LogKeys(origin, (new,), (old.verifier,))).orders
    rotate(club, signing_added=[new.verifier.text])
    change = Change(TrailEntry("", "op", "log.rotate-key", "key"), signing_retired=[old.verifier.text])
    other.give(change, other.catch_up().version)
    with pytest.raises(Held):
        club.merchant(1)
    assert club.auditing.decisions.count() == 0
    with pytest.raises(Held):
        club.assembled.trail.note(TrailEntry("", "op", "x", "y"))
    with pytest.raises(Held):
        club.seal()
    assert club.auditing.log.size() == FIRST


def receipted_anew(club: Any, id_: str, signer: keys.Signer) -> None:
    """Give a waiting decision the receipt of another key."""
    kept = club.auditing.decisions.decision(id_)
    given = issue(signer, club.settings.log_origin, id_, kept.decided_at, leaf_hash(kept.body))
    tamper(club, update(decisions).where(decisions.c.id == id_).values(receipt=canonical.dumps(given.json).decode()))


def tamper(club: Any, *statements: Any) -> None:
    """What somebody does who may write the database and cannot sign."""
    with writing(club.engine) as connection:
        for statement in statements:
            connection.execute(statement)


# ---- several sealers


class Beaten:
    """A log in which another sealer comes between two readings of the one under test."""

    def __init__(self, club: Any, at: str) -> None:
        self._club, self._at, self._done = club, at, False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._club.auditing.log, name)

        def beaten(*given: Any) -> Any:
            if name == self._at and not self._done:
                self._done = True
                self._club.merchant(19)
                assert self._club.seal()
            return found(*given)

        return beaten


@pytest.mark.parametrize("already", [0, 3, 253])
@pytest.mark.parametrize("at", ["size", "unsealed", "tile", "extend"])
def test_a_sealer_that_another_one_beats_adds_nothing_and_complains_of_nothing(
    local_club: Any, at: str, already: int
) -> None:
    club = local_club
    for n in range(already):
        club.merchant(n % 20)
    club.seal()
    for n in range(3):
        club.merchant(n)
    mine = beside(club, log=Beaten(club, at))
    assert mine.seal() in (None, 0)
    is_whole(club, already + 4)


def test_sealers_in_threads_seal_everything_once(club: Any) -> None:
    """Each thread decides and seals; where it is beaten, the winner has sealed."""
    faults: list[BaseException] = []

    def work() -> None:
        try:
            for n in range(15):
                club.merchant(n)
                club.auditing.sealer.seal(4)
            club.auditing.sealer.seal_all()
        except Exception as fault:  # noqa: BLE001  told below
            faults.append(fault)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert faults == []
    is_whole(club, 60)


def test_sealers_in_processes_seal_everything_once(club: Any, url: str) -> None:
    for n in range(120):
        club.merchant(n % 20)
    command_ = [sys.executable, str(HERE / "sealing_beside.py"), url, str(club.key), str(club.guard)]
    processes = [
        subprocess.Popen(
            command_, env={"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    told = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        told.append(process.communicate(timeout=120)[0])
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(map(int, told)) == 120
    is_whole(club, 120)


# ---- what fails


def test_a_store_that_fails_in_the_middle_of_a_seal_keeps_nothing_of_it(
    club: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    club.merchant(1)
    club.seal()
    club.member(2)
    real = log._extend

    def half(connection: Any, extension: Extension) -> bool:
        real(connection, extension)
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(log, "_extend", half)
        with pytest.raises(StoreUnavailable):
            club.seal()
    assert club.auditing.log.waiting() == 1
    is_whole(club, 1)
    assert club.seal() == 1
    is_whole(club, 2)


def test_a_damaged_tree_is_told_and_nothing_is_sealed_over_it(club: Any) -> None:
    club.merchant(1)
    club.seal()
    club.merchant(2)
    with club.engine.connect() as connection:
        connection.execute(update(log_tiles).values(hashes=b""))
        connection.commit()
    with pytest.raises(TreeDamaged):
        club.seal()
    assert club.auditing.log.size() == FIRST + 1


def test_a_changed_private_value_does_not_keep_a_record_from_being_sealed(club: Any) -> None:
    found = club.member(5)
    with club.engine.connect() as connection:
        connection.execute(text("UPDATE private_values SET pointer = '/nowhere' WHERE pointer LIKE '%points'"))
        connection.commit()
    assert club.seal() == 1
    assert {one.kind for one in club.auditing.verify().findings} == {"private-value-altered"}
    assert club.entries()[FIRST].id == found.decision_id


# ---- what is refused stops nobody


def put(club: Any, kind: str, id_: str) -> None:
    """A row in the queue."""
    tamper(club, insert(unsealed).values(kind=kind, id=id_))


def body_of(club: Any, id_: str) -> bytes:
    body: bytes = club.auditing.decisions.decision(id_).body
    return body


def a_copy(club: Any, id_: str, **changed: Any) -> None:
    """A decision that somebody writes into the store under another id."""
    kept = club.auditing.decisions.decision(id_)
    new = {name: getattr(kept, name) for name in ("decided_at", "bundle", "as_of", "body", "leaf", "receipt")}
    tamper(club, insert(decisions).values({**new, "id": "f" * 36, **changed}))
    put(club, "decision", "f" * 36)


def of(id_: str) -> Any:
    return update(decisions).where(decisions.c.id == id_)


Intrusion = Callable[[Any, str], None]
INTRUSIONS: dict[str, tuple[Intrusion, str]] = {
    "without a receipt": (lambda club, id_: tamper(club, of(id_).values(receipt=None)), "no receipt"),
    "with a receipt that is none": (
        lambda club, id_: tamper(club, of(id_).values(receipt="{}")),
        "its receipt is none",
    ),
    "whose bytes were altered": (
        lambda club, id_: tamper(club, of(id_).values(body=body_of(club, id_).replace(b"m-1", b"m-2"))),
        "for other bytes",
    ),
    "that is no JSON": (lambda club, id_: tamper(club, of(id_).values(body=b"\xff{")), "no decision"),
    "that is no object": (lambda club, id_: tamper(club, of(id_).values(body=b"[]")), "no decision"),
    "that is nested too deeply": (lambda club, id_: tamper(club, of(id_).values(body=b"[" * 9999)), "no decision"),
    "copied under another id": (a_copy, "another id than it says"),
    "that is not stored": (lambda club, _: put(club, "decision", "f" * 36), "no such record"),
    "of another kind": (lambda club, _: put(club, "secret", "f" * 36), "no such record"),
    "that waits twice": (lambda club, id_: put(club, "decision", id_), "in the log already"),
    "of the other kind": (lambda club, id_: put(club, "act", id_), "in the log already"),
}


@pytest.mark.parametrize("how", INTRUSIONS)
def test_a_record_is_refused_and_those_around_it_are_sealed(club: Any, how: str) -> None:
    intrude, said = INTRUSIONS[how]
    before, id_ = club.merchant(1).decision_id, club.merchant(2).decision_id
    intrude(club, id_)
    after = club.merchant(3).decision_id
    stranger = beside(club)
    stranger.seal_all()
    sealed = [one.id for one in club.entries()][FIRST:]
    assert [one for one in sealed if one != id_] == [before, after]
    (refused,) = club.auditing.log.refused(0, 10)
    assert said in refused.reason
    assert club.auditing.log.waiting() == 0


def test_a_sealed_record_that_waits_again_is_refused(club: Any) -> None:
    found = club.merchant(1)
    club.seal()
    put(club, "decision", found.decision_id)
    club.merchant(2)
    assert club.seal() == 1
    assert club.auditing.log.size() == FIRST + 2
    assert [(one.id, one.reason) for one in club.auditing.log.refused(0, 10)] == [
        (found.decision_id, "it is in the log already")
    ]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_what_another_sealer_seals_while_the_queue_is_read_is_not_refused(
    club: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    club.merchant(1)
    mine, real, done = beside(club), log.whole_records, []

    def between(*given: Any) -> Any:
        if not done:
            done.append(True)
            assert club.seal() == 1
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(log, "whole_records", between)
        assert mine.seal() in (None, 1)
    assert "is not sealed" not in caplog.text
    is_whole(club, 1)


def test_of_two_sealers_that_refuse_a_row_one_tells(club: Any) -> None:
    put(club, "decision", "f" * 36)
    (waiting,) = club.auditing.log.unsealed(10)
    row = Refused(waiting.number, waiting.kind, waiting.id, "no such record is stored", "2023-04-01T12:00:00.000Z")
    assert club.auditing.log.refuse([row]) == [row]
    assert club.auditing.log.refuse([row]) == []
    assert len(club.auditing.log.refused(0, 10)) == 1


def test_more_that_is_refused_than_fits_a_portion_stops_nobody(club: Any) -> None:
    for n in range(7):
        put(club, "decision", f"{n:036}")
    club.merchant(1)
    while club.auditing.sealer.seal(3) != 0:
        pass
    assert club.auditing.log.size() == FIRST + 1
    assert [one.id for one in club.auditing.log.refused(0, 10)] == [f"{n:036}" for n in range(7)]
    assert [one.id for one in club.auditing.log.refused(0, 2)] == [f"{n:036}" for n in range(2)]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_text_where_bytes_are_due_stops_nobody(club: Any) -> None:
    """SQLite takes it."""
    club.member(1)
    tamper(club, text("UPDATE private_values SET value = 'text', salt = 'text'"))
    assert club.seal() == 1


# ---- what heads say of time and of the head before


def extensions(club: Any) -> list[tuple[str, ...]]:
    heads = club.auditing.log.heads(FIRST)
    return [
        notes.open_head(one.note, club.auditing.keys.verifiers, club.settings.log_origin).extensions for one in heads
    ]


def sealed_at(club: Any, moment: datetime) -> tuple[str, ...]:
    """The extension lines of a head that is made at a moment."""
    club.merchant(1)
    sealer = beside(club)
    sealer._now = lambda: moment
    assert sealer.seal_all() == 1
    return extensions(club)[-1]


NOW = datetime(2023, 5, 1, 12, 0, tzinfo=UTC)
SAID = "time 2023-05-01T12:00:00.000Z"


def test_a_head_says_the_time_and_the_size_of_the_head_before(club: Any) -> None:
    assert sealed_at(club, NOW) == (SAID, "after 2")
    assert sealed_at(club, NOW + timedelta(seconds=1)) == ("time 2023-05-01T12:00:01.000Z", "after 3")
    assert [one.at for one in club.auditing.log.heads(FIRST)] == [
        "2023-05-01T12:00:00.000Z", "2023-05-01T12:00:01.000Z"
    ]  # fmt: skip


def test_the_first_head_comes_after_none(url: str, make_club: Any) -> None:
    club = make_club(url)
    club.seal()
    first = club.auditing.log.heads()[0]
    said = notes.open_head(first.note, club.auditing.keys.verifiers, club.settings.log_origin).extensions
    assert said == (f"time {first.at}", "after 0")


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        (timedelta(milliseconds=1), SAID),
        (timedelta(minutes=1), SAID),
        (timedelta(minutes=1, milliseconds=1), "time 2023-05-01T11:58:59.999Z"),
        (timedelta(days=1), "time 2023-04-30T12:00:00.000Z"),
        (timedelta(0), SAID),
    ],
)
def test_a_clock_a_minute_behind_repeats_the_time_of_the_last_head_and_one_further_behind_tells_its_own(
    local_club: Any, behind: timedelta, said: str
) -> None:
    sealed_at(local_club, NOW)
    assert sealed_at(local_club, NOW - behind)[0] == said


# ---- beside the requests


def test_the_thread_seals_what_waits_until_it_is_closed(club: Any) -> None:
    sealer = beside(club, seconds=0.01)
    sealer.start()
    sealer.start()
    try:
        club.merchant(1)
        for _ in range(3000):
            if club.auditing.log.size() > FIRST:
                break
            threading.Event().wait(0.01)
    finally:
        sealer.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "sealer"]
    is_whole(club, 1)
    sealer.close()


def test_the_thread_outlives_a_store_that_fails(local_club: Any, caplog: pytest.LogCaptureFixture) -> None:
    failed = threading.Event()

    class Down:
        def __getattr__(self, name: str) -> Any:
            if not failed.is_set():
                failed.set()
                raise StoreUnavailable("down")
            return getattr(local_club.auditing.log, name)

    sealer = beside(local_club, log=Down(), seconds=0.01)
    local_club.merchant(1)
    sealer.start()
    try:
        for _ in range(3000):
            if local_club.auditing.log.size() > FIRST:
                break
            threading.Event().wait(0.01)
    finally:
        sealer.close()
    assert failed.is_set()
    assert "the log cannot be sealed now" in caplog.text
    is_whole(local_club, 1)
