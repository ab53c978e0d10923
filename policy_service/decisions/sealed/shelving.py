"""Heads put into a folder in which nothing is changed, and what the folder says of a store that was."""

from collections.abc import Callable

from policy_service.decisions.ports.log import LogStore, SignedHead
from policy_service.decisions.ports.witnesses import HeadsFolder, Unreachable
from policy_service.decisions.sealed.asking import Asked, behind
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs.notes import Head, NoteRefused, open_head


class Shelf:
    """The folder of heads of one log."""

    def __init__(self, folder: HeadsFolder, log: LogStore, keys: LogKeys) -> None:
        self._folder, self._log, self._keys = folder, log, keys
        self._largest: int | None = None
        """The largest size that has a file with a head of this log; null until the folder was read."""
        self._put: Asked | None = None

    def put(self, cosigned: Callable[[SignedHead], str]) -> Asked:
        """Write the file of the last head, unless there is one.

        Args:
            cosigned: gives the note of a head with the cosignatures that there are.
        Raises:
            StoreUnavailable.
        """
        try:
            if self._largest is None:
                self._largest = self._read()
            head = self._log.head()  # read after the folder: another process may have put a newer one there
            if head is None:
                return Asked("nothing")
            if self._largest > head.size:
                return behind(self._largest, head)
            if self._put is None or self._largest < head.size:
                self._put = self._written(head, cosigned(head))
                self._largest = head.size
            return self._put
        except Unreachable as error:
            return Asked("unreachable", str(error))

    def _read(self) -> int:
        found = self._folder.largest()
        return 0 if found is None or self._opened(found[1]) is None else found[0]

    def _written(self, head: SignedHead, note: str) -> Asked:
        if not self._is_ours(note, head):
            return Asked("damaged", f"the stored head of {head.size} records is not signed by a key of the log")
        there = self._folder.put(head.size, note)
        if there is None:
            return Asked("kept", size=head.size)
        if self._opened(there) is None:
            return Asked("refused", f"the file of {head.size} records holds no head of this log")
        if not self._is_ours(there, head):
            return Asked("forked", f"it holds another head of {head.size} records")
        return Asked("kept", size=head.size)

    def _is_ours(self, note: str, head: SignedHead) -> bool:
        opened = self._opened(note)
        return opened is not None and (opened.size, opened.root.hex()) == (head.size, head.root)

    def _opened(self, note: str) -> Head | None:
        try:
            return open_head(note, self._keys.verifiers, self._keys.origin)
        except NoteRefused:
            return None
