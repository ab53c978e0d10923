"""The sealer: gives waiting records their indices, extends the tree, signs the head.

Any number of sealers may try at once: what they make is thought out against a size of the log, and of two that were,
the store takes one.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread

from policy_service.decisions.days import instant
from policy_service.decisions.log import Extension, LogEntry, LogStore, SignedHead, Term, Unsealed
from policy_service.decisions.recording import parsed
from policy_service.decisions.records import StoreRefused, StoreUnavailable
from policy_service.decisions.signing import LogKeys
from policy_service.decisions.terms import terms_of
from policy_service.proofs import notes, tiles
from policy_service.proofs.commitments import reveal
from policy_service.proofs.tree import leaf_hash

MOST_AT_ONCE = 500
"""Records in one seal: on SQLite no decision is recorded while they are written."""
_LOG = logging.getLogger(__name__)


class Sealer:
    """Seals the log of one store."""

    def __init__(self, log: LogStore, keys: LogKeys, *, now: Callable[[], datetime], seconds: float = 1.0) -> None:
        self.log, self.keys = log, keys
        self._now, self._seconds = now, seconds
        self._stop: Event | None = None

    def seal_all(self) -> int:
        """Number of records that were given an index until none waited. Raises StoreUnavailable, TreeDamaged."""
        sealed = 0
        while some := self.seal():
            sealed += some
        return sealed

    def seal(self, most: int = MOST_AT_ONCE) -> int:
        """Number of records that were given an index; 0 if none waits. Raises StoreUnavailable, TreeDamaged."""
        while waiting := self.log.unsealed(most):
            size = self.log.size()
            try:
                extension = self._extension(waiting, size)
            except tiles.TreeDamaged:
                if self.log.size() == size:
                    raise
                continue  # another sealer came between the two readings
            if self.log.extend(extension):
                return len(waiting)
            if self.log.size() == size:
                raise StoreRefused("the log does not take what waits: a record that is sealed waits again")
        return 0

    def _extension(self, waiting: Sequence[Unsealed], size: int) -> Extension:
        leaves = [leaf_hash(one.body) if one.leaf is None else bytes.fromhex(one.leaf) for one in waiting]
        changed, root = tiles.extend(StoredTiles(self.log), size, leaves)
        entries, terms = [], list[Term]()
        for index, (one, leaf) in enumerate(zip(waiting, leaves, strict=True), start=size):
            record = parsed(one.body)
            decided = one.kind == "decision"
            at = record["decided_at"] if decided else record["at"]
            as_of = record["request"]["as_of"] if decided else None
            entries.append(LogEntry(index, one.kind, one.id, leaf.hex(), at, as_of))
            if decided:
                found = terms_of(record, reveal(record, one.privates) if one.privates else record)
                terms += (Term(text, index, private) for text, private in found.items())
        head = notes.Head(self.keys.origin, size + len(waiting), root)
        note = notes.sign_head(head, self.keys.signers)
        return Extension(
            after=size,
            numbers=[one.number for one in waiting],
            entries=entries,
            terms=terms,
            tiles={(tile.level, tile.number): tile.hashes for tile in changed},
            head=SignedHead(head.size, root.hex(), instant(self._now()), note),
        )

    # ---- beside the requests

    def start(self) -> None:
        """From now on a thread of this process seals what waits, until `close`."""
        if self._stop is None:
            self._stop = Event()
            Thread(target=self._seal_until, args=(self._stop,), name="sealer", daemon=True).start()

    def close(self) -> None:
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    def _seal_until(self, stop: Event) -> None:
        while not stop.wait(self._seconds):
            try:
                self.seal_all()
            except StoreUnavailable as error:
                _LOG.warning("the log cannot be sealed now: %s", error)
            except Exception:  # noqa: BLE001  the thread must outlive any fault, which is told
                _LOG.exception("the log cannot be sealed")


@dataclass(frozen=True, slots=True)
class StoredTiles:
    """The tiles of a store, as the tree reads them."""

    log: LogStore

    def get(self, level: int, number: int) -> bytes | None:
        return self.log.tile(level, number)
