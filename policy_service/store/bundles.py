"""The port of bundles on SQL."""

from collections.abc import Mapping
from dataclasses import asdict, fields

from sqlalchemy import Connection, Engine, func, insert, select

from policy_service.decisions.ports.activations import (
    Activation,
    ActivationState,
    BundleEntry,
    Change,
    StaleVersion,
    StopEvent,
)
from policy_service.store.database import insert_if_new, reading, snapshot, writing
from policy_service.store.tables import activations, bundle_sources, bundles, changes, stops
from policy_service.store.trail import add_to_trail

_ENTRY = [bundles.c[field.name] for field in fields(BundleEntry)]
_ACTIVATION = [activations.c[field.name] for field in fields(Activation)]
_STOP = [stops.c[field.name] for field in fields(StopEvent)]
_LAST = select(func.max(changes.c.version))
_NEWEST_FIRST = (activations.c.effective_at.desc(), activations.c.sequence.desc())


class SqlBundleStore:
    """Bundles in `bundles` and `bundle_sources`, their history in `activations` and `stops`; shared by threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save_bundle(self, id: str, label: str | None, sources: Mapping[str, str], seen_at: str) -> bool:
        with writing(self._engine) as connection:
            return _save(connection, id, label, sources, seen_at)

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

    def activation_state(self, now: str) -> ActivationState:
        with snapshot(self._engine) as connection:
            return _activation_state(connection, now)

    def apply(self, change: Change, at: str, version: int) -> None:
        with writing(self._engine) as connection:
            _take_turn(connection, at, version)
            for one in change.bundles:
                _save(connection, one.id, one.label, one.sources, at)
            if change.activations:
                connection.execute(insert(activations), [asdict(one) for one in change.activations])
            if change.stops:
                connection.execute(insert(stops), [asdict(one) for one in change.stops])
            add_to_trail(connection, change.trail)

    def was_active(self, id: str, now: str) -> bool:
        found = select(activations.c.sequence).where(activations.c.bundle == id, activations.c.effective_at <= now)
        with reading(self._engine) as connection:
            return connection.execute(found.limit(1)).first() is not None

    def last_from_folder(self) -> str | None:
        newest = (
            select(activations.c.published)
            .where(activations.c.kind == "folder")
            .order_by(activations.c.sequence.desc())
            .limit(1)
        )
        with reading(self._engine) as connection:
            return connection.scalars(newest).one_or_none()

    def activations(self, before: int | None = None, limit: int | None = None) -> list[Activation]:
        found = select(*_ACTIVATION).order_by(activations.c.sequence.desc()).limit(limit)
        if before is not None:
            found = found.where(activations.c.sequence < before)
        with reading(self._engine) as connection:
            return [Activation(*row) for row in connection.execute(found)]

    def stop_events(self) -> list[StopEvent]:
        with reading(self._engine) as connection:
            return [StopEvent(*row) for row in connection.execute(select(*_STOP).order_by(stops.c.sequence))]


def _take_turn(connection: Connection, at: str, version: int) -> None:
    """Claim the next version. StaleVersion if it is taken: the second of two changes based on one version fails."""
    last = connection.scalars(_LAST).one() or 0
    if last != version:
        raise StaleVersion(f"version {version} was read, {last} is the last")
    ours = insert_if_new(connection.dialect.name, changes).returning(changes.c.version)
    if connection.execute(ours, {"version": version + 1, "at": at}).first() is None:
        raise StaleVersion(f"version {version + 1} was written by another")


def _save(connection: Connection, id: str, label: str | None, sources: Mapping[str, str], seen_at: str) -> bool:
    """Save a bundle; whether it is new. If two processes save it at once, it is new for one of them only."""
    ours = insert_if_new(connection.dialect.name, bundles).returning(bundles.c.id)
    if connection.execute(ours, {"id": id, "label": label, "seen_at": seen_at}).first() is None:
        return False
    files = [{"bundle": id, "path": path, "text": text} for path, text in sorted(sources.items())]
    if files:
        connection.execute(insert(bundle_sources), files)
    return True


def _activation_state(connection: Connection, now: str) -> ActivationState:
    version = connection.scalars(_LAST).one() or 0
    newest = select(*_ACTIVATION).where(activations.c.effective_at <= now).order_by(*_NEWEST_FIRST).limit(1)
    active = connection.execute(newest).first()
    later = select(*_ACTIVATION).where(activations.c.effective_at > now)
    pending = connection.execute(later.order_by(activations.c.effective_at, activations.c.sequence)).all()
    last: dict[tuple[str, str], StopEvent] = {}
    for row in connection.execute(select(*_STOP).order_by(stops.c.sequence)):
        event = StopEvent(*row)
        last[event.policy, event.reward or ""] = event
    return ActivationState(
        version,
        Activation(*active) if active else None,
        tuple(Activation(*row) for row in pending),
        tuple(last[pair] for pair in sorted(last) if last[pair].action == "stop"),
    )
