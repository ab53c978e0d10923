"""The SQLite file is durable and private, and says when it cannot be used."""

import fcntl
import os
import resource
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert

from policy_service.decisions.ports.records import IdempotencyClaim, StoreUnavailable
from policy_service.store import SqlBundleContents, SqlDecisionStore, connect, migrate
from policy_service.store.database import writing
from policy_service.store.tables import bundles


@pytest.fixture
def url(database: Path) -> str:
    return f"sqlite:///{database}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """Waits for no other writer longer than a millisecond."""
    engine = connect(url, busy_timeout_ms=1)
    migrate(engine)
    yield engine
    engine.dispose()


def pragma(engine: Engine, name: str) -> Any:
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


@pytest.mark.parametrize(
    ("name", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 1)]
)
def test_every_connection_is_durable_and_strict(engine: Engine, name: str, value: object) -> None:
    with engine.connect():  # keeps one busy, so that the next is new
        assert pragma(engine, name) == value


def test_a_write_begins_with_the_write_lock(engine: Engine, database: Path) -> None:
    other = sqlite3.connect(database, timeout=0)
    with closing(other), writing(engine), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")


def test_an_append_is_one_transaction(engine: Engine, decisions: SqlDecisionStore, make_record: Any) -> None:
    statements: list[str] = []
    commits: list[object] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2].split()[0]))
    event.listen(engine, "commit", commits.append)
    decisions.append(make_record(1), IdempotencyClaim("payer", "order-1", "digest-1"))
    assert statements == ["SELECT", "INSERT", "INSERT", "INSERT"]  # last order, claim, record, what is to be sealed
    assert len(commits) == 1


def test_files_and_folder_are_made_and_private(tmp_path: Path) -> None:
    file = tmp_path / "var" / "lib" / "policy.db"
    engine = connect(f"sqlite:///{file}")
    migrate(engine)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    engine.dispose()
    assert modes == {"policy.db": 0o600, "policy.db-wal": 0o600, "policy.db-shm": 0o600}


def test_a_file_that_is_there_keeps_its_mode_and_content(
    database: Path, decisions: SqlDecisionStore, make_record: Any
) -> None:
    decisions.append(make_record(1), None)
    database.chmod(0o640)
    again = connect(f"sqlite:///{database}")
    migrate(again)
    assert SqlDecisionStore(again).count() == 1
    assert stat.S_IMODE(database.stat().st_mode) == 0o640
    again.dispose()


def test_a_file_restored_without_wal_gets_it(tmp_path: Path) -> None:
    file = tmp_path / "restored.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE t (x)")
    engine = connect(f"sqlite:///{file}")
    assert pragma(engine, "journal_mode") == "wal"
    engine.dispose()


def test_a_file_is_made_under_a_lock_on_its_folder(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked: list[tuple[int, int, bool]] = []
    monkeypatch.setattr(fcntl, "flock", lambda fd, how: locked.append((os.fstat(fd).st_ino, how, database.exists())))
    connect(f"sqlite:///{database}").dispose()
    assert locked == [(database.parent.stat().st_ino, fcntl.LOCK_EX, False)]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="path of a file"):
        connect(url)


def test_a_path_that_cannot_be_made_is_an_unavailable_store(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    with pytest.raises(StoreUnavailable, match="exists"):
        connect(f"sqlite:///{tmp_path}/var/policy.db")


def test_a_store_without_tables_is_unavailable(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/policy.db")
    with pytest.raises(StoreUnavailable):
        SqlDecisionStore(engine).count()
    engine.dispose()


def test_a_locked_database_is_unavailable_until_it_is_free(
    database: Path, engine: Engine, decisions: SqlDecisionStore, make_record: Any
) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            decisions.append(make_record(1), None)
        with pytest.raises(StoreUnavailable, match="locked"):
            migrate(engine)
        other.execute("ROLLBACK")
    assert decisions.decision(make_record(1).id) is None
    decisions.append(make_record(1), None)
    assert decisions.count() == 1


def test_a_locked_database_can_be_read(database: Path, decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1), None)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert decisions.decision(make_record(1).id) == make_record(1)


def test_a_thread_that_gets_no_turn_finds_the_store_unavailable(
    engine: Engine, decisions: SqlDecisionStore, make_record: Any
) -> None:
    with writing(engine), ThreadPoolExecutor(1) as other:
        refused = other.submit(decisions.append, make_record(1), None)
        with pytest.raises(StoreUnavailable, match="no turn"):
            refused.result()
    decisions.append(make_record(1), None)


def test_threads_share_a_store(database: Path, decisions: SqlDecisionStore, make_record: Any) -> None:
    engine = connect(f"sqlite:///{database}")
    store = SqlDecisionStore(engine)

    def append(n: int) -> str:
        return store.append(make_record(n), IdempotencyClaim("payer", str(n % 10), "digest")).record.id

    with ThreadPoolExecutor(4) as threads:
        ids = list(threads.map(append, range(100)))
    engine.dispose()
    assert decisions.count() == 10
    assert all(ids[n] == ids[n % 10] for n in range(100))


def test_a_write_that_is_broken_off_leaves_nothing(engine: Engine) -> None:
    with suppress(KeyboardInterrupt), writing(engine) as connection:
        connection.execute(insert(bundles), {"id": "b", "seen_at": "2023-04-01T00:00:00.000Z"})
        raise KeyboardInterrupt
    assert SqlBundleContents(engine).bundles() == []


@contextmanager
def full_database(engine: Engine, file: Path) -> Iterator[None]:
    pages = pragma(engine, "page_count")
    pragma(engine, f"max_page_count = {pages + 1}")
    yield
    pragma(engine, f"max_page_count = {pages + 10_000}")


@contextmanager
def read_only(engine: Engine, file: Path) -> Iterator[None]:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    yield
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = OFF")


@contextmanager
def failing_disk(engine: Engine, file: Path) -> Iterator[None]:
    """The operating system refuses to let any file of this process grow past the present log."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = os.stat(f"{file}-wal").st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("fault", "message"), [(full_database, "full"), (read_only, "readonly"), (failing_disk, "disk I/O error")]
)
def test_what_cannot_be_written_is_not_answered_and_the_rest_stays(
    engine: Engine, database: Path, decisions: SqlDecisionStore, make_record: Any, fault: Any, message: str
) -> None:
    decisions.append(make_record(1), None)
    claim = IdempotencyClaim("payer", "order-1", "digest-1")
    large = make_record(2, body=bytes(100_000))
    with fault(engine, database), pytest.raises(StoreUnavailable, match=message):
        decisions.append(large, claim)
    assert decisions.decision(large.id) is None
    assert decisions.claimed(claim) is None
    assert decisions.append(large, claim).record == large
    assert decisions.count() == 2
