"""The values behind the commitments: they fit, or an erasure says that they are gone."""

from collections.abc import Sequence
from typing import Any

from policy_service.decisions.audit.whole.noting import Findings, Read
from policy_service.decisions.deciding.recording import commitments
from policy_service.decisions.ports.log import LogStore, Record
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.proofs.commitments import SALT_SIZE, Private, commit


class PrivatesSeen:
    """A commitment covers its place too, so it may stand anywhere in the record."""

    def __init__(self, log: LogStore, findings: Findings) -> None:
        self._log, self._findings = log, findings
        self._gone: dict[str, int | None] = {}
        """Records whose private values are gone, with their indices, null for one that waits."""
        self._erased: set[str] = set()

    def record(self, read: Read) -> None:
        self._look(read.entry.index, read.record, read.body)

    def meanwhile(self, record: Record, body: Any) -> None:
        self._look(None, record, body)

    def _look(self, index: int | None, record: Record, body: Any) -> None:
        if isinstance(record, DecisionRecord):
            self._fit(index, record.id, commitments(record.body), record.privates)
        else:
            self._erased |= set(body.get("erasure", body).get("records", ()))

    def _fit(self, index: int | None, id_: str, committed: Sequence[str], privates: Sequence[Private]) -> None:
        known = set(committed)
        for private in privates:
            if len(private.salt) != SALT_SIZE or commit(private.pointer, private.value, private.salt) not in known:
                message = f"the private value of {id_} at {private.pointer} does not fit its commitment"
                self._findings.add("private-value-altered", message, index, id_)
        if committed and not privates:
            self._gone[id_] = index
        elif len(committed) > len(privates):
            message = f"{len(committed) - len(privates)} private values of {id_} are gone, others are there"
            self._findings.add("private-value-lost", message, index, id_)

    def end(self) -> None:
        for id_, index in self._gone.items():
            if id_ not in self._erased:
                message = f"the private values of {id_} are gone, and no erasure names it"
                self._findings.add("private-value-lost", message, index, id_)
        for id_ in self._log.privates(sorted(self._erased)):
            message = f"private values of {id_} are there, an erasure took them away"
            self._findings.add("private-value-altered", message, id=id_)
