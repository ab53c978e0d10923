"""Bundles with their sources, on SQL: contents under the digest of the model, stored once and for ever."""

from collections.abc import Mapping
from dataclasses import fields

from sqlalchemy import Connection, Engine, insert, select

from policy_service.decisions.ports.activations import BundleEntry
from policy_service.store.database import insert_if_new, reading
from policy_service.store.tables import bundle_sources, bundles

_ENTRY = [bundles.c[field.name] for field in fields(BundleEntry)]


class SqlBundleContents:
    """The tables `bundles` and `bundle_sources`; may be shared by threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def sources(self, id: str) -> dict[str, str] | None:
        found = (
            select(bundle_sources.c.path, bundle_sources.c.text)
            .select_from(bundles.outerjoin(bundle_sources))
            .where(bundles.c.id == id)
            .order_by(bundle_sources.c.path)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(found).all()
        return {path: text for path, text in rows if path is not None} if rows else None

    def bundle(self, id: str) -> BundleEntry | None:
        with reading(self._engine) as connection:
            row = connection.execute(select(*_ENTRY).where(bundles.c.id == id)).first()
        return BundleEntry(*row) if row else None

    def bundles(self) -> list[BundleEntry]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(*_ENTRY).order_by(bundles.c.seen_at, bundles.c.id))
            return [BundleEntry(*row) for row in rows]


def save(connection: Connection, id: str, label: str | None, sources: Mapping[str, str], seen_at: str) -> bool:
    """Save a bundle; whether it is new. If two processes save it at once, it is new for one of them only."""
    ours = insert_if_new(connection.dialect.name, bundles).returning(bundles.c.id)
    if connection.execute(ours, {"id": id, "label": label, "seen_at": seen_at}).first() is None:
        return False
    files = [{"bundle": id, "path": path, "text": text} for path, text in sorted(sources.items())]
    if files:
        connection.execute(insert(bundle_sources), files)
    return True
