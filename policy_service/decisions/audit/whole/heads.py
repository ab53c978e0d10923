"""The signed heads: each has the root of the records before it, follows the head before, and its time does not fall."""

from collections.abc import Iterator, Sequence

from policy_service.decisions.audit.heads import Heads, all_heads
from policy_service.decisions.audit.whole.noting import Findings
from policy_service.decisions.audit.whole.orders import OrdersSeen
from policy_service.decisions.audit.whole.tree import TreeSeen
from policy_service.decisions.ports.acts import LogState
from policy_service.decisions.ports.log import LogStore, SignedHead
from policy_service.proofs import notes
from policy_service.proofs.keys import Verifier

LEAST = -(1 << 62)
"""Less than any size that a row may have."""


class HeadsSeen:
    """Checks the stored heads as the walk reaches their sizes, and those that somebody kept.

    Args:
        kept: notes of heads.
        guard: what this host remembers of the log.
    """

    def __init__(
        self,
        log: LogStore,
        orders: OrdersSeen,
        tree: TreeSeen,
        findings: Findings,
        *,
        origin: str,
        trusted: Sequence[Verifier],
        kept: Sequence[str],
        guard: LogState,
        size: int,
    ) -> None:
        self._log, self._orders, self._tree, self._findings = log, orders, tree, findings
        self._origin, self._trusted = origin, trusted
        self._fitting = 0  # size of the last head that fits the records before it
        self._last: tuple[int, str] = (0, "")  # size and time of the head before
        self._remembered = [(guard.size, bytes.fromhex(guard.root))] if 0 < guard.size <= size else []
        self._heads = Heads(log, 0, sorted([*self._opened(kept, size), *self._remembered]))
        if guard.size > size:
            message = f"{guard.size} records were signed, as the guard remembers, the log has {size}"
            findings.add("log-truncated", message, size)

    @property
    def checked(self) -> int:
        return self._heads.checked - len(self._remembered)

    def _opened(self, kept: Sequence[str], size: int) -> Iterator[tuple[int, bytes]]:
        for note in kept:
            try:
                head = notes.open_head(note, self._trusted, self._origin)
            except notes.NoteRefused as error:
                self._findings.add("head-refused", f"a head that was given cannot be trusted: {error}")
                continue
            if head.size > size:
                message = f"a head of {head.size} records was signed, the log has {size}"
                self._findings.add("log-truncated", message, size)
            elif head.size:
                yield head.size, head.root

    def reached(self, size: int) -> None:
        """The walk has come to a size. Sizes must not descend."""
        stored, kept = self._heads.of(size)
        if stored is None and not kept:
            return
        root = self._tree.root()
        if root is not None and any(one != root for one in kept):
            self._differing("a head that was kept", size)
        if stored is not None:
            self._stored(stored, root)
        elif len(kept) > sum(one[0] == size for one in self._remembered):
            self._findings.add("head-lost", f"a head of size {size} that was kept is not stored", size - 1)

    def _stored(self, stored: SignedHead, root: bytes | None) -> None:
        size = stored.size
        signed = self._signed(stored)
        if signed is None:
            return
        self._follows(stored, signed)
        if root is not None and not self._tree.differs:
            if signed.root != root:
                self._differing("the signed head", size)
            else:
                self._fitting = size

    def _signed(self, stored: SignedHead) -> notes.Head | None:
        """The head of a stored note, if keys that are in force at its size signed it and it is stored as it says."""
        size = stored.size
        try:
            signed = notes.open_head(stored.note, self._orders.verifiers() or self._trusted, self._origin)
        except notes.NoteRefused as error:
            self._findings.add("head-refused", f"the head of size {size} cannot be trusted: {error}", size - 1)
            return None
        time = next((one.removeprefix("time ") for one in signed.extensions if one.startswith("time ")), stored.at)
        if (signed.size, signed.root.hex(), time) != (size, stored.root, stored.at):
            message = f"the head of size {size} is stored with other values than it signs"
            self._findings.add("head-refused", message, size - 1)
            return None
        return signed

    def _follows(self, stored: SignedHead, signed: notes.Head) -> None:
        """A head names the one before it, so that none in between can be taken away."""
        before, time = self._last
        self._last = stored.size, stored.at
        said = next((one for one in signed.extensions if one.startswith("after ")), None)
        if said is not None and said != f"after {before}":
            message = f"the head of size {stored.size} was signed {said}, the one before it here has {before}"
            self._findings.add("head-lost", message, stored.size - 1)
        if stored.at < time:
            message = f"the head of size {stored.size} is of {stored.at}, the one before it of {time}"
            self._findings.add("clock-regressed", message, stored.size - 1)

    def _differing(self, which: str, size: int) -> None:
        where = f"one of the records {self._fitting} to {size - 1} is not what was sealed"
        self._findings.add("root-differs", f"{which} of size {size} has another root: {where}", self._fitting)
        self._tree.differs = True

    def end(self) -> None:
        """Check that there is a head of all records, and none of more."""
        size = self._tree.size
        if size and self._log.head(size) is None:
            self._findings.add("head-lost", f"the log has {size} records, no head of them all is stored", size - 1)
        for head in self._log.heads(LEAST, 1):
            if head.size <= 0:
                self._findings.add("head-refused", f"the store has a head of {head.size} records")
        beyond = list(all_heads(self._log, self._log.size()))
        now = self._log.size()
        for head in beyond:
            if head.size > now and self._signed(head) is not None:  # else sealed meanwhile
                message = f"the store has a head of {head.size} records, the log has {now}"
                self._findings.add("log-truncated", message, now)
