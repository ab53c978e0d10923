"""The orders of the log as one process follows them: read as they come, checked, folded; and new ones signed.

Nothing else in the database says what the service follows. An order that was not signed, that does not continue the
one before it, or that went missing is not followed, and neither is what comes after it.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from threading import Lock

from policy_service.access import instants
from policy_service.access.trail import TrailEntry
from policy_service.decisions.ports.activations import StaleVersion
from policy_service.decisions.ports.acts import ActStore, Beginning, Change, LogState, StoredAct
from policy_service.decisions.ports.records import StoreRefused
from policy_service.decisions.sealed import acts
from policy_service.decisions.sealed.folding import Followed, OrderRefused
from policy_service.decisions.sealed.guard import NOTHING, Guard, GuardRefused, Held
from policy_service.decisions.sealed.owed import Owed
from policy_service.decisions.sealed.receipted import NotReceipted, check_receipt
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs.keys import KeyRefused, Verifier
from policy_service.proofs.tree import leaf_hash

_AT_ONCE = 1000
_LOG = logging.getLogger(__name__)


class LogNotBegun(Exception):
    """The store has records and no first order: somebody must begin its log.

    Args:
        fault: why the first order that is there is not followed; null where there is none.
    """

    def __init__(self, fault: str | None = None) -> None:
        super().__init__(fault or "the store has records and no first order of its log: policyctl audit begin")


class StoreEmptied(Exception):
    """This host has seen a log in the store, and now there is nothing."""

    def __init__(self) -> None:
        super().__init__("the store is empty, and had a log before: see `policyctl audit adopt-backup`")


class KeyUnknown(Exception):
    """The key that is to sign is none of the log's."""

    def __init__(self, label: str) -> None:
        super().__init__(f"the log does not know the key {label}: policyctl audit rotate-key, with one that it knows")


class SignedOrders:
    """See the port Orders; may be shared by threads.

    Args:
        owed: is told which acts this process has committed.
    """

    def __init__(
        self,
        store: ActStore,
        keys: LogKeys,
        guard: Guard,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        owed: Owed | None = None,
    ) -> None:
        self.store, self.keys, self.guard, self.owed = store, keys, guard, owed or Owed()
        self._now, self.new_id = now, new_id
        self._followed = Followed()
        self._lock = Lock()
        self.fault: str | None = None
        """Why an order is not followed; null while all are."""

    # ---- following

    @property
    def known(self) -> Followed:
        """What is followed, without asking the store; never changed after it is read here."""
        return self._followed

    def catch_up(self) -> Followed:
        """What is followed after every order that was committed before this was asked.

        An order that is refused, and all after it, are left out; `fault` says so.

        Raises:
            Held: orders that were followed are gone from the store.
            StoreUnavailable.
        """
        with self._lock:
            try:
                self._read()
            except (OrderRefused, NotReceipted, acts.ActMalformed, KeyRefused) as error:
                self._alarm(f"an order is not followed: {error}")
            return self._followed

    def _read(self) -> None:
        while some := self.store.orders(self._followed.version, _AT_ONCE):
            self._take_over(some)
        last = self.store.last_version()
        if last < self._followed.version:
            fault = f"the store has {last} orders, {self._followed.version} were followed"
            self._alarm(fault)
            raise Held(fault)
        if last == self._followed.version:
            self.fault = None

    def all_followed(self) -> Followed:
        """As `catch_up`, for what must not be told without the last word on it, as who may ask: an order that is
        missing here may be the end of a key.

        Raises:
            Held: the store is behind what was signed, or an order is not followed. StoreUnavailable.
        """
        followed = self.catch_up()
        self.guard.check()
        if self.fault is not None:
            raise Held(self.fault)
        return followed

    def _take_over(self, some: Sequence[StoredAct]) -> None:
        """Follow these orders, or those before the first that is refused, and nothing of that one."""
        fresh = self._followed.copy()
        for number, one in enumerate(some):
            try:
                fold(fresh, one, self.keys)
            except Exception:
                if number:  # it may have been folded by halves
                    self._take_over(some[:number])
                raise
        self._followed = fresh

    def _alarm(self, fault: str) -> None:
        if self.fault != fault:
            _LOG.critical(fault)
        self.fault = fault

    # ---- giving

    def may_sign(self) -> None:
        """Check that what is signed now will be valid.

        Raises:
            Held: the store is behind the guard, or the key here is not in force: what it signs would not be sealed; or
                an order is there that is not followed, so that nobody knows what holds.
            StoreUnavailable.
        """
        self.guard.check()
        if self.fault is not None:
            self.catch_up()  # it may be repaired
        if self.fault is not None:
            raise Held(self.fault)
        if not self.keys.signers:
            raise Held("no key that signs the log is at hand")
        try:
            self.check_keys()
        except KeyUnknown as error:
            raise Held(str(error)) from error

    def give(self, change: Change, version: int) -> None:
        """See Orders."""
        self.may_sign()
        known = self._followed
        if known.version != version:
            raise StaleVersion(f"version {version} was read, {known.version} is the last")
        if change.entry.at < known.last_at:
            change = replace(change, entry=replace(change.entry, at=known.last_at))
        new = [bundle for bundle in change.bundles if bundle.id not in known.bundles]  # an order names files once
        change = replace(change, bundles=new)
        act = acts.made(self.new_id(), change.entry, self.keys, order=acts.order_of(change, version + 1, known.leaf))
        try:
            fold(known.copy(), act, self.keys)
        except OrderRefused as error:  # nobody would follow it, so it is not written
            raise StoreRefused(str(error)) from error
        self.store.add(act, change.bundles)
        self.owed.committed([act])
        followed = self.catch_up()
        with suppress(GuardRefused):  # it is durable; the sealer tells of a guard that cannot be written
            self.guard.advance(LogState(0, "", followed.version, followed.leaf), act.at)

    def note(self, entry: TrailEntry) -> None:
        """See Orders."""
        self.may_sign()
        act = acts.made(self.new_id(), entry, self.keys)
        self.store.add(act)
        self.owed.committed([act])

    # ---- beginning

    def ready(self) -> None:
        """Catch up; the log of an empty store is begun by who signs.

        Raises:
            LogNotBegun, StoreEmptied, GuardRefused, StoreUnavailable.
        """
        if self.catch_up().version:
            return
        if self.store.has_records() or self.store.before_acts():
            if self.catch_up().version:
                return  # another process has begun it meanwhile
            raise LogNotBegun(self.fault)
        if self.guard.last() != NOTHING:  # asked after the store: who has begun it meanwhile wrote there first
            if self.catch_up().version:
                return
            raise StoreEmptied
        if not self.keys.signers:
            return
        with suppress(StaleVersion):  # another process has begun it meanwhile
            self.begin(TrailEntry(instants.text(self._now()), "service", "log.begin", self.keys.origin), 0)
        self.catch_up()

    def check_keys(self) -> None:
        """Raises KeyUnknown where the key that signs receipts here is not one that the log knows."""
        known = self._followed.signing_keys()
        for signer in self.keys.signers[:1]:
            if known and signer.verifier.text not in known:
                raise KeyUnknown(signer.verifier.label)

    def begin(
        self, entry: TrailEntry, legacy: int, orders: Sequence[Change] = (), notes: Sequence[TrailEntry] = ()
    ) -> None:
        """Write the first order and what else the log begins with: all of it or nothing.

        Raises:
            StaleVersion: another process was first.
        """
        self.may_sign()
        keys = tuple(signer.verifier.text for signer in self.keys.signers)
        followed, made = Followed(), list[StoredAct]()
        changes = (Change(entry, begin=Beginning(self.keys.origin, keys, legacy)), *orders)
        for version, change in enumerate(changes, start=1):
            order = acts.order_of(change, version, followed.leaf)
            made.append(acts.made(self.new_id(), change.entry, self.keys, order=order))
            try:
                fold(followed, made[-1], self.keys)
            except OrderRefused as error:
                raise StoreRefused(str(error)) from error
        made += [acts.made(self.new_id(), one, self.keys) for one in notes]
        self.store.add_first(made)
        self.owed.committed(made)
        self.catch_up()


def fold(followed: Followed, stored: StoredAct, keys: LogKeys) -> None:
    """Check an order, and take it over.

    Raises:
        OrderRefused, NotReceipted, ActMalformed, KeyRefused.
    """
    act = acts.parse(stored.body)
    if act.version != followed.version + 1 or act.change is None:
        raise OrderRefused(f"order {followed.version + 1} is missing")
    if act.previous != (f"sha256:{followed.leaf}" if followed.leaf else ""):
        raise OrderRefused(f"order {act.version} does not continue the one before it")
    if (act.id, act.entry.at, act.version) != (stored.id, stored.at, stored.version):
        raise OrderRefused(f"order {act.version} is kept as another than it is")
    check_receipt(stored.receipt, act.id, act.entry.at, stored.body, keys.origin, signing(followed, keys, act.change))
    leaf = leaf_hash(stored.body).hex()
    followed.fold(act.id, leaf, act.version, act.change, act.stored)


def signing(followed: Followed, keys: LogKeys, change: Change | None = None) -> Sequence[Verifier]:
    """The keys whose receipts hold after an order: those that the log names; of its first order, those trusted here."""
    if followed.begin is not None:
        return [Verifier.parse(text) for text in followed.signing_keys()]
    named = () if change is None or change.begin is None else change.begin.keys
    return [verifier for verifier in keys.verifiers if verifier.text in named]
