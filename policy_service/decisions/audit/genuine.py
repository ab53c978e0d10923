"""Which records of the log are the service's own: receipted by a key then in force, and under a signed head.

Whoever can write into the store, and cannot sign, makes no record that passes here. What they took away is found by
`verifying` alone.
"""

from policy_service.decisions.audit.findings import Kind
from policy_service.decisions.deciding.recording import record_body
from policy_service.decisions.ports.log import LogEntry, LogStore, Record, SignedHead
from policy_service.decisions.ports.recorded import RecordBody
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.decisions.sealed.inforce import KeysByPlace
from policy_service.decisions.sealed.ordering import SignedOrders
from policy_service.decisions.sealed.reading import Malformed, read_record
from policy_service.decisions.sealed.receipted import NotReceipted, check_receipt
from policy_service.decisions.sealed.sealing import StoredTiles
from policy_service.proofs import notes, tree
from policy_service.proofs.keys import Verifier
from policy_service.proofs.tiles import TileNodes, TreeDamaged


class NotGenuine(Exception):
    """A record is not to be believed.

    kind: of the finding that it is.
    """

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Genuine:
    """The records of the log as it is now; make one for each question, since it keeps what it has read of the tree.

    Raises:
        StoreUnavailable.
    """

    def __init__(self, log: LogStore, orders: SignedOrders) -> None:
        followed = orders.catch_up()
        self.origin = orders.keys.origin
        self.legacy = 0 if followed.begin is None else followed.begin.legacy
        self.keys = KeysByPlace(followed, orders.keys, log)
        self._log, self._nodes = log, TileNodes(StoredTiles(log))
        self._head: notes.Head | None = None
        self._stored: SignedHead | None = None

    # ---- receipts

    def check_receipt(self, record: Record, at: str, index: int | None) -> Verifier | None:
        """The key that receipted a record; null where it is one of those from before receipts and has none.

        Args:
            at: the instant that its body says.
            index: null while it waits.
        Raises:
            NotReceipted.
        """
        if record.receipt is None and self.is_legacy(index):
            return None
        return check_receipt(record.receipt, record.id, at, record.body, self.origin, self.keys.at(index))

    def is_legacy(self, index: int | None) -> bool:
        """Whether it is from before receipts."""
        return index is not None and index < self.legacy

    # ---- the tree

    def head(self) -> notes.Head:
        """The newest head, which a key in force at its size signed. Raises NotGenuine."""
        if self._head is None:
            self._stored = self._log.head()
            if self._stored is None:
                raise NotGenuine("head-lost", "there is no head")
            self._head = self.opened(self._stored.note, self._stored.size)
        return self._head

    def head_beyond(self, index: int) -> notes.Head:
        """The newest head, if it has an index in it. Raises NotGenuine."""
        head = self.head()
        if head.size <= index:
            raise NotGenuine("head-lost", f"there is no head that has the index {index} in it")
        return head

    def signers(self) -> tuple[Verifier, ...]:
        """The keys in force that signed the newest head. Raises NotGenuine."""
        head = self.head()
        return () if self._stored is None else notes.opened(self._stored.note, self.keys.at(head.size))[1]

    def opened(self, note: str, size: int) -> notes.Head:
        """The head in a note that is kept as that of a size. Raises NotGenuine."""
        try:
            found = notes.open_head(note, self.keys.at(size), self.origin)
        except notes.NoteRefused as error:
            raise NotGenuine("head-refused", f"the head of size {size} cannot be trusted: {error}") from error
        if found.size != size:
            raise NotGenuine("head-refused", f"the head of size {found.size} is kept as that of size {size}")
        return found

    def is_in(self, head: notes.Head, leaf: bytes, index: int) -> bool:
        """Whether the leaf with this hash is at this index under a head."""
        try:
            hashes = tree.inclusion_proof(self._nodes, index, head.size)
        except (TreeDamaged, ValueError):
            return False
        return tree.verify_inclusion(leaf, index, head.size, hashes, head.root)

    def check_place(self, entry: LogEntry, record: Record) -> None:
        """Check that a record is in the tree where its entry says. Raises NotGenuine."""
        if not self.is_in(self.head_beyond(entry.index), tree.leaf_hash(record.body), entry.index):
            raise NotGenuine("record-altered", f"{entry.id} is not what was sealed at index {entry.index}")

    # ---- decisions

    def decision(self, entry: LogEntry, record: Record | None) -> tuple[DecisionRecord, RecordBody]:
        """A sealed decision and what it says; its place is looked at only where there is no receipt to believe.

        Raises:
            NotGenuine.
        """
        if not isinstance(record, DecisionRecord):
            raise NotGenuine("record-lost", f"the record of {entry.id} is not stored")
        try:
            said = read_record("decision", entry.id, record.body)
            if self.check_receipt(record, said.at, entry.index) is None:
                self.check_place(entry, record)
        except Malformed as error:
            raise NotGenuine("record-malformed", f"{entry.id}: {error}") from error
        except NotReceipted as error:
            raise NotGenuine("record-not-receipted", f"{entry.id}: {error}") from error
        return record, record_body(record.body)
