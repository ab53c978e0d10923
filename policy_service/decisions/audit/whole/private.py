"""The values behind the commitments: they fit, or an erasure says that they are gone."""

from collections.abc import Sequence

from policy_service.decisions.audit.whole.noting import Findings, Read
from policy_service.decisions.deciding.recording import commitments
from policy_service.decisions.ports.log import LogEntry
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.proofs.commitments import Private, fits


class PrivatesSeen:
    """A commitment covers its place too, so it may stand anywhere in the record."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._gone: dict[str, LogEntry] = {}
        """Records whose private values are gone, and that no erasure seen so far names."""

    def record(self, read: Read) -> None:
        if isinstance(read.record, DecisionRecord):
            self._fit(read.entry, commitments(read.record.body), read.record.privates)
        else:
            self.erased(read.body.get("erasure", read.body).get("records", ()))

    def erased(self, ids: Sequence[str]) -> None:
        for id_ in ids:
            self._gone.pop(id_, None)

    def _fit(self, entry: LogEntry, committed: Sequence[str], privates: Sequence[Private]) -> None:
        for private in privates:
            if not any(fits(one, private) for one in committed):
                message = f"the private value of {entry.id} at {private.pointer} does not fit its commitment"
                self._findings.add("private-value-altered", message, entry.index, entry.id)
        if committed and not privates:
            self._gone[entry.id] = entry
        elif len(committed) > len(privates):
            message = f"{len(committed) - len(privates)} private values of {entry.id} are gone, others are there"
            self._findings.add("private-value-lost", message, entry.index, entry.id)

    def end(self) -> None:
        for id_, entry in self._gone.items():
            message = f"the private values of {id_} are gone, and no erasure names it"
            self._findings.add("private-value-lost", message, entry.index, id_)
