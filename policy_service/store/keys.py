"""The port of API keys on SQL."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, cast

from sqlalchemy import Connection, Engine, insert, select, update

from policy_service.access.keys import Key
from policy_service.access.principals import Role
from policy_service.access.trail import TrailEntry
from policy_service.store.database import reading, writing
from policy_service.store.tables import keys
from policy_service.store.trail import add_to_trail

_KEY = [keys.c[field.name] for field in fields(Key)]


class SqlKeyStore:
    """The table `keys`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, key: Key, trail: TrailEntry) -> Key:
        row = asdict(key) | {"roles": " ".join(key.roles)}
        del row["number"]
        with writing(self._engine) as connection:
            connection.execute(insert(keys), row)
            add_to_trail(connection, [trail])
            found = _find(connection, key.id)
        assert found is not None  # noqa: S101  written above
        return found

    def end(self, id: str, *, expires_at: str | None, revoked_at: str | None, trail: TrailEntry) -> Key | None:
        with writing(self._engine) as connection:
            found = _find(connection, id, to_change=True)
            if found is None:
                return None
            ends = {
                "expires_at": _earlier(found.expires_at, expires_at),
                "revoked_at": _earlier(found.revoked_at, revoked_at),
            }
            connection.execute(update(keys).where(keys.c.id == id).values(ends))
            add_to_trail(connection, [trail])
            return _find(connection, id)

    def key(self, id: str) -> Key | None:
        with reading(self._engine) as connection:
            return _find(connection, id)

    def keys(self) -> Sequence[Key]:
        with reading(self._engine) as connection:
            return [_key(row) for row in connection.execute(select(*_KEY).order_by(keys.c.number))]

    def any_keys(self) -> bool:
        with reading(self._engine) as connection:
            return connection.execute(select(keys.c.number).limit(1)).first() is not None


def _find(connection: Connection, id: str, *, to_change: bool = False) -> Key | None:
    """The key; `to_change` keeps others from changing it until the transaction ends."""
    found = select(*_KEY).where(keys.c.id == id)
    row = connection.execute(found.with_for_update() if to_change else found).first()
    return None if row is None else _key(row)


def _key(row: Any) -> Key:
    found = dict(zip((field.name for field in fields(Key)), row, strict=True))
    return Key(**found | {"roles": cast(tuple[Role, ...], tuple(found["roles"].split()))})


def _earlier(one: str | None, two: str | None) -> str | None:
    return min(one, two) if one is not None and two is not None else one or two
