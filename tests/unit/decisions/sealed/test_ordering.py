"""Only orders that were signed, and continue each other, are followed; whoever may write the database gives none."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, delete, insert, update

from policy_service import canonical
from policy_service.decisions.ports.activations import StaleVersion
from policy_service.decisions.ports.acts import Change, KeyEnd, StoredAct
from policy_service.decisions.ports.records import StoreRefused, StoreUnavailable
from policy_service.decisions.sealed.guard import Guard, Held
from policy_service.decisions.sealed.ordering import KeyUnknown, LogNotBegun, SignedOrders
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.store import SqlActStore, connect
from policy_service.store.database import writing
from policy_service.store.tables import acts as table
from tests.signed import (
    MORNING,
    NOON,
    ORIGIN,
    A,
    B,
    C,
    activation,
    beginning,
    chain,
    entry,
    new_id,
    new_keys,
    note,
    order,
    storing,
    ticking,
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> LogKeys:
    return new_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> LogKeys:
    """Keys of the same name that the log does not know."""
    return new_keys(tmp_path_factory.mktemp("others"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> SqlActStore:
    return SqlActStore(engine)


def follower(store: Any, keys: LogKeys) -> SignedOrders:
    """A process that follows a store."""
    return SignedOrders(store, keys, Guard(None, ORIGIN), now=ticking(), new_id=new_id)


@pytest.fixture
def orders(store: SqlActStore, keys: LogKeys) -> SignedOrders:
    return follower(store, keys)


CHANGES = (storing(A, B, C), *(Change(entry(MORNING), activations=[activation(one)]) for one in (A, B, C)))


@pytest.fixture
def five(store: SqlActStore, keys: LogKeys) -> list[StoredAct]:
    """A store of five orders: the last three activate A, B and C."""
    made = chain(keys, beginning(keys), *CHANGES)
    for one in made:
        store.add(one)
    return made


def active(orders: SignedOrders) -> str | None:
    found = orders.catch_up().state(NOON).active
    return found and found.bundle


# ---- following


def test_what_was_ordered_is_followed_and_only_what_is_new_is_read(
    store: SqlActStore, keys: LogKeys, orders: SignedOrders
) -> None:
    made = chain(keys, beginning(keys), *CHANGES)
    for one in made[:3]:
        store.add(one)
    assert active(orders) == A
    store.add(note(keys))
    for one in made[3:]:
        store.add(one)
    assert (orders.known.version, active(orders), orders.known.version) == (3, C, 5)
    assert orders.fault is None
    assert orders.known.leaves == [one.leaf for one in made]


def test_orders_are_read_in_portions(
    five: list[StoredAct], orders: SignedOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("policy_service.decisions.sealed.ordering._AT_ONCE", 2)
    assert (active(orders), orders.known.version, orders.fault) == (C, 5, None)


def test_what_was_read_is_not_changed_by_what_comes_later(
    store: SqlActStore, keys: LogKeys, five: list[StoredAct], orders: SignedOrders
) -> None:
    known = orders.catch_up()
    store.add(order(Change(entry(NOON), activations=[activation(A, NOON)]), 6, five[-1].leaf, keys))
    assert active(orders) == A
    assert (known.version, known.activations[-1].bundle) == (5, C)


# ---- what somebody does who may write the database and cannot sign


def row(act: StoredAct) -> dict[str, object]:
    return {name: getattr(act, name) for name in ("id", "at", "action", "version", "body", "leaf", "receipt")}


def at(version: int) -> Any:
    return update(table).where(table.c.version == version)


def write(engine: Engine, *statements: Any) -> None:
    with writing(engine) as connection:
        for statement in statements:
            connection.execute(statement)


def edited(act: StoredAct, old: str, new: str) -> bytes:
    assert old.encode() in act.body
    return act.body.replace(old.encode(), new.encode())


class On(NamedTuple):
    """Five orders that are stored, the keys of the log, and others."""

    five: list[StoredAct]
    keys: LogKeys
    others: LogKeys


Tamper = Callable[[On], list[Any]]
TAMPERED: dict[str, Tamper] = {
    "edited": lambda on: [at(4).values(body=edited(on.five[3], B, A))],
    "edited with its leaf hash": lambda on: [
        at(4).values(body=edited(on.five[3], B, A), leaf=order(CHANGES[1], 4, on.five[2].leaf, on.keys).leaf)
    ],
    "without a receipt": lambda _: [at(4).values(receipt=None)],
    "with the receipt of another": lambda on: [at(4).values(receipt=on.five[2].receipt)],
    "with a receipt that is none": lambda _: [at(4).values(receipt="[" * 100_000)],
    "with a receipt of another key": lambda on: [
        at(4).values(receipt=order(CHANGES[2], 4, on.five[2].leaf, on.others, id_=on.five[3].id).receipt)
    ],
    "with a forged receipt": lambda on: [
        at(4).values(receipt=_forged(on.five[3], order(CHANGES[2], 4, on.five[2].leaf, on.others, id_=on.five[3].id)))
    ],
    "forged": lambda on: [
        delete(table).where(table.c.version == 4),
        insert(table).values(row(order(CHANGES[1], 4, on.five[2].leaf, on.others))),
    ],
    "no act": lambda _: [at(4).values(body=b"{}")],
    "no text": lambda _: [at(4).values(body=b"\xff\xfe")],
    "deleted": lambda _: [delete(table).where(table.c.version == 4)],
    "deleted and the gap closed": lambda _: [
        delete(table).where(table.c.version == 4),
        at(5).values(version=4),
    ],
    "swapped with the next": lambda _: [
        at(4).values(version=99),
        at(5).values(version=4),
        at(99).values(version=5),
    ],
    "replaced by an earlier one": lambda on: [
        at(4).values(body=on.five[2].body, leaf=on.five[2].leaf, receipt=on.five[2].receipt)
    ],
    "replaced by a note": lambda on: [at(4).values(_body_of(note(on.keys)))],
    "replaced by an order that was signed for another place": lambda on: [
        at(4).values(_body_of(order(CHANGES[1], 4, on.five[1].leaf, on.keys, id_=on.five[3].id)))
    ],
    "under another id": lambda _: [at(4).values(id="x" * 36)],
    "under another instant": lambda _: [at(4).values(at=NOON)],
}


def _forged(act: StoredAct, by_another: StoredAct) -> str:
    """The signature of another key under the name of the log's."""
    assert act.receipt is not None
    assert by_another.receipt is not None
    return canonical.dumps(
        json.loads(act.receipt) | {"signature": json.loads(by_another.receipt)["signature"]}
    ).decode()


def _body_of(act: StoredAct) -> dict[str, object]:
    return {"body": act.body, "leaf": act.leaf, "receipt": act.receipt}


@pytest.mark.parametrize("how", TAMPERED)
def test_an_order_that_was_tampered_with_is_not_followed_and_neither_is_what_comes_after_it(
    engine: Engine, five: list[StoredAct], orders: SignedOrders, keys: LogKeys, others: LogKeys, how: str
) -> None:
    write(engine, *TAMPERED[how](On(five, keys, others)))
    assert active(orders) == A
    assert orders.known.version == 3
    assert orders.fault is not None
    assert "not followed" in orders.fault
    assert orders.catch_up() == orders.known, "nothing is followed by and by"


def test_what_is_mended_is_followed_again(engine: Engine, five: list[StoredAct], orders: SignedOrders) -> None:
    write(engine, at(4).values(receipt=None))
    assert active(orders) == A
    write(engine, at(4).values(receipt=five[3].receipt))
    assert (active(orders), orders.fault) == (C, None)


def test_the_leaf_that_is_kept_is_not_believed(engine: Engine, five: list[StoredAct], orders: SignedOrders) -> None:
    write(engine, at(3).values(leaf="0" * 64))
    assert (active(orders), orders.fault) == (C, None)


def test_an_order_that_was_followed_is_not_followed_otherwise_when_it_is_edited(
    engine: Engine, five: list[StoredAct], orders: SignedOrders
) -> None:
    assert active(orders) == C
    write(engine, at(5).values(body=edited(five[4], C, A)))
    assert active(orders) == C


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_text_where_bytes_are_due_is_an_order_that_is_not_followed(
    engine: Engine, five: list[StoredAct], orders: SignedOrders
) -> None:
    """SQLite takes it."""
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE acts SET body = 'text' WHERE version = 4")
    assert (active(orders), orders.known.version) == (A, 3)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_version_that_is_no_number_is_a_store_that_cannot_be_used(
    engine: Engine, five: list[StoredAct], orders: SignedOrders
) -> None:
    assert active(orders) == C
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE acts SET version = 'six' WHERE version = 5")
    with pytest.raises(StoreUnavailable):
        SqlActStore(engine).last_version()
    assert active(orders) == C
    assert orders.fault is not None


def test_a_refused_order_leaves_nothing_of_it(
    store: SqlActStore, keys: LogKeys, five: list[StoredAct], orders: SignedOrders
) -> None:
    """Not even the part of it that contradicts nothing, and however often it is read."""
    wrong = Change(entry(MORNING), activations=[activation(A)], key_ends=[KeyEnd("none", None, NOON)])
    store.add(order(wrong, 6, five[-1].leaf, keys))
    assert active(orders) == C
    assert active(orders) == C
    assert len(orders.known.activations) == 3
    assert orders.known.version == 5


def test_orders_that_vanish_after_they_were_followed_are_an_unavailable_store(
    engine: Engine, five: list[StoredAct], orders: SignedOrders, caplog: pytest.LogCaptureFixture
) -> None:
    orders.catch_up()
    write(engine, delete(table).where(table.c.version >= 4))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="3 orders, 5 were followed"):
            orders.catch_up()
    assert caplog.text.count("3 orders, 5 were followed") == 1
    assert orders.fault is not None
    assert orders.known.version == 5, "what was ordered holds"


# ---- giving


def test_what_is_given_is_followed_here_and_by_others(
    store: SqlActStore, keys: LogKeys, five: list[StoredAct], orders: SignedOrders
) -> None:
    other = follower(store, keys)
    orders.catch_up()
    orders.give(Change(entry(NOON), activations=[activation(A, NOON)]), 5)
    assert orders.known.state(NOON).active == other.catch_up().state(NOON).active
    assert active(other) == A


def test_an_order_based_on_another_state_is_not_written(
    store: SqlActStore, keys: LogKeys, five: list[StoredAct], orders: SignedOrders
) -> None:
    other = follower(store, keys)
    orders.catch_up()
    other.catch_up()
    other.give(Change(entry(NOON)), 5)
    for version in (4, 5, 6):
        with pytest.raises(StaleVersion):
            orders.give(Change(entry(NOON)), version)
    assert store.last_version() == 6


def test_an_order_that_would_be_refused_is_not_written(
    store: SqlActStore, five: list[StoredAct], orders: SignedOrders
) -> None:
    orders.catch_up()
    with pytest.raises(StoreRefused, match="has stored"):
        orders.give(Change(entry(NOON), activations=[activation("sha256:" + "d" * 64)]), 5)
    assert store.last_version() == 5
    assert orders.known.version == 5


def test_the_date_of_an_order_does_not_fall_with_the_clock(
    store: SqlActStore, keys: LogKeys, orders: SignedOrders
) -> None:
    store.add(chain(keys, beginning(keys, at=NOON))[0])
    orders.catch_up()
    orders.give(Change(entry(MORNING)), 1)
    assert orders.known.last_at == NOON
    assert follower(store, keys).catch_up().last_at == NOON


def test_nothing_is_given_or_noted_while_the_guard_holds(
    store: SqlActStore, five: list[StoredAct], orders: SignedOrders
) -> None:
    orders.catch_up()
    orders.guard.held = "the store was set back"
    with pytest.raises(Held, match="set back"):
        orders.give(Change(entry(NOON)), 5)
    with pytest.raises(Held, match="set back"):
        orders.note(entry(NOON))
    assert len(store.acts(None, 10)) == 5


def test_a_note_is_kept_and_is_no_order(store: SqlActStore, five: list[StoredAct], orders: SignedOrders) -> None:
    orders.catch_up()
    orders.note(entry(NOON, "decision.reveal"))
    assert orders.catch_up().version == 5
    assert store.acts(None, 1)[0].action == "decision.reveal"


# ---- beginning


def test_the_log_of_an_empty_store_is_begun(store: SqlActStore, keys: LogKeys, orders: SignedOrders) -> None:
    orders.ready()
    begun = follower(store, keys).catch_up().begin
    assert begun is not None
    assert (begun.origin, begun.keys, begun.legacy) == (ORIGIN, tuple(one.text for one in keys.verifiers), 0)
    follower(store, keys).ready()
    assert store.last_version() == 1, "once"


def test_a_store_with_records_is_not_begun(engine: Engine, store: SqlActStore, keys: LogKeys) -> None:
    store.add(note(keys))
    with pytest.raises(LogNotBegun):
        follower(store, keys).ready()
    assert store.last_version() == 0


def test_a_store_with_rows_from_before_is_not_begun(engine: Engine, store: SqlActStore, orders: SignedOrders) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("""INSERT INTO before_acts (number, "table", "row") VALUES (1, 'keys', '{}')""")
    with pytest.raises(LogNotBegun):
        orders.ready()


def test_a_store_whose_first_order_is_forged_is_not_begun_anew(
    store: SqlActStore, orders: SignedOrders, others: LogKeys
) -> None:
    store.add(chain(others, beginning(others))[0])
    with pytest.raises(LogNotBegun):
        orders.ready()
    assert (orders.known.version, store.last_version()) == (0, 1)


def test_a_first_order_that_names_a_key_of_ours_and_is_signed_by_another_is_not_followed(
    store: SqlActStore, keys: LogKeys, orders: SignedOrders, others: LogKeys
) -> None:
    both = LogKeys(ORIGIN, (*others.signers, *keys.signers))
    store.add(chain(others, beginning(both))[0])
    assert orders.catch_up().version == 0
    assert orders.fault is not None


def test_of_processes_that_begin_at_once_one_does_and_all_follow(
    store: SqlActStore, engine: Engine, url: str, keys: LogKeys
) -> None:
    engines = [connect(url) for _ in range(4)]
    together = threading.Barrier(4)

    def begin(one: Engine) -> int:
        mine = follower(SqlActStore(one), keys)
        together.wait(30)
        mine.ready()
        return mine.known.version

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(begin, engines)) == [1] * 4
    for one in engines:
        one.dispose()
    assert len(store.acts(None, 10)) == 1


@pytest.mark.parametrize("when", ["has_records", "add"])
def test_a_process_that_another_one_beats_to_the_beginning_follows_it(
    store: SqlActStore, keys: LogKeys, when: str
) -> None:
    class Beaten:
        def __getattr__(self, name: str) -> Any:
            if name == when and not store.last_version():
                follower(store, keys).ready()
            return getattr(store, name)

    mine = follower(Beaten(), keys)
    mine.ready()
    assert (mine.known.version, store.last_version()) == (1, 1)


# ---- keys that sign


def test_a_key_that_the_log_does_not_know_is_told(
    store: SqlActStore, five: list[StoredAct], keys: LogKeys, others: LogKeys
) -> None:
    rotated = LogKeys(ORIGIN, others.signers, keys.verifiers)
    mine = follower(store, rotated)
    mine.ready()
    with pytest.raises(KeyUnknown, match="rotate-key"):
        mine.check_keys()
    with pytest.raises(Held):
        mine.may_sign()
    known = follower(store, keys)
    known.catch_up()
    known.check_keys()
    known.give(Change(entry(NOON), signing_added=[others.verifiers[0].text]), 5)
    mine.catch_up()
    mine.check_keys()
    mine.give(Change(entry(NOON), activations=[activation(A, NOON)]), 6)
    assert active(known) == A


def test_an_order_of_a_key_that_was_retired_is_not_followed(
    store: SqlActStore, five: list[StoredAct], keys: LogKeys, others: LogKeys, orders: SignedOrders
) -> None:
    orders.catch_up()
    rotated = Change(entry(NOON), signing_added=[others.verifiers[0].text], signing_retired=[keys.verifiers[0].text])
    orders.give(rotated, 5)
    store.add(order(Change(entry(NOON), activations=[activation(A, NOON)]), 7, orders.known.leaf, keys))
    assert (active(orders), orders.known.version) == (C, 6)
    assert orders.fault is not None


def test_a_key_adds_itself_by_no_order(
    store: SqlActStore, five: list[StoredAct], orders: SignedOrders, others: LogKeys
) -> None:
    added = Change(entry(NOON), signing_added=[others.verifiers[0].text])
    store.add(order(added, 6, five[-1].leaf, others))
    assert orders.catch_up().version == 5


def test_an_order_signed_for_another_log_is_not_followed(
    store: SqlActStore, five: list[StoredAct], orders: SignedOrders, keys: LogKeys, tmp_path: Path
) -> None:
    elsewhere = replace(keys, origin="other.example/policy")
    store.add(order(Change(entry(NOON), activations=[activation(A, NOON)]), 6, five[-1].leaf, elsewhere))
    assert (active(orders), orders.known.version) == (C, 5)
