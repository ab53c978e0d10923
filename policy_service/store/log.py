"""The port of the sealed log on SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, exists, func, insert, select, tuple_

from policy_service.decisions.ports.acts import StoredAct
from policy_service.decisions.ports.log import (
    Extension,
    KeptClaim,
    LogEntry,
    Record,
    Refused,
    SignedHead,
    Unsealed,
)
from policy_service.decisions.ports.records import DecisionRecord, StoreRefused
from policy_service.proofs.commitments import Private
from policy_service.store.acts import insert_act
from policy_service.store.database import as_bytes, as_text, insert_rows, reading, snapshot, writing
from policy_service.store.mistyped import mistyped
from policy_service.store.tables import (
    acts,
    bundle_sources,
    bundles,
    decisions,
    idempotency,
    log_entries,
    log_heads,
    log_tiles,
    private_values,
    refused,
    terms,
    unsealed,
)

_LOCK = 7_104_117
"""Of one sealer at a time on PostgreSQL; see store.migrations for the other number."""
_AT_ONCE = 500
"""Ids in one statement."""
_PORTION = 20_000
"""Records whose place in the log is looked for in one statement."""
_TABLES: Mapping[str, Table] = {"decision": decisions, "act": acts}
_COLUMNS = {
    "decision": [decisions.c[f.name] for f in fields(DecisionRecord) if f.name in decisions.c],
    "act": [acts.c[f.name] for f in fields(StoredAct)],
}
_ENTRY = [log_entries.c[field.name] for field in fields(LogEntry)]
_HEAD = [log_heads.c[field.name] for field in fields(SignedHead)]


class SqlLogStore:
    """The tables `unsealed`, `log_entries`, `log_tiles`, `log_heads` and `terms`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def unsealed(self, most: int) -> list[Unsealed]:
        waiting = select(unsealed.c.number, unsealed.c.kind, unsealed.c.id)
        with snapshot(self._engine) as connection:  # what another sealer seals meanwhile is not both here and there
            rows = connection.execute(waiting.order_by(unsealed.c.number).limit(most)).all()
            records = whole_records(connection, [(kind, id_) for _, kind, id_ in rows])
            sealed = set(_placed(connection, [id_ for _, _, id_ in rows]))
        return [Unsealed(number, kind, id_, records.get((kind, id_)), id_ in sealed) for number, kind, id_ in rows]

    def waiting_since(self) -> str | None:
        first = select(unsealed.c.id, unsealed.c.kind).order_by(unsealed.c.number).limit(1)
        with reading(self._engine) as connection:
            row = connection.execute(first).first()
            if row is None:
                return None
            table, at = (decisions, "decided_at") if row.kind == "decision" else (acts, "at")
            return connection.scalars(select(table.c[at]).where(table.c.id == row.id)).first()

    def refuse(self, found: Sequence[Refused]) -> list[Refused]:
        taken = (
            delete(unsealed).where(unsealed.c.number.in_([one.number for one in found])).returning(unsealed.c.number)
        )
        with writing(self._engine) as connection:
            numbers = set(connection.scalars(taken))
            ours = [one for one in found if one.number in numbers]
            rows = [{"kind": one.kind, "id": one.id, "reason": one.reason, "at": one.at} for one in ours]
            if rows:
                connection.execute(insert(refused), rows)
        return ours

    def refused(self, after: int, most: int) -> list[Refused]:
        columns = [refused.c[name] for name in ("number", "kind", "id", "reason", "at")]
        found = select(*columns).where(refused.c.number > after).order_by(refused.c.number).limit(most)
        with reading(self._engine) as connection:
            return [Refused(*row) for row in connection.execute(found)]

    def queue_again(self, ids: Sequence[tuple[str, str]], note: StoredAct) -> None:
        with writing(self._engine) as connection:
            for kind, id_ in ids:
                connection.execute(insert(unsealed), {"kind": kind, "id": id_})
                connection.execute(delete(refused).where(refused.c.id == id_))
            insert_act(connection, note)

    def placed(self, ids: Sequence[str]) -> Mapping[str, str]:
        with reading(self._engine) as connection:
            return _placed(connection, ids)

    def still_waiting(self, ids: Sequence[str]) -> frozenset[str]:
        found: set[str] = set()
        with reading(self._engine) as connection:
            for start in range(0, len(ids), _AT_ONCE):
                some = select(unsealed.c.id).where(unsealed.c.id.in_(ids[start : start + _AT_ONCE]))
                found |= set(connection.scalars(some))
        return frozenset(found)

    def extend(self, extension: Extension) -> bool:
        try:
            with writing(self._engine) as connection:
                return _extend(connection, extension)
        except StoreRefused:
            if self.size() != extension.after:
                return False  # another sealer was first
            raise

    def size(self) -> int:
        with reading(self._engine) as connection:
            return _size(connection)

    def tile(self, level: int, number: int) -> bytes | None:
        found = select(log_tiles.c.hashes).where(log_tiles.c.level == level, log_tiles.c.number == number)
        with reading(self._engine) as connection:
            return connection.scalars(found).one_or_none()

    def head(self, size: int | None = None) -> SignedHead | None:
        found = select(*_HEAD).order_by(log_heads.c.size.desc()).limit(1)
        if size is not None:
            found = found.where(log_heads.c.size == size)
        with reading(self._engine) as connection:
            row = connection.execute(found).first()
        return _head(row) if row else None

    def heads(self, after: int = 0, most: int = 1000) -> list[SignedHead]:
        found = select(*_HEAD).where(log_heads.c.size > after).order_by(log_heads.c.size).limit(most)
        with reading(self._engine) as connection:
            return [_head(row) for row in connection.execute(found)]

    def entry(self, id: str) -> LogEntry | None:
        with reading(self._engine) as connection:
            row = connection.execute(select(*_ENTRY).where(log_entries.c.id == id)).first()
        return LogEntry(*row) if row else None

    def entries(self, first: int, most: int) -> list[LogEntry]:
        found = select(*_ENTRY).where(log_entries.c.index >= first).order_by(log_entries.c.index).limit(most)
        with reading(self._engine) as connection:
            return [LogEntry(*row) for row in connection.execute(found)]

    def bodies(self, entries: Iterable[LogEntry]) -> Mapping[str, bytes]:
        return {id_: found.body for id_, found in self.records(entries).items()}

    def records(self, entries: Iterable[LogEntry]) -> Mapping[str, Record]:
        with reading(self._engine) as connection:
            return {
                id_: record for (_, id_), record in whole_records(connection, [(e.kind, e.id) for e in entries]).items()
            }

    def record(self, kind: str, id: str) -> Record | None:
        with reading(self._engine) as connection:
            return whole_records(connection, [(kind, id)]).get((kind, id))

    # ---- what is kept of records beside the log

    def privates(self, ids: Sequence[str]) -> Mapping[str, tuple[Private, ...]]:
        with reading(self._engine) as connection:
            return privates_of(connection, ids)

    def unaccounted(self, most: int) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for kind, table in _TABLES.items():
            last: str | None = ""
            while last is not None and len(found) < most:
                ids, last = self._unaccounted(table, last, most - len(found))
                found += ((kind, id_) for id_ in ids)
        return found

    def _unaccounted(self, table: Table, after: str, most: int) -> tuple[list[str], str | None]:
        """The ids of one portion that are neither sealed nor waiting; the last id looked at, null at the end.

        A portion takes well under a second.
        """
        portion = select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(_PORTION).subquery()
        sealed = exists().where(log_entries.c.id == portion.c.id, log_entries.c.index >= 0)
        ids = select(portion.c.id).where(~sealed, portion.c.id.not_in(select(unsealed.c.id)))
        with reading(self._engine) as connection:
            last = connection.scalars(select(func.max(portion.c.id))).one()
            found = [] if last is None else list(connection.scalars(ids.order_by(portion.c.id).limit(most)))
        return found, None if last is None else str(last)

    def waiting(self) -> int:
        with reading(self._engine) as connection:
            return connection.scalars(select(func.count()).select_from(unsealed)).one()

    def waiting_body(self, id: str) -> bytes | None:
        with reading(self._engine) as connection:
            kind = connection.scalars(select(unsealed.c.kind).where(unsealed.c.id == id)).first()
            found = {} if kind is None else stored_records(connection, [(kind, id)])
        record = found.get((kind or "", id))
        return None if record is None else record.body

    def records_of(self, term: str) -> list[str]:
        """Ids of the sealed records with a term, in order."""
        found = select(log_entries.c.id).join(terms, terms.c.index == log_entries.c.index).where(terms.c.text == term)
        with reading(self._engine) as connection:
            return list(connection.scalars(found.order_by(log_entries.c.index)))

    def erase(self, erasure: StoredAct, records: Sequence[str]) -> int:
        erased = 0
        with writing(self._engine) as connection:
            for start in range(0, len(records), _AT_ONCE):
                some = records[start : start + _AT_ONCE]
                erased += connection.execute(delete(private_values).where(private_values.c.record.in_(some))).rowcount
                connection.execute(delete(idempotency).where(idempotency.c.decision.in_(some)))
                indices = select(log_entries.c.index).where(log_entries.c.id.in_(some))
                connection.execute(delete(terms).where(terms.c.private, terms.c.index.in_(indices)))
            if erased:
                insert_act(connection, erasure)
        return erased

    # ---- for those who verify

    def terms(self, wanted: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], bool]:
        found: dict[tuple[str, int], bool] = {}
        pair = tuple_(terms.c.text, terms.c.index)
        columns = select(terms.c.text, terms.c.index, terms.c.private)
        with reading(self._engine) as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                for text, index, private in connection.execute(
                    columns.where(pair.in_(wanted[start : start + _AT_ONCE]))
                ):
                    found[text, index] = private
        return found

    def terms_count(self, below: int) -> int:
        last = select(func.coalesce(func.max(log_entries.c.index), -1)).scalar_subquery()
        of_none = (terms.c.index < 0) | (terms.c.index > last)
        counted = select(func.count()).select_from(terms).where((terms.c.index < below) | of_none)
        with reading(self._engine) as connection:
            return connection.scalars(counted).one()

    def tiles_count(self) -> int:
        with reading(self._engine) as connection:
            return connection.scalars(select(func.count()).select_from(log_tiles)).one()

    def claims(self, after: tuple[str, str], most: int) -> list[KeptClaim]:
        key = (idempotency.c.caller, idempotency.c.key)
        columns = [idempotency.c[field.name] for field in fields(KeptClaim)]
        found = select(*columns).where(tuple_(*key) > tuple_(*after)).order_by(*key).limit(most)
        with reading(self._engine) as connection:
            return [KeptClaim(*row) for row in connection.execute(found)]

    def intruders(self) -> list[str]:
        with reading(self._engine) as connection:
            return _intruders(connection)

    def strays(self) -> list[str]:
        with reading(self._engine) as connection:
            return [name for name, found in _STRAYS.items() if connection.scalars(found.limit(1)).first() is not None]

    def mistyped(self) -> list[str]:
        with reading(self._engine) as connection:
            return mistyped(connection) if connection.dialect.name == "sqlite" else []


def _intruders(connection: Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        return list(connection.exec_driver_sql(_SQLITE_INTRUDERS).scalars())
    return list(connection.exec_driver_sql(_POSTGRESQL_INTRUDERS).scalars())


def _head(row: Sequence[Any]) -> SignedHead:
    size, *texts = row
    return SignedHead(size, *map(as_text, texts))


_STRAYS = {
    "a rule file of no bundle": select(bundle_sources.c.path).where(
        ~exists().where(bundles.c.id == bundle_sources.c.bundle)
    ),
    "a private value of no decision": select(private_values.c.pointer).where(
        ~exists().where(decisions.c.id == private_values.c.record)
    ),
    "an entry below the first": select(log_entries.c.id).where(log_entries.c.index < 0),
}

_SQLITE_INTRUDERS = "SELECT type || ' ' || name FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY 1"
_POSTGRESQL_INTRUDERS = """
    SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'rule ' || rulename FROM pg_rules WHERE schemaname = current_schema()
    UNION ALL SELECT 'policy ' || policyname FROM pg_policies WHERE schemaname = current_schema()
    UNION ALL SELECT 'view ' || viewname FROM pg_views WHERE schemaname = current_schema()
    ORDER BY 1
"""


def _size(connection: Connection) -> int:
    last = connection.scalars(select(func.max(log_entries.c.index))).one()
    return 0 if last is None else last + 1


def _extend(connection: Connection, extension: Extension) -> bool:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if _size(connection) != extension.after:
        return False
    insert_rows(connection, log_entries, [asdict(entry) for entry in extension.entries])
    found = [
        {"text": one.text, "index": one.index, "private": one.private} for one in extension.terms
    ]  # twenty a record
    insert_rows(connection, terms, found)
    for (level, number), hashes in extension.tiles.items():
        connection.execute(delete(log_tiles).where(log_tiles.c.level == level, log_tiles.c.number == number))
        connection.execute(insert(log_tiles), {"level": level, "number": number, "hashes": hashes})
    connection.execute(insert(log_heads), asdict(extension.head))
    for start in range(0, len(extension.numbers), _AT_ONCE):
        some = extension.numbers[start : start + _AT_ONCE]
        connection.execute(delete(unsealed).where(unsealed.c.number.in_(some)))
    return True


def _placed(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(ids), _AT_ONCE):
        some = log_entries.c.id.in_(ids[start : start + _AT_ONCE])
        rows = connection.execute(select(log_entries.c.id, log_entries.c.leaf).where(some))
        found |= {row.id: row.leaf for row in rows}
    return found


def whole_records(connection: Connection, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Record]:
    """Records by kind and id, with their private values; a kind that there is not has none."""
    found = stored_records(connection, wanted)
    for id_, values in privates_of(connection, [id_ for kind, id_ in wanted if kind == "decision"]).items():
        if isinstance(record := found.get(("decision", id_)), DecisionRecord):
            found["decision", id_] = replace(record, privates=values)
    return found


def stored_records(connection: Connection, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Record]:
    """Records by kind and id, private values left out; a kind that there is not has none."""
    found: dict[tuple[str, str], Record] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        for kind, columns in _COLUMNS.items():
            ids = [id_ for one, id_ in some if one == kind]
            if ids:
                rows = connection.execute(select(*columns).where(_TABLES[kind].c.id.in_(ids)))
                found |= {(kind, row.id): _record(kind, row) for row in rows}
    return found


def _record(kind: str, row: Any) -> Record:
    made = DecisionRecord if kind == "decision" else StoredAct
    found = row._asdict()
    return made(**found | {"body": as_bytes(found["body"])})


def privates_of(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[Private, ...]]:
    """Values behind commitments by id of the record."""
    found: dict[str, tuple[Private, ...]] = {}
    columns = (private_values.c.record, private_values.c.pointer, private_values.c.salt, private_values.c.value)
    for start in range(0, len(ids), _AT_ONCE):
        some = select(*columns).where(private_values.c.record.in_(ids[start : start + _AT_ONCE]))
        for record, pointer, salt, value in connection.execute(
            some.order_by(private_values.c.record, private_values.c.pointer)
        ):
            found[record] = (*found.get(record, ()), Private(pointer, as_bytes(salt), as_bytes(value)))
    return found
