"""Stores, bundles and engines joined. No Flask, so that the command line starts fast."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, make_url
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
from policy_service.decisions.sealed.signing import LogKeys, beside, key_beside, load_keys, trusted_keys
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
    SqlSearchStore,
    SqlShadowStore,
    SqlTrailStore,
    connect,
    has_records,
    migrate,
)

__all__ = ["Assembled", "assemble", "assemble_on", "key_wanted", "load_folder"]


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


def assemble(settings: Settings, *, signs: bool = True) -> Assembled:
    """The operations on their database, migrated.

    Args:
        signs: whether anything is to be recorded. Without, no private key is needed, and none is ever made.
    Raises:
        StoreUnavailable: it cannot be opened now.
        SettingInvalid: POLICY_DATABASE_URL names none that can be opened; no key is there to sign with.
    """
    try:
        database = connect(settings.database_url)
    except (ValueError, ArgumentError, ImportError) as error:
        raise SettingInvalid(f"POLICY_DATABASE_URL: {error}") from error
    migrate(database)
    return assemble_on(database, settings, signs=signs)


def assemble_on(
    database: Database,
    settings: Settings,
    *,
    signs: bool = True,
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
    keys = _log_keys(settings, database, signs=signs)
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
            Erasing(sealer, now=now, new_id=new_id),
            evaluators,
            bundles,
            keys=keys,
            now=now,
        ),
    )
    found.service.observers = (judge, shadow)
    return found


def _log_keys(settings: Settings, database: Database, *, signs: bool) -> LogKeys:
    named = [Path(path) for path in settings.signing_key.split(":") if path]
    retired = Path(settings.retired_keys) if settings.retired_keys else None
    agent = Path(settings.signing_agent) if settings.signing_agent else None
    file = _file_of(database.url)
    try:
        if not signs:
            return trusted_keys(settings.log_origin, named or ([] if file is None else [beside(file)]), retired)
        if not named:
            if file is None:
                raise KeyRefused(key_wanted(settings))
            named = [key_beside(file, lambda: has_records(database))]
        return load_keys(settings.log_origin, named, retired, agent)
    except KeyRefused as error:
        raise SettingInvalid(f"POLICY_SIGNING_KEY: {error}") from error


def key_wanted(settings: Settings) -> str:
    """What to do where a key beside the database will not do, as words with a command to type."""
    try:
        file = _file_of(make_url(settings.database_url))
    except ArgumentError:
        file = None  # what is wrong with it is told by who opens it
    named = "`export POLICY_SIGNING_KEY=signing.pem`"
    if file is not None and beside(file).exists():
        return f"move the key that signs the log apart from the database: `mv {beside(file)} signing.pem`, {named}"
    return f"make the key that signs the log, apart from the database: `policyctl audit new-key signing.pem`, {named}"


def _file_of(url: URL) -> Path | None:
    """The file of an embedded database; null for a server."""
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None
