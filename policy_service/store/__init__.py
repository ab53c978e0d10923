"""The ports of access and decisions on SQLite and PostgreSQL."""

from policy_service.store.bundles import SqlBundleStore
from policy_service.store.database import connect
from policy_service.store.decisions import SqlDecisionStore
from policy_service.store.keys import SqlKeyStore
from policy_service.store.log import SqlLogStore
from policy_service.store.migrations import migrate
from policy_service.store.observations import SqlDisagreementStore, SqlShadowStore
from policy_service.store.remains import SqlRemains
from policy_service.store.search import SqlSearchStore
from policy_service.store.trail import SqlTrailStore

__all__ = [
    "SqlBundleStore",
    "SqlDecisionStore",
    "SqlDisagreementStore",
    "SqlKeyStore",
    "SqlLogStore",
    "SqlRemains",
    "SqlSearchStore",
    "SqlShadowStore",
    "SqlTrailStore",
    "connect",
    "migrate",
]
