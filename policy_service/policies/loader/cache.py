"""A cache of the files of the last load: the same text at the same path gives the same draft.

Bundles mostly differ in a file or two, and two thirds of loading one is reading text. Only files without a diagnostic
are kept, so that a fault is found each time the file is read. A read file takes some fifty times the memory of its
text, so the files of no more than one load are kept.
"""

from collections.abc import Mapping

from policy_service.policies.drafts import Draft
from policy_service.sources import Node

Read = tuple[Node | None, Draft | None]
"""The nodes of a file, or the draft of a policy's."""


class FileCache:
    """Files by place and text. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Read] = {}

    def get(self, file: str, text: str) -> Read | None:
        return self._known.get((file, text))

    def put(self, files: Mapping[tuple[str, str], Read]) -> None:
        """Keep the files of a load in place of those of the one before."""
        self._known = dict(files)


CACHE = FileCache()
"""Of this process; workers begin with what the master read."""
