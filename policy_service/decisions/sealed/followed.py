"""The ports of bundles, keys, shadows and the audit trail, as the orders and notes of the log say them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from policy_service.access.keys import Key
from policy_service.access.trail import Trailed, TrailEntry
from policy_service.decisions.ports.activations import (
    Activation,
    ActivationState,
    BundleEntry,
    StaleVersion,
    StopEvent,
    Stops,
)
from policy_service.decisions.ports.acts import Change, KeyEnd, StoredAct
from policy_service.decisions.ports.observations import Findings, NewOrder, Order
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.sealed import acts
from policy_service.decisions.sealed.folding import Followed
from policy_service.decisions.sealed.ordering import SignedOrders

_TRIES = 20
UNREADABLE = "unreadable"
"""The action that the trail shows for an act that is none: somebody has written into the store."""


class BundleContents(Protocol):
    """What is stored of bundles. Every operation may raise StoreUnavailable."""

    def sources(self, id: str) -> dict[str, str] | None: ...

    def bundle(self, id: str) -> BundleEntry | None: ...

    def bundles(self) -> list[BundleEntry]: ...


class OrderedBundles:
    """See BundleStore: contents from their tables, everything else from the orders."""

    def __init__(self, contents: BundleContents, orders: SignedOrders) -> None:
        self._orders = orders
        self.sources, self.bundle, self.bundles = contents.sources, contents.bundle, contents.bundles

    def activation_state(self, now: str) -> ActivationState:
        return self._orders.catch_up().state(now)

    def stops(self, *, fresh: bool = False) -> Stops:
        return (self._orders.catch_up() if fresh else self._orders.known).stops()

    def was_active(self, id: str, now: str) -> bool:
        return self._orders.known.was_active(id, now) or self._orders.catch_up().was_active(id, now)

    def last_from_folder(self) -> str | None:
        history = reversed(self._orders.catch_up().activations)
        return next((one.published for one in history if one.kind == "folder"), None)

    def activations(self, before: int | None = None, limit: int | None = None) -> list[Activation]:
        history = self._orders.catch_up().activations
        return list(reversed(history[: None if before is None else max(0, before - 1)]))[:limit]

    def stop_events(self) -> list[StopEvent]:
        return list(self._orders.catch_up().stop_events)


class OrderedKeys:
    """See KeyStore. Nothing is told of keys while an order is not followed: it may be the end of one."""

    def __init__(self, orders: SignedOrders) -> None:
        self._orders = orders

    def add(self, key: Key, trail: TrailEntry) -> Key:
        until_given(self._orders, lambda _: Change(trail, keys=[key]))
        return self._orders.known.keys[key.id]

    def end(self, id: str, *, expires_at: str | None, revoked_at: str | None, trail: TrailEntry) -> Key | None:
        if self.key(id) is None:
            return None
        until_given(self._orders, lambda _: Change(trail, key_ends=[KeyEnd(id, expires_at, revoked_at)]))
        return self._orders.known.keys[id]

    def key(self, id: str) -> Key | None:
        return self._orders.all_followed().keys.get(id)

    def keys(self) -> Sequence[Key]:
        return list(self._orders.all_followed().keys.values())

    def any_keys(self) -> bool:
        return bool(self._orders.all_followed().keys)


class ShadowFindings(Protocol):
    """What shadows found. Every operation may raise StoreUnavailable."""

    def add(self, shadow: int, found: Findings) -> None: ...

    def findings(self, shadow: int) -> Findings: ...


class OrderedShadows:
    """See ShadowStore: findings from their tables, orders from the log."""

    def __init__(self, findings: ShadowFindings, orders: SignedOrders) -> None:
        self._orders = orders
        self.add, self.findings = findings.add, findings.findings

    def order(self, orders: Sequence[NewOrder], trail: TrailEntry) -> None:
        until_given(self._orders, lambda _: Change(trail, shadows=orders))

    def last(self) -> Order | None:
        return next(reversed(self._orders.catch_up().shadows), None)

    def orders(self, bundle: str) -> list[Order]:
        return [one for one in reversed(self._orders.catch_up().shadows) if one.bundle == bundle]


class ActTrail:
    """See TrailStore: the trail is the acts."""

    def __init__(self, orders: SignedOrders) -> None:
        self._orders = orders
        self.note = orders.note

    def trail(self, before: int | None = None, limit: int = 100) -> list[Trailed]:
        return [_trailed(one) for one in self._orders.store.acts(before, limit)]


def until_given(orders: SignedOrders, change: Callable[[Followed], Change]) -> None:
    """Give an order that holds whatever others order at the same time.

    Args:
        change: what to order, by what is followed then.
    """
    for _ in range(_TRIES):
        followed = orders.catch_up()
        try:
            return orders.give(change(followed), followed.version)
        except StaleVersion:
            continue
    raise StoreUnavailable("others gave orders at the same time, again and again")


def _trailed(one: StoredAct) -> Trailed:
    try:
        entry = acts.parse(one.body).entry
    except acts.ActMalformed as error:
        entry = TrailEntry(one.at, "", UNREADABLE, one.id, str(error))
    return Trailed(
        entry.at, entry.actor, entry.action, entry.target, entry.reason, entry.detail, entry.request_id, one.number
    )
