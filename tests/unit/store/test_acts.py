"""Acts are kept as they were signed; of orders at one moment one is the next; none is outrun by a decision."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select

from policy_service.decisions.ports.activations import BundleEntry, BundleSources, StaleVersion
from policy_service.decisions.ports.acts import StoredAct
from policy_service.decisions.ports.records import (
    Appended,
    DecisionRecord,
    IdempotencyClaim,
    NewRecord,
    StaleOrders,
    StoreRefused,
)
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.store import SqlActStore, SqlBundleContents, SqlDecisionStore, SqlLogStore, connect
from policy_service.store.acts import ORDERS_LOCK
from policy_service.store.database import reading, writing
from policy_service.store.tables import acts as acts_table
from policy_service.store.tables import before_acts
from tests.signed import A, B, chain, new_keys, note, order, storing

DEADLINE = 30  # seconds, after which a thread is taken to wait for ever


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> LogKeys:
    return new_keys(tmp_path_factory.mktemp("keys"))


def an_order(version: int, keys: LogKeys) -> StoredAct:
    """An order that the store takes for the next; what is in it is nothing to the store."""
    return order(storing(), version, "", keys)


def kept(acts: SqlActStore) -> list[StoredAct]:
    """All acts, oldest first, as they were before they were kept."""
    return [replace(one, number=0) for one in reversed(acts.acts(None, 1000))]


# ---- kept and read back


def test_an_act_is_read_back_as_it_was_signed(acts: SqlActStore, keys: LogKeys) -> None:
    first, second = an_order(1, keys), note(keys)
    acts.add(first)
    acts.add(second)
    assert kept(acts) == [first, second]
    assert acts.act(second.id) == replace(second, number=2)
    assert acts.act("0" * 36) is None
    assert all(type(one.body) is bytes for one in acts.acts(None, 10))


def test_an_act_waits_to_be_sealed(engine: Engine, acts: SqlActStore, keys: LogKeys) -> None:
    made = note(keys)
    acts.add(made)
    (waiting,) = SqlLogStore(engine).unsealed(10)
    assert (waiting.kind, waiting.id, waiting.record) == ("act", made.id, replace(made, number=1))
    assert SqlLogStore(engine).waiting_since() == made.at


def test_orders_come_by_version_and_notes_are_none(acts: SqlActStore, keys: LogKeys) -> None:
    made = [an_order(1, keys), note(keys), an_order(2, keys), an_order(3, keys)]
    for one in made:
        acts.add(one)
    assert [one.version for one in acts.orders(0, 10)] == [1, 2, 3]
    assert [one.version for one in acts.orders(1, 1)] == [2]
    assert acts.orders(3, 10) == []
    assert acts.last_version() == 3


def test_acts_page_from_the_newest(acts: SqlActStore, keys: LogKeys) -> None:
    made = [note(keys) for _ in range(5)]
    for one in made:
        acts.add(one)
    first = acts.acts(None, 2)
    assert [one.id for one in first] == [made[4].id, made[3].id]
    assert [one.id for one in acts.acts(first[-1].number, 10)] == [made[n].id for n in (2, 1, 0)]


def test_a_taken_id_is_refused_and_leaves_nothing(acts: SqlActStore, bundles: SqlBundleContents, keys: LogKeys) -> None:
    first = an_order(1, keys)
    acts.add(first)
    with pytest.raises(StoreRefused):
        acts.add(order(storing(A), 2, first.leaf, keys, id_=first.id), [BundleSources(A, None, {})])
    assert kept(acts) == [first]
    assert bundles.bundles() == []


def test_a_store_has_records_as_soon_as_there_is_one_of_any_kind(
    acts: SqlActStore, decisions: SqlDecisionStore, make_record: Any
) -> None:
    assert not acts.has_records()
    decisions.append(make_record(1), None)
    assert acts.has_records()


def test_a_note_is_a_record(acts: SqlActStore, keys: LogKeys) -> None:
    acts.add(note(keys))
    assert acts.has_records()
    assert acts.last_version() == 0


def test_rows_of_tables_that_are_gone_are_given_in_order_until_they_are_forgotten(
    engine: Engine, acts: SqlActStore
) -> None:
    assert acts.before_acts() == []
    rows = [(2, "trail", '{"at":"x"}'), (1, "keys", '{"id":"k1"}')]
    with writing(engine) as connection:
        connection.execute(
            insert(before_acts), [dict(zip(("number", "table", "row"), one, strict=True)) for one in rows]
        )
    assert acts.before_acts() == [{"table": "keys", "id": "k1"}, {"table": "trail", "at": "x"}]
    acts.add_first([])
    assert acts.before_acts() == []


# ---- with bundles


def test_bundles_are_stored_with_the_order_that_names_them(
    acts: SqlActStore, bundles: SqlBundleContents, keys: LogKeys
) -> None:
    made = an_order(1, keys)
    acts.add(made, [BundleSources(A, "spring", {"a.yaml": "policy: 川流\r\n"}), BundleSources(B, None, {})])
    assert bundles.sources(A) == {"a.yaml": "policy: 川流\r\n"}
    assert bundles.bundle(A) == BundleEntry(A, "spring", made.at)
    assert bundles.bundle(B) == BundleEntry(B, None, made.at)


def test_an_order_that_is_outrun_stores_no_bundle(acts: SqlActStore, bundles: SqlBundleContents, keys: LogKeys) -> None:
    acts.add(an_order(1, keys))
    with pytest.raises(StaleVersion):
        acts.add(an_order(1, keys), [BundleSources(A, None, {})])
    assert bundles.bundle(A) is None


# ---- optimistic concurrency


@pytest.mark.parametrize("version", [1, 3, 4])
def test_an_order_that_is_not_the_next_is_outrun(acts: SqlActStore, keys: LogKeys, version: int) -> None:
    acts.add(an_order(1, keys))
    with pytest.raises(StaleVersion):
        acts.add(an_order(version, keys))
    assert acts.last_version() == 1
    assert len(acts.acts(None, 10)) == 1


def test_of_orders_at_one_moment_one_is_the_next(url: str, engine: Engine, acts: SqlActStore, keys: LogKeys) -> None:
    """On a connection pool each, as hosts have."""
    engines = [connect(url) for _ in range(4)]
    together = threading.Barrier(4)

    def give(one: Engine) -> int:
        store, given = SqlActStore(one), 0
        together.wait(DEADLINE)
        for version in range(1, 11):
            with suppress(StaleVersion):
                store.add(an_order(version, keys))
                given += 1
        return given

    with ThreadPoolExecutor(4) as threads:
        given = list(threads.map(give, engines))
    for one in engines:
        one.dispose()
    assert sum(given) == 10
    assert [one.version for one in acts.orders(0, 100)] == list(range(1, 11))


# ---- decisions obey the orders that were committed before them


def under(record: DecisionRecord, orders: int | None) -> DecisionRecord:
    return replace(record, orders=orders)


@pytest.mark.parametrize("orders", [0, 1, 3])
def test_a_decision_under_other_orders_than_the_last_is_not_appended(
    acts: SqlActStore, decisions: SqlDecisionStore, make_record: Any, keys: LogKeys, orders: int
) -> None:
    for one in chain(keys, storing(A), storing(B)):
        acts.add(one)
    with pytest.raises(StaleOrders) as stale:
        decisions.append(under(make_record(1), orders), IdempotencyClaim("payer", "k", "d"))
    assert stale.value.last == 2
    assert decisions.count() == 0
    assert decisions.claimed(IdempotencyClaim("payer", "k", "d")) is None


def test_a_decision_under_the_last_order_is_appended(
    acts: SqlActStore, decisions: SqlDecisionStore, make_record: Any, keys: LogKeys
) -> None:
    acts.add(an_order(1, keys))
    acts.add(note(keys))
    assert not decisions.append(under(make_record(1), 1), None).replayed
    assert not decisions.append(make_record(2), None).replayed, "one that says nothing of orders is not compared"


def test_a_stale_decision_touches_no_other_of_its_batch(
    acts: SqlActStore, decisions: SqlDecisionStore, make_record: Any, keys: LogKeys
) -> None:
    acts.add(an_order(1, keys))
    claim = IdempotencyClaim("payer", "k", "d")
    entries = [
        NewRecord(under(make_record(1), 0), claim),
        NewRecord(under(make_record(2), 1), claim),
        NewRecord(under(make_record(3), 1)),
    ]
    stale, first, second = decisions.append_all(entries)
    assert isinstance(stale, StaleOrders)
    assert [one.record.id for one in (first, second) if isinstance(one, Appended)] == [
        make_record(2).id,
        make_record(3).id,
    ]
    assert decisions.count() == 2


def test_stale_decisions_of_threads_are_told_to_their_threads(
    acts: SqlActStore, decisions: SqlDecisionStore, make_record: Any, keys: LogKeys
) -> None:
    acts.add(an_order(1, keys))

    def append(n: int) -> bool:
        try:
            decisions.append(under(make_record(n), n % 2), None)
        except StaleOrders:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(append, range(40))) == [False, True] * 20
    assert decisions.count() == 20


# ---- on PostgreSQL, where they are written side by side

POSTGRESQL = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = "


def waits_for_orders(engine: Engine) -> bool:
    with reading(engine) as connection:
        return bool(connection.exec_driver_sql(f"{_WAITING}{ORDERS_LOCK}").scalar_one())


@POSTGRESQL
def test_an_order_waits_for_the_decisions_that_are_being_appended(
    url: str, engine: Engine, acts: SqlActStore, decisions: SqlDecisionStore, make_record: Any, keys: LogKeys
) -> None:
    other = connect(url)
    with ThreadPoolExecutor(1) as threads, writing(engine) as connection:
        connection.execute(select(func.pg_advisory_xact_lock_shared(ORDERS_LOCK)))  # as an append has
        given = threads.submit(SqlActStore(other).add, an_order(1, keys))
        while not given.done() and not waits_for_orders(engine):
            pass
        assert not given.done()
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN")
        given.result(DEADLINE)
    other.dispose()
    assert acts.last_version() == 1


@POSTGRESQL
def test_a_decision_that_waited_for_an_order_knows_it(
    url: str, engine: Engine, acts: SqlActStore, decisions: SqlDecisionStore, make_record: Any, keys: LogKeys
) -> None:
    """Its transaction began before the order was committed."""
    other = connect(url)
    made = an_order(1, keys)
    with ThreadPoolExecutor(1) as threads, writing(engine) as connection:
        connection.execute(select(func.pg_advisory_xact_lock(ORDERS_LOCK)))  # as an order has
        appended = threads.submit(SqlDecisionStore(other).append, under(make_record(1), 0), None)
        while not appended.done() and not waits_for_orders(engine):
            pass
        assert not appended.done()
        row = {name: getattr(made, name) for name in ("id", "at", "action", "version", "body", "leaf", "receipt")}
        connection.execute(insert(acts_table), row)
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN")
        with pytest.raises(StaleOrders):
            appended.result(DEADLINE)
    other.dispose()
    assert decisions.count() == 0


@POSTGRESQL
def test_decisions_of_two_hosts_do_not_wait_for_each_other(
    url: str, engine: Engine, decisions: SqlDecisionStore, make_record: Any
) -> None:
    with writing(engine) as connection:
        connection.execute(select(func.pg_advisory_xact_lock_shared(ORDERS_LOCK)))
        other = connect(url)
        SqlDecisionStore(other).append(under(make_record(1), 0), None)
        other.dispose()
    assert decisions.count() == 1
