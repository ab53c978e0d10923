"""The sealed log: records with gapless indices in a tree with signed heads, and the port through which it is kept.

Instants are text as in `records`; hashes are hexadecimal, 64 digits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from policy_service.decisions.ports.acts import StoredAct
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.proofs.commitments import Private

RecordKind = Literal["decision", "act"]
Record = DecisionRecord | StoredAct


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A row of the queue of records that wait for their index. Nothing of it is to be believed.

    kind: as the row says, any text.
    record: null where none is stored under this kind and id.
    sealed: whether the log has this id already.
    """

    number: int
    kind: str
    id: str
    record: Record | None
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A row of the queue that was not sealed, and why."""

    number: int
    kind: str
    id: str
    reason: str
    at: str


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
class KeptClaim:
    """An idempotency key as it is kept, with the salt of the commitment that its decision holds."""

    caller: str
    key: str
    request_digest: str
    decision: str
    created_at: str
    salt: bytes | None


class LogStore(Protocol):
    """The sealed log. Every operation may raise StoreUnavailable."""

    def unsealed(self, most: int) -> list[Unsealed]:
        """Rows of the queue, in order of arrival, with what is stored of them."""

    def waiting_since(self) -> str | None:
        """The instant of the record that has waited longest."""

    def refuse(self, found: Sequence[Refused]) -> list[Refused]:
        """Take rows out of the queue, and keep them with the reasons; those that still waited."""

    def refused(self, after: int, most: int) -> list[Refused]:
        """What was refused, by number."""

    def queue_again(self, ids: Sequence[tuple[str, str]], note: StoredAct) -> None:
        """Put records, each a kind and an id, back into the queue, and add the act that says so, in one commit."""

    def placed(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The leaf hash in the log of those of some records that have an index."""

    def still_waiting(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of some records that wait for their index."""

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

    def records(self, entries: Iterable[LogEntry]) -> Mapping[str, Record]:
        """Sealed records by id, as they are kept; with their private values; a record that
        is lost is absent."""

    def record(self, kind: str, id: str) -> Record | None:
        """A record by its kind and id, sealed or not."""

    # ---- what is kept with records outside the log

    def privates(self, ids: Sequence[str]) -> Mapping[str, tuple[Private, ...]]:
        """Values behind commitments by id of the record; a record without any is absent."""

    def unaccounted(self, most: int) -> list[tuple[str, str]]:
        """Kind and id of records that are stored, but neither sealed nor waiting."""

    def waiting(self) -> int:
        """Number of records that wait for an index."""

    def waiting_body(self, id: str) -> bytes | None:
        """Canonical bytes of a record that waits; null for any other."""

    def records_of(self, term: str) -> list[str]:
        """Ids of the sealed records with a term, in order."""

    def erase(self, erasure: StoredAct, records: Sequence[str]) -> int:
        """Erase values and add the act of the erasure, in one durable commit; the number of values erased. Where there
        are none, nothing is added.

        Erased with them: private terms, and the digests of requests under idempotency keys. The next request under such
        a key is a new one.
        """

    # ---- for those who verify

    def terms(self, wanted: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], bool]:
        """Those of some search terms, each a text and an index, that are kept; and whether as private."""

    def terms_count(self, below: int) -> int:
        """Number of search terms of the entries below an index, and of those that no entry has."""

    def tiles_count(self) -> int:
        """Number of tiles."""

    def claims(self, after: tuple[str, str], most: int) -> list[KeptClaim]:
        """What is kept under idempotency keys, by caller and key."""

    def intruders(self) -> list[str]:
        """Names of triggers, rules and policies in the database: the service makes none."""

    def strays(self) -> list[str]:
        """What is stored and belongs to nothing that is stored, in words."""

    def mistyped(self) -> list[str]:
        """Columns with values of types that the service does not write, in words; only SQLite takes them."""
