"""What the service must answer, computed in this process: for any bundle it names, byte for byte."""

import json
from decimal import Decimal
from threading import Lock
from typing import Any

import traffic

from policy_service import canonical
from policy_service.assembly import Assembled
from policy_service.decisions.answers.evaluate import Evaluator, Purpose, Question
from policy_service.decisions.deciding.resolving import matching
from policy_service.engines.registry import engine

_OF_THE_RECORD = ("decision_id", "decided_at", "receipt")
"""What an answer tells of its record; the rest is compared."""
PURPOSES: tuple[Purpose, ...] = ("decide", "preview")


class Expected:
    """Compared parts by bundle, purpose and number of the request.

    The reference engine computes them: it shares neither process nor engine with the service.
    """

    def __init__(self, assembled: Assembled, bodies: list[dict[str, Any]]) -> None:
        self._evaluators, self._bodies = assembled.service.evaluators, bodies
        self._known: dict[str, dict[str, list[bytes]]] = {}
        self._lock = Lock()

    def of(self, bundle: str, purpose: str, number: int) -> bytes:
        """The compared part. Raises UnknownBundle for one that is not stored."""
        with self._lock:
            if bundle not in self._known:
                self._known[bundle] = self._computed(bundle)
            return self._known[bundle][purpose][number]

    def _computed(self, bundle: str) -> dict[str, list[bytes]]:
        judge = Evaluator(self._evaluators.of(bundle).bundle, engine("reference"))
        found: dict[str, list[bytes]] = {purpose: [] for purpose in PURPOSES}
        for body in self._bodies:
            day = traffic.states.AS_OF
            state = judge.reader.read(body["facts"], day)
            shown = matching(tuple(body["policies"]), judge.bundle.rules)
            for purpose in PURPOSES:
                answer = judge.evaluate(state, Question(day, purpose, "fired", shown))
                found[purpose].append(canonical.trusted(answer))
        return found


def compared(answer: dict[str, Any]) -> bytes:
    return canonical.trusted({key: value for key, value in answer.items() if key not in _OF_THE_RECORD})


def parsed(text: bytes) -> Any:
    return json.loads(text, parse_float=Decimal)
