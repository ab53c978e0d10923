"""The proof contract: a claim to a proof, a counterexample or a gap. No engine keeps it yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from policy_service.diagnostics import Diagnostic
from policy_service.engines.plan import InvariantPlan, Plan, PolicyPlan
from policy_service.language.references import Fact


@dataclass(frozen=True, slots=True)
class Proved:
    """The claim holds for every state and every day of the epoch."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A state and a day on which the claim fails.

    states: one, or of a monotone claim the two that are compared; facts as they are stored, None is null.
    as_of: an ordinal.
    """

    states: tuple[Mapping[Fact, Any], ...]
    as_of: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Neither proved nor refuted: an operation that the engine has not, or its time was over."""

    diagnostic: Diagnostic


Verdict = Proved | Counterexample | Gap


class Proof(Protocol):
    """An engine that proves."""

    name: str

    def prove(self, plan: Plan, policy: PolicyPlan, claim: InvariantPlan) -> Verdict: ...
