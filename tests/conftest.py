"""What tests of every kind may use: databases, a real PostgreSQL among them."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from policy_service.store import connect, migrate
from tests import postgres

os.environ["POLICY_CACHE"] = "off"  # no test finds what another has left, nor leaves anything to the user


@pytest.hookimpl(trylast=True)  # pytest has grouped the tests by the fixtures that they share
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow tests stand at the beginning of the shares that xdist gives its workers: one begun last would end alone.

    Those of a module stay together, as they may share a server.
    """
    slow: dict[str, list[pytest.Item]] = {}
    quick = []
    for item in items:
        if item.get_closest_marker("slow"):
            slow.setdefault(item.nodeid.partition("::")[0], []).append(item)
        else:
            quick.append(item)
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    length = -(-len(items) // workers)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for module in sorted(slow.values(), key=len, reverse=True):
        min(shares, key=len).extend(module)
    for share in shares:
        missing = max(0, length - len(share))
        share.extend(quick[:missing])
        del quick[:missing]
    items[:] = [item for share in shares for item in share] + quick


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
