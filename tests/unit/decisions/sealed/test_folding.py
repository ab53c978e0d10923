"""What the service follows is folded from orders; one that contradicts those before it is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from policy_service.access.keys import Key
from policy_service.decisions.ports.activations import Activation, ActivationState, NewActivation, StopEvent
from policy_service.decisions.ports.acts import BundleFiles, Change, KeyEnd
from policy_service.decisions.ports.observations import NewOrder
from policy_service.decisions.sealed.folding import Followed, OrderRefused
from policy_service.decisions.sealed.signing import LogKeys
from tests.signed import EVENING, MORNING, NOON, A, B, C, activation, beginning, entry, new_keys, storing

BEFORE_NOON, AFTER_NOON = "2023-04-01T11:59:59.999Z", "2023-04-01T12:00:00.001Z"
KEY = Key("k1", "payer", "0" * 64, ("evaluate",), None, MORNING, "admin")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> LogKeys:
    return new_keys(tmp_path_factory.mktemp("keys"), "one", "two")


@pytest.fixture
def followed(keys: LogKeys) -> Followed:
    """A log that has begun and stored three bundles."""
    found = Followed()
    fold(found, beginning(keys))
    fold(found, storing(A, B, C))
    return found


def fold(followed: Followed, change: Change) -> None:
    version = followed.version + 1
    stored = [BundleFiles(one.id, one.label, dict(one.sources)) for one in change.bundles]
    followed.fold(f"act-{version}", f"{version:064}", version, change, stored)


def activate(followed: Followed, *orders: NewActivation) -> None:
    """Each in an order of its own."""
    for one in orders:
        fold(followed, Change(entry(one.at), activations=[one]))


def active(followed: Followed, now: str) -> str | None:
    found = followed.state(now).active
    return found and found.bundle


def pending(followed: Followed, now: str) -> list[str]:
    return [one.bundle for one in followed.state(now).pending]


# ---- what is refused


def change(**given: object) -> Change:
    return Change(entry(MORNING), **given)  # type: ignore[arg-type]  # any part of a change


REFUSED: dict[str, tuple[Callable[[LogKeys], Change], str]] = {
    "a second beginning": (beginning, "no other does"),
    "an earlier date": (lambda _: Change(entry("2023-04-01T07:59:59.999Z")), "dated before"),
    "a bundle that is not stored": (lambda _: change(activations=[activation("sha256:" + "d" * 64)]), "has stored"),
    "a published bundle that is not stored": (
        lambda _: change(activations=[activation(A, published="sha256:" + "d" * 64)]),
        "has stored",
    ),
    "a key that is there": (lambda _: change(keys=[KEY, KEY]), "there already"),
    "the end of a key that is not there": (lambda _: change(key_ends=[KeyEnd("k2", None, NOON)]), "no key k2"),
    "no signing key left": (
        lambda keys: change(signing_retired=[one.text for one in keys.verifiers]),
        "no key would be left",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_order_that_contradicts_those_before_it_is_refused(followed: Followed, keys: LogKeys, case: str) -> None:
    made, said = REFUSED[case]
    with pytest.raises(OrderRefused, match=said):
        fold(followed.copy(), made(keys))


def test_a_first_order_that_does_not_begin_the_log_is_refused() -> None:
    with pytest.raises(OrderRefused, match="begins the log"):
        fold(Followed(), storing(A))


def test_a_log_that_begins_without_a_key_is_refused(keys: LogKeys) -> None:
    with pytest.raises(OrderRefused, match="no key"):
        fold(Followed(), beginning(LogKeys(keys.origin, ())))


def test_a_copy_is_not_changed_by_what_is_folded_into_the_other(followed: Followed, keys: LogKeys) -> None:
    copy, other = followed.copy(), followed.copy()
    stop = StopEvent("stop", "a.x", None, MORNING, "wei", "")
    shadow = NewOrder("start", A, "0.5", MORNING, "wei", "")
    new = "sha256:" + "d" * 64
    fold(followed, replace(storing(new), activations=[activation(A)], stops=[stop], keys=[KEY], shadows=[shadow]))
    fold(followed, change(signing_retired=[keys.verifiers[0].text]))
    assert copy == other
    assert followed.version == copy.version + 2


# ---- which bundle is active when


def test_before_the_first_activation_none_is_active(followed: Followed) -> None:
    assert followed.state(NOON) == ActivationState(2, last_at=MORNING)
    assert not followed.was_active(A, NOON)


def test_of_orders_for_one_instant_the_last_holds(followed: Followed) -> None:
    activate(followed, activation(A), activation(B), activation(C), activation(B))
    assert active(followed, MORNING) == B


def test_an_immediate_order_holds_by_no_clock(followed: Followed) -> None:
    """A process whose clock is behind obeys it all the same."""
    activate(followed, activation(A, NOON))
    assert active(followed, MORNING) == A
    assert followed.was_active(A, MORNING)


def test_an_order_for_later_holds_from_its_instant_on_and_is_pending_before(followed: Followed) -> None:
    activate(followed, activation(A), activation(B, effective_at=NOON))
    assert (active(followed, BEFORE_NOON), pending(followed, BEFORE_NOON)) == (A, [B])
    assert (active(followed, NOON), pending(followed, NOON)) == (B, [])
    assert (active(followed, AFTER_NOON), pending(followed, AFTER_NOON)) == (B, [])
    assert not followed.was_active(B, BEFORE_NOON)
    assert followed.was_active(B, NOON)


@pytest.mark.parametrize(("at", "holds"), [(BEFORE_NOON, B), (NOON, C), (AFTER_NOON, C)])
def test_an_immediate_order_ends_those_for_later_whose_instant_had_come(
    followed: Followed, at: str, holds: str
) -> None:
    activate(followed, activation(A), activation(B, effective_at=NOON), activation(C, at))
    assert active(followed, AFTER_NOON) == holds
    assert active(followed, EVENING) == holds
    assert pending(followed, MORNING) == ([B] if holds == B else [])


def test_an_order_for_later_that_is_given_after_an_immediate_one_takes_its_place(followed: Followed) -> None:
    activate(followed, activation(A, NOON), activation(B, NOON, AFTER_NOON))
    assert (active(followed, NOON), active(followed, AFTER_NOON)) == (A, B)


def test_of_orders_for_one_later_instant_the_last_holds(followed: Followed) -> None:
    activate(followed, activation(B, effective_at=NOON), activation(A, effective_at=NOON))
    assert pending(followed, MORNING) == [B, A]
    assert active(followed, NOON) == A


def test_of_orders_for_later_that_which_took_effect_last_holds_whenever_it_was_given(followed: Followed) -> None:
    now, latest, later = activation(A), activation(B, effective_at=EVENING), activation(C, effective_at=NOON)
    activate(followed, now, latest, later)
    assert (active(followed, MORNING), pending(followed, MORNING)) == (A, [C, B])
    assert (active(followed, NOON), pending(followed, NOON)) == (C, [B])
    assert (active(followed, EVENING), pending(followed, EVENING)) == (B, [])


def test_with_a_clock_set_back_an_order_for_later_is_pending_again_and_an_immediate_one_stays(
    followed: Followed,
) -> None:
    activate(followed, activation(A), activation(B, effective_at=NOON))
    assert active(followed, NOON) == B
    assert (active(followed, BEFORE_NOON), pending(followed, BEFORE_NOON)) == (A, [B])
    activate(followed, activation(C, NOON))
    assert (active(followed, MORNING), pending(followed, MORNING)) == (C, [])


def test_a_bundle_that_was_replaced_was_active(followed: Followed) -> None:
    activate(followed, activation(A), activation(B, NOON))
    assert followed.was_active(A, EVENING)
    assert followed.was_active(B, NOON)
    assert not followed.was_active(C, EVENING)


def test_activations_are_counted_in_the_order_in_which_they_came(followed: Followed) -> None:
    fold(followed, change(activations=[activation(A), activation(B, effective_at=NOON)]))
    activate(followed, activation(C))
    assert [(one.bundle, one.sequence) for one in followed.activations] == [(A, 1), (B, 2), (C, 3)]
    assert isinstance(followed.activations[0], Activation)


# ---- stops, keys, shadows, signing keys


def test_the_last_event_about_a_policy_or_reward_is_what_holds(followed: Followed) -> None:
    def event(action: str, policy: str, reward: str | None) -> StopEvent:
        return StopEvent("stop" if action == "stop" else "resume", policy, reward, MORNING, "wei", "wrong")

    events = [
        event("stop", "b.x", None),
        event("stop", "a.x", "r"),
        event("stop", "a.x", None),
        event("resume", "b.x", None),
        event("resume", "a.x", None),
        event("stop", "b.x", None),
    ]
    for one in events:
        fold(followed, change(stops=[one]))
    assert followed.state(NOON).stops == (events[1], events[5])
    assert (followed.stops().version, followed.stops().events) == (8, (events[1], events[5]))
    assert followed.stop_events == events


def test_an_end_of_a_key_is_only_made_earlier(followed: Followed) -> None:
    fold(followed, change(keys=[KEY]))
    for expires_at, revoked_at in ((NOON, None), (EVENING, NOON), (MORNING, EVENING), (None, None)):
        fold(followed, change(key_ends=[KeyEnd("k1", expires_at, revoked_at)]))
    assert followed.keys == {"k1": replace(KEY, number=1, expires_at=MORNING, revoked_at=NOON)}


def test_what_an_order_says_of_a_bundle_first_stays(followed: Followed) -> None:
    again = replace(storing(A), bundles=[replace(storing(A).bundles[0], label="another")])
    fold(followed, again)
    assert followed.bundles[A].label is None


def test_shadows_are_counted_in_the_order_in_which_they_came(followed: Followed) -> None:
    orders = [NewOrder("start", A, "0.5", MORNING, "wei", ""), NewOrder("end", A, "0.5", MORNING, "wei", "")]
    fold(followed, change(shadows=orders))
    assert [(one.action, one.sequence) for one in followed.shadows] == [("start", 1), ("end", 2)]


def test_keys_that_sign_are_those_of_the_beginning_and_those_added_less_those_retired(
    followed: Followed, keys: LogKeys, tmp_path: Path
) -> None:
    one, two = (key.text for key in keys.verifiers)
    three = new_keys(tmp_path).verifiers[0].text
    assert followed.signing_keys() == (one, two)
    fold(followed, change(signing_added=[three], signing_retired=[one]))
    assert followed.signing_keys() == (two, three)
    fold(followed, change(signing_added=[one]))
    assert followed.signing_keys() == (two, three, one)
    assert [(change.act, change.added) for change in followed.signing] == [
        ("act-1", True), ("act-1", True), ("act-3", True), ("act-3", False), ("act-4", True)
    ]  # fmt: skip


# ---- looking back


def test_the_rules_after_an_earlier_order_are_those_of_then(followed: Followed) -> None:
    activate(followed, activation(A))
    stop = StopEvent("stop", "shop.hours", None, MORNING, "wei", "")
    fold(followed, Change(entry(MORNING), stops=[stop], activations=[activation(B), activation(C)]))
    fold(followed, Change(entry(MORNING), stops=[replace(stop, action="resume")]))
    seen = [followed.rules_after(version) for version in range(1, followed.version + 1)]
    active_ones = [one.state(MORNING).active for one in seen]
    assert [one and one.bundle for one in active_ones] == [None, None, A, C, C]
    assert [one.stops().events for one in seen] == [(), (), (), (stop,), ()]
    assert [one.version for one in seen] == [1, 2, 3, 4, 5]
    assert followed.stops().events == (), "looking back changes nothing"


def test_each_activation_has_the_version_of_the_order_that_gave_it(followed: Followed) -> None:
    activate(followed, activation(A))
    fold(followed, Change(entry(MORNING), activations=[activation(B), activation(C)]))
    assert [followed.version_of(one) for one in followed.activations] == [3, 4, 4]
    assert [step.act for step in followed.steps] == [f"act-{n}" for n in range(1, 5)]
    before = followed.copy()
    activate(followed, activation(A))
    assert (len(before.steps), len(followed.steps)) == (4, 5)
