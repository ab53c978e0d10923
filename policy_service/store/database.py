"""Engines, and the ways in which the stores use their connections."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import JSON, Connection, Engine, String, Table, Text, bindparam, column, func, insert, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, TimeoutError
from sqlalchemy.types import TypeEngine

from policy_service.decisions.ports.records import StoreRefused, StoreUnavailable
from policy_service.store.postgresql import postgresql_engine, said, sqlstate
from policy_service.store.sqlite import begin, sqlite_engine, turn_to_write
from policy_service.telemetry import metrics

BUSY_TIMEOUT_MS = 5000
CONNECTIONS = 16


def connect(url: str, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS, connections: int = CONNECTIONS) -> Engine:
    """The engine of a database; a SQLite file and its folder are made if need be, the file with mode 600.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host:port/database`.
        busy_timeout_ms: how long a write waits for another before StoreUnavailable, and a thread for a connection.
        connections: that many at most, of this process.
    Raises:
        StoreUnavailable: the file cannot be made or opened.
        ValueError: another kind of database, or one of SQLite in memory, which would lose what was answered.
    """
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return sqlite_engine(parsed, busy_timeout_ms / 1000, connections)
        case "postgresql":
            return postgresql_engine(parsed, busy_timeout_ms / 1000, connections)
        case other:
            raise ValueError(f"decisions are kept in SQLite or PostgreSQL, not in `{other}`")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for one statement, which sees one state of the store."""
    with _counted(), _faults_as_ours(), engine.connect() as connection:
        yield connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection for several statements that see one state of the store."""
    with reading(engine) as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection
        connection.exec_driver_sql("COMMIT")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction, durably committed at its end.

    On SQLite it has the write lock from its start: a deferred one asks for the lock at its first write, and of two that
    have read before, one fails at once. On PostgreSQL each statement sees what was committed before it.

    Raises:
        StoreUnavailable, StoreRefused.
    """
    with _counted(), _faults_as_ours():
        if engine.dialect.name == "sqlite":
            with turn_to_write(engine), engine.begin() as connection:
                begin(connection)
                yield connection
        else:
            with engine.connect() as connection:
                connection.exec_driver_sql("BEGIN")
                yield connection
                connection.exec_driver_sql("COMMIT")


def insert_if_new(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that leaves out each row whose key is taken; while another transaction takes it, it waits for that."""
    made = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return made.on_conflict_do_nothing()


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds rows of the same columns, which JSON can hold.

    On PostgreSQL they go as one JSON text: the driver sends a list of rows one by one, and waits for each. On SQLite
    they go to the driver as they are: SQLAlchemy takes four times as long over a row as SQLite does.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        quoted = connection.dialect.identifier_preparer
        names = ", ".join(quoted.quote(name) for name in rows[0])
        places = ", ".join("?" * len(rows[0]))
        statement = f"INSERT INTO {quoted.format_table(table)} ({names}) VALUES ({places})"  # noqa: S608  our names
        connection.exec_driver_sql(statement, [tuple(row.values()) for row in rows])
        return
    columns = [column(name, _unlimited(table, name)) for name in rows[0]]
    text = bindparam("rows", rows, JSON())
    given = func.json_to_recordset(text).table_valued(*columns, name="given").render_derived(with_types=True)
    connection.execute(insert(table).from_select(list(rows[0]), select(given)))


def as_bytes(found: object) -> bytes:
    """The bytes, also where somebody put a text into SQLite instead: it is to be found wrong, not tripped over."""
    return found if isinstance(found, bytes) else str(found).encode()


def as_text(found: object) -> str:
    """The text, also where somebody put bytes into SQLite instead."""
    return found if isinstance(found, str) else as_bytes(found).decode(errors="replace")


def _unlimited(table: Table, name: str) -> TypeEngine[Any]:
    """The type of a column, a text without its limit: one that is too long is for the column to refuse."""
    found = table.c[name].type
    return Text() if isinstance(found, String) else found


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable:
        metrics.store_failed()
        raise


@contextmanager
def _faults_as_ours() -> Iterator[None]:
    """Database errors as ours: a broken constraint or value is StoreRefused, our own bad statement stays as it is,
    all else is StoreUnavailable.

    The faults of PostgreSQL are not chained: they show values.
    """
    try:
        yield
    except TimeoutError as fault:
        raise StoreUnavailable("no connection became free in time") from fault
    except OSError as fault:  # of the socket to PostgreSQL
        raise StoreUnavailable(f"the connection was lost: {type(fault).__name__}") from fault
    except DBAPIError as fault:
        state = sqlstate(fault.orig)
        shown = fault if state is None else None
        if isinstance(fault, IntegrityError) or (state is not None and state.startswith(("22", "23"))):
            raise StoreRefused(said(fault.orig)) from shown
        if _is_of_ours(fault, state):
            raise
        raise StoreUnavailable(said(fault.orig)) from shown


def _is_of_ours(fault: DBAPIError, state: str | None) -> bool:
    """Whether the statement was wrong. A table that is not there is the store's: it was not migrated."""
    if state is None:
        return isinstance(fault, ProgrammingError | DataError)
    return state.startswith("42") and state != _NO_TABLE


_NO_TABLE = "42P01"  # not migrated yet
