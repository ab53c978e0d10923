"""The judge: it computes a share of the answers again with the reference engine, which defines the right answer."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from policy_service import canonical
from policy_service.access import instants
from policy_service.background import BudgetedQueue, Sample
from policy_service.decisions.answers.differences import differences
from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.deciding.observing import Exchange
from policy_service.decisions.deciding.recording import envelope, parsed
from policy_service.decisions.ports.observations import MOST_POINTERS, Disagreement, DisagreementStore
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.engines.contracts import Engine
from policy_service.telemetry import metrics

_BUNDLES_KEPT = 1
_LOG = logging.getLogger(__name__)


class Judge:
    """Compares a share of the answers with those of the reference engine, in a thread of its own once it is started.

    Args:
        reference: the reference engine.
        share: of the answers, from 0 to 1.
        cpu: share of a processor core that it may use, from 0 to 1.
    """

    def __init__(
        self, store: DisagreementStore, reference: Engine, *, now: Callable[[], datetime], share: float, cpu: float
    ) -> None:
        self.store = store
        self._reference, self._now = reference, now
        self._sample = Sample(share)
        self._bundles: OrderedDict[str, Evaluator] = OrderedDict()
        self.queue: BudgetedQueue[Exchange] = BudgetedQueue(
            "judge", self.judge, cpu=cpu, count=metrics.judged, unavailable=StoreUnavailable
        )

    def observe(self, exchange: Exchange) -> None:
        """See Observer."""
        if self._sample.takes():
            self.queue.offer(exchange)

    def judge(self, exchange: Exchange) -> None:
        """Compare an answer with that of the reference engine; keep the case if they are not the same bytes."""
        pointers, policies = self._differing(exchange)
        metrics.judged("different" if pointers else "same")
        if pointers:
            found = self._disagreement(exchange, pointers, policies)
            _LOG.error(
                "%s disagrees with the reference engine: bundle %s, decision %s, policies %s, at %s",
                found.engine, found.bundle, found.decision, ", ".join(policies) or "-", pointers[0] or "all",
            )  # fmt: skip
            self.store.add(found)

    def _differing(self, exchange: Exchange) -> tuple[list[str], set[str]]:
        """Where the answers differ, and the policies of those places."""
        evaluator, state, question = exchange.resolved
        recorded = canonical.trusted(exchange.answer)
        try:
            again = canonical.trusted(self._by_reference(evaluator).evaluate(state, question))
        except Exception:  # noqa: BLE001  an answer that the reference does not give at all is a disagreement too
            _LOG.exception("the reference engine gave no answer")
            return [""], set()
        if recorded == again:
            return [], set()
        one, two = parsed(recorded), parsed(again)
        pointers = [difference.pointer for difference in differences(one, two)]
        return pointers or [""], {p for pointer in pointers for answer in (one, two) if (p := _policy(answer, pointer))}

    def _by_reference(self, evaluator: Evaluator) -> Evaluator:
        id_ = evaluator.bundle.id
        if id_ not in self._bundles:
            self._bundles[id_] = Evaluator(evaluator.bundle, self._reference)
        self._bundles.move_to_end(id_)
        if len(self._bundles) > _BUNDLES_KEPT:
            self._bundles.popitem(last=False)
        return self._bundles[id_]

    def _disagreement(self, exchange: Exchange, pointers: list[str], policies: set[str]) -> Disagreement:
        evaluator = exchange.resolved.evaluator
        return Disagreement(
            instants.text(self._now()),
            evaluator.bundle.id,
            evaluator.engine.name,
            exchange.decision_id,
            _without_sensitive(exchange) if exchange.decision_id is None else None,
            tuple(sorted(policies)),
            tuple(pointers[:MOST_POINTERS]),
        )


def _policy(answer: Mapping[str, Any], pointer: str) -> str | None:
    """The policy of the entry that a pointer leads into."""
    _, part, *place = pointer.split("/")
    entries = answer.get(part)
    if not place or not isinstance(entries, list) or int(place[0]) >= len(entries):
        return None
    entry = entries[int(place[0])]
    return str(entry["policy"]) if isinstance(entry, dict) else None


def _without_sensitive(exchange: Exchange) -> dict[str, Any]:
    """A request as it was evaluated, without what the dictionary calls sensitive, and without provenance."""
    evaluator, state, question = exchange.resolved
    request = {key: value for key, value in envelope(exchange.request).items() if key != "provenance"}
    facts = evaluator.reader.normalised(state)
    return evaluator.sensitivity.without({**request, "as_of": question.as_of.isoformat(), "facts": facts})
