"""Verifies that the log is what was signed: every record and bundle is hashed again, indices, tree, heads and receipts
are checked.

The hashes that the store keeps are not trusted: roots are computed from the bytes of the records. Somebody who changed
everything in the store consistently is found out only by heads or receipts that were kept elsewhere: pass them.
"""

from collections.abc import Callable, Iterator, Sequence

from policy_service.decisions.audit.findings import START, Finding, GivenReceipt, Kind, Progress, Verified
from policy_service.decisions.audit.heads import Heads, all_heads
from policy_service.decisions.deciding.recording import commitments, parsed
from policy_service.decisions.ports.activations import BundleStore
from policy_service.decisions.ports.log import LogEntry, LogStore
from policy_service.decisions.sealed.sealing import StoredTiles
from policy_service.policies.bundle import stored
from policy_service.proofs import notes, receipts, tree
from policy_service.proofs.commitments import Private, fits
from policy_service.proofs.keys import Verifier
from policy_service.proofs.tiles import HEIGHT, WIDTH, TileNodes, TreeDamaged
from policy_service.proofs.tree import HASH_SIZE, Frontier, leaf_hash

AT_ONCE = 1000
"""Records that are read in one go."""
MOST_FINDINGS = 100


def _progress(records: int, frontier: Frontier) -> Progress:
    return Progress(records, tuple((level, found.hex()) for level, found in frontier.complete))


class Verification:
    """One walk over the log of a store.

    Args:
        origin: the log's name in its heads.
        verifiers: the keys that are trusted; they must come from elsewhere than the store.
        heads: notes of heads that somebody kept.
        given: receipts that somebody kept.
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
        self._further = 0
        self._tiles: dict[int, tuple[int, bytes]] = {}
        self._fitting = 0
        """The size of the last head that fits the records before it."""
        self._lost_from: int | None = None
        """The first index whose hash is lost, so that no root can be computed from there on."""
        self._differs = False
        """Whether a root differed: then those of all later heads do."""
        self._used: dict[str, LogEntry] = {}
        """Bundles that records name, each with the first of them."""
        self._hidden: dict[str, LogEntry] = {}
        """Records whose private values are gone, and that no erasure seen so far names."""

    def run(
        self,
        resume: Progress = START,
        step: Callable[[int], None] = lambda _: None,
        keep: Callable[[Progress], None] = lambda _: None,
    ) -> Verified:
        """Walk from where an earlier walk stopped. Meanwhile decisions may be made and sealed.

        The bytes of the records before that place are not read again, but what was sealed there must still be the
        beginning of every later head.

        Args:
            step: called after each record, with the number of records checked.
            keep: called now and then with the progress, so that a walk that is interrupted can be resumed; only while
                nothing is found and no erasure is still to be met, so that a resumed walk misses nothing.
        Raises:
            StoreUnavailable.
        """
        size, done = self._log.size(), resume.records
        frontier = Frontier([(level, bytes.fromhex(found)) for level, found in resume.complete])
        heads = Heads(self._log, done, sorted(self._kept_heads(size, resume, frontier)))
        self._fitting = done
        if done > size:
            self._found("log-truncated", f"{done} records were verified before, the log has {size}", size)
        elif done:
            self._check_heads(done, frontier, heads)
        for entry, body in self._entries(done, size):
            if entry.index != done:
                self._gap(done, entry.index, frontier, heads)
                done = entry.index
            leaf = self._record(entry, body)
            done += 1
            self._add(leaf, done, frontier)
            self._check_heads(done, frontier, heads)
            step(done)
            if done % AT_ONCE == 0 and not self._findings and not self._hidden:
                keep(_progress(done, frontier))
        self._tile_ends(size)
        self._stored_heads(size)
        self._beside_the_tree(size)
        bundles = self._all_bundles()
        self._all_receipts(resume.records, done, frontier)
        waiting, findings = self._log.waiting(), tuple(self._findings)
        return Verified(done, heads.checked, bundles, waiting, findings, _progress(done, frontier), self._further)

    def _found(self, kind: Kind, message: str, index: int | None = None, id: str | None = None) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(Finding(kind, message, index, id))
        else:
            self._further += 1

    # ---- records

    def _entries(self, first: int, size: int) -> Iterator[tuple[LogEntry, bytes | None]]:
        while first < size:
            some = [entry for entry in self._log.entries(first, AT_ONCE) if entry.index < size]
            if not some:
                self._found("index-gap", f"there are no entries from index {first} on, {size} are due", first)
                return
            bodies = self._log.bodies(some)
            privates = self._log.privates([entry.id for entry in some])
            for entry in some:
                body = bodies.get(entry.id)
                yield entry, body
                if body is not None:
                    self._privates(entry, body, privates.get(entry.id, ()))
            first = some[-1].index + 1

    def _gap(self, first: int, end: int, frontier: Frontier, heads: Heads) -> None:
        """Report missing entries; their hashes are taken from the stored tree, so that later records can be checked."""
        missing = f"index {first} is missing" if end == first + 1 else f"the indices {first} to {end - 1} are missing"
        self._found("index-gap", f"{missing}, {end} follows", first)
        for index in range(first, end):
            leaf = self._sealed(0, index)
            if len(leaf) != HASH_SIZE:
                self._lost_from = index if self._lost_from is None else self._lost_from
                return
            self._add(leaf, index + 1, frontier)
            self._check_heads(index + 1, frontier, heads)

    def _record(self, entry: LogEntry, body: bytes | None) -> bytes:
        """The leaf hash to compute the tree with: that of the record if it fits, else the one that was sealed."""
        index, id_ = entry.index, entry.id
        sealed = self._sealed(0, index)
        what = f"{entry.kind} {id_}"
        if body is None:
            self._found("record-lost", f"{what} is not stored", index, id_)
        elif (leaf := leaf_hash(body)).hex() != entry.leaf:
            self._found("record-altered", f"the bytes of {what} do not fit its hash", index, id_)
        elif sealed != leaf:
            self._found("tree-altered", f"the hash of {what} is not in the tree at its index", index, id_)
        else:
            self._entry(entry, body)
            return leaf
        return sealed if len(sealed) == HASH_SIZE else leaf_hash(body or b"")

    def _entry(self, entry: LogEntry, body: bytes) -> None:
        """Check that id, instant and day of an entry are those of its record."""
        record = parsed(body)
        if entry.kind == "decision":
            said = record["decision_id"], record["decided_at"], record["request"]["as_of"]
            self._used.setdefault(record["bundle"], entry)
        else:
            said = record["erasure_id"], record["at"], None
            for id_ in record["records"]:
                self._hidden.pop(id_, None)
        if said != (entry.id, entry.at, entry.as_of):
            message = f"id, instant or day of {entry.kind} {entry.id} are not those of its record"
            self._found("entry-altered", message, entry.index, entry.id)

    def _sealed(self, level: int, index: int) -> bytes:
        """The hash that the store has at a level of tiles; shorter than a hash where it has none."""
        number, place = divmod(index, WIDTH)
        if self._tiles.get(level, (-1, b""))[0] != number:
            self._tiles[level] = number, self._log.tile(level, number) or b""
        return self._tiles[level][1][place * HASH_SIZE : (place + 1) * HASH_SIZE]

    def _add(self, leaf: bytes, size: int, frontier: Frontier) -> None:
        """Add the next leaf to the tree, and compare the hashes that it completes with the stored tiles."""
        for level, found in frontier.add(leaf):
            if level % HEIGHT == 0 and not self._differs and self._lost_from is None:
                index = (size >> level) - 1
                if self._sealed(level // HEIGHT, index) != found:
                    message = (
                        f"the tiles of level {level // HEIGHT} have another hash over the records up to {size - 1}"
                    )
                    self._found("tree-altered", message, index << level)

    def _tile_ends(self, size: int) -> None:
        """Check that the last tile of each level has the length that the size of the log requires."""
        found, level = list[str](), 0
        while size >> HEIGHT * level:
            number, width = divmod(size >> HEIGHT * level, WIDTH)
            if len(self._log.tile(level, number) or b"") != width * HASH_SIZE:
                found.append(f"{level}/{number}")
            level += 1
        if found and self._log.size() == size:
            self._found("tree-altered", f"not as long as a log of {size} records makes them: tiles {', '.join(found)}")

    def _privates(self, entry: LogEntry, body: bytes, privates: Sequence[Private]) -> None:
        """Check private values. A commitment covers its place too, so it may stand anywhere in the record."""
        committed = commitments(body)
        for private in privates:
            if not any(fits(one, private) for one in committed):
                message = f"the private value of {entry.id} at {private.pointer} does not fit its commitment"
                self._found("private-value-altered", message, entry.index, entry.id)
        if committed and not privates:
            self._hidden[entry.id] = entry
        elif len(committed) > len(privates):
            message = f"{len(committed) - len(privates)} private values of {entry.id} are gone, others are there"
            self._found("private-value-lost", message, entry.index, entry.id)

    # ---- heads

    def _check_heads(self, size: int, frontier: Frontier, heads: Heads) -> None:
        """Check the stored head of this size, and those that were kept."""
        stored, kept = heads.of(size)
        if stored is None and not kept:
            return
        root = None if self._lost_from is not None or self._differs else frontier.root()
        if root is not None and any(one != root for one in kept):
            self._differing("a head that was kept", size)
        if stored is None:
            self._found("head-lost", f"a head of size {size} that was kept is not stored", size - 1)
            return
        try:
            signed = notes.open_head(stored.note, self._verifiers, self._origin)
        except notes.NoteRefused as error:
            self._found("head-refused", f"the head of size {size} cannot be trusted: {error}", size - 1)
            return
        if (signed.size, signed.root.hex()) != (stored.size, stored.root):
            self._found("head-refused", f"the head of size {size} is stored with other values than it signs", size - 1)
        elif root is not None and not self._differs:
            if signed.root != root:
                self._differing("the signed head", size)
            else:
                self._fitting = size

    def _differing(self, which: str, size: int) -> None:
        where = f"one of the records {self._fitting} to {size - 1} is not what was sealed"
        self._found("root-differs", f"{which} of size {size} has another root: {where}", self._fitting)
        self._differs = True

    def _kept_heads(self, size: int, resume: Progress, frontier: Frontier) -> Iterator[tuple[int, bytes]]:
        """Size and root of the kept heads that the walk will reach; the others are checked here."""
        for note in self._given_heads:
            try:
                head = notes.open_head(note, self._verifiers, self._origin)
            except notes.NoteRefused as error:
                self._found("head-refused", f"a head that was given cannot be trusted: {error}")
                continue
            if head.size > size:
                self._found("log-truncated", f"a head of {head.size} records was signed, the log has {size}", size)
            elif head.size < resume.records <= size:
                self._begins(head, resume.records, frontier.root())
            elif head.size:
                yield head.size, head.root

    def _begins(self, head: notes.Head, size: int, root: bytes) -> None:
        """Check that the records of a kept head are the first of those that were verified before."""
        try:
            proof = tree.consistency_proof(self._nodes(), head.size, size)
            fits_ = tree.verify_consistency(head.size, size, proof, head.root, root)
        except TreeDamaged:
            fits_ = False
        if not fits_:
            message = f"a head of {head.size} records that was kept is not the beginning of the {size} verified before"
            self._found("root-differs", message, 0)

    def _nodes(self) -> TileNodes:
        return TileNodes(StoredTiles(self._log))

    def _stored_heads(self, size: int) -> None:
        """Check that there is a head of all records, and none of more."""
        if size and self._log.head(size) is None:
            self._found("head-lost", f"the log has {size} records, no head of them all is stored", size - 1)
        beyond = list(all_heads(self._log, self._log.size()))
        now = self._log.size()
        for head in beyond:
            if head.size <= now:
                continue  # sealed meanwhile
            try:
                notes.open_head(head.note, self._verifiers, self._origin)
            except notes.NoteRefused as error:
                self._found("head-refused", f"the head of size {head.size} cannot be trusted: {error}", head.size - 1)
            else:
                self._found("log-truncated", f"the store has a head of {head.size} records, the log has {now}", now)

    def _beside_the_tree(self, size: int) -> None:
        """Check what is not in the tree: unsealed records, waiting records, and values that no erasure accounts for."""
        for id_ in self._log.unaccounted(MOST_FINDINGS):
            self._found("record-not-logged", f"record {id_} is stored, but neither sealed nor waiting", id=id_)
        for id_ in self._log.lost_waiting(MOST_FINDINGS):
            self._found("record-lost", f"record {id_} waits for its index, and is not stored", id=id_)
        waiting = self._log.unsealed(AT_ONCE)
        for one in waiting:
            if one.leaf is not None and leaf_hash(one.body).hex() != one.leaf:
                message = f"the bytes of {one.kind} {one.id}, which waits for its index, do not fit its hash"
                self._found("record-altered", message, id=one.id)
        if self._hidden:  # an erasure may have come since the walk began
            later = [one.body for one in waiting if one.kind == "erasure"]
            while some := self._log.entries(size, AT_ONCE):
                later += self._log.bodies([entry for entry in some if entry.kind == "erasure"]).values()
                size = some[-1].index + 1
            for body in later:
                for id_ in parsed(body)["records"]:
                    self._hidden.pop(id_, None)
        for id_, entry in self._hidden.items():
            message = f"the private values of {id_} are gone, and no erasure names it"
            self._found("private-value-lost", message, entry.index, id_)

    # ---- receipts and bundles

    def _all_receipts(self, before: int, size: int, frontier: Frontier) -> None:
        for given in self._given:
            id_ = given.decision_id
            try:
                receipts.verified(given.receipt, self._origin, id_, self._verifiers)
            except receipts.ReceiptRefused as error:
                self._found("receipt-refused", f"the receipt of {id_} cannot be trusted: {error}", id=id_)
                continue
            leaf, index = self._leaf(id_)
            if leaf is None:
                self._found("receipt-unmet", f"decision {id_} was receipted, and is not in the log", index, id_)
            elif receipts.digest_of(leaf) != given.receipt.digest:
                self._found("receipt-unmet", f"decision {id_} was receipted with another record", index, id_)
            elif index is not None and index < before and not self._included(leaf, index, size, frontier.root()):
                self._found("receipt-unmet", f"decision {id_} is not in the tree at its index", index, id_)

    def _included(self, leaf: bytes, index: int, size: int, root: bytes) -> bool:
        """Whether the tree proves a record that an earlier walk has read, and this one has not."""
        try:
            return tree.verify_inclusion(leaf, index, size, tree.inclusion_proof(self._nodes(), index, size), root)
        except (TreeDamaged, ValueError):
            return False

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

    def _all_bundles(self) -> int:
        entries = self._bundles.bundles()
        for entry in entries:
            if stored(self._bundles.sources(entry.id) or {}, entry.id) is None:
                self._found("bundle-altered", f"the stored sources of {entry.id} do not give that bundle", id=entry.id)
        known = {entry.id for entry in entries}
        for id_, first in self._used.items():
            if id_ not in known:
                message = f"the bundle {id_} of decision {first.id} is not stored"
                self._found("bundle-lost", message, first.index, first.id)
        return len(entries)
