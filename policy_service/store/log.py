"""The port of the sealed log on SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
    union_all,
)

from policy_service.decisions.ports.log import Erasure, Extension, LogEntry, SignedHead, Unsealed
from policy_service.decisions.ports.records import StoreRefused
from policy_service.proofs.commitments import Private
from policy_service.store.database import insert_rows, reading, writing
from policy_service.store.tables import (
    decisions,
    erasures,
    idempotency,
    log_entries,
    log_heads,
    log_tiles,
    private_values,
    terms,
    unsealed,
)

_LOCK = 7_104_117
"""Of one sealer at a time on PostgreSQL; see store.migrations for the other number."""
_AT_ONCE = 500
"""Ids in one statement."""
_PORTION = 20_000
"""Records whose place in the log is looked for in one statement."""
_ENTRY = [log_entries.c[field.name] for field in fields(LogEntry)]
_HEAD = [log_heads.c[field.name] for field in fields(SignedHead)]


class SqlLogStore:
    """The tables `unsealed`, `log_entries`, `log_tiles`, `log_heads` and `terms`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def unsealed(self, most: int) -> list[Unsealed]:
        waiting = select(unsealed.c.number, unsealed.c.kind, unsealed.c.id).where(~_lost())
        with reading(self._engine) as connection:
            rows = connection.execute(waiting.order_by(unsealed.c.number).limit(most)).all()
            records = _records(connection, [(kind, id_) for _, kind, id_ in rows])
            privates = privates_of(connection, [id_ for _, _, id_ in rows])
        return [Unsealed(number, kind, id_, *records[id_], privates.get(id_, ())) for number, kind, id_ in rows]

    def waiting_since(self) -> str | None:
        first = select(unsealed.c.id, unsealed.c.kind).where(~_lost()).order_by(unsealed.c.number).limit(1)
        with reading(self._engine) as connection:
            row = connection.execute(first).first()
            if row is None:
                return None
            table, at = (decisions, "decided_at") if row.kind == "decision" else (erasures, "at")
            return str(connection.scalars(select(table.c[at]).where(table.c.id == row.id)).one())

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
        return SignedHead(*row) if row else None

    def heads(self, after: int = 0, most: int = 1000) -> list[SignedHead]:
        found = select(*_HEAD).where(log_heads.c.size > after).order_by(log_heads.c.size).limit(most)
        with reading(self._engine) as connection:
            return [SignedHead(*row) for row in connection.execute(found)]

    def entry(self, id: str) -> LogEntry | None:
        with reading(self._engine) as connection:
            row = connection.execute(select(*_ENTRY).where(log_entries.c.id == id)).first()
        return LogEntry(*row) if row else None

    def entries(self, first: int, most: int) -> list[LogEntry]:
        found = select(*_ENTRY).where(log_entries.c.index >= first).order_by(log_entries.c.index).limit(most)
        with reading(self._engine) as connection:
            return [LogEntry(*row) for row in connection.execute(found)]

    def bodies(self, entries: Iterable[LogEntry]) -> Mapping[str, bytes]:
        with reading(self._engine) as connection:
            found = _records(connection, [(entry.kind, entry.id) for entry in entries])
        return {id_: body for id_, (body, _) in found.items()}

    # ---- what is kept of records beside the log

    def privates(self, ids: Sequence[str]) -> Mapping[str, tuple[Private, ...]]:
        with reading(self._engine) as connection:
            return privates_of(connection, ids)

    def unaccounted(self, most: int) -> list[str]:
        found: list[str] = []
        for table in (decisions, erasures):
            last: str | None = ""
            while last is not None and len(found) < most:
                last = self._unaccounted(table, last, most - len(found), found)
        return found

    def _unaccounted(self, table: Table, after: str, most: int, found: list[str]) -> str | None:
        """Add the ids of one portion that are neither sealed nor waiting; the last id looked at, null at the end.

        A portion takes well under a second.
        """
        portion = select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(_PORTION).subquery()
        sealed = exists().where(log_entries.c.id == portion.c.id, log_entries.c.index >= 0)
        ids = select(portion.c.id).where(~sealed, portion.c.id.not_in(select(unsealed.c.id)))
        with reading(self._engine) as connection:
            last = connection.scalars(select(func.max(portion.c.id))).one()
            if last is not None:
                found += connection.scalars(ids.order_by(portion.c.id).limit(most))
        return None if last is None else str(last)

    def lost_waiting(self, most: int) -> list[str]:
        with reading(self._engine) as connection:
            lost = select(unsealed.c.id).where(_lost()).order_by(unsealed.c.number).limit(most)
            return list(connection.scalars(lost))

    def waiting(self) -> int:
        with reading(self._engine) as connection:
            return connection.scalars(select(func.count()).select_from(unsealed)).one()

    def waiting_body(self, id: str) -> bytes | None:
        with reading(self._engine) as connection:
            kind = connection.scalars(select(unsealed.c.kind).where(unsealed.c.id == id)).first()
            found = {} if kind is None else _records(connection, [(kind, id)])
        return found[id][0] if id in found else None

    def records_of(self, term: str) -> list[str]:
        """Ids of the sealed records with a term, in order."""
        found = select(log_entries.c.id).join(terms, terms.c.index == log_entries.c.index).where(terms.c.text == term)
        with reading(self._engine) as connection:
            return list(connection.scalars(found.order_by(log_entries.c.index)))

    def erase(self, erasure: Erasure, records: Sequence[str]) -> int:
        erased = 0
        with writing(self._engine) as connection:
            for start in range(0, len(records), _AT_ONCE):
                some = records[start : start + _AT_ONCE]
                erased += connection.execute(delete(private_values).where(private_values.c.record.in_(some))).rowcount
                connection.execute(delete(idempotency).where(idempotency.c.decision.in_(some)))
                indices = select(log_entries.c.index).where(log_entries.c.id.in_(some))
                connection.execute(delete(terms).where(terms.c.private, terms.c.index.in_(indices)))
            if erased:
                connection.execute(insert(erasures), asdict(erasure))
                connection.execute(insert(unsealed), {"kind": "erasure", "id": erasure.id})
        return erased


def _lost() -> ColumnElement[bool]:
    """Whether a record that waits is not stored."""
    return and_(
        ~exists().where(decisions.c.id == unsealed.c.id, unsealed.c.kind == "decision"),
        ~exists().where(erasures.c.id == unsealed.c.id, unsealed.c.kind == "erasure"),
    )


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


def _records(connection: Connection, wanted: list[tuple[str, str]]) -> dict[str, tuple[bytes, str | None]]:
    """Body and leaf of records by id, of both kinds."""
    found: dict[str, tuple[bytes, str | None]] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        parts = [
            select(table.c.id, table.c.body, table.c.leaf).where(table.c.id.in_([id_ for k, id_ in some if k == kind]))
            for kind, table in (("decision", decisions), ("erasure", erasures))
        ]
        found |= {id_: (_bytes(body), leaf) for id_, body, leaf in connection.execute(union_all(*parts))}
    return found


def _bytes(body: object) -> bytes:
    """The bytes, also where somebody put a text into SQLite instead: `verify` is to find it, not to trip over it."""
    return body if isinstance(body, bytes) else str(body).encode()


def privates_of(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[Private, ...]]:
    """Values behind commitments by id of the record."""
    found: dict[str, tuple[Private, ...]] = {}
    columns = (private_values.c.record, private_values.c.pointer, private_values.c.salt, private_values.c.value)
    for start in range(0, len(ids), _AT_ONCE):
        some = select(*columns).where(private_values.c.record.in_(ids[start : start + _AT_ONCE]))
        for record, *private in connection.execute(some.order_by(private_values.c.record, private_values.c.pointer)):
            found[record] = (*found.get(record, ()), Private(*private))
    return found
