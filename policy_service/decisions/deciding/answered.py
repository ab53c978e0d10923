"""An answer that was given, for those who look at answers in the background."""

from dataclasses import dataclass
from typing import Protocol

from policy_service.decisions.deciding.resolving import EvaluateRequest, Resolved
from policy_service.engines.answer import ComparedPart


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that went out: what was asked, and the compared part. `decision_id` is None for a preview."""

    request: EvaluateRequest
    resolved: Resolved
    answer: ComparedPart
    decision_id: str | None


class Witness(Protocol):
    """Sees each answer that was given, and works on it in the background."""

    def seen(self, answered: Answered) -> None:
        """Called with each answer; never waits, never raises."""
