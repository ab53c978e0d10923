"""SQLite's file: how it is made and opened, who writes next, and what a fork must not take along."""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from policy_service.decisions.ports.records import StoreUnavailable

_TRY_SECONDS = 0.001


def sqlite_engine(url: URL, timeout: float, connections: int) -> Engine:
    """The engine of a file, which is made with its folder if need be; see connect()."""
    path = url.database
    if path is None or path in ("", ":memory:") or path.startswith("file:"):
        raise ValueError("the store needs the path of a file, as in `sqlite:///var/policy.db`")
    file = Path(path).absolute()
    try:
        _prepare(file, timeout)
    except (OSError, sqlite3.OperationalError) as fault:
        raise StoreUnavailable(f"{file}: {fault}") from fault
    engine = create_engine(
        url, creator=lambda: _open(file, timeout), hide_parameters=True, pool_size=connections, pool_timeout=timeout
    )
    event.listen(engine, "close", _note_closed)
    _queues[engine] = _Queue(timeout)
    return engine


@contextmanager
def turn_to_write(engine: Engine) -> Iterator[None]:
    """The right to write, held by one thread of this process at a time.

    Raises:
        StoreUnavailable: it did not become free in time.
    """
    queue = _queues[engine]
    if not queue.lock.acquire(timeout=queue.timeout):
        raise StoreUnavailable("no turn to write came in time")
    try:
        yield
    finally:
        queue.lock.release()


def begin(connection: Connection) -> None:
    """A transaction with the write lock, taken as soon as another process gives it free.

    SQLite lets a writer wait by sleeping ever longer, up to a tenth of a second, so that beside a busy process it may
    sleep through every gap for seconds. Here it tries every millisecond.

    Raises:
        OperationalError: it did not become free in time.
    """
    raw = cast(sqlite3.Connection, connection.connection.dbapi_connection)  # `_open` made it
    timeout = _queues[connection.engine].timeout
    until = time.monotonic() + timeout
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise OperationalError("BEGIN IMMEDIATE", None, error) from error
            time.sleep(_TRY_SECONDS)
    finally:
        raw.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")


class _Queue:
    """Where the threads of this process wait to write to one SQLite file, at most `timeout` seconds."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.lock = threading.Lock()


_queues: WeakKeyDictionary[Engine, _Queue] = WeakKeyDictionary()


def _prepare(file: Path, timeout: float) -> None:
    """Leaves a SQLite file in WAL mode.

    The switch to WAL does not wait for other processes but fails, so it is made under a lock on the folder. An existing
    file is opened by SQLite only: closing any other descriptor of it would drop the locks of this process.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not file.exists():
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            os.fsync(folder)
        with closing(sqlite3.connect(file, timeout=timeout, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    finally:
        os.close(folder)


def _open(file: Path, timeout: float) -> sqlite3.Connection:
    """A connection that the driver begins no transaction on, and that any one thread at a time may use."""
    if file in _inherited:
        raise sqlite3.OperationalError("this process was forked while its parent was using the database")
    connection = sqlite3.connect(
        file, timeout=timeout, isolation_level=None, check_same_thread=False, factory=_Connection
    )
    connection.text_factory = _text
    connection.execute("PRAGMA synchronous = FULL")  # in WAL mode: a commit is on the disk when it returns
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # else what is deleted stays in the file's free pages
    _files[connection] = file
    return connection


def _text(stored: bytes) -> str:
    """A text, also where somebody wrote bytes that are no UTF-8: it is to be found wrong, not tripped over."""
    return stored.decode(errors="replace")


# SQLite's connections must not cross a fork: a child that inherits one believes that it holds the parent's file locks,
# and the next process to close the file deletes the log under it. So the idle ones are closed before a fork, and a
# child that inherited one in use is refused the file.


class _Connection(sqlite3.Connection):
    """A connection that can be referred to weakly."""


_files: WeakKeyDictionary[sqlite3.Connection, Path] = WeakKeyDictionary()
"""Of each open connection. One that goes with its engine is closed without the pool's saying so."""
_inherited: set[Path] = set()


def _note_closed(connection: sqlite3.Connection, _record: object) -> None:
    _files.pop(connection, None)


def _close_idle() -> None:
    for engine in list(_queues):
        engine.dispose()


def _note_inherited() -> None:
    _inherited.update(_files.values())
    _files.clear()
    for queue in _queues.values():
        queue.lock = threading.Lock()  # the thread that held it is not here to release it


os.register_at_fork(before=_close_idle, after_in_child=_note_inherited)
