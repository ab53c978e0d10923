"""An answer that went out, for those who look on beside the requests."""

from dataclasses import dataclass
from typing import Protocol

from policy_service.decisions.deciding.asking import Asked, EvaluateRequest
from policy_service.engines.answer import ComparedPart


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that went out: what was asked, and the compared part. `decision_id` is None for a preview."""

    request: EvaluateRequest
    asked: Asked
    answer: ComparedPart
    decision_id: str | None


class Witness(Protocol):
    """Looks on beside the requests."""

    def seen(self, answered: Answered) -> None:
        """Takes note of an answer; never waits, never raises."""
