"""What a person does to the log itself, seldom and with a reason: begin it on an older store, change its keys, adopt a
restored backup, put back what lost its place in the queue. Each is an act in the log.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from policy_service.access import instants
from policy_service.access.keys import Key
from policy_service.access.principals import Role
from policy_service.access.trail import Act, TrailEntry
from policy_service.decisions.ports.activations import BundleSources, NewActivation, StaleVersion, StopEvent
from policy_service.decisions.ports.acts import Adopted, Change
from policy_service.decisions.ports.log import LogStore, Record
from policy_service.decisions.ports.observations import NewOrder
from policy_service.decisions.sealed import acts
from policy_service.decisions.sealed.followed import BundleContents, until_given
from policy_service.decisions.sealed.guard import Guard
from policy_service.decisions.sealed.ordering import SignedOrders, signing
from policy_service.decisions.sealed.reading import Malformed, read_record
from policy_service.decisions.sealed.receipted import NotReceipted, check_receipt
from policy_service.decisions.sealed.sealing import Sealer
from policy_service.proofs.keys import KeyRefused, Verifier

_AT_ONCE = 1000
_ALL = 2**31 - 1
"""Whoever may write the store can put any number of rows before those that are ours."""
IMPORT = "log.import"
"""The action of the order that says what the tables of an earlier version said."""


class CeremonyRefused(Exception):
    """What was asked for is not needed, or cannot be; the message says why. Nothing was done."""


class Ceremonies:
    """See above. Every operation may raise StoreUnavailable."""

    def __init__(self, sealer: Sealer, contents: BundleContents, *, now: Callable[[], datetime]) -> None:
        self._sealer, self._contents, self._now = sealer, contents, now

    @property
    def _orders(self) -> SignedOrders:
        return self._sealer.orders

    @property
    def _guard(self) -> Guard:
        return self._sealer.guard

    # ---- a store of a version that kept no acts

    def begin(self, act: Act) -> int:
        """Begin the log of a store that has records from before; the number of those records.

        They are given their indices, and are then the closed set that needs no receipts. What the store's former tables
        said becomes acts. Broken off, it can be given again: the log is begun wholly or not at all.

        Raises:
            CeremonyRefused: the log was begun before.
        """
        self._check_not_begun()
        with _lifted(self._guard):
            self._sealer.seal_legacy()
            legacy = self._sealer.log.size()
            try:
                self._begin(act, legacy)
            except StaleVersion as error:
                raise CeremonyRefused("another process has begun the log meanwhile") from error
        self._sealer.seal_all()
        return legacy

    def _check_not_begun(self) -> None:
        """Whoever may write the database can take the first order out of it, and put rows of such a version in."""
        if self._orders.catch_up().version:
            raise CeremonyRefused("the log was begun before")
        if self._orders.store.last_version():
            raise CeremonyRefused("the log was begun, and its first order is of no key that is trusted here")
        if last := self._guard.last().version:
            raise CeremonyRefused(
                f"the log was begun before: {last} orders were followed on this host, as the guard"
                f" `{self._guard.path}` tells; restore the store, or, if it is to begin anew, take that file away"
            )

    def _begin(self, act: Act, legacy: int) -> None:
        rows: dict[str, list[Mapping[str, Any]]] = {}
        for row in self._orders.store.before_acts():
            rows.setdefault(str(row["table"]), []).append(_without(row, "table"))
        begun = self._entry(act, "log.begin", self._orders.keys.origin)
        imported = replace(begun, action=IMPORT)
        orders = [self._imported(imported, rows)] if rows.keys() - {"trail"} or self._contents.bundles() else []
        self._orders.begin(begun, legacy, orders, [_trailed(row) for row in rows.get("trail", ())])

    def _imported(self, entry: TrailEntry, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Change:
        """One order that says all that those tables said."""
        bundles = self._contents.bundles()
        return Change(
            entry,
            [BundleSources(one.id, one.label, self._contents.sources(one.id) or {}) for one in bundles],
            [NewActivation(**_without(row, "sequence")) for row in rows.get("activations", ())],
            [StopEvent(**_without(row, "sequence")) for row in rows.get("stops", ())],
            [_key(row) for row in rows.get("keys", ())],
            shadows=[NewOrder(**_without(row, "sequence")) for row in rows.get("shadows", ())],
        )

    # ---- keys of the log

    def add_key(self, key: Verifier, act: Act) -> None:
        """Let a key sign from here on.

        Raises:
            Held: the key here does not sign.
            CeremonyRefused: it does already.
        """
        self._orders.may_sign()
        if key.text in self._orders.catch_up().signing_keys():
            raise CeremonyRefused(f"{key.label} signs already")
        entry = self._entry(act, "log.rotate-key", key.label)
        until_given(self._orders, lambda _: Change(entry, signing_added=[key.text]))

    def retire_key(self, label: str, act: Act) -> None:
        """Let a key sign no more: what it signs from here on is refused.

        Raises:
            Held: the key here does not sign.
            CeremonyRefused: it is none of the log's, it is the last, or it is the one that would sign this.
        """
        self._orders.may_sign()
        known = {Verifier.parse(text).label: text for text in self._orders.catch_up().signing_keys()}
        if label not in known:
            raise CeremonyRefused(f"no key {label} signs: {', '.join(known)}")
        if any(signer.verifier.label == label for signer in self._orders.keys.signers):
            raise CeremonyRefused(f"{label} still signs here: take it out of POLICY_SIGNING_KEY, on every host, first")
        entry = self._entry(act, "log.retire-key", label)
        until_given(self._orders, lambda _: Change(entry, signing_retired=[known[label]]))

    # ---- a store that was set back

    def adopt_backup(self, act: Act) -> Adopted:
        """Go on from where the store is, though more was signed before; what is lost is said in the log.

        Raises:
            CeremonyRefused: the store is not behind the guard.
        """
        lost, state = self._guard.last(), self._sealer.state()
        if state.size >= lost.size and state.version >= lost.version and self._guard.held is None:
            raise CeremonyRefused("the store is not behind what was signed before")
        adopted = Adopted(state, lost)
        at = instants.text(self._now())
        with _lifted(self._guard):
            entry = self._entry(act, "log.adopt-backup", self._orders.keys.origin)
            until_given(self._orders, lambda _: Change(entry, adopted=adopted))
            self._guard.set_back(state, at)
        self._sealer.seal_all()
        return adopted

    # ---- records that lost their place in the queue

    def repair(self, act: Act) -> tuple[int, int]:
        """Put records that are neither sealed nor waiting back into the queue, if they are ours, and take forged orders
        out of the way of true ones; how many of each.

        Raises:
            Held: the store was set back.
            KeyUnknown: the key here is not in force.
        """
        log = self._sealer.log
        self._guard.check()  # not `may_sign`, which a forged order forbids
        self._orders.catch_up()
        self._orders.check_keys()
        forged = self._forged()
        found = [one for one in log.unaccounted(_ALL) if self._is_ours(log, *one)]
        if forged:
            self._orders.store.remove(forged)
            self._orders.catch_up()
        if found or forged:
            detail = {"records": str(len(found)), "forged": str(len(forged))}
            entry = self._entry(act, "log.repair", self._orders.keys.origin, detail)
            self._orders.may_sign()
            note = acts.made(self._orders.new_id(), entry, self._orders.keys)
            log.queue_again(found, note)
            self._sealer.owed.committed([note])
        return len(found), len(forged)

    def _forged(self) -> list[str]:
        """Ids of orders that are not followed, and that nobody with a key of the log has signed."""
        orders = self._orders
        some = orders.store.orders(orders.catch_up().version, _AT_ONCE)
        return [one.id for one in some if not self._is_ours(self._sealer.log, "act", one.id)]

    def _is_ours(self, log: LogStore, kind: str, id_: str) -> bool:
        record = log.record(kind, id_)
        keys = [*signing(self._orders.known, self._orders.keys)]
        try:
            return record is not None and self._receipted(kind, id_, record, keys)
        except (Malformed, NotReceipted, KeyRefused):
            return False

    def _receipted(self, kind: str, id_: str, record: Record, keys: Sequence[Verifier]) -> bool:
        said = read_record(kind, id_, record.body)
        check_receipt(record.receipt, id_, said.at, record.body, self._orders.keys.origin, keys)
        return True

    def _entry(self, act: Act, action: str, target: str, detail: Mapping[str, str] | None = None) -> TrailEntry:
        return act.entry(instants.text(self._now()), action, target, detail or {})


@contextmanager
def _lifted(guard: Guard) -> Iterator[None]:
    """Let signatures pass that a person has asked for; afterwards it holds again, unless it was set back meanwhile."""
    held, guard.held = guard.held, None
    try:
        yield
    except BaseException:
        guard.held = held
        raise


def _without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _key(row: Mapping[str, Any]) -> Key:
    return Key(**_without(row, "number", "roles"), roles=cast(tuple[Role, ...], tuple(row["roles"].split())))


def _trailed(row: Mapping[str, Any]) -> TrailEntry:
    detail = json.loads(row["detail"])
    return TrailEntry(
        row["at"], row["actor"], row["action"], row["target"], row["reason"], detail, row.get("request_id")
    )
