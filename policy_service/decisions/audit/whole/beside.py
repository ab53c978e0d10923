"""What is in the store beside the log: the queue, bundles, triggers; none of it may hide or add anything."""

from policy_service import canonical
from policy_service.decisions.audit.whole.noting import MOST_FINDINGS, Findings, Read
from policy_service.decisions.audit.whole.orders import OrdersSeen
from policy_service.decisions.audit.whole.private import PrivatesSeen
from policy_service.decisions.ports.activations import BundleEntry, BundleStore
from policy_service.decisions.ports.log import LogEntry, LogStore, Unsealed
from policy_service.decisions.sealed.reading import Malformed, read_record
from policy_service.decisions.sealed.receipted import NotReceipted, check_receipt
from policy_service.policies.bundle import stored

_AT_ONCE = 1000


class Queue:
    """What waits for its index, what was refused one, and what lost its place."""

    def __init__(
        self, log: LogStore, origin: str, orders: OrdersSeen, privates: PrivatesSeen, findings: Findings
    ) -> None:
        self._log, self._origin, self._orders = log, origin, orders
        self._privates, self._findings = privates, findings

    def record(self, read: Read) -> None:
        """Only what is no record of the log is looked at here."""

    def end(self) -> None:
        for kind, id_ in self._log.unaccounted(MOST_FINDINGS):
            self._findings.add("record-not-logged", f"{kind} {id_} is stored, but neither sealed nor waiting", id=id_)
        for one in self._log.unsealed(_AT_ONCE):
            self._waiting(one)
        for refused in self._log.refused(0, MOST_FINDINGS):
            message = f"{refused.kind} {refused.id} was not sealed: {refused.reason}"
            self._findings.add("record-refused", message, id=refused.id)
        for name in self._log.intruders():
            self._findings.add("store-altered", f"the database has a {name}, which the service did not make")

    def _waiting(self, one: Unsealed) -> None:
        name = f"{one.kind} {one.id}, which waits for its index,"
        if one.record is None:
            self._findings.add("record-lost", f"{name} is not stored", id=one.id)
            return
        try:
            read = read_record(one.kind, one.id, one.record.body)
            verifiers = self._orders.verifiers()
            check_receipt(one.record.receipt, one.id, read.at, one.record.body, self._origin, verifiers)
        except Malformed as error:
            self._findings.add("record-malformed", f"{name} cannot be read: {error}", id=one.id)
        except NotReceipted as error:
            self._findings.add("record-not-receipted", f"{name} is none of the service's: {error}", id=one.id)
        else:
            if one.kind == "act":
                self._privates.erased(read.body.get("erasure", {}).get("records", ()))


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
        if stored(sources, entry.id) is None:
            message = f"the stored sources of {entry.id} do not give that bundle"
            self._findings.add("bundle-altered", message, id=entry.id)
