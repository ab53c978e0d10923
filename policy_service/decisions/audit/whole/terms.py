"""The search terms of every decision computed again, and compared with those that are kept."""

from typing import Any

from policy_service.decisions.audit.whole.noting import Findings, Read
from policy_service.decisions.ports.log import LogEntry, LogStore, Record
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.decisions.sealed.sealing import shown
from policy_service.decisions.sealed.terms import terms_of

_AT_ONCE = 5000


class TermsSeen:
    """A decision that is not found by what it is about is as good as gone; one found by another's claim is a lie."""

    def __init__(self, log: LogStore, findings: Findings) -> None:
        self._log, self._findings = log, findings
        self._due: dict[tuple[str, int], tuple[bool, LogEntry]] = {}
        self._count = self._size = self._read = 0
        self._erased = False

    def record(self, read: Read) -> None:
        self._size = read.entry.index + 1
        self._read += 1
        if isinstance(read.record, DecisionRecord):
            found = terms_of(read.body, shown(read.body, read.record.privates))
            self._due |= {(text, read.entry.index): (private, read.entry) for text, private in found.items()}
            self._count += len(found)
        if len(self._due) >= _AT_ONCE:
            self._compare()

    def meanwhile(self, _: Record, body: Any) -> None:
        """An erasure of which the walk did not know takes terms away that it has counted."""
        self._erased |= "erasure" in body

    def _compare(self) -> None:
        kept = self._log.terms(list(self._due))
        for (text, index), (private, entry) in self._due.items():
            if kept.get((text, index)) != private and not (private and self._is_erased(entry.id)):
                kind = text.partition(":")[0]  # what follows may be private
                message = f"decision {entry.id} is not found by its {kind}"
                self._findings.add("term-altered", message, index, entry.id)
        self._due.clear()

    def _is_erased(self, id_: str) -> bool:
        """Whether the values of a decision are gone, since it was read: it is told elsewhere if nobody may do so."""
        return not self._log.privates([id_])

    def end(self) -> None:
        self._compare()
        if self._erased or self._read != self._size:
            return  # what the terms of a record are that cannot be read, nobody knows
        kept = self._log.terms_count(self._size)
        if kept != self._count:
            message = f"{kept} search terms are kept for the first {self._size} records, {self._count} are theirs"
            self._findings.add("term-altered", message)
