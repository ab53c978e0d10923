"""The tree computed again from the bytes of the records, and compared with the stored tiles."""

from policy_service.decisions.audit.whole.noting import Findings
from policy_service.decisions.ports.log import LogEntry, LogStore
from policy_service.proofs.tiles import HEIGHT, WIDTH
from policy_service.proofs.tree import HASH_SIZE, Frontier, leaf_hash


class TreeSeen:
    """The tree over the records so far. The hashes that the store keeps are not trusted.

    Where a record does not fit, its stored hash is taken instead, so that later records can be checked.
    """

    def __init__(self, log: LogStore, findings: Findings) -> None:
        self._log, self._findings = log, findings
        self.frontier = Frontier()
        self.size = 0
        self._tiles: dict[int, tuple[int, bytes]] = {}
        self._lost = False  # a hash is lost, so that no root can be computed from there on
        self.differs = False
        """Whether a root differed: then those of all later heads do."""

    def root(self) -> bytes | None:
        """The root over the records so far; null where it cannot be told any more."""
        return None if self._lost or self.differs else self.frontier.root()

    def add(self, entry: LogEntry, body: bytes | None) -> bool:
        """Add a record at its index; whether its bytes are those that were sealed there."""
        sealed, leaf = self._sealed(0, entry.index), None if body is None else leaf_hash(body)
        fits = self._fits(entry, leaf, sealed)
        self._grow(leaf if leaf is not None and (fits or len(sealed) != HASH_SIZE) else sealed)
        return fits

    def skip(self, index: int) -> None:
        """A record is missing: its hash is taken from the stored tree."""
        self._grow(self._sealed(0, index))

    def _fits(self, entry: LogEntry, leaf: bytes | None, sealed: bytes) -> bool:
        what, at = f"{entry.kind} {entry.id}", (entry.index, entry.id)
        if leaf is None:
            self._findings.add("record-lost", f"{what} is not stored", *at)
        elif leaf.hex() != entry.leaf:
            self._findings.add("record-altered", f"the bytes of {what} do not fit its hash", *at)
        elif sealed != leaf:
            self._findings.add("tree-altered", f"the hash of {what} is not in the tree at its index", *at)
        else:
            return True
        return False

    def _grow(self, leaf: bytes) -> None:
        self.size += 1
        if len(leaf) != HASH_SIZE:
            self._lost = True
            return
        for level, found in self.frontier.add(leaf):
            if level % HEIGHT == 0 and self.root() is not None:
                index = (self.size >> level) - 1
                if self._sealed(level // HEIGHT, index) != found:
                    named = f"the tiles of level {level // HEIGHT}"
                    message = f"{named} have another hash over the records up to {self.size - 1}"
                    self._findings.add("tree-altered", message, index << level)

    def _sealed(self, level: int, index: int) -> bytes:
        """The hash that the store has at a level of tiles; shorter than a hash where it has none."""
        number, place = divmod(index, WIDTH)
        if self._tiles.get(level, (-1, b""))[0] != number:
            found = self._log.tile(level, number)
            self._tiles[level] = number, found if isinstance(found, bytes) else b""
        return self._tiles[level][1][place * HASH_SIZE : (place + 1) * HASH_SIZE]

    def end(self) -> None:
        """Check that the last tile of each level has the length that the size of the log requires."""
        found, level, due = list[str](), 0, 0
        while self.size >> HEIGHT * level:
            number, width = divmod(self.size >> HEIGHT * level, WIDTH)
            due += number + (width > 0)
            if len(self._log.tile(level, number) or b"") != width * HASH_SIZE:
                found.append(f"{level}/{number}")
            level += 1
        if found and self._log.size() == self.size:
            message = f"not as long as a log of {self.size} records makes them: tiles {', '.join(found)}"
            self._findings.add("tree-altered", message)
        kept = self._log.tiles_count()
        if kept > due and self._log.size() == self.size:
            self._findings.add("tree-altered", f"{kept} tiles are kept, a log of {self.size} records has {due}")
