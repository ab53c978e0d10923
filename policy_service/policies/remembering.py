"""Files of rules that were read before: the same text at the same path gives the same draft.

Bundles mostly differ in a file or two, and two thirds of loading one is reading text. Only what no diagnostic names is
kept, so that nothing that was found is left out the second time.
"""

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

from policy_service.policies.drafts import Draft
from policy_service.sources import Node

Read = tuple[Node | None, Draft | None]
"""The nodes of a file, or the draft of a policy's."""
_MOST = 4 * 1024 * 1024
"""Characters of the files that are kept."""


class Remembered:
    """Read files by place and text; those not asked for longest go first. Safe to use from several threads."""

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._size = most, 0
        self._known: OrderedDict[tuple[str, str], Read] = OrderedDict()
        self._lock = Lock()

    def find(self, file: str, text: str) -> Read | None:
        with self._lock:
            found = self._known.get((file, text))
            if found is not None:
                self._known.move_to_end((file, text))
            return found

    def keep(self, files: Mapping[tuple[str, str], Read]) -> None:
        with self._lock:
            for key, read in files.items():
                if key not in self._known:
                    self._known[key] = read
                    self._size += len(key[1])
            while self._size > self._most:
                (_, text), _ = self._known.popitem(last=False)
                self._size -= len(text)


REMEMBERED = Remembered()
"""Of this process; workers begin with what the master read."""
