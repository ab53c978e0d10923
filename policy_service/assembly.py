"""Stores, bundles and engines joined. No Flask, so that the command line starts fast."""

import time
from collections.abc import Callable
from contextlib import suppress
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
from policy_service.decisions.bundles.checking import Checker, checked
from policy_service.decisions.bundles.evaluators import Evaluators
from policy_service.decisions.bundles.publishing import Publishing
from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.deciding.service import PolicyService
from policy_service.decisions.observers.judge import Judge
from policy_service.decisions.observers.shadow import Shadow
from policy_service.decisions.ports.log import LogStore
from policy_service.decisions.sealed.ceremonies import Ceremonies
from policy_service.decisions.sealed.followed import ActTrail, OrderedBundles, OrderedKeys, OrderedShadows
from policy_service.decisions.sealed.guard import Guard, GuardRefused, Held
from policy_service.decisions.sealed.ordering import KeyUnknown, LogNotBegun, SignedOrders, StoreEmptied
from policy_service.decisions.sealed.owed import Owed
from policy_service.decisions.sealed.pushing import Pusher
from policy_service.decisions.sealed.sealing import Sealer
from policy_service.decisions.sealed.signing import LogKeys, beside, key_beside, load_keys, trusted_keys
from policy_service.engines.registry import engine
from policy_service.outside.folder import Folder
from policy_service.outside.witnesses import WitnessRefused, witnesses_of
from policy_service.policies.bundle import load_folder
from policy_service.proofs.keys import KeyRefused
from policy_service.settings import SettingInvalid, Settings
from policy_service.store import (
    SqlActStore,
    SqlBundleContents,
    SqlCosignatureStore,
    SqlDecisionStore,
    SqlDisagreementStore,
    SqlLogStore,
    SqlRemains,
    SqlSearchStore,
    SqlShadowFindings,
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
    orders: SignedOrders
    ceremonies: Ceremonies
    auditing: Auditing | None = None
    """Null where nothing is recorded."""


def assemble(settings: Settings, *, check: Checker = checked, signs: bool = True) -> Assembled:
    """The operations on their database, migrated.

    Args:
        check: checks the bundles that are uploaded.
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
    return assemble_on(database, settings, check=check, signs=signs)


def assemble_on(
    database: Database,
    settings: Settings,
    *,
    signs: bool = True,
    now: Callable[[], datetime] = _now,
    elapsed: Callable[[], float] = time.monotonic,
    new_id: Callable[[], str] = new_decision_id,
    check: Checker = checked,
) -> Assembled:
    """The operations on a migrated database, with clocks that a test can hold."""
    keys, owed = _log_keys(settings, database, signs=signs), Owed()
    guard = Guard(_guard_file(settings, database), settings.log_origin)
    orders = SignedOrders(SqlActStore(database), keys, guard, now=now, new_id=new_id, owed=owed)
    contents = SqlBundleContents(database)
    bundles = OrderedBundles(contents, orders)
    decisions = SqlDecisionStore(database, owed.committed)
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
    shadow = Shadow(
        OrderedShadows(SqlShadowFindings(database), orders), evaluators, now=now, cpu=float(settings.shadow_cpu)
    )
    log = SqlLogStore(database)
    sealer = Sealer(log, orders, now=now, seconds=settings.seal_ms / 1000)
    found = Assembled(
        PolicyService(
            decisions,
            bundles,
            evaluators,
            now=now,
            new_id=new_id,
            elapsed=elapsed,
            request_seconds=settings.request_seconds,
            most_answer=settings.max_answer,
            log=keys,
            may_sign=orders.may_sign,
        ),
        Publishing(bundles, orders, decisions, evaluators, now=now, check=check),
        OrderedKeys(orders),
        ActTrail(orders),
        judge,
        shadow,
        orders,
        Ceremonies(sealer, contents, now=now),
        Auditing(
            decisions,
            log,
            Searching(SqlSearchStore(database), log, evaluators, orders),
            sealer,
            _pusher(settings, database, log, keys, now),
            Erasing(sealer, SqlRemains(database), now=now, new_id=new_id),
            evaluators,
            bundles,
            keys=keys,
            now=now,
        ),
    )
    found.service.observers = (judge, shadow)
    _make_ready(sealer)
    return found


def _make_ready(sealer: Sealer) -> None:
    """Begin the log of an empty store, and compare the store with the guard. What is wrong holds every signature.

    Raises:
        StoreUnavailable.
    """
    orders, guard = sealer.orders, sealer.guard
    try:
        orders.ready()
        orders.check_keys()
    except (LogNotBegun, StoreEmptied, KeyUnknown, GuardRefused) as error:
        guard.held = str(error)
    else:
        with suppress(Held):
            sealer.look_at_guard()


def _guard_file(settings: Settings, database: Database) -> Path | None:
    """Where this host remembers how far it has seen the log: beside the key, which the database does not reach.

    Null where no key is named beside a server: then nothing is signed here.
    """
    if settings.guard:
        return Path(settings.guard)
    first = next((path for path in settings.signing_key.split(":") if path), "")
    beside = Path(first) if first else _file_of(database.url)
    return None if beside is None else beside.with_name(f"{beside.name}.guard")


def _pusher(
    settings: Settings, database: Database, log: LogStore, keys: LogKeys, now: Callable[[], datetime]
) -> Pusher:
    try:
        witnesses = witnesses_of(settings.witnesses)
    except WitnessRefused as error:
        raise SettingInvalid(f"POLICY_WITNESSES: {error}") from error
    folder = Folder(Path(settings.heads_folder)) if settings.heads_folder else None
    kept = SqlCosignatureStore(database)
    return Pusher(log, keys, kept, witnesses, folder, now=now, seconds=float(settings.push_seconds))


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
