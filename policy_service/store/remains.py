"""What SQLite and PostgreSQL still hold of rows that were deleted.

A deleted row is not gone. SQLite overwrites it with zeros, since every connection sets `secure_delete`; but a row that
was moved to another page before may have left a copy in an unused part of the old one, and the write-ahead log keeps
old pages as long as a reader needs them. PostgreSQL keeps dead rows until VACUUM, as long as any transaction may see
them, and does not overwrite them then. So both are certain only once the tables were written anew.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, func, select, text

from policy_service.store.database import reading
from policy_service.store.postgresql import unhurried
from policy_service.store.sqlite import turn_to_write
from policy_service.store.tables import idempotency, log_entries, private_values, terms

_AT_ONCE = 500
_TABLES = (private_values.name, terms.name, idempotency.name)
_COPIES = (
    "backups and other copies of the database, until they are overwritten: erase in what is restored from one",
    "evidence that was exported with private values, answers that callers keep, and what they logged",
    "blocks of the disk that the file system gave free and has not yet used again",
)
_LOGS = (
    "the write-ahead log of the database server and its archive, until they are recycled",
    "replicas of the database, until they have applied the erasure and were written anew too",
)
_HELD = text(
    "SELECT count(*) FROM ("
    "SELECT backend_xmin AS seen FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
    "UNION ALL SELECT xmin FROM pg_replication_slots UNION ALL SELECT transaction FROM pg_prepared_xacts"
    ") AS held WHERE seen IS NOT NULL AND age(seen) > age((txid_current() % 4294967296)::text::xid)"
)
"""Transactions that may see what was deleted before this statement."""


class SqlRemains:
    """See RemainsStore."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self.beyond: Sequence[str] = _COPIES if self._is_sqlite else (*_LOGS, *_COPIES)

    def kept(self, records: Sequence[str]) -> int:
        with reading(self._engine) as connection:
            portions = (records[start : start + _AT_ONCE] for start in range(0, len(records), _AT_ONCE))
            return sum(_kept(connection, some) for some in portions)

    def held(self) -> bool:
        with reading(self._engine) as connection:
            if self._is_sqlite:
                # Moves the log's pages into the file and cuts the log, unless somebody reads an old state.
                busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                return bool(busy)
            return bool(connection.scalars(_HELD).one())

    def renew(self) -> bool:
        if self._is_sqlite:
            with turn_to_write(self._engine), reading(self._engine) as connection:
                connection.exec_driver_sql("VACUUM")
            return True
        with reading(unhurried(self._engine)) as connection:
            before = _files(connection)
            connection.exec_driver_sql(f"VACUUM (FULL) {', '.join(_TABLES)}")
            # Who does not own a table is told so in a warning alone, and nothing is done.
            return all(one != other for one, other in zip(before, _files(connection), strict=True))


def _kept(connection: Connection, records: Sequence[str]) -> int:
    indices = select(log_entries.c.index).where(log_entries.c.id.in_(records))
    found = (
        select(func.count()).select_from(private_values).where(private_values.c.record.in_(records)),
        select(func.count()).select_from(idempotency).where(idempotency.c.decision.in_(records)),
        select(func.count()).select_from(terms).where(terms.c.private, terms.c.index.in_(indices)),
    )
    return sum(connection.scalars(one).one() for one in found)


def _files(connection: Connection) -> list[int]:
    """The files that the tables are in."""
    return [connection.scalars(select(func.pg_relation_filenode(name))).one() for name in _TABLES]
