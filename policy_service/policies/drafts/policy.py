"""The draft of one policy file."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from policy_service.diagnostics import Span
from policy_service.facts import Labels
from policy_service.language import ast, types
from policy_service.policies.drafts.answers import DraftRecommendation, DraftReward
from policy_service.policies.drafts.decisions import DraftDecision
from policy_service.policies.drafts.values import DraftExpression, Written
from policy_service.policies.model import Basis, Reading, Source


@dataclass(frozen=True, slots=True)
class DraftPeriod:
    """Days from `start` to before `end`, or to `through`, which is the last of them.

    start: null where it is missing, which is reported.
    is_open: no end is written; else one of `end` and `through` may still be null, because it cannot be read.
    """

    start: Written | None
    end: Written | None
    through: Written | None
    is_open: bool
    span: Span


@dataclass(frozen=True, slots=True)
class DraftEffective:
    """When a policy is in force: a period of its own, or the days of a campaign. One of the two is null."""

    period: DraftPeriod | None
    campaign: Written | None
    basis: Basis
    source: Source | None


@dataclass(frozen=True, slots=True)
class DraftValue:
    """A value from a day on; null ends the parameter. Basis and source are null where those of the parameter hold."""

    start: Written
    value: str | None
    span: Span
    basis: Basis | None
    source: Source | None


@dataclass(frozen=True, slots=True)
class DraftParameter:
    """A parameter. A named type is its name alone, to be looked up; it is written at `type_span`."""

    name: str
    type: types.Type
    type_span: Span
    declared: str
    unit: str | None
    values: tuple[DraftValue, ...]
    basis: Basis
    source: Source | None
    span: Span


@dataclass(frozen=True, slots=True)
class DraftInvariant:
    name: str
    form: str
    target: DraftExpression
    argument: Written | None
    low: DraftExpression | None
    high: DraftExpression | None
    span: Span

    def trees(self) -> Iterator[ast.Node]:
        """Every expression of it."""
        yield from (e.tree for e in (self.target, self.low, self.high) if e is not None)


@dataclass(slots=True)
class Draft:
    """A policy file as written."""

    id: str
    file: str
    title: Labels
    subject: Written | None
    effective: DraftEffective | None
    basis: Basis
    source: Source | None
    owner: str | None
    needs: tuple[Written, ...]
    applies: DraftExpression | None
    optional: tuple[Written, ...]
    readings: tuple[Reading, ...]
    span: Span
    parameters: dict[str, DraftParameter] = field(default_factory=dict)
    decisions: dict[str, DraftDecision] = field(default_factory=dict)
    rewards: list[DraftReward] = field(default_factory=list)
    recommendations: list[DraftRecommendation] = field(default_factory=list)
    invariants: list[DraftInvariant] = field(default_factory=list)
    faulty: set[str] = field(default_factory=set)
    """Names of parameters and decisions whose declaration has a fault."""

    def trees(self) -> Iterator[ast.Node]:
        """Every expression and cell of it."""
        if self.applies is not None:
            yield self.applies.tree
        for declared in (self.decisions.values(), self.rewards, self.recommendations, self.invariants):
            for part in declared:
                yield from part.trees()
