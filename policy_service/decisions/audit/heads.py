"""The signed heads of a log in the order of their sizes, with those that somebody kept."""

from collections.abc import Iterator, Sequence

from policy_service.decisions.ports.log import LogStore, SignedHead


class Heads:
    """The stored heads from a size on, and those that somebody kept; each is returned once, by ascending size.

    Args:
        kept: size and root, ascending.
    """

    def __init__(self, log: LogStore, first: int, kept: Sequence[tuple[int, bytes]]) -> None:
        self._stored = all_heads(log, max(0, first - 1))
        self._next = next(self._stored, None)
        self._kept = [one for one in kept if one[0] >= first]
        self.checked = 0

    def of(self, size: int) -> tuple[SignedHead | None, list[bytes]]:
        """The stored head of a size, and the roots of the kept heads of that size. Sizes must not descend."""
        while self._next is not None and self._next.size < size:
            self._next = next(self._stored, None)
        kept = [root for of, root in self._kept if of == size]
        found = self._next if self._next is not None and self._next.size == size else None
        self.checked += (found is not None) + len(kept)
        return found, kept


def all_heads(log: LogStore, after: int) -> Iterator[SignedHead]:
    while some := log.heads(after):
        yield from some
        after = some[-1].size
