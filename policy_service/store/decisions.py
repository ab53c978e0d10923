"""The port of decisions on SQL."""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, tuple_
from sqlalchemy.exc import IntegrityError

from policy_service.decisions.records import (
    Appended,
    DecisionRecord,
    Entry,
    IdempotencyClaim,
    IdempotencyConflict,
    StoreRefused,
)
from policy_service.store.database import reading, writing
from policy_service.store.tables import decisions, idempotency

PURGE_AT_ONCE = 1000  # keys per transaction, so that appends get their turn

_NAMES = [field.name for field in fields(DecisionRecord)]
_RECORD = [decisions.c[name] for name in _NAMES]
_KEY = (idempotency.c.caller, idempotency.c.key)
_INSERT_DECISION = insert(decisions)
_CLAIM = idempotency.insert().prefix_with("OR IGNORE", dialect="sqlite")
_DECISION = select(*_RECORD).where(decisions.c.id == bindparam("id"))
_CLAIMED = (
    select(idempotency.c.request_digest, *_RECORD)
    .join(decisions, decisions.c.id == idempotency.c.decision)
    .where(idempotency.c.caller == bindparam("caller"), idempotency.c.key == bindparam("key"))
)
_SUPERSEDING = select(decisions.c.id).where(decisions.c.supersedes == bindparam("id")).order_by(decisions.c.id)
_COUNT = select(func.count()).select_from(decisions)
_OLD_KEYS = select(*_KEY).where(idempotency.c.created_at < bindparam("before")).limit(PURGE_AT_ONCE)
_PURGE = delete(idempotency).where(tuple_(*_KEY).in_(_OLD_KEYS))


class SqlDecisionStore:
    """Decisions in the tables `decisions` and `idempotency`; may be shared by threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, record: DecisionRecord, claim: IdempotencyClaim | None) -> Appended:
        """See DecisionStore."""
        (found,) = self.append_all([Entry(record, claim)])
        if isinstance(found, IdempotencyConflict):
            raise found
        return found

    def append_all(self, entries: Sequence[Entry]) -> list[Appended | IdempotencyConflict]:
        """See DecisionStore. The primary key of the claims decides between appends at the same moment."""
        try:
            with writing(self._engine) as connection:
                return [_append(connection, entry) for entry in entries]
        except IntegrityError as fault:
            raise StoreRefused(f"decisions: {fault.orig}") from fault

    def decision(self, id: str) -> DecisionRecord | None:
        with reading(self._engine) as connection:
            row = connection.execute(_DECISION, {"id": id}).first()
        return DecisionRecord(*row) if row else None

    def replayed(self, claim: IdempotencyClaim) -> DecisionRecord | None:
        with reading(self._engine) as connection:
            row = connection.execute(_CLAIMED, {"caller": claim.caller, "key": claim.key}).first()
        if row is None:
            return None
        digest, *record = row
        if digest != claim.request_digest:
            raise IdempotencyConflict(claim)
        return DecisionRecord(*record)

    def superseding(self, id: str) -> tuple[str, ...]:
        with reading(self._engine) as connection:
            return tuple(connection.scalars(_SUPERSEDING, {"id": id}))

    def count(self) -> int:
        with reading(self._engine) as connection:
            return connection.scalars(_COUNT).one()

    def purge_idempotency(self, before: str) -> int:
        """Number of keys forgotten: those of decisions made before an instant. The decisions stay.

        Args:
            before: at least 35 days ago, the time for which a key is promised to hold.
        """
        purged = 0
        while True:
            with writing(self._engine) as connection:
                batch = connection.execute(_PURGE, {"before": before}).rowcount
            purged += batch
            if batch < PURGE_AT_ONCE:
                return purged


def _append(connection: Connection, entry: Entry) -> Appended | IdempotencyConflict:
    record, claim = entry.record, entry.claim
    if claim is not None and connection.execute(_CLAIM, _claimed(claim, record)).rowcount == 0:
        row = connection.execute(_CLAIMED, {"caller": claim.caller, "key": claim.key}).one()
        digest, *first = row
        return IdempotencyConflict(claim) if digest != claim.request_digest else Appended(DecisionRecord(*first), True)
    connection.execute(_INSERT_DECISION, {name: getattr(record, name) for name in _NAMES})
    return Appended(record, replayed=False)


def _claimed(claim: IdempotencyClaim, record: DecisionRecord) -> dict[str, str]:
    return {
        "caller": claim.caller,
        "key": claim.key,
        "request_digest": claim.request_digest,
        "decision": record.id,
        "created_at": record.decided_at,
    }
