"""The port of acts on SQL."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, func, insert, select

from policy_service.decisions.ports.activations import BundleSources, StaleVersion
from policy_service.decisions.ports.acts import StoredAct
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.store.begun import has_records
from policy_service.store.bundles import save
from policy_service.store.database import as_bytes, reading, writing
from policy_service.store.tables import acts, before_acts, log_entries, unsealed

ORDERS_LOCK = 7_104_118
"""Held on PostgreSQL by who writes an order, and shared by who appends decisions; see store.log for another number."""
_LAST_VERSION = f"SELECT coalesce(max(version), 0) FROM {acts.name}"  # noqa: S608  our name
"""Asked at every commit, so as a plain text: one round trip on PostgreSQL, where a parameter takes three."""
_ACT = [acts.c[field.name] for field in fields(StoredAct)]


class SqlActStore:
    """The table `acts`; may be shared by threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, act: StoredAct, bundles: Sequence[BundleSources] = ()) -> None:
        with writing(self._engine) as connection:
            if act.version is not None:
                _take_turn(connection, act.version)
            for bundle in bundles:
                save(connection, bundle.id, bundle.label, bundle.sources, act.at)
            insert_act(connection, act)

    def orders(self, after: int, most: int) -> list[StoredAct]:
        return self._acts(select(*_ACT).where(acts.c.version > after).order_by(acts.c.version).limit(most))

    def last_version(self) -> int:
        with reading(self._engine) as connection:
            return last_version(connection)

    def acts(self, before: int | None, limit: int) -> list[StoredAct]:
        found = select(*_ACT).order_by(acts.c.number.desc()).limit(limit)
        return self._acts(found if before is None else found.where(acts.c.number < before))

    def act(self, id: str) -> StoredAct | None:
        return next(iter(self._acts(select(*_ACT).where(acts.c.id == id))), None)

    def _acts(self, found: Select[Any]) -> list[StoredAct]:
        with reading(self._engine) as connection:
            rows = connection.execute(found).all()
        return [StoredAct(**row._asdict() | {"body": as_bytes(row.body)}) for row in rows]

    def remove(self, ids: Sequence[str]) -> None:
        sealed = select(log_entries.c.id)
        with writing(self._engine) as connection:
            connection.execute(delete(acts).where(acts.c.id.in_(ids), acts.c.id.not_in(sealed)))
            connection.execute(delete(unsealed).where(unsealed.c.id.in_(ids), unsealed.c.kind == "act"))

    def has_records(self) -> bool:
        return has_records(self._engine)

    # ---- of versions that kept no acts

    def before_acts(self) -> list[Mapping[str, object]]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(before_acts.c.table, before_acts.c.row).order_by(before_acts.c.number))
            return [{"table": table, **json.loads(row)} for table, row in rows]

    def add_first(self, acts: Sequence[StoredAct]) -> None:
        with writing(self._engine) as connection:
            _take_turn(connection, 1)
            for act in acts:
                insert_act(connection, act)
            connection.execute(delete(before_acts))


def last_version(connection: Connection) -> int:
    """The version of the last order; 0 where there is none.

    Raises:
        StoreUnavailable: somebody put a text there, which SQLite takes.
    """
    found = connection.exec_driver_sql(_LAST_VERSION).scalar_one()
    if not isinstance(found, int):
        raise StoreUnavailable("an order is kept under a version that is no number")
    return found


def insert_act(connection: Connection, act: StoredAct) -> None:
    """Add an act, and its place in the queue of the sealer, in the transaction of what it tells."""
    row = asdict(act)
    del row["number"]
    connection.execute(insert(acts), row)
    connection.execute(insert(unsealed), {"kind": "act", "id": act.id})


def _take_turn(connection: Connection, version: int) -> None:
    """Keep others from writing an order or a decision until this transaction ends. StaleVersion if one was first."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(ORDERS_LOCK)))
    last = last_version(connection)
    if last != version - 1:
        raise StaleVersion(f"order {version} is not the next, {last} is the last")
