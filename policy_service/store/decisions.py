"""The port of decisions on SQL."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, tuple_

from policy_service.decisions.deciding.recording import commitments
from policy_service.decisions.ports.records import (
    Appended,
    DecisionRecord,
    IdempotencyClaim,
    IdempotencyConflict,
    NewRecord,
    StaleOrders,
    StoreRefused,
    StoreUnavailable,
)
from policy_service.store.acts import ORDERS_LOCK, last_version
from policy_service.store.database import insert_if_new, reading, writing
from policy_service.store.grouping import GroupCommit, Take
from policy_service.store.log import privates_of
from policy_service.store.tables import decisions, idempotency, private_values, unsealed
from policy_service.telemetry import metrics

_ROUNDS = 3  # a second only if a key is forgotten between two statements
PURGE_AT_ONCE = 1000  # keys per transaction, so that appends get their turn

_NAMES = [field.name for field in fields(DecisionRecord) if field.name in decisions.c]
_RECORD = [decisions.c[name] for name in _NAMES]
_KEY = (idempotency.c.caller, idempotency.c.key)
# With RETURNING, SQLAlchemy writes many rows in one statement, so in one round trip. SQLite has none to save.
_INSERT = {"sqlite": insert(decisions), "postgresql": insert(decisions).returning(decisions.c.id)}
_CLAIM = {dialect: insert_if_new(dialect, idempotency).returning(*_KEY) for dialect in _INSERT}
_DECISION = select(*_RECORD).where(decisions.c.id == bindparam("id"))
_CLAIMED = (
    select(idempotency.c.request_digest, idempotency.c.salt, *_RECORD)
    .join(decisions, decisions.c.id == idempotency.c.decision)
    .where(idempotency.c.caller == bindparam("caller"), idempotency.c.key == bindparam("key"))
)
_SUPERSEDING = select(decisions.c.id).where(decisions.c.supersedes == bindparam("id")).order_by(decisions.c.id)
_UNSEALED = {"sqlite": insert(unsealed), "postgresql": insert(unsealed).returning(unsealed.c.number)}
_PRIVATE = {
    "sqlite": insert(private_values),
    "postgresql": insert(private_values).returning(private_values.c.record),
}
_SHARE_ORDERS = f"SELECT pg_advisory_xact_lock_shared({ORDERS_LOCK})"
_COUNT = select(func.count()).select_from(decisions)
_OLD_KEYS = select(*_KEY).where(idempotency.c.created_at < bindparam("before")).limit(PURGE_AT_ONCE)
_PURGE = delete(idempotency).where(tuple_(*_KEY).in_(_OLD_KEYS))


AppendResult = Appended | IdempotencyConflict | StaleOrders


class _Undone(Exception):
    """Raised to roll a transaction back."""


class SqlDecisionStore:
    """Decisions in the tables `decisions` and `idempotency`; may be shared by threads.

    Args:
        on_commit: called after each commit with the decisions that it appended; it must not fail.
    """

    def __init__(self, engine: Engine, on_commit: Callable[[Sequence[DecisionRecord]], None] | None = None) -> None:
        self._engine, self._on_commit = engine, on_commit
        self._group: GroupCommit[NewRecord, AppendResult] = GroupCommit(self._append_waiting)

    def append(self, record: DecisionRecord, claim: IdempotencyClaim | None) -> Appended:
        """See DecisionStore."""
        found = self._group(NewRecord(record, claim))
        if isinstance(found, Appended):
            return found
        raise found

    def append_all(self, entries: Sequence[NewRecord]) -> list[AppendResult]:
        """See DecisionStore. The primary key of the claims decides between appends at the same moment."""
        try:
            return self._appended(entries)
        except StoreRefused as fault:
            raise self._named(entries) or fault from None

    def _append_waiting(self, take: Take[NewRecord]) -> Sequence[AppendResult | Exception]:
        """Appends what waits in one commit. Where an entry is refused, the others are appended by themselves."""
        entries: Sequence[NewRecord] = ()
        try:
            began = perf_counter()
            with writing(self._engine) as connection:
                entries = take()
                results = _append(connection, entries)
            metrics.committed(len(entries), perf_counter() - began)
        except StoreRefused as fault:
            if len(entries) == 1:
                return [_refusal(entries[0], fault)]
            return [self._append_alone(entry) for entry in entries]
        self._note(results)
        return results

    def _append_alone(self, entry: NewRecord) -> AppendResult | Exception:
        try:
            return self._appended([entry])[0]
        except StoreRefused as fault:
            return _refusal(entry, fault)
        except StoreUnavailable as fault:
            return fault

    def _appended(self, entries: Sequence[NewRecord]) -> list[AppendResult]:
        began = perf_counter()
        with writing(self._engine) as connection:
            results = _append(connection, entries)
        metrics.committed(len(entries), perf_counter() - began)
        self._note(results)
        return results

    def _note(self, results: Sequence[AppendResult]) -> None:
        if self._on_commit is not None:
            self._on_commit([one.record for one in results if isinstance(one, Appended) and not one.replayed])

    def _named(self, entries: Sequence[NewRecord]) -> StoreRefused | None:
        """Which entry the store refuses: found by writing one after the other, and keeping none."""
        at: NewRecord | None = None
        try:
            with writing(self._engine) as connection:
                for at in entries:
                    _append(connection, [at])
                raise _Undone
        except StoreRefused as fault:
            return None if at is None else _refusal(at, fault)
        except _Undone:
            return None

    def decision(self, id: str) -> DecisionRecord | None:
        with reading(self._engine) as connection:
            row = connection.execute(_DECISION, {"id": id}).first()
            return _loaded(connection, row) if row else None

    def claimed(self, claim: IdempotencyClaim) -> Appended | None:
        with reading(self._engine) as connection:
            found = _first(connection, claim)
        if isinstance(found, IdempotencyConflict):
            raise found
        return found

    def superseding(self, id: str) -> tuple[str, ...]:
        with reading(self._engine) as connection:
            return tuple(connection.scalars(_SUPERSEDING, {"id": id}))

    def count(self) -> int:
        with reading(self._engine) as connection:
            return connection.scalars(_COUNT).one()

    def count_as_of(self, days: Sequence[tuple[str, str]]) -> int:
        as_of = decisions.c.as_of
        with reading(self._engine) as connection:
            return sum(connection.scalars(_COUNT.where(as_of >= start, as_of < end)).one() for start, end in days)

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


def _refusal(entry: NewRecord, fault: StoreRefused) -> StoreRefused:
    return StoreRefused(f"decision `{entry.record.id}`: {fault}")


def _append(connection: Connection, entries: Sequence[NewRecord]) -> list[AppendResult]:
    """The result for each entry: claims are written first, and an entry's record only if its claim was new.

    An entry that was decided before the last order is not written: whoever writes an order waits until this transaction
    ends, so no decision comes behind an order that it does not know.
    """
    last = _last_order(connection)
    results: dict[int, AppendResult] = {
        n: StaleOrders(last) for n, one in enumerate(entries) if one.record.orders not in (None, last)
    }
    for _ in range(_ROUNDS):
        waiting = [n for n in range(len(entries)) if n not in results]
        if not waiting:
            return [results[n] for n in range(len(entries))]
        kept = _keep(connection, entries, waiting)
        results |= {n: Appended(entries[n].record, replayed=False) for n in kept}
        for n in waiting:
            claim = entries[n].claim
            if n in results or claim is None:
                continue
            if (found := _first(connection, claim)) is not None:  # else it was forgotten since it was refused
                results[n] = found
    raise StoreUnavailable("a key was forgotten again and again")


def _last_order(connection: Connection) -> int:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_SHARE_ORDERS)
    return last_version(connection)


def _keep(connection: Connection, entries: Sequence[NewRecord], waiting: Sequence[int]) -> list[int]:
    """The entries that are written now: those without a claim, and those whose claim is the first for its key.

    Claims are written in order of their keys, so that two transactions wait for each other in one direction only.
    """
    claims: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}
    kept: list[int] = []
    for n in waiting:
        record, claim = entries[n].record, entries[n].claim
        if claim is None:
            kept.append(n)
        else:
            claims.setdefault((claim.caller, claim.key), (n, _claimed(claim, record)))
    dialect = connection.dialect.name
    if claims:
        rows = [claimed for _, (_, claimed) in sorted(claims.items())]
        kept += [claims[caller, key][0] for caller, key in connection.execute(_CLAIM[dialect], rows)]
    if kept:
        records = [entries[n].record for n in sorted(kept)]
        connection.execute(_INSERT[dialect], [{name: getattr(record, name) for name in _NAMES} for record in records])
        connection.execute(_UNSEALED[dialect], [{"kind": "decision", "id": record.id} for record in records])
        private = [{"record": record.id, **asdict(one)} for record in records for one in record.privates]
        if private:
            connection.execute(_PRIVATE[dialect], private)
    return kept


def _first(connection: Connection, claim: IdempotencyClaim) -> Appended | IdempotencyConflict | None:
    """What the key of a claim stands for; None where it stands for nothing."""
    row = connection.execute(_CLAIMED, {"caller": claim.caller, "key": claim.key}).first()
    if row is None:
        return None
    digest, salt, *record = row
    if digest != claim.request_digest:
        return IdempotencyConflict(claim)
    return Appended(_loaded(connection, record), replayed=True, salt=salt)


def _loaded(connection: Connection, row: Sequence[Any]) -> DecisionRecord:
    record = DecisionRecord(*row)
    if not commitments(record.body):
        return record
    return replace(record, privates=privates_of(connection, [record.id]).get(record.id, ()))


def _claimed(claim: IdempotencyClaim, record: DecisionRecord) -> dict[str, Any]:
    return {
        "caller": claim.caller,
        "key": claim.key,
        "request_digest": claim.request_digest,
        "decision": record.id,
        "created_at": record.decided_at,
        "salt": claim.salt,
    }
