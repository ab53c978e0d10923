"""Stores, bundles and engines joined. No Flask, so that the command line starts fast."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine as Database
from sqlalchemy.exc import ArgumentError

from policy_service.access.keys import KeyStore
from policy_service.access.trail import TrailStore
from policy_service.decisions.evaluators import Evaluators
from policy_service.decisions.ids import new_decision_id
from policy_service.decisions.publishing import Publishing
from policy_service.decisions.service import PolicyService
from policy_service.decisions.unrecorded import NoDecisions, NoKeys, OneBundle
from policy_service.engines.registry import engine
from policy_service.policies.bundle import Bundle, load_folder
from policy_service.settings import SettingInvalid, Settings
from policy_service.store import SqlBundleStore, SqlDecisionStore, SqlKeyStore, SqlTrailStore, connect, migrate

__all__ = ["Assembled", "assemble", "assemble_on", "load_folder", "preview"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Assembled:
    """All operations, on one database."""

    service: PolicyService
    publishing: Publishing
    keys: KeyStore
    trail: TrailStore


def assemble(settings: Settings) -> Assembled:
    """The operations on their database, migrated.

    Raises:
        StoreUnavailable: it cannot be opened now.
        SettingInvalid: POLICY_DATABASE_URL names none that can be opened.
    """
    try:
        database = connect(settings.database_url)
    except (ValueError, ArgumentError, ImportError) as error:
        raise SettingInvalid(f"POLICY_DATABASE_URL: {error}") from error
    migrate(database)
    return assemble_on(database, settings)


def assemble_on(
    database: Database,
    settings: Settings,
    *,
    now: Callable[[], datetime] = _now,
    elapsed: Callable[[], float] = time.monotonic,
    new_id: Callable[[], str] = new_decision_id,
) -> Assembled:
    """The operations on a migrated database, with clocks that a test can hold."""
    bundles = SqlBundleStore(database)
    evaluators = Evaluators(
        bundles,
        engine(settings.engine),
        now=now,
        elapsed=elapsed,
        refresh_seconds=settings.bundle_refresh_ms / 1000,
    )
    return Assembled(
        PolicyService(SqlDecisionStore(database), bundles, evaluators, now=now, new_id=new_id),
        Publishing(bundles, evaluators, now=now),
        SqlKeyStore(database),
        SqlTrailStore(database),
    )


def preview(bundle: Bundle, engine_name: str) -> Assembled:
    """The operations on one bundle and no database: they answer previews, and record nothing."""
    store = OneBundle(bundle)
    evaluators = Evaluators(store, engine(engine_name), now=_now, elapsed=time.monotonic, refresh_seconds=float("inf"))
    evaluators.keep(bundle)
    return Assembled(
        PolicyService(NoDecisions(), store, evaluators, now=_now, new_id=new_decision_id),
        Publishing(store, evaluators, now=_now),
        NoKeys(),
        NoKeys(),
    )
