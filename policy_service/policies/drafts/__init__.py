"""What rule files say, before any name is looked up: plain values, each with its place.

Expressions are parsed, nothing is typed. A draft knows no YAML, so that files of another format can become drafts too.
"""

from policy_service.policies.drafts.answers import DraftExclusion, DraftRecommendation, DraftReward
from policy_service.policies.drafts.decisions import DraftColumn, DraftDecision, DraftRelation, DraftRow, DraftTable
from policy_service.policies.drafts.folder import DraftFolder, Kind
from policy_service.policies.drafts.policy import (
    Draft,
    DraftEffective,
    DraftInvariant,
    DraftParameter,
    DraftPeriod,
    DraftValue,
)
from policy_service.policies.drafts.settings import (
    DraftCampaign,
    DraftSettings,
    DraftSuspension,
)
from policy_service.policies.drafts.values import (
    BUILTIN_TYPES,
    DraftExpression,
    DraftTemplate,
    DraftTexts,
    Written,
)

__all__ = [
    "BUILTIN_TYPES",
    "Draft",
    "DraftCampaign",
    "DraftColumn",
    "DraftDecision",
    "DraftEffective",
    "DraftExclusion",
    "DraftExpression",
    "DraftFolder",
    "DraftInvariant",
    "DraftParameter",
    "DraftPeriod",
    "DraftRecommendation",
    "DraftRelation",
    "DraftReward",
    "DraftRow",
    "DraftSettings",
    "DraftSuspension",
    "DraftTable",
    "DraftTemplate",
    "DraftTexts",
    "DraftValue",
    "Kind",
    "Written",
]
