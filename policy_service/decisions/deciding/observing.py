"""What looks on: whoever wants to see each request with the answer that it got."""

from dataclasses import dataclass
from typing import Protocol

from policy_service.decisions.deciding.resolving import EvaluateRequest, Resolved
from policy_service.engines.answer import ComparedPart


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with the answer that went out.

    answer: the compared part.
    decision_id: null for a preview.
    """

    request: EvaluateRequest
    resolved: Resolved
    answer: ComparedPart
    decision_id: str | None


class Observer(Protocol):
    """Sees each exchange, and works on it in the background."""

    def observe(self, exchange: Exchange) -> None:
        """Called after each answer; never waits, never raises."""
