"""Whether the log is what was signed: every record and bundle hashed again, indices, tree, heads and receipts checked.

Nothing is believed that the store says of itself: roots are computed from the records' own bytes. What a store that was
changed from end to end could still hide, a head or a receipt that somebody kept shows: give them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from policy_service.decisions.activations import BundleStore
from policy_service.decisions.log import LogEntry, LogStore, SignedHead
from policy_service.decisions.sealing import StoredTiles
from policy_service.policies.bundle import bundle
from policy_service.proofs import notes, receipts
from policy_service.proofs.commitments import Private, fits
from policy_service.proofs.keys import Verifier
from policy_service.proofs.tiles import HEIGHT, WIDTH, TileNodes, TreeDamaged
from policy_service.proofs.tree import (
    EMPTY_ROOT,
    HASH_SIZE,
    consistency_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
)

Kind = Literal[
    "index-gap", "record-lost", "record-altered", "record-not-logged", "root-differs", "tree-altered", "head-refused",
    "head-lost", "log-truncated", "receipt-refused", "receipt-unmet", "bundle-altered", "private-value-altered",
]  # fmt: skip
AT_ONCE = 1000
"""Records that are read in one go."""
MOST_FINDINGS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit.

    index, id: of the record; null where it is about none.
    """

    kind: Kind
    message: str
    index: int | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification came: enough to go on from there.

    complete: roots of the complete subtrees over the records so far, hexadecimal, each with its level, levels falling.
    """

    records: int = 0
    complete: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked and what did not fit, in the order it was found."""

    records: int
    heads: int
    bundles: int
    waiting: int
    findings: tuple[Finding, ...]
    progress: Progress


@dataclass(frozen=True, slots=True)
class GivenReceipt:
    """A receipt that somebody kept, and the decision it was given for."""

    decision_id: str
    receipt: receipts.Receipt


@dataclass(slots=True)
class _Frontier:
    """The tree over the records so far: its complete subtrees from the left."""

    complete: list[tuple[int, bytes]]

    def add(self, leaf: bytes) -> Iterator[tuple[int, bytes]]:
        """Add a leaf; the subtrees above it that it completes, lowest first, each with its level."""
        level, found = 0, leaf
        while self.complete and self.complete[-1][0] == level:
            found = node_hash(self.complete.pop()[1], found)
            level += 1
            yield level, found
        self.complete.append((level, found))

    def root(self) -> bytes:
        if not self.complete:
            return EMPTY_ROOT
        found = self.complete[-1][1]
        for _, left in reversed(self.complete[:-1]):
            found = node_hash(left, found)
        return found

    def progress(self, records: int) -> "Progress":
        return Progress(records, tuple((level, found.hex()) for level, found in self.complete))


class Verification:
    """One walk over the log of a store.

    Args:
        origin: the log's name in its heads.
        verifiers: the keys that are trusted; they must come from elsewhere than the store.
        heads: notes that somebody kept.
    """

    def __init__(
        self,
        log: LogStore,
        bundles: BundleStore,
        *,
        origin: str,
        verifiers: Sequence[Verifier],
        heads: Sequence[str] = (),
        given: Sequence[GivenReceipt] = (),
    ) -> None:
        self._log, self._bundles = log, bundles
        self._origin, self._verifiers = origin, tuple(verifiers)
        self._given_heads, self._given = heads, given
        self._findings: list[Finding] = []
        self._tile = (-1, b"")

    def run(
        self,
        resume: Progress = Progress(),
        step: Callable[[int], None] = lambda _: None,
        keep: Callable[[Progress], None] = lambda _: None,
    ) -> Verified:
        """Walk from where an earlier walk stopped.

        Args:
            step: told the number of records after each that was checked.
            keep: told now and then how far the walk came, as long as nothing was found: to go on from there.
        Raises:
            StoreUnavailable.
        """
        size = self._log.size()
        frontier = _Frontier([(level, bytes.fromhex(found)) for level, found in resume.complete])
        kept = sorted(self._kept_heads(size))
        heads = _Heads(self._log, resume.records, kept)
        done = resume.records
        if done > size:
            self._found("log-truncated", f"{done} records were verified before, the log has {size}", size)
        elif done:
            self._check_earlier([one for one in kept if one[0] < done], done, frontier)
            self._check_heads(done, frontier, heads)
        for entry, body in self._entries(done, size):
            self._record(entry, body, done)
            leaf = leaf_hash(body) if body is not None else bytes.fromhex(entry.leaf)
            for level, found in frontier.add(leaf):
                self._check_node(level, done >> level, found)
            done += 1
            self._check_heads(done, frontier, heads)
            step(done)
            if done % AT_ONCE == 0 and not self._findings:
                keep(frontier.progress(done))
        self._rest(size)
        bundles = self._all_bundles()
        self._all_receipts()
        waiting = self._log.waiting()
        return Verified(done, heads.checked, bundles, waiting, tuple(self._findings), frontier.progress(done))

    def _found(self, kind: Kind, message: str, index: int | None = None, id: str | None = None) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(Finding(kind, message, index, id))

    # ---- records

    def _entries(self, first: int, size: int) -> Iterator[tuple[LogEntry, bytes | None]]:
        while first < size:
            some = [entry for entry in self._log.entries(first, AT_ONCE) if entry.index < size]
            bodies = self._log.bodies(some)
            privates = self._log.privates([entry.id for entry in some])
            for entry in some:
                body = bodies.get(entry.id)
                yield entry, body
                for private in privates.get(entry.id, ()):
                    self._private(entry, body, private)
            if not some:
                self._found("index-gap", f"there are no entries from index {first} on, {size} are due", first)
                return
            first = some[-1].index + 1

    def _record(self, entry: LogEntry, body: bytes | None, due: int) -> None:
        if entry.index != due:
            self._found("index-gap", f"index {due} is missing, {entry.index} follows", due)
        if body is None:
            self._found("record-lost", f"{entry.kind} {entry.id} is not stored", entry.index, entry.id)
            return
        if leaf_hash(body).hex() != entry.leaf:
            self._found(
                "record-altered", f"the bytes of {entry.kind} {entry.id} do not fit its hash", entry.index, entry.id
            )
        elif self._sealed(entry.index) != bytes.fromhex(entry.leaf):
            self._found(
                "tree-altered",
                f"the hash of {entry.kind} {entry.id} is not in the tree at its index",
                entry.index,
                entry.id,
            )

    def _sealed(self, index: int) -> bytes:
        """The leaf hash that the tree has at an index."""
        number, place = divmod(index, WIDTH)
        if self._tile[0] != number:
            self._tile = number, self._log.tile(0, number) or b""
        return self._tile[1][place * HASH_SIZE : (place + 1) * HASH_SIZE]

    def _check_node(self, level: int, index: int, found: bytes) -> None:
        """A subtree whose hash is kept in a tile above the leaves': proofs are made from it."""
        if level % HEIGHT:
            return
        number, place = divmod(index, WIDTH)
        tile = self._log.tile(level // HEIGHT, number) or b""
        if tile[place * HASH_SIZE : (place + 1) * HASH_SIZE] != found:
            first, last = index << level, ((index + 1) << level) - 1
            self._found("tree-altered", f"the hash of the records {first} to {last} is not the one in the tree", first)

    def _private(self, entry: LogEntry, body: bytes | None, private: Private) -> None:
        """The commitment stands in the record, so its text in the record's bytes is enough to look for."""
        if body is not None and not any(fits(found, private) for found in _commitments(body)):
            message = f"the private value of {entry.id} at {private.pointer} does not fit its commitment"
            self._found("private-value-altered", message, entry.index, entry.id)

    # ---- heads

    def _check_earlier(self, kept: Sequence[tuple[int, bytes]], done: int, frontier: _Frontier) -> None:
        """Heads that were kept of records which an earlier walk has checked: are they the beginning of what it saw?"""
        nodes, root = TileNodes(StoredTiles(self._log)), frontier.root()
        for size, earlier in kept:
            try:
                fits_in = verify_consistency(size, done, consistency_proof(nodes, size, done), earlier, root)
            except TreeDamaged as error:
                self._found("tree-altered", f"{error}", size - 1)
                continue
            if not fits_in:
                self._found(
                    "root-differs", f"a head that was kept has another root for the first {size} records", size - 1
                )

    def _check_heads(self, size: int, frontier: _Frontier, heads: "_Heads") -> None:
        """The store's head of this size, and those that were kept."""
        stored, kept = heads.of(size)
        if stored is None and not kept:
            return
        root = frontier.root()
        if any(one != root for one in kept):
            self._found("root-differs", f"a head that was kept has another root for the first {size} records", size - 1)
        if stored is None:
            return
        try:
            signed = notes.open_head(stored.note, self._verifiers, self._origin)
        except notes.NoteRefused as error:
            self._found("head-refused", f"the head of size {size} cannot be trusted: {error}", size - 1)
            return
        if (signed.size, signed.root.hex()) != (stored.size, stored.root):
            self._found("head-refused", f"the head of size {size} is stored with other values than it signs", size - 1)
        elif signed.root != root:
            self._found("root-differs", f"the first {size} records are not those of the signed head", size - 1)

    def _kept_heads(self, size: int) -> Iterator[tuple[int, bytes]]:
        for note in self._given_heads:
            try:
                head = notes.open_head(note, self._verifiers, self._origin)
            except notes.NoteRefused as error:
                self._found("head-refused", f"a head that was given cannot be trusted: {error}")
                continue
            if head.size > size:
                self._found("log-truncated", f"a head of {head.size} records was signed, the log has {size}", size)
            elif head.size:
                yield head.size, head.root

    def _rest(self, size: int) -> None:
        last = self._log.head()
        now = self._log.size()  # behind the head: the log may have grown since the walk began
        if last is not None and last.size > now:
            self._found("log-truncated", f"the store has a head of {last.size} records, the log has {now}", now)
        if size and (last is None or last.size < size):
            self._found("head-lost", f"the log has {size} records, no head of them all is stored", size - 1)
        for id_ in self._log.unaccounted(MOST_FINDINGS):
            self._found("record-not-logged", f"decision {id_} is stored, but neither sealed nor waiting", id=id_)

    # ---- receipts and bundles

    def _all_receipts(self) -> None:
        for given in self._given:
            id_ = given.decision_id
            try:
                receipts.verified(given.receipt, self._origin, id_, self._verifiers)
            except receipts.ReceiptRefused as error:
                self._found("receipt-refused", f"the receipt of {id_} cannot be trusted: {error}", id=id_)
                continue
            leaf, index = self._leaf(id_)
            if leaf is None:
                self._found("receipt-unmet", f"decision {id_} was receipted, and is not in the log", id=id_)
            elif receipts.digest_of(leaf) != given.receipt.digest:
                self._found("receipt-unmet", f"decision {id_} was receipted with another record", index, id_)

    def _leaf(self, id_: str) -> tuple[bytes | None, int | None]:
        """The hash of a record, and its index if it has one yet."""
        entry = self._log.entry(id_)
        if entry is None and (body := self._log.waiting_body(id_)) is not None:
            return leaf_hash(body), None
        entry = entry or self._log.entry(id_)  # it may have been sealed between the two readings
        return (None, None) if entry is None else (bytes.fromhex(entry.leaf), entry.index)

    def _all_bundles(self) -> int:
        entries = self._bundles.bundles()
        for entry in entries:
            found, _ = bundle(self._bundles.sources(entry.id) or {})
            if found is None or found.id != entry.id:
                self._found("bundle-altered", f"the stored sources of {entry.id} do not give that bundle", id=entry.id)
        return len(entries)


def _commitments(body: bytes) -> Iterator[str]:
    """Every commitment in the text of a record."""
    mark = b'{"commitment":"'
    at = body.find(mark)
    while at >= 0:
        end = body.find(b'"', at + len(mark))
        yield body[at + len(mark) : end].decode("ascii", "replace")
        at = body.find(mark, end)


class _Heads:
    """The store's heads from a size on, and those that were kept, both by size; each is handed out once."""

    def __init__(self, log: LogStore, first: int, kept: Sequence[tuple[int, bytes]]) -> None:
        self._stored = _all_heads(log, max(0, first - 1))
        self._next = next(self._stored, None)
        self._kept = [one for one in kept if one[0] >= first]
        self.checked = 0

    def of(self, size: int) -> tuple[SignedHead | None, list[bytes]]:
        """The stored head of a size that is not below the last one asked for, and the roots of the kept ones."""
        while self._next is not None and self._next.size < size:
            self._next = next(self._stored, None)
        kept = [root for of, root in self._kept if of == size]
        found = self._next if self._next is not None and self._next.size == size else None
        self.checked += (found is not None) + len(kept)
        return found, kept


def _all_heads(log: LogStore, after: int) -> Iterator[SignedHead]:
    while some := log.heads(after):
        yield from some
        after = some[-1].size
