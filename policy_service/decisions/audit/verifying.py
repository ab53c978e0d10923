"""Verifies that the log is what was signed, and that the service follows what the log says.

Nothing that the store keeps is trusted: hashes, columns, terms and state are computed from the bytes of the records.
Whoever cannot sign is found out without any help. Whoever can sign and changed everything consistently is found out
only by heads, receipts or witnesses that were kept elsewhere: pass them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from policy_service.decisions.audit.findings import START, GivenReceipt, Progress, Verified
from policy_service.decisions.audit.whole.beside import Bundles, Queue
from policy_service.decisions.audit.whole.claims import ClaimsSeen
from policy_service.decisions.audit.whole.heads import HeadsSeen
from policy_service.decisions.audit.whole.noting import Findings, Part, Read
from policy_service.decisions.audit.whole.orders import OrdersSeen
from policy_service.decisions.audit.whole.private import PrivatesSeen
from policy_service.decisions.audit.whole.records import Columns, MissingSeen, ReceiptsSeen
from policy_service.decisions.audit.whole.terms import TermsSeen
from policy_service.decisions.audit.whole.tree import TreeSeen
from policy_service.decisions.ports.activations import BundleStore
from policy_service.decisions.ports.acts import ActStore, LogState
from policy_service.decisions.ports.log import LogEntry, LogStore, Record
from policy_service.decisions.ports.records import DecisionStore
from policy_service.decisions.sealed.reading import Malformed, read_record
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs import receipts
from policy_service.proofs.tree import leaf_hash

AT_ONCE = 1000
"""Records that are read in one go."""


@dataclass(frozen=True, slots=True)
class Stores:
    """What is verified."""

    log: LogStore
    acts: ActStore
    bundles: BundleStore
    decisions: DecisionStore


class Verification:
    """One walk over the log of a store. Meanwhile decisions may be made and sealed.

    Args:
        keys: origin, and the verifiers that are trusted; they must come from elsewhere than the store.
        heads: notes of heads that somebody kept.
        given: receipts that somebody kept.
        guard: what this host remembers of the log.
        resume: how far an earlier walk came: the signatures of those receipts are not verified again. All bytes are
            read.
    """

    def __init__(
        self,
        stores: Stores,
        keys: LogKeys,
        *,
        now: Callable[[], datetime],
        guard: LogState,
        heads: Sequence[str] = (),
        given: Sequence[GivenReceipt] = (),
        resume: Progress = START,
    ) -> None:
        self._log, self._keys, self._given, self._resume = stores.log, keys, given, resume
        self.size = stores.log.size()
        self._findings = findings = Findings()
        self._orders = OrdersSeen(keys, stores.acts, stores.bundles, findings, guard)
        self._receipts = ReceiptsSeen(keys.origin, self._orders, findings, resume.records)
        self._tree = TreeSeen(stores.log, findings)
        self._heads = HeadsSeen(
            stores.log, self._orders, self._tree, findings,
            origin=keys.origin, trusted=keys.verifiers, kept=heads, guard=guard, size=self.size,
        )  # fmt: skip
        self._bundles = Bundles(stores.bundles, self._orders, findings)
        privates = PrivatesSeen(stores.log, findings)
        terms, missing = TermsSeen(stores.log, findings), MissingSeen(stores.log, findings)
        claims = ClaimsSeen(stores.log, stores.decisions, findings, now)
        self._parts: tuple[Part, ...] = (
            self._receipts,  # before the orders: see there
            Columns(self._orders, findings),  # likewise
            self._orders,
            Queue(
                stores.log,
                keys.origin,
                self._orders,
                findings,
                size=self.size,
                others=(terms, claims, privates, missing),
            ),
            terms,  # behind the queue, in which an erasure may wait, as those that follow
            claims,
            privates,
            missing,
            self._bundles,
        )

    def run(
        self, step: Callable[[int], None] = lambda _: None, keep: Callable[[Progress], None] = lambda _: None
    ) -> Verified:
        """The walk.

        Args:
            step: called after each record, with the number of records checked.
            keep: called now and then with the progress, so that a walk that is interrupted can be resumed; only while
                nothing is found.
        Raises:
            StoreUnavailable.
        """
        if self._resume.records > self.size:
            message = f"{self._resume.records} records were verified before, the log has {self.size}"
            self._findings.add("log-truncated", message, self.size)
        mistyped = self._log.mistyped()
        for name in mistyped:
            self._findings.add("store-altered", f"the column {name} has values of another type than its own")
        try:
            self._walk(step, keep)
        except (TypeError, ValueError, AttributeError):
            if not mistyped:
                raise
            self._findings.add("store-altered", "nothing more could be read beside values of other types")
        return self._verified()

    def _walk(self, step: Callable[[int], None], keep: Callable[[Progress], None]) -> None:
        for entry, record in self._entries():
            self._skip_to(entry.index)
            self._one(entry, record)
            self._reached()
            step(self._tree.size)
            if self._tree.size % AT_ONCE == 0 and not self._findings.all:
                keep(self._progress())
        self._tree.end()
        self._heads.end()
        for part in self._parts:
            part.end()
        self._all_receipts()

    def _verified(self) -> Verified:
        return Verified(
            self._tree.size,
            self._heads.checked,
            self._bundles.checked,
            self._log.waiting(),
            tuple(self._findings.all),
            self._progress(),
            self._findings.further,
        )

    def _progress(self) -> Progress:
        return Progress(self._tree.size, self._tree.frontier.root().hex(), self._receipts.digest())

    # ---- records

    def _entries(self) -> Iterator[tuple[LogEntry, Record | None]]:
        first = 0
        while first < self.size:
            some = [entry for entry in self._log.entries(first, AT_ONCE) if entry.index < self.size]
            if not some:
                message = f"there are no entries from index {first} on, {self.size} are due"
                self._findings.add("index-gap", message, first)
                return
            records = self._log.records(some)
            for entry in some:
                yield entry, records.get(entry.id)
            first = some[-1].index + 1

    def _skip_to(self, index: int) -> None:
        """Report missing entries."""
        first = self._tree.size
        if first >= index:
            return
        missing = (
            f"index {first} is missing" if index == first + 1 else f"the indices {first} to {index - 1} are missing"
        )
        self._findings.add("index-gap", f"{missing}, {index} follows", first)
        while self._tree.size < index:
            self._tree.skip(self._tree.size)
            self._reached()

    def _one(self, entry: LogEntry, record: Record | None) -> None:
        if not self._tree.add(entry, None if record is None else record.body) or record is None:
            return
        try:
            said = read_record(entry.kind, entry.id, record.body)
            read = Read(entry, record, said.body, said.at)
            for part in self._parts:
                part.record(read)
        except (Malformed, KeyError, TypeError, AttributeError) as error:
            message = f"{entry.kind} {entry.id} cannot be read: {error}"
            self._findings.add("record-malformed", message, entry.index, entry.id)

    def _reached(self) -> None:
        """Check what is known of the log at this size."""
        self._heads.reached(self._tree.size)
        if self._tree.size == self._resume.records:
            if self._tree.frontier.root() != bytes.fromhex(self._resume.root):
                message = f"the first {self._tree.size} records are not those that were verified before"
                self._findings.add("root-differs", message, 0)
            if self._receipts.digest() != self._resume.receipts:
                message = f"a receipt of the first {self._tree.size} records is not what was verified before"
                self._findings.add("record-not-receipted", message)

    # ---- receipts that somebody kept

    def _all_receipts(self) -> None:
        for given in self._given:
            id_ = given.decision_id
            try:
                receipts.verified(given.receipt, self._keys.origin, id_, self._keys.verifiers)
            except receipts.ReceiptRefused as error:
                self._findings.add("receipt-refused", f"the receipt of {id_} cannot be trusted: {error}", id=id_)
                continue
            leaf, index = self._leaf(id_)
            if leaf is None:
                message = f"decision {id_} was receipted, and is not in the log"
                self._findings.add("receipt-unmet", message, index, id_)
            elif receipts.digest_of(leaf) != given.receipt.digest:
                message = f"decision {id_} was receipted with another record"
                self._findings.add("receipt-unmet", message, index, id_)

    def _leaf(self, id_: str) -> tuple[bytes | None, int | None]:
        """The hash of a record's bytes, null where it is lost; and its index if it has one yet."""
        entry = self._log.entry(id_)
        if entry is None and (body := self._log.waiting_body(id_)) is not None:
            return leaf_hash(body), None
        entry = entry or self._log.entry(id_)  # sealed between the two questions
        if entry is None:
            return None, None
        found = self._log.bodies([entry]).get(id_)
        return (None if found is None else leaf_hash(found)), entry.index
