"""The records of decisions, and the port through which they are kept.

Times are RFC 3339 in UTC with milliseconds, `2023-04-01T00:00:00.000Z`: as text they sort as instants do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from policy_service.proofs.commitments import Private


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision, as it was answered.

    Args:
        id: UUIDv7.
        decided_at: the instant of the answer.
        bundle: id of the bundle that decided.
        as_of: the business day that the decision is about, `2023-04-01`.
        merchant_id: null where no merchant was posted, and where the ids of merchants are sensitive.
        body: canonical JSON of the full record; kept and given back byte for byte.
        supersedes: id of the earlier decision that this one corrects.
        leaf: leaf hash of the body, hexadecimal; null for a record older than the sealed log.
        receipt: canonical JSON of the receipt; null where there is none.
        privates: the values that commitments in the body stand for; empty once they are erased.
        orders: the version of the last order that the decision was made under, while it is appended; null: it is not
            compared.
    """

    id: str
    decided_at: str
    bundle: str
    as_of: str
    merchant_id: str | None
    body: bytes
    supersedes: str | None = None
    leaf: str | None = None
    receipt: str | None = None
    privates: tuple[Private, ...] = ()
    orders: int | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """An idempotency key as a caller uses it: all its requests under `key` are the one request with this digest.

    salt: 32 bytes, of the commitment by which the record of the decision names this claim.
    """

    caller: str
    key: str
    request_digest: str
    salt: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to append, with its idempotency claim; null where the caller named no key."""

    record: DecisionRecord
    claim: IdempotencyClaim | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """The record to answer with: the one given; with `replayed`, that of an earlier request under the same key.

    salt: of the claim that led to the earlier record; null in those that have none.
    """

    record: DecisionRecord
    replayed: bool
    salt: bytes | None = None


class IdempotencyConflict(Exception):
    """The caller used this key for another request."""

    def __init__(self, claim: IdempotencyClaim) -> None:
        super().__init__(f"the key `{claim.key}` was used for another request")
        self.claim = claim


class StaleOrders(Exception):
    """An order came since the decision was made, so it was not appended: decide again under it."""

    def __init__(self, last: int) -> None:
        super().__init__(f"order {last} came since")
        self.last = last


class NotFound(Exception):
    """What was named does not exist; the message says what."""


class StoreUnavailable(Exception):
    """The store cannot be read or written now: locked, full, unreachable.

    An append that ends so must not be answered; a remote store may have kept it all the same.
    """


class StoreRefused(Exception):
    """What was given contradicts the store: its id exists, or what it refers to is not stored. A fault of ours."""


class DecisionStore(Protocol):
    """The decisions, append-only. Every operation may raise StoreUnavailable."""

    def append(self, record: DecisionRecord, claim: IdempotencyClaim | None) -> Appended:
        """The record to answer with, durably committed when this returns; concurrent appends share a commit.

        Of several appends with one claim, in any processes, one is kept, and it is the answer to all.

        Raises:
            IdempotencyConflict: the claim's key stands for another request; nothing was appended.
            StaleOrders: an order came since the record was made; nothing was appended.
            StoreRefused: the id is taken, or the bundle or the superseded decision is not stored.
        """

    def append_all(self, entries: Sequence[NewRecord]) -> list[Appended | IdempotencyConflict | StaleOrders]:
        """As `append` for each entry, in one commit; results in order. Of two entries with one claim the first is kept.

        A conflict, and what an order made stale, stands in its place and touches no other entry; StoreRefused refuses
        them all.
        """

    def decision(self, id: str) -> DecisionRecord | None:
        """The record with this id."""

    def claimed(self, claim: IdempotencyClaim) -> Appended | None:
        """The record of an earlier request with this claim; looked up before a request is evaluated.

        Raises:
            IdempotencyConflict: the claim's key stands for another request.
        """

    def superseding(self, id: str) -> tuple[str, ...]:
        """Ids of the decisions that correct this one, oldest first."""

    def count(self) -> int:
        """Number of decisions."""

    def purge_idempotency(self, before: str) -> int:
        """Delete the keys of decisions made before an instant; returns how many."""
        ...

    def count_as_of(self, days: Sequence[tuple[str, str]]) -> int:
        """Number of decisions whose `as_of` lies in one of the half-open periods.

        Args:
            days: first day and the day after the last, ISO 8601; the periods do not overlap.
        """
