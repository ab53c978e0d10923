"""The files of the last load: the same text at the same path gives the same draft.

Bundles mostly differ in a file or two, and two thirds of loading one is reading text. Only what no diagnostic names is
kept, so that nothing that was found is left out the second time. A read file takes some fifty times the memory of its
text, so no more than one load is kept.
"""

from collections.abc import Mapping

from policy_service.policies.drafts import Draft
from policy_service.sources import Node

Read = tuple[Node | None, Draft | None]
"""The nodes of a file, or the draft of a policy's."""


class Remembered:
    """Read files by place and text. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Read] = {}

    def find(self, file: str, text: str) -> Read | None:
        return self._known.get((file, text))

    def keep(self, files: Mapping[tuple[str, str], Read]) -> None:
        """Keep the files of a load in place of those of the one before."""
        self._known = dict(files)


REMEMBERED = Remembered()
"""Of this process; workers begin with what the master read."""
