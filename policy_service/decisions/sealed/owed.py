"""What this process has answered and not yet seen in the log: what goes missing before it is sealed is noticed.

Until it is sealed a record stands in the database alone, where whoever may write it can take it away without a trace.
So the process that committed it remembers id and leaf hash until the log has them.
"""

from collections.abc import Iterable
from threading import Lock
from typing import NamedTuple

from policy_service.decisions.ports.log import LogStore, Record


class Missing(NamedTuple):
    """A record that was committed, and is not in the log as it was.

    found: the leaf hash that the log has under its id; null where the record neither is sealed nor waits.
    """

    id: str
    leaf: str
    found: str | None


class Owed:
    """Records of this process that the log still owes an index; may be shared by threads."""

    def __init__(self) -> None:
        self._leaves: dict[str, str] = {}
        self._asked: frozenset[str] = frozenset()
        self._lock = Lock()

    def committed(self, records: Iterable[Record]) -> None:
        with self._lock:
            self._leaves |= {one.id: one.leaf for one in records if one.leaf is not None}

    def leaf(self, id_: str) -> str | None:
        """The leaf hash of a record that this process has committed and not seen in the log yet."""
        return self._leaves.get(id_)

    def sealed(self, id_: str, leaf: str) -> None:
        """This process has put a record into the log."""
        if self._leaves.get(id_) == leaf:
            del self._leaves[id_]

    def missing(self, log: LogStore) -> list[Missing]:
        """Those that were committed before the last call, and neither are in the log as they were, nor wait.

        What others sealed is forgotten here; what is missing is told once.
        """
        asked, self._asked = self._asked, frozenset(self._leaves)
        due = [id_ for id_ in asked if id_ in self._leaves]
        if not due:
            return []
        waiting = log.still_waiting(due)  # before what is sealed: a record goes from the one to the other
        placed = log.placed(due)
        found = [
            Missing(id_, self._leaves[id_], placed.get(id_))
            for id_ in due
            if placed.get(id_) != self._leaves[id_] and (id_ in placed or id_ not in waiting)
        ]
        for id_ in {*placed, *(one.id for one in found)}:
            self._leaves.pop(id_, None)
        return found
