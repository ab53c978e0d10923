"""What tests of every kind may use: databases, a real PostgreSQL among them."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from policy_service.store import connect, migrate
from tests import postgres


@pytest.fixture(scope="session")
def postgresql_server(testrun_uid: str) -> Iterator[Path]:
    """The path of the socket of a PostgreSQL that all workers of this run share; it starts at the first use."""
    with postgres.running(Path(tempfile.gettempdir()) / f"postgresql-{testrun_uid}") as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: Path) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with postgres.database(postgresql_server) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: Path) -> Iterator[str]:
    """The name of a database with our tables and nothing in them, which nobody is connected to."""
    with postgres.database(postgresql_server) as url:
        _migrated(url)
        yield postgres.name_of(url)


@pytest.fixture
def postgresql_store_url(postgresql_server: Path, migrated_postgresql: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with our tables and nothing in them."""
    with postgres.database(postgresql_server, template=migrated_postgresql) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with our tables and nothing in them, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "policy.sqlite3"
    _migrated(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def sqlite_store_url(migrated_sqlite: Path) -> Callable[[Path], str]:
    """Makes a file an SQLite database with our tables and nothing in them, and gives its URL."""

    def make(file: Path) -> str:
        copyfile(migrated_sqlite, file)
        return f"sqlite:///{file}"

    return make


def _migrated(url: str) -> None:
    engine = connect(url)
    migrate(engine)
    engine.dispose()
