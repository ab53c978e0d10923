"""The ports of decisions on SQLite and PostgreSQL."""

from policy_service.store.bundles import SqlBundleStore
from policy_service.store.database import connect
from policy_service.store.decisions import SqlDecisionStore
from policy_service.store.migrations import migrate

__all__ = ["SqlBundleStore", "SqlDecisionStore", "connect", "migrate"]
