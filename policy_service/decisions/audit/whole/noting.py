"""What the parts of a verification share: where findings go, and which records they look at."""

from dataclasses import dataclass
from typing import Any, Protocol

from policy_service.decisions.audit.findings import Finding, Kind
from policy_service.decisions.ports.log import LogEntry, Record

MOST_FINDINGS = 100


class Findings:
    """What did not fit, in the order it was found; beyond MOST_FINDINGS it is only counted."""

    def __init__(self) -> None:
        self.all: list[Finding] = []
        self.further = 0

    def add(self, kind: Kind, message: str, index: int | None = None, id: str | None = None) -> None:
        if len(self.all) < MOST_FINDINGS:
            self.all.append(Finding(kind, message, index, id))
        else:
            self.further += 1


@dataclass(frozen=True, slots=True)
class Read:
    """A record whose bytes are in the tree at its index.

    body: parsed, of the form of its kind.
    at: the instant that it says.
    """

    entry: LogEntry
    record: Record
    body: Any
    at: str

    @property
    def name(self) -> str:
        return f"{self.entry.kind} {self.entry.id}"


class Part(Protocol):
    """One part of a verification."""

    def record(self, read: Read) -> None:
        """The next record that fits the tree."""

    def end(self) -> None:
        """After the last one. May raise StoreUnavailable."""
