"""The keys of a worker: as old as allowed, and no older; a store that is away is not an open door."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policy_service.access import credentials, instants
from policy_service.access.gate import Gate, Unauthenticated
from policy_service.access.keyring import KeyRing, KeysUnknown
from policy_service.access.keys import Key
from policy_service.access.principals import CLI_ID, LOCAL, ROLES, Role

NOW = datetime(2023, 4, 2, 3, 0, tzinfo=UTC)
SECRET = "s" * 43
KEY = Key("a" * 16, "payments", credentials.digest(SECRET), ("evaluate",), None, instants.text(NOW), "test", number=3)
TEXT = credentials.written(KEY.id, SECRET)


class World:
    """A store that counts its readings and may be away, and two clocks."""

    def __init__(self, *keys: Key) -> None:
        self.keys: list[Key] | None = list(keys)
        self.readings = 0
        self.seconds = 100.0
        self.now = NOW
        self.ring = KeyRing(self.read, now=lambda: self.now, elapsed=lambda: self.seconds, refresh_seconds=1.0, rate=7)

    def read(self) -> list[Key] | None:
        self.readings += 1
        return self.keys


def test_a_key_opens_and_names_its_principal() -> None:
    found = World(KEY).ring.principal(TEXT)
    assert found is not None
    assert (found.name, found.roles, found.rate, found.slot) == ("payments", {"evaluate"}, 7, 3)


def test_a_principal_of_a_key_has_its_visible_part_for_a_pseudonym() -> None:
    world = World(KEY, replace(KEY, id="b" * 16))
    found = [world.ring.principal(credentials.written(id, SECRET)) for id in ("a" * 16, "b" * 16)]
    assert [one.id for one in found if one is not None] == ["key:aaaaaaaaaaaaaaaa", "key:bbbbbbbbbbbbbbbb"]


@pytest.mark.parametrize("role", ROLES)
def test_a_key_has_the_roles_that_it_names_and_no_other(role: Role) -> None:
    """A key that was made before there was `reveal` names `audit` alone, and reveals nothing by it."""
    found = World(replace(KEY, roles=(role,))).ring.principal(TEXT)
    assert found is not None
    assert found.roles == {role}


def test_who_has_no_credential_has_a_pseudonym_that_no_key_can_have() -> None:
    assert (LOCAL.id, CLI_ID) == ("local", "cli")


@pytest.mark.parametrize(
    "text",
    [
        TEXT[:-1],
        TEXT + "s",
        credentials.written(KEY.id, "t" * 43),
        credentials.written("b" * 16, SECRET),
        credentials.written("", ""),
        "psk_",
        f"psk_{KEY.id}_{KEY.digest}",
        "psk_\u00e9_\u00ff",
    ],
)
def test_any_other_text_opens_nothing(text: str) -> None:
    assert World(KEY).ring.principal(text) is None


def test_requests_within_the_refresh_cost_one_reading() -> None:
    world = World(KEY)
    for _ in range(50):
        world.seconds += 0.01
        assert world.ring.principal(TEXT) is not None
    assert world.readings == 1


def test_a_revoked_key_ends_within_the_refresh() -> None:
    world = World(KEY)
    world.ring.principal(TEXT)
    world.keys = [replace(KEY, revoked_at=instants.text(NOW))]
    world.seconds += 1.0
    assert world.ring.principal(TEXT) is None


def test_a_key_ends_when_it_expires_between_two_readings() -> None:
    world = World(replace(KEY, expires_at=instants.text(NOW + timedelta(seconds=1))))
    assert world.ring.principal(TEXT) is not None
    world.now += timedelta(seconds=1)
    assert world.ring.principal(TEXT) is None


def test_a_new_key_holds_at_once_and_wrong_ones_cost_few_readings() -> None:
    world = World(KEY)
    other = credentials.written("b" * 16, SECRET)
    world.ring.principal(TEXT)
    world.keys = [KEY, replace(KEY, id="b" * 16)]
    world.seconds += 0.125
    assert world.ring.principal(other) is not None
    for _ in range(50):
        world.ring.principal("psk_x_y")
    assert world.readings == 2


def test_keys_of_one_name_are_counted_in_one_slot() -> None:
    world = World(KEY, replace(KEY, id="b" * 16, number=9))
    one, two = world.ring.principal(TEXT), world.ring.principal(credentials.written("b" * 16, SECRET))
    assert one is not None
    assert two is not None
    assert one.slot == two.slot == 3


def test_a_known_key_holds_for_a_minute_without_the_store_and_no_longer() -> None:
    world = World(KEY)
    world.ring.principal(TEXT)
    world.keys = None
    world.seconds += 60.0
    assert world.ring.principal(TEXT) is not None
    world.seconds += 1.1
    with pytest.raises(KeysUnknown):
        world.ring.principal(TEXT)


def test_an_unknown_key_is_not_judged_without_the_store() -> None:
    world = World(KEY)
    world.ring.principal(TEXT)
    world.keys = None
    world.seconds += 1.0
    with pytest.raises(KeysUnknown):
        world.ring.principal("psk_x_y")


def test_the_store_away_is_asked_once_a_second() -> None:
    world = World(KEY)
    world.ring.principal(TEXT)
    world.keys = None
    world.seconds += 1.0
    for _ in range(50):
        world.ring.principal(TEXT)
    assert world.readings == 2


def test_a_gate_that_never_read_is_not_open() -> None:
    world = World()
    world.keys = None
    gate = Gate(world.ring, None)
    assert gate.was_open() is None
    with pytest.raises(KeysUnknown):
        gate.principal(None)


def test_a_gate_without_keys_is_open_to_local() -> None:
    gate = Gate(World().ring, None)
    assert gate.principal(None) == LOCAL
    assert gate.was_open() is True


def test_the_first_key_closes_the_gate_and_its_revocation_does_not_open_it() -> None:
    world = World()
    gate = Gate(world.ring, None)
    assert gate.is_open()
    world.keys = [replace(KEY, revoked_at=instants.text(NOW))]
    world.seconds += 1.0
    with pytest.raises(Unauthenticated):
        gate.principal(None)
    assert gate.was_open() is False


@pytest.mark.parametrize("header", [None, "", "Basic eDp5", TEXT, f"Bearer{TEXT}", f"Token {TEXT}"])
def test_nothing_but_a_bearer_is_a_credential(header: str | None) -> None:
    with pytest.raises(Unauthenticated) as raised:
        Gate(World(KEY).ring, None).principal(header)
    assert not raised.value.given


@pytest.mark.parametrize("header", ["Bearer x", f"bearer {TEXT}x", f"Bearer {TEXT},{TEXT}", "Bearer a.b.c", "Bearer "])
def test_a_credential_that_is_not_good_is_given(header: str) -> None:
    with pytest.raises(Unauthenticated) as raised:
        Gate(World(KEY).ring, None).principal(header)
    assert raised.value.given
