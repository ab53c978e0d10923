"""The operations on decisions that the HTTP face and the command line call. Nothing here knows HTTP or SQL."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from policy_service import canonical
from policy_service.decisions import catalogue
from policy_service.decisions.activations import BundleStore, StopEvent
from policy_service.decisions.answering import WITHHELD
from policy_service.decisions.asking import Asking, EvaluateRequest, NoActiveBundle, matching, shown
from policy_service.decisions.days import instant
from policy_service.decisions.evaluate import Evaluator, Question
from policy_service.decisions.evaluators import Evaluators
from policy_service.decisions.recording import answer_of, answered, digest_of, parsed, record_of, request_of
from policy_service.decisions.records import (
    Appended,
    DecisionRecord,
    DecisionStore,
    Entry,
    IdempotencyClaim,
    IdempotencyConflict,
)
from policy_service.decisions.replay import Difference, comparable, differences
from policy_service.diagnostics import Fault, InvalidInput
from policy_service.policies.model import Rules

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An answer. `decision_id` is None for a preview; `replayed` when an earlier request under the key was answered."""

    answer: dict[str, Any]
    decision_id: str | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """A recorded decision evaluated again."""

    bundle: str
    identical: bool
    differences: tuple[Difference, ...] = field(default=())


class BundleNotActive(Exception):
    """A decision was asked of a bundle that never was active."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"bundle `{id_}` is not and was not active")
        self.id = id_


class NotFound(Exception):
    """What the path names does not exist; the message says what."""


class BundleWithdrawn(Exception):
    """A decision was pinned to a bundle that still grants what was stopped since."""

    def __init__(self, id_: str, stops: Sequence[StopEvent]) -> None:
        super().__init__(f"bundle `{id_}` grants what is stopped")
        self.id, self.stops = id_, tuple(stops)


Refusal = InvalidInput | BundleNotActive | BundleWithdrawn | IdempotencyConflict
"""Why one request of several was not answered."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A request evaluated: a preview's answer, or a decision that waits for its commit."""

    answer: dict[str, Any]
    entry: Entry | None = None


class PolicyService:
    """Evaluate, record, replay, and show what the rules say."""

    def __init__(
        self,
        decisions: DecisionStore,
        bundles: BundleStore,
        evaluators: Evaluators,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self.decisions, self.bundles, self.evaluators = decisions, bundles, evaluators
        self.asking = Asking(decisions, evaluators, now)
        self.now, self._new_id = now, new_id

    # ---- evaluate

    def evaluate(self, request: EvaluateRequest, *, caller: str = "-", idempotency_key: str | None = None) -> Evaluated:
        """The answer; a decision is durably recorded when this returns.

        Raises:
            InvalidInput: with every fault of the request; nothing was evaluated.
            NoActiveBundle, BundleNotActive, BundleWithdrawn, IdempotencyConflict, StoreUnavailable.
        """
        found = self._judge(request, caller, idempotency_key, None)
        if isinstance(found, Evaluated):
            return found
        if found.entry is None:
            return Evaluated(found.answer)
        return _evaluated(found, self.decisions.append(found.entry.record, found.entry.claim))

    def evaluate_all(
        self, requests: Sequence[tuple[EvaluateRequest, str | None]], *, caller: str, active: Evaluator
    ) -> list[Evaluated | Refusal]:
        """The answer to each request, or why there is none, in order; all decisions among them in one commit.

        Args:
            requests: each with its idempotency key; of two with one key the first is kept.
            active: the bundle of those that pin none.
        Raises:
            StoreUnavailable: nothing was recorded, and nothing may be answered.
        """
        found = [self._judged(request, caller, key, active) for request, key in requests]
        entries = [one.entry for one in found if isinstance(one, _Judged) and one.entry is not None]
        appended = iter(self.decisions.append_all(entries) if entries else ())
        return [_settled(one, appended) for one in found]

    def _judged(
        self, request: EvaluateRequest, caller: str, key: str | None, active: Evaluator
    ) -> Evaluated | _Judged | Refusal:
        try:
            return self._judge(request, caller, key, active)
        except (InvalidInput, BundleNotActive, BundleWithdrawn, IdempotencyConflict) as refusal:
            return refusal

    def _judge(
        self, request: EvaluateRequest, caller: str, key: str | None, active: Evaluator | None
    ) -> Evaluated | _Judged:
        decides = request.purpose == "decide"
        claim = None
        if decides and key is not None:
            claim = IdempotencyClaim(caller, key, digest_of(request))
            if (earlier := self.decisions.replayed(claim)) is not None:
                return Evaluated(answer_of(earlier), earlier.id, replayed=True)
        asked = self.asking.asked(request, active)
        if decides:
            self._refuse_withdrawn(request, asked.evaluator)
        answer = asked.evaluator.evaluate(asked.state, asked.question)
        if asked.evaluator.bundle.rules.settings.ceilings:
            _alarm(answer)
        if not decides:
            return _Judged(answer)
        record = record_of(request, asked, answer, key, self._new_id(), instant(self.now()))
        return _Judged(answer, Entry(record, claim))

    def _refuse_withdrawn(self, request: EvaluateRequest, evaluator: Evaluator) -> None:
        """A pin is judged by the store of this moment, so that a stop holds from its commit on."""
        if request.bundle is None:
            return
        now = instant(self.now())
        if not self.bundles.was_active(request.bundle, now):
            raise BundleNotActive(request.bundle)
        suspended = {(s.policy, s.reward) for s in evaluator.bundle.rules.settings.suspended}
        missed = [
            stop
            for stop in self.bundles.standing(now).stops
            if not {(stop.policy, None), (stop.policy, stop.reward)} & suspended
        ]
        if missed:
            raise BundleWithdrawn(request.bundle, missed)

    def warm_up(self) -> None:
        """Compile the active bundle for today, so that no request waits for it. Raises NoActiveBundle."""
        if self.evaluators.refresh() is None:
            raise NoActiveBundle("no bundle is active")

    # ---- what was decided

    def decision(self, id_: str) -> dict[str, Any]:
        """The full record, with the decisions that correct it. Raises NotFound."""
        record = self._recorded(id_)
        return {**parsed(record.body), "superseded_by": list(self.decisions.superseding(id_))}

    def _recorded(self, id_: str) -> DecisionRecord:
        record = self.decisions.decision(id_)
        if record is None:
            raise NotFound(f"there is no decision `{id_}`")
        return record

    def replay(self, id_: str, bundle: str = "original", as_of: str | None = None) -> Replayed:
        """The recorded request evaluated again, and where the answers differ.

        Under the original bundle and day the compared parts must be the same bytes.

        Raises:
            NotFound, InvalidInput, NoActiveBundle.
        """
        record = parsed(self._recorded(id_).body)
        target = {"original": record["bundle"], "active": None}.get(bundle, bundle)
        faults: list[Fault] = []
        request = request_of(record, target, as_of)
        evaluator = self.asking.evaluator(request, faults)
        rules = evaluator.bundle.rules
        day = self.asking.day(request, rules, faults)
        if faults or day is None:
            raise InvalidInput(faults)
        original = evaluator.bundle.id == record["bundle"] and day.isoformat() == record["as_of_recorded"]
        state = evaluator.door.read(
            request.facts,
            day,
            merchant_id=request.merchant_id,
            pointer="/request/facts",
            report_unknown=not original or request.unknown_facts == "report",
        )
        chosen = matching(request.policies, rules)
        question = Question(day, "decide", request.trace, chosen, request.unknown_facts == "report")
        answer = evaluator.evaluate(state, question)
        if original and request.unknown_facts == "report":
            answer["ignored_facts"] = record["answer"]["ignored_facts"]  # undeclared facts were not recorded
        recorded = record["answer"]
        if original:
            same = canonical.trusted(recorded) == canonical.trusted(answer)
        else:
            recorded, answer = comparable(recorded), comparable(parsed(canonical.trusted(answer)))
            same = canonical.trusted(recorded) == canonical.trusted(answer)
        found = () if same else tuple(differences(recorded, parsed(canonical.trusted(answer))))
        return Replayed(evaluator.bundle.id, same, found)

    # ---- what the rules say

    def policies(self, as_of: str | None = None) -> dict[str, Any]:
        """Every policy of the active bundle, and whether it is in force on a day, today by default.

        Raises:
            InvalidInput, NoActiveBundle.
        """
        found = self.asking.active().bundle
        return catalogue.policies(found, self._day_shown(as_of, found.rules))

    def policy(self, id_: str, as_of: str | None = None) -> dict[str, Any]:
        """All that the active bundle says of a policy on a day, today by default.

        Raises:
            NotFound, InvalidInput, NoActiveBundle.
        """
        found = self.asking.active().bundle
        if id_ not in found.rules.order:
            raise NotFound(f"there is no policy `{id_}`")
        return catalogue.policy(found, id_, self._day_shown(as_of, found.rules))

    def facts_schema(self, patterns: tuple[str, ...] | None = None) -> dict[str, Any]:
        """JSON Schema of the state to post: for all policies, or the smallest for some.

        Raises:
            InvalidInput: a pattern matches no policy.
            NoActiveBundle.
        """
        rules, faults = self.asking.active().bundle.rules, list[Fault]()
        chosen = shown(patterns, rules, faults)
        if faults:
            raise InvalidInput(faults)
        return catalogue.facts_schema(rules, chosen)

    def _day_shown(self, as_of: str | None, rules: Rules) -> date:
        faults: list[Fault] = []
        day = self.asking.day(EvaluateRequest({}, as_of, "preview"), rules, faults)
        if day is None or faults:
            raise InvalidInput(faults)
        return day


def _evaluated(judged: _Judged, appended: Appended) -> Evaluated:
    record = appended.record
    answer = answer_of(record) if appended.replayed else answered(judged.answer, record)
    return Evaluated(answer, record.id, appended.replayed)


def _settled(
    one: Evaluated | _Judged | Refusal, appended: Iterator[Appended | IdempotencyConflict]
) -> Evaluated | Refusal:
    if not isinstance(one, _Judged):
        return one
    if one.entry is None:
        return Evaluated(one.answer)
    found = next(appended)
    return found if isinstance(found, IdempotencyConflict) else _evaluated(one, found)


def _alarm(answer: dict[str, Any]) -> None:
    """Say aloud that a reward was withheld: `check` had proved that it cannot be."""
    for entry in answer["not_granted"]:
        if entry["reason"] == WITHHELD:
            reward = f"{entry['policy']}/{entry['id']}"
            _LOG.critical("withheld above its ceiling: %s, bundle %s", reward, answer["bundle"])
