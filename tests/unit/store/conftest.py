"""A store in an empty database, and records to put into it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import Engine

from policy_service.decisions.deciding.ids import decision_id
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.store import SqlActStore, SqlBundleContents, SqlDecisionStore, connect, migrate
from policy_service.store.bundles import save
from policy_service.store.database import writing

BUNDLE = "sha256:" + "b" * 64
NOON = "2023-04-01T12:00:00.000Z"


class MakeRecord(Protocol):
    def __call__(
        self, n: int, *, body: bytes = ..., decided_at: str = ..., supersedes: str | None = ...
    ) -> DecisionRecord: ...


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "policy.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, database: Path) -> str:
    """Of an empty database: each test here is asked of both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{database}"
    found: str = request.getfixturevalue("postgresql_url")
    return found


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = connect(url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def acts(engine: Engine) -> SqlActStore:
    return SqlActStore(engine)


@pytest.fixture
def bundles(engine: Engine) -> SqlBundleContents:
    return SqlBundleContents(engine)


@pytest.fixture
def decisions(engine: Engine) -> SqlDecisionStore:
    """A store that holds the bundle which the records name."""
    with writing(engine) as connection:
        save(connection, BUNDLE, "spring", {}, NOON)
    return SqlDecisionStore(engine)


@pytest.fixture
def make_record() -> MakeRecord:
    def make(n: int, *, body: bytes = b"{}", decided_at: str = NOON, supersedes: str | None = None) -> DecisionRecord:
        return DecisionRecord(decision_id(n, bytes(10)), decided_at, BUNDLE, "2023-04-01", "m-1", body, supersedes)

    return make
