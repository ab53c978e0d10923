"""The port of the audit trail on SQL."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, Engine, RowMapping, insert, select

from policy_service.access.trail import Trailed, TrailEntry
from policy_service.store.database import reading, writing
from policy_service.store.tables import trail

_ENTRY = [trail.c[name] for name in ("at", "actor", "action", "target", "reason", "detail", "request_id", "sequence")]


class SqlTrailStore:
    """The table `trail`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, entry: TrailEntry) -> None:
        with writing(self._engine) as connection:
            add_to_trail(connection, [entry])

    def trail(self, before: int | None = None, limit: int = 100) -> list[Trailed]:
        found = select(*_ENTRY).order_by(trail.c.sequence.desc()).limit(limit)
        if before is not None:
            found = found.where(trail.c.sequence < before)
        with reading(self._engine) as connection:
            return [_trailed(row) for row in connection.execute(found).mappings()]


def add_to_trail(connection: Connection, entries: Sequence[TrailEntry]) -> None:
    """Writes acts in the transaction of the change that they record."""
    if entries:
        connection.execute(insert(trail), [asdict(one) | {"detail": _text(one)} for one in entries])


def _text(entry: TrailEntry) -> str:
    return json.dumps(dict(entry.detail), ensure_ascii=False, sort_keys=True)


def _trailed(row: RowMapping) -> Trailed:
    found = dict(row)
    return Trailed(**found | {"detail": json.loads(found["detail"])})
