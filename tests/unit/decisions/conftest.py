"""A club with members whose data is sensitive: its rules, and its service on a database of its own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.audit.auditing import Auditing
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.deciding.service import Evaluated
from policy_service.decisions.ports.log import LogEntry
from policy_service.policies.bundle import Bundle, load_folder
from policy_service.proofs import keys
from policy_service.settings import Settings
from policy_service.store import connect

CLUB = Path(__file__).parent / "club"
BEGUN = 2
"""Acts at the beginning of a club's log: the first order, and the activation of its rules."""
NOON = datetime(2023, 4, 2, 4, 0, tzinfo=UTC)
ORIGIN = Settings().log_origin


@dataclass
class Club:
    """The service, on a clock that moves a second with each reading."""

    engine: Engine
    key: Path
    guard: Path
    rules: Bundle
    read: int = 0
    settings: Settings = field(init=False)
    assembled: Assembled = field(init=False)

    def __post_init__(self) -> None:
        self.settings = Settings(engine="reference", signing_key=str(self.key), guard=str(self.guard))
        self.assembled = assemble_on(self.engine, self.settings, now=self.now, elapsed=lambda: 0.0)

    def now(self) -> datetime:
        self.read += 1
        return NOON + timedelta(seconds=self.read)

    @property
    def auditing(self) -> Auditing:
        assert self.assembled.auditing is not None
        return self.assembled.auditing

    def decide(self, *, key: str | None = None, as_of: str = "2023-04-01", **asked: Any) -> Evaluated:
        """One decision; `member`, `merchant` and `products` are the facts, the rest belongs to the request."""
        facts = {name: asked.pop(name) for name in ("member", "merchant", "products") if name in asked}
        request = EvaluateRequest(facts, as_of, **asked)
        return self.assembled.service.evaluate(request, caller="till", idempotency_key=key)

    def member(self, points: int = 1, id: str = "u-1", **asked: Any) -> Evaluated:
        return self.decide(member={"id": id, "points": points, "joined_on": "2022-02-03"}, **asked)

    def merchant(self, hours: int, **asked: Any) -> Evaluated:
        return self.decide(merchant={"id": "m-1", "hours": hours}, **asked)

    def seal(self) -> int:
        return self.auditing.sealer.seal_all()

    def entries(self) -> Sequence[LogEntry]:
        return self.auditing.log.entries(0, 10_000)


@pytest.fixture(scope="session")
def club_rules() -> Bundle:
    found, diagnostics, _ = load_folder(CLUB)
    assert found is not None, diagnostics
    return found


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "log.pem"
    keys.make(path, ORIGIN)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_store_url: Callable[[Path], str]) -> str:
    """Of a database with nothing in its tables: each test that asks is asked of both kinds."""
    if request.param == "sqlite":
        return sqlite_store_url(tmp_path / "policy.db")
    found: str = request.getfixturevalue("postgresql_store_url")
    return found


MakeClub = Callable[[str], Club]


@pytest.fixture
def make_club(signing_key: Path, club_rules: Bundle, tmp_path: Path) -> Iterator[MakeClub]:
    """Each is a host of its own, with its own guard."""
    engines: list[Engine] = []

    def make(url: str) -> Club:
        engine = connect(url)
        engines.append(engine)
        club = Club(engine, signing_key, tmp_path / f"{len(engines)}.guard", club_rules)
        club.assembled.publishing.adopt_folder(club_rules, actor="test")
        return club

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def club(url: str, make_club: MakeClub) -> Club:
    """On both kinds of database."""
    return make_club(url)


@pytest.fixture
def local_club(tmp_path: Path, make_club: MakeClub, sqlite_store_url: Callable[[Path], str]) -> Club:
    """On SQLite alone, for what has nothing to do with the database."""
    return make_club(sqlite_store_url(tmp_path / "local.db"))
