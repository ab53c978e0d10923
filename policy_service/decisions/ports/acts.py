"""Acts: signed records of what people did to the service, and the port through which they are kept.

An act that changes what the service follows is an *order* and has a version, without a gap; any other is a *note*.
docs/design/0011-nobody-forges.md has the bodies. Instants are text as in `records`, hashes hexadecimal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from policy_service.access.keys import Key
from policy_service.access.trail import TrailEntry
from policy_service.decisions.ports.activations import BundleSources, NewActivation, StopEvent
from policy_service.decisions.ports.observations import NewOrder


@dataclass(frozen=True, slots=True)
class KeyEnd:
    """An API key ends earlier than it was made to."""

    id: str
    expires_at: str | None
    revoked_at: str | None


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first order of a log.

    keys: texts of the keys that sign from here on.
    legacy: number of records, the first of the log, that are older than receipts and have none.
    """

    origin: str
    keys: tuple[str, ...]
    legacy: int


@dataclass(frozen=True, slots=True)
class LogState:
    """How far a log is: its size and root, and the version of its last order with the leaf of that."""

    size: int
    root: str
    version: int
    order: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """A store older than what was signed before goes on from where it is; `lost` is what it does not have."""

    at: LogState
    lost: LogState


@dataclass(frozen=True, slots=True)
class BundleFiles:
    """A stored bundle as an order names it: `sha256:<hex>` of each file's UTF-8 text, by path."""

    id: str
    label: str | None
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """What one order changes: all of it or nothing.

    entry: who asked for it, and why.
    bundles: to store; the order names the digest of each file.
    signing_added, signing_retired: texts of keys that sign the log.
    """

    entry: TrailEntry
    bundles: Sequence[BundleSources] = ()
    activations: Sequence[NewActivation] = ()
    stops: Sequence[StopEvent] = ()
    keys: Sequence[Key] = ()
    key_ends: Sequence[KeyEnd] = ()
    shadows: Sequence[NewOrder] = ()
    signing_added: Sequence[str] = ()
    signing_retired: Sequence[str] = ()
    begin: Beginning | None = None
    adopted: Adopted | None = None


@dataclass(frozen=True, slots=True)
class ErasedRecords:
    """What an erasure took away: the private values of these records."""

    subject: str
    """Type of the subject; its id is what was erased."""
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredAct:
    """An act as it is kept.

    Args:
        id: UUIDv7.
        version: of an order; null for a note.
        body: canonical JSON, given back byte for byte.
        leaf: leaf hash of the body.
        receipt: canonical JSON; null for one that is older than receipts.
        number: counts the acts in the order they came; 0 before it is kept.
    """

    id: str
    at: str
    action: str
    version: int | None
    body: bytes
    leaf: str
    receipt: str | None
    number: int = 0


class ActStore(Protocol):
    """The acts, append-only. Every operation may raise StoreUnavailable."""

    def add(self, act: StoredAct, bundles: Sequence[BundleSources] = ()) -> None:
        """Keep an act, and bundles that are not stored yet, in one durable commit.

        Raises:
            StaleVersion: it is an order, and its version is not the one after the last.
            StoreRefused: the id is taken.
        """

    def orders(self, after: int, most: int) -> list[StoredAct]:
        """Orders of a greater version, by version."""

    def last_version(self) -> int:
        """The version of the last order; 0 where there is none."""

    def acts(self, before: int | None, limit: int) -> list[StoredAct]:
        """The newest acts with a number below `before`, newest first."""

    def act(self, id: str) -> StoredAct | None:
        """The act with this id."""

    def remove(self, ids: Sequence[str]) -> None:
        """Take acts away that are none of the service's, and that the log does not have."""

    def has_records(self) -> bool:
        """Whether there is any record of any kind, sealed or not."""

    # ---- of versions that kept no acts

    def before_acts(self) -> Sequence[Mapping[str, object]]:
        """The rows that tables of such a version had, each with the name of its `table`, in order."""

    def add_first(self, acts: Sequence[StoredAct]) -> None:
        """Keep the first acts of a log and delete those rows, which are acts now, in one durable commit.

        Raises:
            StaleVersion: there is an order already.
        """


class Orders(Protocol):
    """Acts signed and kept. Every operation may raise StoreUnavailable."""

    def give(self, change: Change, version: int) -> None:
        """Write an order, durably committed and followed by this process when this returns.

        Args:
            version: of the state that the change is based on.
        Raises:
            StaleVersion: another order came since.
            StoreRefused: it contradicts the orders before it, as by a bundle that is neither stored nor in the change.
        """

    def note(self, entry: TrailEntry) -> None:
        """Write a note, durably committed when this returns."""
