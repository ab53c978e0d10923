"""Drafts of what holds for all policies: campaigns, and the settings of a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass

from policy_service.diagnostics import Span
from policy_service.facts import Labels
from policy_service.policies.drafts.answers import DraftExclusion
from policy_service.policies.drafts.policy import DraftPeriod
from policy_service.policies.drafts.values import Written
from policy_service.policies.model import Basis, Ceiling, Source, StackingGroup


@dataclass(frozen=True, slots=True)
class DraftCampaign:
    id: str
    title: Labels
    period: DraftPeriod
    basis: Basis
    source: Source | None
    span: Span


@dataclass(frozen=True, slots=True)
class DraftSuspension:
    policy: Written
    reward: Written | None
    reason: str


@dataclass(frozen=True, slots=True)
class DraftSettings:
    """The settings of a bundle.

    stacking: by id; null where the declaration has a fault that is reported already.
    """

    label: str | None
    time_zone: Written | None
    day_starts: Written | None
    stacking: Mapping[str, StackingGroup | None]
    exclusions: tuple[DraftExclusion, ...]
    ceilings: Mapping[str, Ceiling]
    suspended: tuple[DraftSuspension, ...]
