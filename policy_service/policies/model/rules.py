"""A whole folder of rules, with what holds for all its policies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal

from policy_service.facts import Dictionary, NamedType
from policy_service.language.values import exact
from policy_service.policies.model.answers import Exclusion
from policy_service.policies.model.periods import Campaign
from policy_service.policies.model.policy import Policy

LANGUAGE_VERSION = 1


@dataclass(frozen=True, slots=True)
class StackingGroup:
    id: str
    combine: Literal["sum", "max", "first"]
    cap: int | None
    """Scaled by `scale`."""
    scale: int
    unit: str | None


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that one reward of a kind may grant; owned by finance. `per_reward` is scaled by `scale`."""

    kind: str
    per_reward: int
    scale: int

    @property
    def amount(self) -> int | Decimal:
        return exact(self.per_reward, self.scale)


@dataclass(frozen=True, slots=True)
class Suspension:
    policy: str
    reward: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class BundleSettings:
    """bundle.yaml: what holds for all policies."""

    label: str | None
    time_zone: str
    day_starts: str
    stacking: Mapping[str, StackingGroup]
    exclusions: tuple[Exclusion, ...]
    suspended: tuple[Suspension, ...]
    ceilings: Mapping[str, Ceiling] = field(default_factory=dict)
    """By kind of reward."""


@dataclass(frozen=True)
class Rules:
    """A folder of rule files, loaded and checked; policies by id, then period."""

    settings: BundleSettings
    dictionary: Dictionary
    campaigns: Mapping[str, Campaign]
    policies: tuple[Policy, ...]
    order: tuple[str, ...]
    """Policy ids in an order in which each needs only earlier ones."""
    types: Mapping[str, NamedType] = field(default_factory=dict)

    @cached_property
    def _versions(self) -> dict[str, tuple[Policy, ...]]:
        found: dict[str, tuple[Policy, ...]] = {}
        for policy in self.policies:
            found[policy.id] = (*found.get(policy.id, ()), policy)
        return found

    def versions(self, policy: str) -> tuple[Policy, ...]:
        return self._versions.get(policy, ())

    def version_for(self, policy: str, day: date) -> Policy:
        """The file of a policy that answers for a day: the one in force, else the one begun last, else the first."""
        versions = self.versions(policy)
        begun = [p for p in versions if p.effective.period.start <= day]
        return next((p for p in versions if day in p.effective.period), begun[-1] if begun else versions[0])
