"""The sealed log: records with gapless indices in a tree with signed heads, and the port through which it is kept.

Instants are text as in `records`; hashes are hexadecimal, 64 digits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from policy_service.proofs.commitments import Private

RecordKind = Literal["decision", "erasure"]


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A record that waits for its index.

    leaf: null for a record of a version that did not hash its records yet.
    privates: the values that its commitments stand for.
    """

    number: int
    kind: RecordKind
    id: str
    body: bytes
    leaf: str | None
    privates: tuple[Private, ...] = ()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A sealed record.

    as_of: null for what is no decision.
    """

    index: int
    kind: RecordKind
    id: str
    leaf: str
    at: str
    as_of: str | None


@dataclass(frozen=True, slots=True)
class Term:
    """What a record can be found by; a private one is erased with the values it shows."""

    text: str
    index: int
    private: bool


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A signed head: `note` is the checkpoint's text, `root` its hash."""

    size: int
    root: str
    at: str
    note: str


@dataclass(frozen=True, slots=True)
class Extension:
    """What one seal adds to the log.

    after: the size of the log that it was made for.
    numbers: those of the records that no longer wait.
    tiles: hashes by level and number; a tile that is there is replaced by a longer one.
    """

    after: int
    numbers: Sequence[int]
    entries: Sequence[LogEntry]
    terms: Sequence[Term]
    tiles: Mapping[tuple[int, int], bytes]
    head: SignedHead


@dataclass(frozen=True, slots=True)
class Erasure:
    """The record of an erasure: it says which records lost their private values, and under which ticket.

    body: canonical JSON; it names no person.
    """

    id: str
    at: str
    body: bytes
    leaf: str


class LogStore(Protocol):
    """The sealed log. Every operation may raise StoreUnavailable."""

    def unsealed(self, most: int) -> list[Unsealed]:
        """Records that wait, in order of arrival; those that are lost are left out."""

    def waiting_since(self) -> str | None:
        """The instant of the record that has waited longest."""

    def extend(self, extension: Extension) -> bool:
        """Add an extension in one durable commit, if the log still has the size that it was made for; whether it was.

        Raises:
            StoreRefused: the log contradicts itself, as where what waits is sealed already. Nothing was added.
        """

    def size(self) -> int:
        """Number of sealed records."""

    def tile(self, level: int, number: int) -> bytes | None:
        """Hashes of a tile, 32 bytes each."""

    def head(self, size: int | None = None) -> SignedHead | None:
        """The last signed head, or that of a size."""

    def heads(self, after: int = 0, most: int = 1000) -> list[SignedHead]:
        """Signed heads of more than `after` records, by size."""

    def entry(self, id: str) -> LogEntry | None:
        """The entry of a record; null while it waits, or for none."""

    def entries(self, first: int, most: int) -> list[LogEntry]:
        """Entries from an index on, in order."""

    def bodies(self, entries: Iterable[LogEntry]) -> Mapping[str, bytes]:
        """Canonical bytes of sealed records by id; a record that is lost is absent."""

    # ---- what is kept with records outside the log

    def privates(self, ids: Sequence[str]) -> Mapping[str, tuple[Private, ...]]:
        """Values behind commitments by id of the record; a record without any is absent."""

    def unaccounted(self, most: int) -> list[str]:
        """Ids of decisions and erasures that are stored, but neither sealed nor waiting."""

    def lost_waiting(self, most: int) -> list[str]:
        """Ids of records that should be waiting for an index, but are not stored."""

    def waiting(self) -> int:
        """Number of records that wait for an index."""

    def waiting_body(self, id: str) -> bytes | None:
        """Canonical bytes of a record that waits; null for any other."""

    def records_of(self, term: str) -> list[str]:
        """Ids of the sealed records with a term, in order."""

    def erase(self, erasure: Erasure, records: Sequence[str]) -> int:
        """Erase values and append the record of the erasure, in one durable commit; the number of values erased.
        Where there are none, nothing is appended.

        Erased with them: private terms, and the digests of requests under idempotency keys. The next request under such
        a key is a new one.
        """
