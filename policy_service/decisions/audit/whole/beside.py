"""What is in the store beside the log: the queue, bundles, triggers; none of it may hide or add anything."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from policy_service import canonical
from policy_service.decisions.audit.whole.noting import MOST_FINDINGS, Findings, Read
from policy_service.decisions.audit.whole.orders import OrdersSeen
from policy_service.decisions.ports.activations import BundleEntry, BundleStore
from policy_service.decisions.ports.log import LogEntry, LogStore, Record, Unsealed
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.decisions.sealed.reading import Malformed, read_record
from policy_service.decisions.sealed.receipted import NotReceipted, check_receipt
from policy_service.policies.bundle import stored

_AT_ONCE = 1000


class Meanwhile(Protocol):
    """A part that looks at records which are not sealed yet, or were sealed during the walk, too."""

    def meanwhile(self, record: Record, body: Any, /) -> None:
        """A record with a valid receipt."""


class Queue:
    """What waits for its index, what was refused one, and what lost its place.

    Args:
        size: of the log that is walked over.
        others: are told of what waits, and of what was sealed during the walk.
    """

    def __init__(
        self,
        log: LogStore,
        origin: str,
        orders: OrdersSeen,
        findings: Findings,
        *,
        size: int,
        others: Sequence[Meanwhile],
    ) -> None:
        self._log, self._origin, self._orders = log, origin, orders
        self._size, self._others, self._findings = size, others, findings
        self._ids: set[str] = set()

    def record(self, read: Read) -> None:
        """Only what is no record of the log is looked at here."""

    def end(self) -> None:
        for kind, id_ in self._log.unaccounted(MOST_FINDINGS):
            self._findings.add("record-not-logged", f"{kind} {id_} is stored, but neither sealed nor waiting", id=id_)
        for one in self._log.unsealed(_AT_ONCE):
            self._waiting(one)
        self._sealed_meanwhile()
        for refused in self._log.refused(0, MOST_FINDINGS):
            message = f"{refused.kind} {refused.id} was not sealed: {refused.reason}"
            self._findings.add("record-refused", message, id=refused.id)
        for name in self._log.intruders():
            self._findings.add("store-altered", f"the database has a {name}, which the service did not make")
        for name in self._log.strays():
            self._findings.add("store-altered", f"the database has {name}")

    def _sealed_meanwhile(self) -> None:
        """An erasure among them tells where values went that the walk misses."""
        first = self._size
        while some := self._log.entries(first, _AT_ONCE):
            for found in self._log.records(some).values():
                kind = "decision" if isinstance(found, DecisionRecord) else "act"
                with suppress(Malformed, NotReceipted):  # the next walk tells of it
                    self._tell(kind, found)
            first = some[-1].index + 1

    def _tell(self, kind: str, record: Record) -> None:
        read = read_record(kind, record.id, record.body)
        verifiers = self._orders.verifiers()
        check_receipt(record.receipt, record.id, read.at, record.body, self._origin, verifiers)
        for other in self._others:
            other.meanwhile(record, read.body)

    def _waiting(self, one: Unsealed) -> None:
        name = f"{one.kind} {one.id}, which waits for its index,"
        if one.record is None:
            self._findings.add("record-lost", f"{name} is not stored", id=one.id)
            return
        if one.sealed or one.id in self._ids:
            self._findings.add("record-refused", f"{name} is in the log already, or waits twice", id=one.id)
            return
        self._ids.add(one.id)
        try:
            self._tell(one.kind, one.record)
        except Malformed as error:
            self._findings.add("record-malformed", f"{name} cannot be read: {error}", id=one.id)
        except NotReceipted as error:
            self._findings.add("record-not-receipted", f"{name} is none of the service's: {error}", id=one.id)


class Bundles:
    """Bundles are stored as their orders said, comments and labels included; those of decisions are there."""

    def __init__(self, bundles: BundleStore, orders: OrdersSeen, findings: Findings) -> None:
        self._bundles, self._orders, self._findings = bundles, orders, findings
        self._used: dict[str, LogEntry] = {}
        self.checked = 0

    def record(self, read: Read) -> None:
        if read.entry.kind == "decision":
            self._used.setdefault(read.body["bundle"], read.entry)

    def end(self) -> None:
        entries = self._bundles.bundles()
        for entry in entries:
            self._check(entry)
        self.checked = len(entries)
        known = {entry.id for entry in entries}
        for id_ in self._orders.followed.bundles:
            if id_ not in known and id_ not in self._used:
                self._findings.add("bundle-lost", f"the bundle {id_}, which an order stored, is not there", id=id_)
        for id_, first in self._used.items():
            if id_ not in known:
                message = f"the bundle {id_} of decision {first.id} is not stored"
                self._findings.add("bundle-lost", message, first.index, first.id)

    def _check(self, entry: BundleEntry) -> None:
        sources = self._bundles.sources(entry.id) or {}
        ordered = self._orders.followed.bundles.get(entry.id)
        digests = {path: canonical.digest(text.encode()) for path, text in sources.items()}
        if ordered is None:
            self._findings.add("bundle-altered", f"no order has stored the bundle {entry.id}", id=entry.id)
        elif digests != dict(ordered.files):
            path = min(path for path in {*digests, *ordered.files} if digests.get(path) != ordered.files.get(path))
            message = f"`{path}` of the bundle {entry.id} is not what was uploaded"
            self._findings.add("bundle-altered", message, id=entry.id)
        elif entry.label != ordered.label:
            self._findings.add("bundle-altered", f"the label of the bundle {entry.id} is another", id=entry.id)
        elif not self._orders.was_stored(entry.id, entry.seen_at):
            self._findings.add("bundle-altered", f"the bundle {entry.id} was stored at another instant", id=entry.id)
        if stored(sources, entry.id) is None:
            message = f"the stored sources of {entry.id} do not give that bundle"
            self._findings.add("bundle-altered", message, id=entry.id)
