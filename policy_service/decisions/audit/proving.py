"""Inclusion proofs: where a record is in the log, and the hashes that show it."""

from dataclasses import dataclass

from policy_service.decisions.ports.log import LogEntry, LogStore, SignedHead
from policy_service.decisions.ports.records import NotFound
from policy_service.decisions.sealed.sealing import StoredTiles
from policy_service.proofs import tree
from policy_service.proofs.export import Inclusion
from policy_service.proofs.tiles import TileNodes


class NotSealed(Exception):
    """The record has no index yet: try again in a moment."""


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The proof that a record is in the log: the hashes that lead from its leaf hash to the root of a signed head."""

    leaf: bytes
    inclusion: Inclusion
    head: SignedHead


def entry_of(log: LogStore, id_: str) -> tuple[LogEntry | None, bool]:
    """The entry of a record; without one, whether the record waits for it."""
    entry = log.entry(id_)
    if entry is None and log.waiting_body(id_) is not None:
        return None, True
    return entry or log.entry(id_), False  # it may have been sealed between the two readings


def sealed_entry(log: LogStore, id_: str) -> LogEntry:
    """The entry of a record.

    Raises:
        NotFound, NotSealed.
    """
    entry, waits = entry_of(log, id_)
    if entry is None and waits:
        raise NotSealed(f"decision `{id_}` has no index yet")
    if entry is None:
        raise NotFound(f"there is no decision `{id_}`")
    return entry


def proved(log: LogStore, entry: LogEntry, head: SignedHead) -> InclusionProof:
    """The proof that an entry is under a head; its index is below the size of that."""
    hashes = tree.inclusion_proof(TileNodes(StoredTiles(log)), entry.index, head.size)
    return InclusionProof(bytes.fromhex(entry.leaf), Inclusion(entry.index, head.size, hashes), head)
