"""Cosignatures are kept by head and witness, on both databases."""

import threading

import pytest
from sqlalchemy import Engine

from policy_service.decisions.ports.cosignatures import KeptCosignature
from policy_service.store import SqlCosignatureStore

NOON, LATER = "2023-04-01T12:00:00.000Z", "2023-04-01T12:05:00.000Z"
A, B = "witness.example/a+00000001", "witness.example/b+00000002"


@pytest.fixture
def kept(engine: Engine) -> SqlCosignatureStore:
    return SqlCosignatureStore(engine)


def one(size: int, key: str = A, line: str = "— a AAAA\n", at: str = NOON) -> KeptCosignature:
    return KeptCosignature(size, key, line, at)


def test_each_head_has_its_own_in_the_order_of_witnesses(kept: SqlCosignatureStore) -> None:
    for found in (one(7, B), one(7), one(9)):
        kept.keep(found)
    assert kept.of_head(7) == [one(7), one(7, B)]
    assert kept.of_head(8) == []


def test_a_later_one_of_the_same_witness_takes_the_place_of_the_earlier(kept: SqlCosignatureStore) -> None:
    kept.keep(one(7))
    kept.keep(one(7, line="— a BBBB\n", at=LATER))
    assert kept.of_head(7) == [one(7, line="— a BBBB\n", at=LATER)]


def test_the_largest_head_of_a_witness_is_known(kept: SqlCosignatureStore) -> None:
    for found in (one(7), one(2**40, B), one(9)):
        kept.keep(found)
    assert (kept.largest(A), kept.largest(B), kept.largest("c")) == (9, 2**40, 0)


def test_all_are_read_from_the_largest_head_down_and_a_head_never_in_part(kept: SqlCosignatureStore) -> None:
    for size in (3, 5, 7):
        kept.keep(one(size))
        kept.keep(one(size, B))
    assert [(found.size, found.key) for found in kept.before(None, heads=2)] == [(7, A), (7, B), (5, A), (5, B)]
    assert [found.size for found in kept.before(5)] == [3, 3]
    assert kept.before(3) == []


def test_two_at_once_keep_one(engine: Engine) -> None:
    stores = [SqlCosignatureStore(engine) for _ in range(4)]
    together = threading.Barrier(4)

    def keep(store: SqlCosignatureStore) -> None:
        together.wait()
        store.keep(one(7))

    threads = [threading.Thread(target=keep, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].of_head(7) == [one(7)]
