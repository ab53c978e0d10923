"""The port of bundles on SQL."""

from collections.abc import Mapping
from dataclasses import fields

from sqlalchemy import ColumnElement, Engine, insert, select, true
from sqlalchemy.exc import IntegrityError

from policy_service.decisions.records import Activation, BundleEntry, StoreRefused
from policy_service.store.database import reading, writing
from policy_service.store.tables import activations, bundle_sources, bundles

_ENTRY = [bundles.c[field.name] for field in fields(BundleEntry)]
_ACTIVATION = [activations.c[field.name] for field in fields(Activation)]


class SqlBundleStore:
    """Bundles in the tables `bundles`, `bundle_sources` and `activations`; may be shared by threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save_bundle(self, id: str, label: str | None, sources: Mapping[str, str], seen_at: str) -> bool:
        files = [{"bundle": id, "path": path, "text": text} for path, text in sorted(sources.items())]
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(bundles), {"id": id, "label": label, "seen_at": seen_at})
                if files:
                    connection.execute(insert(bundle_sources), files)
        except IntegrityError as fault:
            if self.sources(id) is None:
                raise StoreRefused(f"bundle `{id}`: {fault.orig}") from fault
            return False
        return True

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

    def bundles(self) -> list[BundleEntry]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(*_ENTRY).order_by(bundles.c.seen_at, bundles.c.id))
            return [BundleEntry(*row) for row in rows]

    def activate(self, id: str, at: str, actor: str, reason: str, folder: bool = False) -> None:
        activation = {"bundle": id, "at": at, "actor": actor, "reason": reason, "folder": folder}
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(activations), activation)
        except IntegrityError as fault:
            raise StoreRefused(f"activation of `{id}`: {fault.orig}") from fault

    def active(self) -> str | None:
        return self._last(true())

    def was_active(self, id: str) -> bool:
        return self._last(activations.c.bundle == id) is not None

    def last_from_folder(self) -> str | None:
        return self._last(activations.c.folder)

    def activations(self) -> list[Activation]:
        with reading(self._engine) as connection:
            rows = connection.execute(select(*_ACTIVATION).order_by(activations.c.sequence))
            return [Activation(*row) for row in rows]

    def _last(self, condition: ColumnElement[bool]) -> str | None:
        """The bundle of the last activation that meets a condition."""
        newest = select(activations.c.bundle).where(condition).order_by(activations.c.sequence.desc()).limit(1)
        with reading(self._engine) as connection:
            return connection.scalars(newest).one_or_none()
