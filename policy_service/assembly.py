"""Stores, bundles and engines joined. No Flask, so that the command line starts fast."""

import time
from datetime import UTC, datetime
from pathlib import Path

from policy_service.decisions.evaluators import Evaluators
from policy_service.decisions.ids import new_decision_id
from policy_service.decisions.service import PolicyService
from policy_service.diagnostics import Diagnostic, PolicyError
from policy_service.engines.registry import engine
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.loader import read_folder
from policy_service.settings import Settings
from policy_service.store import SqlBundleStore, SqlDecisionStore, connect, migrate


def load_folder(folder: Path) -> tuple[Bundle | None, list[Diagnostic], dict[str, str]]:
    """The bundle of a rules folder, its diagnostics, and its sources; none of them where files cannot be read."""
    try:
        sources = read_folder(folder)
    except PolicyError as error:
        return None, error.report.sorted(), {}
    found, diagnostics = bundle(sources, folder.as_posix())
    return found, diagnostics, sources


def assemble(settings: Settings) -> PolicyService:
    """The service on its database, migrated. Raises StoreUnavailable."""
    database = connect(settings.database_url)
    migrate(database)
    bundles = SqlBundleStore(database)
    evaluators = Evaluators(bundles, engine(settings.engine), time.monotonic, settings.bundle_refresh_ms / 1000)
    return PolicyService(
        SqlDecisionStore(database), bundles, evaluators, now=lambda: datetime.now(UTC), new_id=new_decision_id
    )
