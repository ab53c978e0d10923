"""A cache of files that were read before: the same text at the same path gives the same draft.

Bundles mostly differ in a file or two, and two thirds of loading one is reading text. Only files without a diagnostic
are kept, so that a fault is found each time the file is read.
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


class FileCache:
    """Files by place and text; those least recently used go first. Safe to use from several threads."""

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._size = most, 0
        self._known: OrderedDict[tuple[str, str], Read] = OrderedDict()
        self._lock = Lock()

    def get(self, file: str, text: str) -> Read | None:
        with self._lock:
            found = self._known.get((file, text))
            if found is not None:
                self._known.move_to_end((file, text))
            return found

    def put(self, files: Mapping[tuple[str, str], Read]) -> None:
        with self._lock:
            for key, read in files.items():
                if key not in self._known:
                    self._known[key] = read
                    self._size += len(key[1])
            while self._size > self._most:
                (_, text), _ = self._known.popitem(last=False)
                self._size -= len(text)


CACHE = FileCache()
"""Of this process; workers begin with what the master read."""
