"""The store that the version before acts left, as each test may change it; see tests/data/stores."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from shutil import copyfile
from typing import Any

from sqlalchemy import Engine

from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.audit.auditing import Auditing
from policy_service.settings import Settings
from policy_service.store import connect, migrate

STORES = Path(__file__).parent / "data" / "stores"
SAID: dict[str, Any] = json.loads((STORES / "before_acts.json").read_text("utf-8"))
AFTER = datetime(2023, 4, 3, tzinfo=UTC)
"""Before the activation that the store has planned."""


@dataclass
class Former:
    """A copy of it in a folder, with its key; `start` migrates it, and assembles the service on it."""

    folder: Path

    def __post_init__(self) -> None:
        for name in ("before_acts.sqlite3", "before_acts.pem"):
            copyfile(STORES / name, self.folder / name)
        self.key.chmod(0o600)
        self._engines: list[Engine] = []

    @property
    def key(self) -> Path:
        return self.folder / "before_acts.pem"

    @property
    def database(self) -> Path:
        return self.folder / "before_acts.sqlite3"

    @property
    def settings(self) -> Settings:
        url = f"sqlite:///{self.database}"
        return Settings(engine="reference", signing_key=str(self.key), database_url=url, bundle_refresh_ms=0)

    def start(self, now: datetime = AFTER) -> Assembled:
        engine = connect(self.settings.database_url)
        self._engines.append(engine)
        migrate(engine)
        return assemble_on(engine, self.settings, now=_ticking(now), elapsed=_ticking_seconds())

    def close(self) -> None:
        for engine in self._engines:
            engine.dispose()


def audited(made: Assembled) -> Auditing:
    assert made.auditing is not None
    return made.auditing


def _ticking(start: datetime) -> Callable[[], datetime]:
    seconds = count(1)
    return lambda: start + timedelta(seconds=next(seconds))


def _ticking_seconds() -> Callable[[], float]:
    seconds = count(1)
    return lambda: float(next(seconds))
