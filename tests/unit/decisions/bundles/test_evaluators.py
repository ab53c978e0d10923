"""Compiled bundles of one process: the active one, and a few others."""

import gc
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Lock, Thread, current_thread

import pytest

from policy_service import canonical
from policy_service.access import instants
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.decisions.bundles.evaluators import Evaluators, UnknownBundle, UnusableBundle
from policy_service.decisions.ports.activations import Activation, ActivationState
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.ports.unrecorded import OneBundle
from policy_service.engines.registry import engine
from policy_service.engines.rete import pen
from policy_service.policies.bundle import Bundle, bundles
from tests import bundles as bundles_of

RULES = Path(__file__).parents[3] / "cli" / "rules"
NOON = datetime(2023, 4, 2, 12, tzinfo=UTC)
FACTS = {"merchant": {"id": "m-1", "enrolled_on": "2023-03-01"}, "live": {"hours": 5, "orders": 120}}
DEADLINE_SECONDS = 60


@pytest.fixture(scope="module")
def loaded() -> Bundle:
    return bundles_of.loaded(RULES)


@pytest.fixture(scope="module")
def other(loaded: Bundle) -> Bundle:
    return bundles_of.edited(loaded, "shop/hours.yaml", ("| 10                  |", "| 11                  |"))


def ordered(id_: str, at: datetime = NOON, sequence: int = 1) -> Activation:
    return Activation(id_, id_, "activate", instants.text(NOON), instants.text(at), "wei", "", sequence)


@dataclass
class Several(OneBundle):
    """A store of several bundles whose active one a test sets; it may be away, and it counts how it is asked."""

    stored: dict[str, Bundle]
    active: str
    pending: tuple[Activation, ...] = ()
    away: bool = False
    looked: int = 0
    read: list[str] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)

    def activation_state(self, now: str) -> ActivationState:
        self.looked += 1
        if self.away:
            raise StoreUnavailable("away")
        return ActivationState(1, ordered(self.active), self.pending)

    def sources(self, id: str) -> dict[str, str] | None:
        self.read.append(id)
        if id in self.spoilt:
            return {"bundle.yaml": "["}
        return dict(self.stored[id].sources) if id in self.stored else None


@dataclass
class Times:
    elapsed: float = 0.0
    now: datetime = NOON


@pytest.fixture
def store(loaded: Bundle, other: Bundle) -> Several:
    return Several({loaded.id: loaded, other.id: other}, loaded.id)


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def make(store: Several, times: Times) -> Iterator[Callable[[float], Evaluators]]:
    made = []

    def build(refresh_seconds: float) -> Evaluators:
        made.append(
            Evaluators(
                store,
                engine("reference"),
                now=lambda: times.now,
                elapsed=lambda: times.elapsed,
                refresh_seconds=refresh_seconds,
            )
        )
        return made[-1]

    yield build
    for one in made:
        one.close()


def active_id(known: Evaluators) -> str | None:
    found = known.active()
    return None if found is None else found.bundle.id


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


# ---- any bundle


def test_a_bundle_that_is_kept_is_not_read_again(
    loaded: Bundle, make: Callable[[float], Evaluators], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = make(0)
    known.keep(loaded)
    monkeypatch.setattr(bundles, "load", None)
    found = known.of(loaded.id)
    assert found.bundle is loaded
    known.keep(loaded)
    assert known.of(loaded.id) is found
    assert known.active() is found


def test_a_stored_bundle_is_read_from_its_sources(loaded: Bundle, make: Callable[[float], Evaluators]) -> None:
    found = make(0).of(loaded.id)
    assert found.bundle.id == loaded.id
    assert found.bundle is not loaded


def test_a_bundle_that_is_not_stored_is_unknown(make: Callable[[float], Evaluators]) -> None:
    with pytest.raises(UnknownBundle):
        make(0).of("sha256:0")


def test_sources_that_give_another_bundle_are_not_used(
    store: Several, loaded: Bundle, other: Bundle, make: Callable[[float], Evaluators]
) -> None:
    store.stored[loaded.id] = other
    with pytest.raises(UnusableBundle):
        make(0).of(loaded.id)


def test_several_that_ask_for_a_bundle_read_it_once(
    store: Several, loaded: Bundle, make: Callable[[float], Evaluators]
) -> None:
    known = make(0)
    found: list[Evaluator] = []
    threads = [Thread(target=lambda: found.append(known.of(loaded.id))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(one) for one in found}) == 1
    assert store.read == [loaded.id]


def test_a_known_bundle_does_not_wait_for_another_that_is_read(
    store: Several, loaded: Bundle, other: Bundle, make: Callable[[float], Evaluators], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = make(0)
    known.keep(loaded)
    reading, go_on, inner = Event(), Event(), store.sources

    def slow(id: str) -> dict[str, str] | None:
        reading.set()
        assert go_on.wait(DEADLINE_SECONDS)
        return inner(id)

    monkeypatch.setattr(store, "sources", slow)
    thread = Thread(target=known.of, args=(other.id,))
    thread.start()
    try:
        assert reading.wait(DEADLINE_SECONDS)
        assert known.of(loaded.id).bundle is loaded
    finally:
        go_on.set()
        thread.join()


def test_old_bundles_go_and_the_active_one_stays(
    store: Several, loaded: Bundle, make: Callable[[float], Evaluators]
) -> None:
    known = make(float("inf"))
    live = known.active()
    for number in range(20):
        known.keep(replace(loaded, id=f"sha256:{number}"))
    assert known.of(loaded.id) is live
    assert store.read == [loaded.id]
    with pytest.raises(UnknownBundle):
        known.of("sha256:0")


# ---- the active one


def test_it_is_looked_for_when_it_is_due(
    store: Several, loaded: Bundle, other: Bundle, times: Times, make: Callable[[float], Evaluators]
) -> None:
    known = make(1)
    assert active_id(known) == loaded.id
    store.active = other.id
    times.elapsed = 0.9
    assert active_id(known) == loaded.id
    times.elapsed = 1.0
    assert active_id(known) == other.id


def test_of_requests_that_come_at_once_one_looks_and_the_others_are_answered(
    store: Several, loaded: Bundle, other: Bundle, times: Times, make: Callable[[float], Evaluators],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    known = make(1)
    known.active()
    store.active = other.id
    looking, go_on, inner = Event(), Event(), store.activation_state
    before = store.looked

    def slow(now: str) -> ActivationState:
        looking.set()
        assert go_on.wait(DEADLINE_SECONDS)
        return inner(now)

    monkeypatch.setattr(store, "activation_state", slow)
    times.elapsed = 5.0
    first = Thread(target=known.active)
    first.start()
    try:
        assert looking.wait(DEADLINE_SECONDS)
        assert {active_id(known) for _ in range(100)} == {loaded.id}
    finally:
        go_on.set()
        first.join()
    assert active_id(known) == other.id
    assert store.looked == before + 1


def test_while_the_store_is_away_the_last_one_answers(
    store: Several, loaded: Bundle, other: Bundle, times: Times, make: Callable[[float], Evaluators]
) -> None:
    known = make(1)
    known.active()
    store.away, store.active, times.elapsed = True, other.id, 2.0
    before = store.looked
    assert [active_id(known) for _ in range(5)] == [loaded.id] * 5
    assert store.looked == before + 1  # not at every request
    with pytest.raises(StoreUnavailable):
        known.refresh()
    store.away, times.elapsed = False, 4.0
    assert active_id(known) == other.id
    assert known.fault is None


def test_without_a_last_one_an_absent_store_is_told(store: Several, make: Callable[[float], Evaluators]) -> None:
    store.away = True
    with pytest.raises(StoreUnavailable):
        make(1).active()


def test_a_bundle_that_cannot_be_loaded_leaves_the_last_one_and_is_told(
    store: Several, loaded: Bundle, other: Bundle, times: Times, make: Callable[[float], Evaluators],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    known = make(1)
    known.active()
    store.active, store.spoilt, times.elapsed = other.id, {other.id}, 2.0
    assert active_id(known) == loaded.id
    assert known.fault is not None
    assert other.id in known.fault
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    for times.elapsed in (4.0, 6.0, 8.0):
        assert active_id(known) == loaded.id
    assert store.read.count(other.id) == 1  # it is left alone for a while
    store.spoilt, times.elapsed = set(), 60.0
    assert active_id(known) == other.id
    assert known.fault is None


def test_a_first_bundle_that_cannot_be_loaded_is_none(
    store: Several, loaded: Bundle, make: Callable[[float], Evaluators]
) -> None:
    store.spoilt = {loaded.id}
    known = make(1)
    assert known.active() is None
    assert known.active() is None
    assert known.fault is not None


# ---- beside requests


def test_a_thread_takes_over_what_is_activated(
    store: Several, other: Bundle, make: Callable[[float], Evaluators]
) -> None:
    known = make(0.01)
    known.active()
    known.keep_fresh()
    store.active = other.id
    until(lambda: active_id(known) == other.id)


def test_no_request_looks_while_the_thread_runs(
    store: Several, times: Times, make: Callable[[float], Evaluators], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = make(0.01)
    known.active()
    asking: set[str] = set()
    inner = store.activation_state

    def noted(now: str) -> ActivationState:
        asking.add(current_thread().name)
        return inner(now)

    monkeypatch.setattr(store, "activation_state", noted)
    known.keep_fresh()
    until(lambda: bool(asking))
    times.elapsed = 1000.0
    for _ in range(100):
        known.active()
    assert asking == {"bundle-refresh"}


def test_the_thread_outlives_a_store_that_is_away_and_a_spoilt_bundle(
    store: Several, loaded: Bundle, other: Bundle, times: Times, make: Callable[[float], Evaluators]
) -> None:
    known = make(0.01)
    known.active()
    store.away = True
    known.keep_fresh()
    before = store.looked
    until(lambda: store.looked > before + 2)
    store.away, store.active, store.spoilt = False, other.id, {other.id}
    until(lambda: known.fault is not None)
    assert active_id(known) == loaded.id
    store.spoilt, times.elapsed = set(), 100.0
    until(lambda: active_id(known) == other.id)


def test_closing_ends_the_thread(store: Several, make: Callable[[float], Evaluators]) -> None:
    known = make(0.01)
    known.active()
    known.keep_fresh()
    known.close()
    looked = store.looked
    known.keep_fresh()
    until(lambda: store.looked > looked)  # and it can be begun anew


def test_what_is_activated_soon_is_read_beforehand(
    store: Several, other: Bundle, make: Callable[[float], Evaluators]
) -> None:
    store.pending = (ordered(other.id, NOON + timedelta(seconds=59), 2),)
    known = make(0.01)
    known.active()
    known.keep_fresh()
    until(lambda: other.id in store.read)


def test_what_is_activated_later_is_not(store: Several, other: Bundle, make: Callable[[float], Evaluators]) -> None:
    store.pending = (ordered(other.id, NOON + timedelta(seconds=61), 2),)
    known = make(0.01)
    known.active()
    known.keep_fresh()
    before = store.looked
    until(lambda: store.looked > before + 3)
    assert other.id not in store.read


def test_a_pending_bundle_that_cannot_be_used_is_told_before(
    store: Several, loaded: Bundle, other: Bundle, make: Callable[[float], Evaluators]
) -> None:
    store.pending, store.spoilt = (ordered(other.id, NOON + timedelta(seconds=30), 2),), {other.id}
    known = make(0.01)
    known.active()
    known.keep_fresh()
    until(lambda: known.fault is not None)
    assert active_id(known) == loaded.id
    store.pending = ()
    until(lambda: known.fault is None)


def test_every_answer_belongs_wholly_to_one_bundle(
    store: Several, loaded: Bundle, other: Bundle, make: Callable[[float], Evaluators]
) -> None:
    """Threads ask while the bundle switches; what they are given is one of two answers, byte for byte."""
    known = make(0.001)

    def answered(evaluator: Evaluator) -> bytes:
        day = datetime(2023, 4, 1, tzinfo=UTC).date()
        state = evaluator.reader.read(FACTS, day)
        return canonical.trusted(evaluator.evaluate(state, Question(day)))

    expected = {one.id: answered(Evaluator(one, engine("reference"))) for one in (loaded, other)}
    assert len(set(expected.values())) == 2
    seen: dict[str, int] = dict.fromkeys(expected, 0)
    wrong: list[bytes] = []
    done, lock = Event(), Lock()

    def ask() -> None:
        while not done.is_set():
            evaluator = known.active()
            assert evaluator is not None
            found = answered(evaluator)
            with lock:
                seen[evaluator.bundle.id] += 1
                if found != expected[evaluator.bundle.id]:
                    wrong.append(found)

    known.keep_fresh()
    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(20):
            store.active = (other if turn % 2 == 0 else loaded).id
            until(lambda: active_id(known) == store.active)
            asked = seen[store.active]
            until(lambda asked=asked: seen[store.active] > asked)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not wrong


# ---- memory


def variants(loaded: Bundle, count: int) -> list[Bundle]:
    """Bundles that differ in one number."""
    ten = "| 10                  |"
    return [
        bundles_of.edited(loaded, "shop/hours.yaml", (ten, ten.replace("10", str(n)))) for n in range(20, 20 + count)
    ]


def test_bundles_that_were_taken_over_are_freed_with_all_that_was_compiled_of_them(
    loaded: Bundle, store: Several, times: Times
) -> None:
    """Only the active bundle and one other stay, and of the rulesets of the C engine only those in use."""
    gc.collect()
    before = pen.rulesets()
    known = Evaluators(store, engine("rete"), now=lambda: times.now, elapsed=lambda: times.elapsed, refresh_seconds=1)
    seen: list[weakref.ref[Evaluator]] = []
    rulesets: list[int] = []
    for one in variants(loaded, 12):
        store.stored[one.id], store.active = one, one.id
        known.catch_up()
        evaluator = known.active()
        assert evaluator is not None
        state = evaluator.reader.read(FACTS, NOON.date())
        evaluator.evaluate(state, Question(NOON.date()))
        seen.append(weakref.ref(evaluator))
        del evaluator, state
        gc.collect()
        rulesets.append(pen.rulesets() - before)
    assert [one() is not None for one in seen] == [False] * 10 + [True] * 2
    assert rulesets[4:] == [rulesets[4]] * 8
    known.close()


def test_after_a_take_over_little_stays_compiled_of_the_other_bundles(
    loaded: Bundle, store: Several, times: Times
) -> None:
    known = Evaluators(store, engine("rete"), now=lambda: times.now, elapsed=lambda: times.elapsed, refresh_seconds=1)
    first, second = variants(loaded, 2)
    kept = []
    for one in (first, second):
        store.stored[one.id], store.active = one, one.id
        known.catch_up()
        kept.append(known.of(one.id))
        for day in (date(2023, 4, 2), date(2022, 4, 2)):
            kept[-1].epoch_program(day)
    assert [one.compiled for one in kept] == [1, 2]
    kept[0].epoch_program(date(2023, 4, 2))  # compiled again when it is asked for
    assert kept[0].compiled == 2
