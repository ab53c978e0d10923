"""Stores, bundles and engines joined. No Flask, so that the command line starts fast."""

import time
from datetime import UTC, datetime

from sqlalchemy.exc import ArgumentError

from policy_service.decisions.evaluators import Evaluators
from policy_service.decisions.ids import new_decision_id
from policy_service.decisions.service import PolicyService
from policy_service.decisions.unrecorded import NoDecisions, OneBundle
from policy_service.engines.registry import engine
from policy_service.policies.bundle import Bundle, load_folder
from policy_service.settings import SettingInvalid, Settings
from policy_service.store import SqlBundleStore, SqlDecisionStore, connect, migrate

__all__ = ["assemble", "load_folder", "preview"]


def assemble(settings: Settings) -> PolicyService:
    """The service on its database, migrated.

    Raises:
        StoreUnavailable: it cannot be opened now.
        SettingInvalid: POLICY_DATABASE_URL names none that can be opened.
    """
    try:
        database = connect(settings.database_url)
    except (ValueError, ArgumentError, ImportError) as error:
        raise SettingInvalid(f"POLICY_DATABASE_URL: {error}") from error
    migrate(database)
    bundles = SqlBundleStore(database)
    evaluators = Evaluators(bundles, engine(settings.engine), time.monotonic, settings.bundle_refresh_ms / 1000)
    return PolicyService(
        SqlDecisionStore(database), bundles, evaluators, now=lambda: datetime.now(UTC), new_id=new_decision_id
    )


def preview(bundle: Bundle, engine_name: str) -> PolicyService:
    """The service on one bundle and no database: it answers previews, and records nothing."""
    evaluators = Evaluators(OneBundle(bundle), engine(engine_name), time.monotonic, refresh_seconds=0)
    evaluators.keep(bundle)
    return PolicyService(
        NoDecisions(), OneBundle(bundle), evaluators, now=lambda: datetime.now(UTC), new_id=new_decision_id
    )
