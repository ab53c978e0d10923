"""Keys are never taken out, and an end is only made earlier; each act leaves a line in the trail."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from policy_service.access.keys import Key
from policy_service.access.trail import TrailEntry
from policy_service.decisions.ports.records import StoreRefused
from policy_service.store import SqlKeyStore, SqlTrailStore

MORNING = "2023-04-01T08:00:00.000Z"
NOON = "2023-04-01T12:00:00.000Z"
EVENING = "2023-04-01T18:00:00.000Z"
KEY = Key("k1", "payer", "0" * 64, ("evaluate", "read"), 20, MORNING, "admin")
MADE = TrailEntry(MORNING, "admin", "key.create", "k1", "结算", {"name": "payer"}, "req-1")
ENDED = TrailEntry(NOON, "admin", "key.revoke", "k1")


@pytest.fixture
def keys(engine: Engine) -> SqlKeyStore:
    return SqlKeyStore(engine)


@pytest.fixture
def trail(engine: Engine) -> SqlTrailStore:
    return SqlTrailStore(engine)


def acts(trail: SqlTrailStore) -> list[str]:
    return [one.action for one in trail.trail()]


def test_a_key_is_kept_with_its_number_and_told_in_the_trail(keys: SqlKeyStore, trail: SqlTrailStore) -> None:
    assert not keys.any_keys()
    kept = keys.add(KEY, MADE)
    assert kept == replace(KEY, number=kept.number)
    assert kept.number is not None
    assert keys.key("k1") == kept
    assert keys.any_keys()
    (told,) = trail.trail()
    assert (told.at, told.actor, told.action, told.target) == (MORNING, "admin", "key.create", "k1")
    assert (told.reason, told.detail, told.request_id) == ("结算", {"name": "payer"}, "req-1")


def test_an_unknown_key_is_none(keys: SqlKeyStore, trail: SqlTrailStore) -> None:
    assert keys.key("k1") is None
    assert keys.end("k1", expires_at=None, revoked_at=NOON, trail=ENDED) is None
    assert trail.trail() == []


def test_a_taken_id_is_refused_and_leaves_no_line(keys: SqlKeyStore, trail: SqlTrailStore) -> None:
    keys.add(KEY, MADE)
    with pytest.raises(StoreRefused):
        keys.add(replace(KEY, name="other"), MADE)
    (kept,) = keys.keys()
    assert kept.name == "payer"
    assert acts(trail) == ["key.create"]


def test_keys_are_listed_oldest_first_with_those_that_ended(keys: SqlKeyStore) -> None:
    for id in ("k2", "k1", "k3"):
        keys.add(replace(KEY, id=id), MADE)
    keys.end("k2", expires_at=None, revoked_at=NOON, trail=ENDED)
    found = keys.keys()
    assert [(key.id, key.revoked_at) for key in found] == [("k2", NOON), ("k1", None), ("k3", None)]


def test_an_end_is_only_made_earlier(keys: SqlKeyStore, trail: SqlTrailStore) -> None:
    keys.add(KEY, MADE)
    for expires_at, revoked_at in ((NOON, None), (EVENING, NOON), (MORNING, EVENING), (None, None)):
        found = keys.end("k1", expires_at=expires_at, revoked_at=revoked_at, trail=ENDED)
    assert found is not None
    assert (found.expires_at, found.revoked_at) == (MORNING, NOON)
    assert keys.key("k1") == found
    assert acts(trail) == ["key.revoke"] * 4 + ["key.create"]


def test_of_ends_at_one_moment_the_earliest_stays(keys: SqlKeyStore) -> None:
    keys.add(KEY, MADE)
    ends = [f"2023-04-02T00:00:{n:02}.000Z" for n in range(20)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda end: keys.end("k1", expires_at=end, revoked_at=None, trail=ENDED), ends))
    found = keys.key("k1")
    assert found is not None
    assert found.expires_at == ends[0]


def test_the_trail_pages_from_the_newest(keys: SqlKeyStore, trail: SqlTrailStore) -> None:
    for n in range(5):
        keys.add(replace(KEY, id=f"k{n}"), replace(MADE, target=f"k{n}"))
    first = trail.trail(limit=2)
    assert [one.target for one in first] == ["k4", "k3"]
    assert [one.target for one in trail.trail(before=first[-1].sequence)] == ["k2", "k1", "k0"]
