"""One policy file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from policy_service.diagnostics import NOWHERE, Span
from policy_service.facts import Labels
from policy_service.language import typed
from policy_service.language.references import Decision as DecisionOf
from policy_service.language.references import Fact, Needed, Reference
from policy_service.policies.model.answers import Recommendation, Reward, reward_expressions
from policy_service.policies.model.decisions import Decision, Table, body_expressions
from policy_service.policies.model.expressions import Expression
from policy_service.policies.model.periods import Basis, Effective, Parameter, Source


@dataclass(frozen=True, slots=True)
class Reading:
    """How an unclear source was read; listed for confirmation."""

    id: str
    basis: Basis
    text: Labels


@dataclass(frozen=True, slots=True)
class Invariant:
    """A claim to be proved: `monotone` in a fact, or `bounded`; typed here, proved by the symbolic engine."""

    name: str
    form: Literal["monotone", "bounded"]
    target: Expression
    argument: str | None
    low: Expression | None
    high: Expression | None


@dataclass(frozen=True)
class Policy:
    """One file of a policy id, with the period it is in force."""

    id: str
    file: str
    title: Labels
    subject: str
    effective: Effective
    basis: Basis
    source: Source | None
    owner: str | None
    needs: tuple[str, ...]
    applies: Expression | None
    optional: frozenset[Needed]
    readings: tuple[Reading, ...]
    parameters: Mapping[str, Parameter]
    decisions: Mapping[str, Decision]
    """In an order in which each needs only earlier ones."""
    rewards: tuple[Reward, ...]
    recommendations: tuple[Recommendation, ...]
    invariants: tuple[Invariant, ...]
    span: Span = field(default=NOWHERE, compare=False)

    def expressions(self) -> Iterator[Expression]:
        """Every expression that can reach an answer."""
        if self.applies is not None:
            yield self.applies
        for decision in self.decisions.values():
            yield from body_expressions(decision.body)
        for reward in self.rewards:
            yield from reward_expressions(reward)
        for recommendation in self.recommendations:
            if recommendation.when is not None:
                yield recommendation.when
            for template in recommendation.text.values():
                yield from template.expressions

    @cached_property
    def reads(self) -> frozenset[Needed]:
        """Facts and other policies' decisions that the file reads anywhere."""
        found: set[Reference] = set()
        for node in self.typed_nodes():
            found |= typed.references(node)
        return frozenset(r for r in found if isinstance(r, Fact) or (isinstance(r, DecisionOf) and r.policy != self.id))

    def typed_nodes(self) -> Iterator[typed.Node]:
        for expression in self.expressions():
            yield expression.typed
        for decision in self.decisions.values():
            if isinstance(decision.body, Table):
                for row in decision.body.rows:
                    yield from (cell.typed for cell in row.cells)
