"""Stores, bundles and engines joined. No Flask, so that the command line starts fast."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine as Database
from sqlalchemy.exc import ArgumentError

from policy_service.access.keys import KeyStore
from policy_service.access.trail import TrailStore
from policy_service.decisions.audit.auditing import Auditing
from policy_service.decisions.audit.erasing import Erasing
from policy_service.decisions.audit.searching import Searching
from policy_service.decisions.bundles.evaluators import Evaluators
from policy_service.decisions.bundles.publishing import Publishing
from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.deciding.service import PolicyService
from policy_service.decisions.observers.judge import Judge
from policy_service.decisions.observers.shadow import Shadow
from policy_service.decisions.sealed.sealing import Sealer
from policy_service.decisions.sealed.signing import LogKeys, key_beside, load_keys
from policy_service.engines.registry import engine
from policy_service.policies.bundle import load_folder
from policy_service.proofs.keys import KeyRefused
from policy_service.settings import SettingInvalid, Settings
from policy_service.store import (
    SqlBundleStore,
    SqlDecisionStore,
    SqlDisagreementStore,
    SqlKeyStore,
    SqlLogStore,
    SqlRemains,
    SqlSearchStore,
    SqlShadowStore,
    SqlTrailStore,
    connect,
    migrate,
)

__all__ = ["Assembled", "assemble", "assemble_on", "load_folder"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Assembled:
    """All operations, on one database."""

    service: PolicyService
    publishing: Publishing
    keys: KeyStore
    trail: TrailStore
    judge: Judge
    shadow: Shadow
    auditing: Auditing | None = None
    """Null where nothing is recorded."""


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
    bundles, decisions = SqlBundleStore(database), SqlDecisionStore(database)
    evaluators = Evaluators(
        bundles,
        engine(settings.engine),
        now=now,
        elapsed=elapsed,
        refresh_seconds=settings.bundle_refresh_ms / 1000,
    )
    judge = Judge(
        SqlDisagreementStore(database),
        engine("reference"),
        now=now,
        share=float(settings.judge_share) if settings.engine != "reference" else 0.0,  # it would agree with itself
        cpu=float(settings.judge_cpu),
    )
    shadow = Shadow(SqlShadowStore(database), evaluators, now=now, cpu=float(settings.shadow_cpu))
    keys = _log_keys(settings, database)
    log = SqlLogStore(database)
    sealer = Sealer(log, keys, now=now, seconds=settings.seal_ms / 1000)
    found = Assembled(
        PolicyService(
            decisions,
            bundles,
            evaluators,
            now=now,
            new_id=new_id,
            elapsed=elapsed,
            request_seconds=settings.request_seconds,
            log=keys,
        ),
        Publishing(bundles, decisions, evaluators, now=now),
        SqlKeyStore(database),
        SqlTrailStore(database),
        judge,
        shadow,
        Auditing(
            decisions,
            log,
            Searching(SqlSearchStore(database), log, evaluators),
            sealer,
            Erasing(sealer, SqlRemains(database), now=now, new_id=new_id),
            evaluators,
            bundles,
            keys=keys,
            now=now,
        ),
    )
    found.service.observers = (judge, shadow)
    return found


def _log_keys(settings: Settings, database: Database) -> LogKeys:
    paths = [Path(path) for path in settings.signing_key.split(":") if path]
    try:
        if not paths:
            if database.dialect.name != "sqlite":
                raise SettingInvalid(
                    "POLICY_SIGNING_KEY must name the key that signs the log: `policyctl audit new-key`"
                )
            paths = [key_beside(Path(database.url.database or ""))]
        retired = Path(settings.retired_keys) if settings.retired_keys else None
        return load_keys(settings.log_origin, paths, retired)
    except KeyRefused as error:
        raise SettingInvalid(f"POLICY_SIGNING_KEY: {error}") from error
