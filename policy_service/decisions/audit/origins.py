"""Who asked for a decision, and by whose orders the rules were in force: as far as the log knows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from policy_service.access.keys import Key
from policy_service.access.principals import CLI_ID, LOCAL
from policy_service.decisions.audit.checks import Check
from policy_service.decisions.audit.genuine import Genuine, NotGenuine
from policy_service.decisions.ports.activations import Activation, StopEvent
from policy_service.decisions.ports.acts import StoredAct
from policy_service.decisions.ports.log import LogStore
from policy_service.decisions.sealed.folding import Followed
from policy_service.decisions.sealed.ordering import SignedOrders
from policy_service.decisions.sealed.receipted import NotReceipted
from policy_service.policies.bundle import Bundle, is_known, is_suspended
from policy_service.proofs.tree import leaf_hash

AskerKind = Literal["key", "token", "local", "cli", "unknown"]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, by the pseudonym in the record.

    kind: `unknown` where the record has no pseudonym, or none of a kind that is known here.
    key: the API key as an order made it; null for others, and where no order did.
    keyed: whether the request had an idempotency key.
    """

    kind: AskerKind
    id: str
    key: Key | None = None
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class GivenOrder:
    """An order of the log that put the rules into force.

    activation: as it was ordered.
    index: its place in the log; null while it waits.
    signer: label of the key that receipted it; empty where the order that is stored is not the one that was followed.
    """

    version: int
    activation: Activation
    index: int | None
    signer: str


@dataclass(frozen=True, slots=True)
class Origins:
    """Where a decision is from.

    orders: the one that published the rules; then, where stops were merged into them since, the last that did so.
    pinned: whether the request named the bundle itself.
    stops: those in force then, by policy and reward.
    """

    asker: Asker
    orders: tuple[GivenOrder, ...]
    pinned: bool
    stops: tuple[StopEvent, ...]


class Tracing:
    """Traces decisions back to those who asked and those who ordered. Every operation may raise StoreUnavailable."""

    def __init__(self, log: LogStore, orders: SignedOrders, genuine: Genuine) -> None:
        self._log, self._orders, self._genuine = log, orders, genuine
        self._followed = orders.known

    def of(self, body: Mapping[str, Any]) -> Origins:
        """The origins of a decision, by its record."""
        rules = self._rules_of(body)
        some = () if rules is None else tuple(self._activations(rules, body))
        stops = () if rules is None else rules.stops().events
        asker = asker_of(body, self._followed.keys)
        return Origins(asker, tuple(map(self._given, some)), "bundle" in body["request"], stops)

    # ---- orders

    def _rules_of(self, body: Mapping[str, Any]) -> Followed | None:
        """What was followed when the decision was made; null where its orders are none of the log's.

        A record from before orders is placed among them by its instant.
        """
        if "orders" not in body:
            return self._at(body["decided_at"])
        version = body["orders"]
        return self._followed.rules_after(version) if 0 < version <= self._followed.version else None

    def _at(self, instant: str) -> Followed:
        found = Followed(activations=[one for one in self._followed.activations if one.at <= instant])
        found.stop([one for one in self._followed.stop_events if one.at <= instant])
        return found

    def _activations(self, rules: Followed, body: Mapping[str, Any]) -> Iterator[Activation]:
        """The one that published the rules, and the last one by which they were in force."""
        active = rules.state(body["decided_at"]).active
        if active is None or active.bundle != body["bundle"]:  # it was asked for by its id, or has just begun or ended
            active = next((one for one in reversed(rules.activations) if one.bundle == body["bundle"]), None)
        if active is None:
            return
        if active.kind in ("stop", "resume"):
            earlier = [one for one in rules.activations if one.sequence < active.sequence and _publishes(one)]
            yield from [one for one in earlier if one.published == active.published][-1:]
        yield active

    def _given(self, activation: Activation) -> GivenOrder:
        version = self._followed.version_of(activation)
        act, entry = self._act(version), self._log.entry(self._followed.steps[version - 1].act)
        index = None if entry is None else entry.index
        return GivenOrder(version, activation, index, "" if act is None else self._signer(act, index))

    def _act(self, version: int) -> StoredAct | None:
        """The act of an order as it is stored now, if it is the one that is followed."""
        found = self._orders.store.act(self._followed.steps[version - 1].act)
        same = found is not None and leaf_hash(found.body).hex() == self._followed.leaves[version - 1]
        return found if same else None

    def _signer(self, act: StoredAct, index: int | None) -> str:
        """The key that receipted an act; empty where none that was in force did."""
        try:
            key = self._genuine.check_receipt(act, act.at, index)
        except NotReceipted:
            return ""
        return "" if key is None else key.label

    # ---- checks

    def checks(self, body: Mapping[str, Any], found: Origins, bundle: Bundle | None) -> Iterator[Check]:
        """Whether the log has the orders and the key that the decision speaks of, and the stops were kept."""
        if found.asker.kind == "key" and found.asker.key is None:
            yield Check("asker_unknown")
        if not found.orders:
            yield Check("not_ordered" if "orders" in body else "before_orders", {"bundle": body["bundle"]})
        for order in found.orders:
            yield self._check(order)
        ignored = [one for one in found.stops if bundle is not None and _grants(bundle, one)]
        for one in ignored:
            yield Check("stop_ignored", {"policy": one.policy})
        if found.stops and bundle is not None and not ignored:
            yield Check("stops_kept", {"count": len(found.stops)})

    def _check(self, order: GivenOrder) -> Check:
        named: dict[str, str | int] = {"version": order.version, "signer": order.signer}
        if not order.signer:
            return Check("order_altered", named)
        if order.index is None:
            return Check("order_waiting", named)
        leaf = bytes.fromhex(self._followed.leaves[order.version - 1])
        try:
            is_in = self._genuine.is_in(self._genuine.head_beyond(order.index), leaf, order.index)
        except NotGenuine:
            is_in = False
        return Check("order_fits" if is_in else "order_altered", named | {"index": order.index})


def _publishes(one: Activation) -> bool:
    return one.kind not in ("stop", "resume")


def _grants(bundle: Bundle, stop: StopEvent) -> bool:
    """Whether the rules grant what was stopped."""
    rules = bundle.rules
    return is_known(rules, stop.policy, stop.reward) and not is_suspended(rules, stop.policy, stop.reward)


def asker_of(body: Mapping[str, Any], keys: Mapping[str, Key]) -> Asker:
    """Who asked for a decision, by its record.

    Args:
        keys: API keys by id.
    """
    id_, keyed = body.get("asked_by", ""), "idempotency" in body
    kind, _, rest = id_.partition(":")
    match kind:
        case "key":
            return Asker("key", id_, keys.get(rest), keyed)
        case "token":
            return Asker("token", id_, None, keyed)
        case LOCAL.id:
            return Asker("local", id_, None, keyed)
        case _ if id_ == CLI_ID:
            return Asker("cli", id_, None, keyed)
    return Asker("unknown", id_, None, keyed)
