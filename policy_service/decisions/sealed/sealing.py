"""The sealer: gives waiting records their indices, extends the tree, signs the head.

Any number of sealers may work at once, by optimistic concurrency on the size of the log: an extension is made for the
size that was read, and the store adds it only if the log still has that size.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import orjson

from policy_service.access import instants
from policy_service.background import Periodic
from policy_service.decisions.ports.log import Extension, LogEntry, LogStore, SignedHead, Term, Unsealed
from policy_service.decisions.ports.recorded import RecordBody
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.decisions.sealed.terms import terms_of
from policy_service.proofs import notes, tiles
from policy_service.proofs.commitments import CommitmentRefused, reveal
from policy_service.proofs.tree import leaf_hash

MOST_AT_ONCE = 500
"""Records in one seal: on SQLite no decision is recorded while they are written."""
_LOG = logging.getLogger(__name__)


class Sealer:
    """Seals the log of one store."""

    def __init__(self, log: LogStore, keys: LogKeys, *, now: Callable[[], datetime], seconds: float = 1.0) -> None:
        self.log, self.keys = log, keys
        self._now = now
        self._periodic = Periodic("sealer", seconds, self._seal_waiting)

    def seal_all(self) -> int:
        """Number of records that were given an index here, until none waited.

        Raises:
            StoreUnavailable.
            TreeDamaged, StoreRefused: the store contradicts itself, and nothing more can be sealed: verify it.
        """
        sealed = 0
        while (some := self.seal()) != 0:
            sealed += some or 0
        return sealed

    def seal(self, most: int = MOST_AT_ONCE) -> int | None:
        """Number of records that were given an index: 0 if none waited, null if another sealer was first.

        Raises:
            StoreUnavailable, TreeDamaged, StoreRefused.
        """
        size = self.log.size()  # before what waits is read: while this is the size, all of it waits
        waiting = self.log.unsealed(most)
        if not waiting:
            return 0
        try:
            extension = self._extension(waiting, size)
        except tiles.TreeDamaged:
            if self.log.size() == size:
                raise
            return None  # another sealer extended the log between the two reads
        return len(waiting) if self.log.extend(extension) else None

    def _extension(self, waiting: Sequence[Unsealed], size: int) -> Extension:
        leaves = [leaf_hash(one.body) if one.leaf is None else bytes.fromhex(one.leaf) for one in waiting]
        changed, root = tiles.extend(StoredTiles(self.log), size, leaves)
        entries, terms = [], list[Term]()
        for index, (one, leaf) in enumerate(zip(waiting, leaves, strict=True), start=size):
            record = orjson.loads(one.body)  # only texts of it are looked at
            decided = one.kind == "decision"
            at = record["decided_at"] if decided else record["at"]
            as_of = record["request"]["as_of"] if decided else None
            entries.append(LogEntry(index, one.kind, one.id, leaf.hex(), at, as_of))
            if decided:
                found = terms_of(record, _shown(record, one))
                terms += (Term(text, index, private) for text, private in found.items())
        head = notes.Head(self.keys.origin, size + len(waiting), root)
        note = notes.sign_head(head, self.keys.signers)
        return Extension(
            after=size,
            numbers=[one.number for one in waiting],
            entries=entries,
            terms=terms,
            tiles={(tile.level, tile.number): tile.hashes for tile in changed},
            head=SignedHead(head.size, root.hex(), instants.text(self._now()), note),
        )

    # ---- in the background

    def start(self) -> None:
        """Start the thread that seals what waits every `seconds`, until `close`."""
        self._periodic.start()

    def close(self, seconds: float = 5.0) -> None:
        """End the thread; a seal under way is waited for, but no longer than some seconds."""
        self._periodic.close(seconds)

    def _seal_waiting(self) -> None:
        try:
            # What came meanwhile waits for the next turn: sealing two at a time costs more than all requests do.
            # Where another sealer is at work, the rest is left to it.
            while self.seal() == MOST_AT_ONCE and not self._periodic.closing:
                pass
        except StoreUnavailable as error:
            _LOG.warning("the log cannot be sealed now: %s", error)


def _shown(record: RecordBody, one: Unsealed) -> RecordBody:
    """A record with its private values filled in; unchanged where they do not fit it, which `verifying` reports."""
    try:
        return cast(RecordBody, reveal(record, one.privates)) if one.privates else record
    except CommitmentRefused:
        return record


@dataclass(frozen=True, slots=True)
class StoredTiles:
    """The tiles of a store, as the tree reads them."""

    log: LogStore

    def get(self, level: int, number: int) -> bytes | None:
        return self.log.tile(level, number)
