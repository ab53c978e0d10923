"""Threads that wait share a commit, and none waits for ever."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from policy_service.decisions.ports.records import (
    DecisionRecord,
    IdempotencyClaim,
    IdempotencyConflict,
    NewRecord,
    StoreRefused,
    StoreUnavailable,
)
from policy_service.store import SqlDecisionStore
from policy_service.store.grouping import GroupCommit

DEADLINE = 30  # seconds, after which a thread is taken to wait for ever


class Held:
    """A commit that begins when it is let, and says what it was given; an item that is an exception is its outcome."""

    def __init__(self) -> None:
        self.groups: list[list[Any]] = []
        self.begun, self.let = threading.Semaphore(0), threading.Semaphore(0)
        self.raises: BaseException | None = None

    def __call__(self, take: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        self.begun.release()
        assert self.let.acquire(timeout=DEADLINE)
        fault, self.raises = self.raises, None
        if fault is not None and not isinstance(fault, ValueError):
            raise fault
        self.groups.append(list(take()))
        if fault is not None:
            raise fault
        return self.groups[-1]


class Threads:
    """A leader whose commit has begun, and those that came after it."""

    def __init__(self, group: GroupCommit[Any, Any], held: Held, threads: ThreadPoolExecutor) -> None:
        self.group, self.held, self.threads = group, held, threads
        self.futures: list[Future[Any]] = []

    def come(self, *items: Any) -> None:
        for item in items:
            waiting = len(self.group._queue)
            self.futures.append(self.threads.submit(self.group, item))
            until(lambda waiting=waiting: len(self.group._queue) > waiting)

    def results(self) -> list[Any]:
        return [future.exception(DEADLINE) or future.result() for future in self.futures]


def until(holds: Callable[[], bool]) -> None:
    moment = threading.Event()
    for _ in range(DEADLINE * 1000):
        if holds():
            return
        moment.wait(0.001)
    raise AssertionError("it never came to hold")


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def threads(held: Held) -> Iterator[Threads]:
    with ThreadPoolExecutor(8) as pool:
        yield Threads(GroupCommit(held), held, pool)


def test_what_comes_before_the_transaction_has_begun_is_in_it_and_what_comes_later_is_in_the_next(
    threads: Threads, held: Held
) -> None:
    threads.come("a", "b", "c")
    held.let.release()
    until(lambda: len(held.groups) == 1)
    threads.come("d", "e")
    held.let.release()
    assert threads.results() == ["a", "b", "c", "d", "e"]
    assert held.groups == [["a", "b", "c"], ["d", "e"]]


def test_an_exception_in_place_of_an_outcome_is_raised_by_the_thread_of_that_item_alone(
    threads: Threads, held: Held
) -> None:
    refused = StoreRefused("b")
    threads.come("a", refused, "c")
    held.let.release()
    assert threads.results() == ["a", refused, "c"]


@pytest.mark.parametrize("fault", [StoreUnavailable("full"), ValueError("after it took"), SystemExit(3)])
def test_a_leader_that_fails_wakes_those_that_wait(threads: Threads, held: Held, fault: BaseException) -> None:
    threads.come("a", "b", "c")
    held.raises = fault
    held.let.release()
    first, *others = threads.results()
    assert first is fault
    assert [type(one) for one in others] == [StoreUnavailable] * 2
    assert (str(others[0]) == "full") is isinstance(fault, StoreUnavailable)
    threads.futures.clear()
    threads.come("d")
    held.let.release()
    assert threads.results() == ["d"]


# ---- in the store


@contextmanager
def others_wait(store: SqlDecisionStore, engine: Engine, monkeypatch: pytest.MonkeyPatch, count: int) -> Iterator[None]:
    """Appends begin their transaction only when that many wait."""
    group = store._group
    commit = group._commit
    monkeypatch.setattr(group, "_commit", lambda take: until(lambda: len(group._queue) == count) or commit(take))
    yield
    monkeypatch.undo()


def append_together(
    store: SqlDecisionStore, engine: Engine, monkeypatch: pytest.MonkeyPatch, entries: Sequence[NewRecord]
) -> list[Any]:
    def append(entry: NewRecord) -> Any:
        try:
            return store.append(entry.record, entry.claim)
        except (StoreRefused, StoreUnavailable, IdempotencyConflict) as fault:
            return fault

    with others_wait(store, engine, monkeypatch, len(entries)), ThreadPoolExecutor(len(entries)) as threads:
        return list(threads.map(append, entries))


def test_appends_of_threads_are_one_commit(
    engine: Engine, decisions: SqlDecisionStore, make_record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed: list[Sequence[DecisionRecord]] = []
    store = SqlDecisionStore(engine, on_commit=committed.append)
    entries = [
        NewRecord(make_record(n), IdempotencyClaim("payer", str(n % 2), "d") if n > 1 else None) for n in range(6)
    ]
    found = append_together(store, engine, monkeypatch, entries)
    assert sum(one.replayed for one in found) == 2
    (kept,) = committed
    assert sorted(one.id for one in kept) == sorted(one.record.id for one in found if not one.replayed)
    assert all(decisions.decision(one.record.id) == one.record for one in found)


def test_a_refused_append_and_a_conflict_touch_no_other_of_their_group(
    engine: Engine, decisions: SqlDecisionStore, make_record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = IdempotencyClaim("payer", "order-1", "digest-1")
    decisions.append(make_record(1), claim)
    entries = [
        NewRecord(make_record(2)),
        NewRecord(replace(make_record(3), bundle="sha256:" + "0" * 64)),
        NewRecord(make_record(4), replace(claim, request_digest="digest-2")),
        NewRecord(make_record(5), claim),
    ]
    kept, refused, conflict, replayed = append_together(decisions, engine, monkeypatch, entries)
    assert kept.record == make_record(2)
    assert isinstance(refused, StoreRefused)
    assert make_record(3).id in str(refused)
    assert isinstance(conflict, IdempotencyConflict)
    assert (replayed.record, replayed.replayed) == (make_record(1), True)
    assert decisions.count() == 2
