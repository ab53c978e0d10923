"""Bundles stay as first seen; the history of the active one only grows."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest
from sqlalchemy import Engine, event

from policy_service.access.trail import TrailEntry
from policy_service.decisions.ports.activations import (
    Activation,
    ActivationState,
    BundleEntry,
    BundleSources,
    Change,
    Kind,
    NewActivation,
    StaleVersion,
    StopEvent,
)
from policy_service.decisions.ports.records import StoreRefused
from policy_service.store import SqlBundleStore, SqlTrailStore

A, B, C = ("sha256:" + letter * 64 for letter in "abc")
MORNING = "2023-04-01T08:00:00.000Z"
NOON = "2023-04-01T12:00:00.000Z"
EVENING = "2023-04-01T18:00:00.000Z"
SOURCES = {"facts.yaml": "facts: {}\n", "川流/hours.yaml": "policy: 川流\r\n# 说明 \t\n", "bundle.yaml": ""}


@pytest.fixture
def stored(bundles: SqlBundleStore) -> SqlBundleStore:
    for id in (A, B, C):
        bundles.save_bundle(id, None, {}, MORNING)
    return bundles


def order(
    id: str, at: str = MORNING, *, effective_at: str | None = None, kind: Kind = "activate", published: str = ""
) -> NewActivation:
    return NewActivation(id, published or id, kind, at, effective_at or at, "wei", "修正")


def activate(store: SqlBundleStore, *orders: NewActivation) -> None:
    """Each in a change of its own."""
    for one in orders:
        store.apply(Change(activations=[one]), one.at, store.activation_state(one.at).version)


def kept(sequence: int, given: NewActivation) -> Activation:
    return Activation(**asdict(given), sequence=sequence)


def active(store: SqlBundleStore, now: str) -> str | None:
    found = store.activation_state(now).active
    return found and found.bundle


def test_a_bundle_is_read_back_with_its_sources(bundles: SqlBundleStore) -> None:
    assert bundles.save_bundle(A, "spring", SOURCES, MORNING)
    assert bundles.sources(A) == SOURCES
    assert bundles.bundles() == [BundleEntry(A, "spring", MORNING)]


def test_sources_come_sorted_by_path(bundles: SqlBundleStore) -> None:
    bundles.save_bundle(A, None, SOURCES, MORNING)
    assert list(bundles.sources(A) or {}) == sorted(SOURCES)


def test_an_unknown_bundle_has_no_sources(bundles: SqlBundleStore) -> None:
    assert bundles.sources(A) is None


def test_a_bundle_is_found_without_its_sources(bundles: SqlBundleStore) -> None:
    bundles.save_bundle(A, "spring", SOURCES, MORNING)
    assert bundles.bundle(A) == BundleEntry(A, "spring", MORNING)
    assert bundles.bundle(B) is None


def test_of_threads_that_save_a_bundle_at_once_one_is_told_that_it_is_new(bundles: SqlBundleStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        new = list(threads.map(lambda _: bundles.save_bundle(A, None, SOURCES, MORNING), range(8)))
    assert sorted(new) == [False] * 7 + [True]
    assert bundles.sources(A) == SOURCES


def test_a_bundle_of_no_files_is_known(bundles: SqlBundleStore) -> None:
    bundles.save_bundle(A, None, {}, MORNING)
    assert bundles.sources(A) == {}


def test_what_was_first_stored_under_an_id_stays(bundles: SqlBundleStore) -> None:
    bundles.save_bundle(A, "spring", SOURCES, MORNING)
    assert not bundles.save_bundle(A, "summer", {"bundle.yaml": "# a comment more\n"}, NOON)
    assert bundles.sources(A) == SOURCES
    assert bundles.bundles() == [BundleEntry(A, "spring", MORNING)]


def test_bundles_are_listed_as_first_seen(bundles: SqlBundleStore) -> None:
    bundles.save_bundle(A, None, {}, NOON)
    bundles.save_bundle(B, None, {}, MORNING)
    assert [entry.id for entry in bundles.bundles()] == [B, A]


def test_before_the_first_activation_none_is_active(stored: SqlBundleStore) -> None:
    assert stored.activation_state(NOON) == ActivationState(0)
    assert stored.last_from_folder() is None
    assert stored.activations() == []
    assert not stored.was_active(A, NOON)


def test_of_orders_for_one_instant_the_last_holds(stored: SqlBundleStore) -> None:
    activate(stored, order(A), order(B), order(C), order(B))
    assert active(stored, MORNING) == B


def test_the_order_that_took_effect_last_holds_whenever_it_was_given(stored: SqlBundleStore) -> None:
    activate(stored, order(A, MORNING), order(B, MORNING, effective_at=NOON), order(C, MORNING))
    assert active(stored, MORNING) == C
    assert active(stored, NOON) == B


def test_an_order_holds_from_its_instant_on_and_is_pending_before(stored: SqlBundleStore) -> None:
    now, later, latest = order(A), order(B, effective_at=EVENING), order(C, effective_at=NOON)
    activate(stored, now, later, latest)
    assert stored.activation_state(MORNING) == ActivationState(3, kept(1, now), (kept(3, latest), kept(2, later)))
    assert stored.activation_state(NOON) == ActivationState(3, kept(3, latest), (kept(2, later),))
    assert stored.activation_state(EVENING) == ActivationState(3, kept(2, later))


def test_pending_orders_for_one_instant_come_as_they_were_given(stored: SqlBundleStore) -> None:
    activate(stored, order(B, effective_at=NOON), order(A, effective_at=NOON))
    assert [one.bundle for one in stored.activation_state(MORNING).pending] == [B, A]
    assert active(stored, NOON) == A


def test_a_bundle_that_was_replaced_was_active(stored: SqlBundleStore) -> None:
    activate(stored, order(A), order(B, NOON))
    assert stored.was_active(A, EVENING)
    assert stored.was_active(B, NOON)
    assert not stored.was_active(C, EVENING)


def test_a_bundle_that_is_to_be_active_later_was_not(stored: SqlBundleStore) -> None:
    activate(stored, order(A, effective_at=NOON))
    assert not stored.was_active(A, MORNING)
    assert stored.was_active(A, NOON)


def test_what_the_folder_gave_is_told_apart_from_what_people_activated(stored: SqlBundleStore) -> None:
    activate(stored, order(C, kind="folder", published=A), order(B, NOON), order(C, NOON, kind="stop", published=B))
    assert stored.last_from_folder() == A


def test_the_history_is_complete_and_pages_from_the_newest(stored: SqlBundleStore) -> None:
    orders = [order(A, kind="folder"), order(B), order(A, NOON, effective_at=EVENING, kind="rollback", published=C)]
    activate(stored, *orders)
    newest_first = [kept(3, orders[2]), kept(2, orders[1]), kept(1, orders[0])]
    assert stored.activations() == newest_first
    assert stored.activations(limit=2) == newest_first[:2]
    assert stored.activations(before=2) == newest_first[2:]


def test_the_last_event_about_a_policy_or_reward_is_what_holds(stored: SqlBundleStore) -> None:
    def event(action: str, policy: str, reward: str | None, at: str) -> StopEvent:
        return StopEvent("stop" if action == "stop" else "resume", policy, reward, at, "wei", "wrong")

    events = [
        event("stop", "b.x", None, MORNING),
        event("stop", "a.x", "r", MORNING),
        event("stop", "a.x", None, MORNING),
        event("resume", "b.x", None, NOON),
        event("resume", "a.x", None, NOON),
        event("stop", "b.x", None, EVENING),
    ]
    for n, one in enumerate(events):
        stored.apply(Change(stops=[one]), one.at, n)
    assert stored.activation_state(MORNING).stops == (events[1], events[5])
    assert stored.stop_events() == events


def test_a_change_is_made_whole(stored: SqlBundleStore) -> None:
    new = "sha256:" + "d" * 64
    stop = StopEvent("stop", "a.x", None, NOON, "wei", "wrong")
    told = TrailEntry(NOON, "wei", "policy.stop", "a.x", "wrong", {"从": "a"}, "req-1")
    change = Change([BundleSources(new, "derived", SOURCES)], [order(new, NOON), order(A, NOON)], [stop], [told])
    stored.apply(change, NOON, 0)
    assert stored.sources(new) == SOURCES
    assert stored.bundle(new) == BundleEntry(new, "derived", NOON)
    assert stored.activation_state(NOON) == ActivationState(1, kept(2, order(A, NOON)), (), (stop,))


def test_a_change_that_names_an_unknown_bundle_leaves_nothing(engine: Engine, stored: SqlBundleStore) -> None:
    new = "sha256:" + "d" * 64
    told = TrailEntry(NOON, "wei", "bundle.activate", new)
    change = Change([BundleSources(new, None, {})], [order("sha256:" + "0" * 64)], trail=[told])
    with pytest.raises(StoreRefused):
        stored.apply(change, NOON, 0)
    assert stored.activation_state(NOON) == ActivationState(0)
    assert stored.bundle(new) is None
    assert SqlTrailStore(engine).trail() == []


@pytest.mark.parametrize("version", [0, 2])
def test_a_change_thought_out_against_another_standing_is_outrun(stored: SqlBundleStore, version: int) -> None:
    activate(stored, order(A))
    with pytest.raises(StaleVersion):
        stored.apply(Change(activations=[order(B)]), NOON, version)
    assert stored.activation_state(NOON) == ActivationState(1, kept(1, order(A)))


def test_of_changes_at_one_moment_none_is_lost_and_each_knew_those_before(stored: SqlBundleStore) -> None:
    def stop(n: int) -> int:
        while True:
            found = stored.activation_state(NOON)
            event = StopEvent("stop", f"policy.p{n}", None, NOON, "wei", str(len(found.stops)))
            try:
                stored.apply(Change(stops=[event]), NOON, found.version)
            except StaleVersion:
                continue
            return found.version

    with ThreadPoolExecutor(4) as threads:
        versions = list(threads.map(stop, range(12)))
    assert sorted(versions) == list(range(12))
    assert [one.reason for one in stored.stop_events()] == [str(n) for n in range(12)]


def test_a_standing_is_read_as_one(engine: Engine, stored: SqlBundleStore) -> None:
    """Whatever commits between its statements."""
    activate(stored, order(A))
    late: list[object] = []

    def commit_another(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM changes" in statement and not late:
            late.append(statement)
            with ThreadPoolExecutor(1) as other:
                other.submit(stored.apply, Change(activations=[order(B)]), MORNING, 1).result()

    event.listen(engine, "after_cursor_execute", commit_another)
    assert stored.activation_state(NOON) == ActivationState(1, kept(1, order(A)))
    assert late
    assert stored.activation_state(NOON) == ActivationState(2, kept(2, order(B)))
