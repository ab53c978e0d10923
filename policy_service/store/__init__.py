"""The ports of access and decisions on SQLite and PostgreSQL."""

from policy_service.store.acts import SqlActStore
from policy_service.store.bundles import SqlBundleContents
from policy_service.store.cosignatures import SqlCosignatureStore
from policy_service.store.database import connect
from policy_service.store.decisions import SqlDecisionStore
from policy_service.store.log import SqlLogStore
from policy_service.store.migrations import migrate
from policy_service.store.observations import SqlDisagreementStore, SqlShadowFindings
from policy_service.store.search import SqlSearchStore

__all__ = [
    "SqlActStore",
    "SqlBundleContents",
    "SqlCosignatureStore",
    "SqlDecisionStore",
    "SqlDisagreementStore",
    "SqlLogStore",
    "SqlSearchStore",
    "SqlShadowFindings",
    "connect",
    "migrate",
]
