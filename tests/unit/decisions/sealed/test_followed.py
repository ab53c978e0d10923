"""Bundles, keys, shadows and the trail, as the orders and notes of the log say them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, update

from policy_service.access.keys import Key
from policy_service.decisions.ports.activations import BundleEntry, StaleVersion, StopEvent
from policy_service.decisions.ports.acts import Change
from policy_service.decisions.ports.observations import Counts, Findings, NewOrder
from policy_service.decisions.ports.records import StoreRefused, StoreUnavailable
from policy_service.decisions.sealed.followed import (
    UNREADABLE,
    ActTrail,
    OrderedBundles,
    OrderedKeys,
    OrderedShadows,
    until_given,
)
from policy_service.decisions.sealed.guard import Guard
from policy_service.decisions.sealed.ordering import SignedOrders
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.store import SqlActStore, SqlBundleContents, SqlShadowFindings, connect
from policy_service.store.database import writing
from policy_service.store.tables import acts as table
from tests.signed import (
    EVENING,
    MORNING,
    NOON,
    ORIGIN,
    A,
    B,
    C,
    activation,
    entry,
    new_id,
    new_keys,
    storing,
    ticking,
)

KEY = Key("k1", "payer", "0" * 64, ("evaluate", "read"), 20, MORNING, "admin")
MADE = entry(MORNING, "key.create", "k1", reason="结算", detail={"name": "payer"}, request_id="req-1")
ENDED = entry(NOON, "key.revoke", "k1")


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> LogKeys:
    return new_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


def follower(engine: Engine, signing: LogKeys) -> SignedOrders:
    made = SignedOrders(SqlActStore(engine), signing, Guard(None, ORIGIN), now=ticking(), new_id=new_id)
    made.ready()
    return made


@pytest.fixture
def orders(engine: Engine, signing: LogKeys) -> SignedOrders:
    """Of a log that has begun; clocks of the tests are set back against it."""
    return follower(engine, signing)


@pytest.fixture
def bundles(engine: Engine, orders: SignedOrders) -> OrderedBundles:
    until_given(orders, lambda _: storing(A, B, C))
    return OrderedBundles(SqlBundleContents(engine), orders)


@pytest.fixture
def keys(orders: SignedOrders) -> OrderedKeys:
    return OrderedKeys(orders)


@pytest.fixture
def trail(orders: SignedOrders) -> ActTrail:
    return ActTrail(orders)


def activate(orders: SignedOrders, *given: Any) -> None:
    for one in given:
        until_given(orders, lambda _, one=one: Change(entry(one.at), activations=[one]))  # type: ignore[misc]  # at once


def actions(trail: ActTrail) -> list[str]:
    return [one.action for one in trail.trail() if one.action != "log.begin"]


# ---- bundles


def test_bundles_are_read_with_their_contents(bundles: OrderedBundles) -> None:
    assert bundles.sources(A) == {}
    found = bundles.bundle(B)
    assert isinstance(found, BundleEntry)
    assert [one.id for one in bundles.bundles()] == [A, B, C]


def test_what_another_process_orders_is_read_as_soon_as_it_is_asked(
    engine: Engine, signing: LogKeys, bundles: OrderedBundles
) -> None:
    activate(follower(engine, signing), activation(A))
    active = bundles.activation_state(NOON).active
    assert active is not None
    assert active.bundle == A
    assert bundles.was_active(A, NOON)


def test_stops_are_those_that_are_known_unless_they_are_asked_for_anew(
    engine: Engine, signing: LogKeys, bundles: OrderedBundles
) -> None:
    stop = StopEvent("stop", "a.x", None, NOON, "wei", "wrong")
    until_given(follower(engine, signing), lambda _: Change(entry(NOON), stops=[stop]))
    assert (bundles.stops().version, bundles.stops().events) == (2, ())
    assert (bundles.stops(fresh=True).version, bundles.stops().events) == (3, (stop,))
    assert bundles.stop_events() == [stop]


def test_what_the_folder_gave_is_told_apart_from_what_people_activated(
    orders: SignedOrders, bundles: OrderedBundles
) -> None:
    assert bundles.last_from_folder() is None
    activate(orders, activation(C, kind="folder", published=A), activation(B), activation(C, kind="stop", published=B))
    assert bundles.last_from_folder() == A


def test_the_history_is_complete_and_pages_from_the_newest(orders: SignedOrders, bundles: OrderedBundles) -> None:
    assert bundles.activations() == []
    activate(orders, activation(A, kind="folder"), activation(B), activation(A, effective_at=EVENING))
    assert [(one.sequence, one.bundle) for one in bundles.activations()] == [(3, A), (2, B), (1, A)]
    assert [one.sequence for one in bundles.activations(limit=2)] == [3, 2]
    assert [one.sequence for one in bundles.activations(before=3, limit=1)] == [2]
    assert bundles.activations(before=1) == []


# ---- keys


def test_a_key_is_kept_with_its_number_and_told_in_the_trail(keys: OrderedKeys, trail: ActTrail) -> None:
    assert not keys.any_keys()
    kept = keys.add(KEY, MADE)
    assert kept == replace(KEY, number=1)
    assert keys.key("k1") == kept
    assert keys.any_keys()
    told = trail.trail()[0]
    assert (told.actor, told.action, told.target) == ("wei", "key.create", "k1")
    assert (told.reason, told.detail, told.request_id) == ("结算", {"name": "payer"}, "req-1")


def test_an_unknown_key_is_none(keys: OrderedKeys, trail: ActTrail) -> None:
    assert keys.key("k1") is None
    assert keys.end("k1", expires_at=None, revoked_at=NOON, trail=ENDED) is None
    assert actions(trail) == []


def test_a_taken_id_is_refused_and_leaves_no_line(keys: OrderedKeys, trail: ActTrail) -> None:
    keys.add(KEY, MADE)
    with pytest.raises(StoreRefused):
        keys.add(replace(KEY, name="other"), MADE)
    (kept,) = keys.keys()
    assert kept.name == "payer"
    assert actions(trail) == ["key.create"]


def test_keys_are_listed_oldest_first_with_those_that_ended(keys: OrderedKeys) -> None:
    for id in ("k2", "k1", "k3"):
        keys.add(replace(KEY, id=id), MADE)
    keys.end("k2", expires_at=None, revoked_at=NOON, trail=ENDED)
    listed = keys.keys()
    assert [(key.id, key.revoked_at) for key in listed] == [("k2", NOON), ("k1", None), ("k3", None)]


def test_an_end_is_only_made_earlier(keys: OrderedKeys, trail: ActTrail) -> None:
    keys.add(KEY, MADE)
    for expires_at, revoked_at in ((NOON, None), (EVENING, NOON), (MORNING, EVENING), (None, None)):
        found = keys.end("k1", expires_at=expires_at, revoked_at=revoked_at, trail=ENDED)
    assert found is not None
    assert (found.expires_at, found.revoked_at) == (MORNING, NOON)
    assert keys.key("k1") == found
    assert actions(trail) == ["key.revoke"] * 4 + ["key.create"]


def test_of_ends_at_one_moment_the_earliest_stays(engine: Engine, signing: LogKeys, keys: OrderedKeys) -> None:
    """Each of a process of its own."""
    keys.add(KEY, MADE)
    ends = [f"2023-04-02T00:00:{n:02}.000Z" for n in range(8)]
    hosts = [OrderedKeys(follower(engine, signing)) for _ in range(2)]

    def end(n: int) -> None:
        hosts[n % 2].end("k1", expires_at=ends[n], revoked_at=None, trail=ENDED)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(end, range(8)))
    found = keys.key("k1")
    assert found is not None
    assert found.expires_at == ends[0]


# ---- shadows


def test_shadows_are_ordered_in_the_log_and_what_they_found_is_kept_beside_it(
    engine: Engine, orders: SignedOrders, bundles: OrderedBundles
) -> None:
    shadows = OrderedShadows(SqlShadowFindings(engine), orders)
    assert shadows.last() is None
    started, ended = (NewOrder(action, A, "0.5", NOON, "wei", "") for action in ("start", "end"))
    shadows.order([started, replace(started, bundle=B)], entry(NOON, "shadow.start"))
    shadows.order([ended], entry(NOON, "shadow.end"))
    last = shadows.last()
    assert last is not None
    assert (last.action, last.bundle, last.sequence) == ("end", A, 3)
    assert [one.sequence for one in shadows.orders(A)] == [3, 1]
    shadows.add(1, Findings({"a.x": Counts(2, 1)}))
    assert shadows.findings(1).counts == {"a.x": Counts(2, 1)}


# ---- the trail


def test_the_trail_pages_from_the_newest(keys: OrderedKeys, trail: ActTrail) -> None:
    for n in range(5):
        keys.add(replace(KEY, id=f"k{n}"), replace(MADE, target=f"k{n}"))
    first = trail.trail(limit=2)
    assert [one.target for one in first] == ["k4", "k3"]
    assert [one.target for one in trail.trail(before=first[-1].sequence)] == ["k2", "k1", "k0", ORIGIN]


def test_notes_stand_in_the_trail_with_the_orders(keys: OrderedKeys, trail: ActTrail) -> None:
    keys.add(KEY, MADE)
    trail.note(entry(NOON, "decision.reveal", "d"))
    assert actions(trail) == ["decision.reveal", "key.create"]


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"act_id": 1}'])
def test_an_act_that_cannot_be_read_is_shown_as_such(
    engine: Engine, keys: OrderedKeys, trail: ActTrail, body: bytes
) -> None:
    trail.note(entry(NOON, "decision.reveal", "d"))
    keys.add(KEY, MADE)
    with writing(engine) as connection:
        connection.execute(update(table).where(table.c.action == "decision.reveal").values(body=body))
    assert actions(trail) == ["key.create", UNREADABLE]


# ---- whatever others order


def test_changes_of_several_processes_at_once_are_all_made_each_on_those_before(
    engine: Engine, signing: LogKeys, bundles: OrderedBundles
) -> None:
    hosts = [follower(engine, signing) for _ in range(3)]

    def stop(n: int) -> None:
        def change(followed: Any) -> Change:
            known = str(len(followed.stop_events))
            return Change(entry(NOON), stops=[StopEvent("stop", f"policy.p{n}", None, NOON, "wei", known)])

        until_given(hosts[n % 3], change)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(stop, range(9)))
    assert [one.reason for one in bundles.stop_events()] == [str(n) for n in range(9)]


def test_who_is_outrun_again_and_again_gives_up(orders: SignedOrders, monkeypatch: pytest.MonkeyPatch) -> None:
    def outrun(*_: object) -> None:
        raise StaleVersion

    monkeypatch.setattr(orders, "give", outrun)
    with pytest.raises(StoreUnavailable, match="again and again"):
        until_given(orders, lambda _: Change(entry(NOON)))
