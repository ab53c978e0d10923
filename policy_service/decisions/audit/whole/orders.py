"""The orders of the log folded again, and every decision held against them: its bundle was ordered, the stops hold."""

from collections.abc import Callable, Sequence

from policy_service.decisions.audit.whole.noting import Findings, Read
from policy_service.decisions.ports.activations import BundleStore, StopEvent
from policy_service.decisions.ports.acts import ActStore, LogState, StoredAct
from policy_service.decisions.sealed import acts
from policy_service.decisions.sealed.ceremonies import IMPORT
from policy_service.decisions.sealed.folding import Followed, OrderRefused
from policy_service.decisions.sealed.ordering import fold
from policy_service.decisions.sealed.receipted import NotReceipted
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.policies.bundle import Bundle, is_known, is_suspended, stored
from policy_service.proofs.keys import KeyRefused, Verifier

Decided = tuple[str, int]
"""A bundle, and the version of the last order before a decision by it."""


class OrdersSeen:
    """Folds orders in the order of the log, by their bytes alone.

    Args:
        keys: those that are trusted to begin the log.
        guard: what this host remembers of the log.
    """

    def __init__(
        self, keys: LogKeys, store: ActStore, bundles: BundleStore, findings: Findings, guard: LogState
    ) -> None:
        self.followed = Followed()
        self._guard = guard
        self._stored: dict[str, tuple[str, str]] = {}  # bundles, each with the instant and action of its order
        self._keys, self._store, self._bundles, self._findings = keys, store, bundles, findings
        self._stops: list[tuple[StopEvent, ...]] = [()]  # by version
        self._ordered: dict[str, int] = {}  # bundles, and the version of the order that first activated each
        self._decided: dict[Decided, Read] = {}  # with the first decision of each

    def verifiers(self) -> Sequence[Verifier]:
        """The keys in force here; those trusted where the log has not begun."""
        if self.followed.begin is None:
            return self._keys.verifiers
        return [Verifier.parse(text) for text in self.followed.signing_keys()]

    @property
    def legacy(self) -> int | None:
        """Number of records at the beginning that are older than receipts; null until the first order is seen."""
        return None if self.followed.begin is None else self.followed.begin.legacy

    def record(self, read: Read) -> None:
        if isinstance(read.record, StoredAct):
            if "order" in read.body:
                self._order(read, read.record)
        elif "orders" in read.body:
            self._decided.setdefault((read.body["bundle"], read.body["orders"]), read)

    def _order(self, read: Read, act: StoredAct) -> None:
        before = len(self.followed.activations)
        try:
            self._fold(act)
        except (OrderRefused, NotReceipted, acts.ActMalformed, KeyRefused) as error:
            self._findings.add("order-refused", f"{read.name}: {error}", read.entry.index, read.entry.id)
            return
        for order in self.followed.activations[before:]:
            self._ordered.setdefault(order.bundle, self.followed.version)
        self._stops.append(self.followed.stops().events)

    def _fold(self, act: StoredAct) -> None:
        fold(self.followed, act, self._keys)
        for bundle in acts.parse(act.body).stored:
            self._stored.setdefault(bundle.id, (act.at, act.action))

    def was_stored(self, bundle: str, at: str) -> bool:
        """Whether a bundle may have been stored at an instant: with its order, or before the log began."""
        ordered, action = self._stored.get(bundle, (at, ""))
        return at == ordered or (action == IMPORT and at < ordered)

    # ---- after the last record

    def end(self) -> None:
        self._waiting()
        self._guarded()
        known: dict[str, Bundle | None] = {}
        for (bundle, version), first in self._decided.items():
            message = self._fault(bundle, version, lambda id_: self._loaded(known, id_))
            if message is not None:
                self._findings.add(
                    "decision-not-ordered", f"{first.name}: {message}", first.entry.index, first.entry.id
                )

    def _waiting(self) -> None:
        """Orders that are not sealed yet are folded too: decisions may know of them."""
        for act in self._store.orders(self.followed.version, 1000):
            try:
                self._fold(act)
            except (OrderRefused, NotReceipted, acts.ActMalformed, KeyRefused) as error:
                self._findings.add("order-refused", f"act {act.id}: {error}", id=act.id)
                return
            for order in self.followed.activations:
                self._ordered.setdefault(order.bundle, self.followed.version)
            self._stops.append(self.followed.stops().events)

    def _guarded(self) -> None:
        """The last order that this host has seen is the one that is here."""
        seen, followed = self._guard, self.followed
        if seen.version > followed.version:
            message = f"{seen.version} orders were given, as the guard remembers, {followed.version} are followed"
            self._findings.add("order-refused", message)
        elif seen.version and followed.leaves[seen.version - 1] != seen.order:
            self._findings.add("order-refused", f"order {seen.version} is another than the guard remembers")

    def _fault(self, bundle: str, version: int, loaded: Callable[[str], Bundle | None]) -> str | None:
        """What is wrong with a decision by a bundle under the orders up to a version."""
        if not 0 < version <= self.followed.version:
            return f"it was made under order {version}, {self.followed.version} is the last"
        if self._ordered.get(bundle, version + 1) > version:
            return f"no order before it activated its bundle {bundle}"
        found = loaded(bundle)
        if found is None:
            return None  # told of the bundle
        missed = [one for one in self._stops[version] if _grants(found, one)]
        return f"its bundle grants `{missed[0].policy}`, which was stopped" if missed else None

    def _loaded(self, known: dict[str, Bundle | None], id_: str) -> Bundle | None:
        if id_ not in known:
            known[id_] = stored(self._bundles.sources(id_) or {}, id_)
        return known[id_]


def _grants(bundle: Bundle, stop: StopEvent) -> bool:
    rules = bundle.rules
    return is_known(rules, stop.policy, stop.reward) and not is_suspended(rules, stop.policy, stop.reward)
