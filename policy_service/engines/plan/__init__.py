"""A bundle on an epoch as every engine reads it: parameters are constants, one policy file per id, outcomes are terms.

An epoch is the longest run of days on which the same policy files, parameter values and members of types hold.
"""

from policy_service.engines.plan.formulas import substituted
from policy_service.engines.plan.outcomes import APPLIED, LACKS
from policy_service.engines.plan.planner import plan, plan_of, plan_only
from policy_service.engines.plan.reasons import Shown, reasons
from policy_service.engines.plan.terms import (
    ClaimPlan,
    Condition,
    DecisionPlan,
    ExclusionPlan,
    Formula,
    Guard,
    InvariantPlan,
    Leaf,
    Missing,
    Plan,
    PolicyPlan,
    RecommendationPlan,
    RelationPlan,
    RewardPlan,
    RowPlan,
    StackingPlan,
    TablePlan,
    TemplatePlan,
)

__all__ = [
    "APPLIED",
    "LACKS",
    "ClaimPlan",
    "Condition",
    "DecisionPlan",
    "ExclusionPlan",
    "Formula",
    "Guard",
    "InvariantPlan",
    "Leaf",
    "Missing",
    "Plan",
    "PolicyPlan",
    "RecommendationPlan",
    "RelationPlan",
    "RewardPlan",
    "RowPlan",
    "Shown",
    "StackingPlan",
    "TablePlan",
    "TemplatePlan",
    "plan",
    "plan_of",
    "plan_only",
    "reasons",
    "substituted",
]
