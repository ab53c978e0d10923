"""The operations on decisions that the HTTP face and the command line call. Nothing here knows HTTP or SQL."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, cast

from policy_service.access import instants
from policy_service.decisions.answers.epoch import WITHHELD
from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.bundles.evaluators import Evaluators, NoActiveBundle
from policy_service.decisions.deciding.bounding import AnswerBound, AnswerTooLarge
from policy_service.decisions.deciding.chains import Chain, chain
from policy_service.decisions.deciding.eligibility import BundleNotActive, BundleWithdrawn, Eligibility
from policy_service.decisions.deciding.observing import Exchange, Observer
from policy_service.decisions.deciding.recording import (
    Making,
    answer_of,
    check_answers,
    decision_answer,
    digest_of,
    receipt_of,
    record_body,
    record_of,
    revealed,
)
from policy_service.decisions.deciding.replay import Replayed, check_replayable, replay
from policy_service.decisions.deciding.resolving import EvaluateRequest, Resolved, Resolver, selected
from policy_service.decisions.explaining import catalogue
from policy_service.decisions.ports.activations import BundleStore
from policy_service.decisions.ports.recorded import RecordShown
from policy_service.decisions.ports.records import (
    Appended,
    DecisionRecord,
    DecisionStore,
    IdempotencyClaim,
    IdempotencyConflict,
    NewRecord,
    NotFound,
    StaleOrders,
    StoreUnavailable,
)
from policy_service.decisions.sealed.receipted import NotReceipted
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.diagnostics import Fault, InvalidInput
from policy_service.engines.answer import ComparedPart, Decision
from policy_service.engines.asked import TookTooLong
from policy_service.policies.model import Rules
from policy_service.proofs.commitments import new_salt
from policy_service.telemetry import logs, metrics
from policy_service.telemetry.traces import span

_LOG = logging.getLogger(__name__)
_TRIES = 20
KEY_DAYS = 35
"""How long an idempotency key is promised to hold."""


class AskedBy(NamedTuple):
    """Who asks.

    caller: whose idempotency keys these are.
    id: the pseudonym that stands in the record; see Principal.
    """

    caller: str
    id: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An answer.

    decision_id: null for a preview.
    replayed: whether it is the answer to an earlier request under the same idempotency key.
    """

    answer: ComparedPart | Decision
    decision_id: str | None = None
    replayed: bool = False


Refusal = InvalidInput | BundleNotActive | BundleWithdrawn | IdempotencyConflict | TookTooLong | AnswerTooLarge
"""Why one request of several was not answered."""


@dataclass(frozen=True, slots=True)
class _Uncommitted:
    """A request that was evaluated: a preview, or a decision whose record is still to be committed."""

    request: EvaluateRequest
    resolved: Resolved
    answer: ComparedPart
    entry: NewRecord | None = None


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
        elapsed: Callable[[], float] = time.monotonic,
        request_seconds: float = float("inf"),
        most_answer: int = sys.maxsize,
        log: LogKeys | None = None,
        may_sign: Callable[[], None] = lambda: None,
    ) -> None:
        self.decisions, self.bundles, self.evaluators = decisions, bundles, evaluators
        self.elapsed, self._request_seconds = elapsed, request_seconds
        self._bound = AnswerBound(most_answer)
        self.observers: tuple[Observer, ...] = ()
        self.resolver = Resolver(decisions, evaluators, now)
        self.now, self._new_id = now, new_id
        self._log_keys, self._may_sign = log, may_sign

    # ---- evaluate

    def evaluate(
        self,
        request: EvaluateRequest,
        *,
        caller: str = "-",
        asked_by: str = "-",
        idempotency_key: str | None = None,
    ) -> Evaluated:
        """The answer; a decision is durably recorded when this returns, under every order that was committed before.

        Args:
            caller: whose the idempotency key is.
            asked_by: the pseudonym that stands in the record; see Principal.
        Raises:
            InvalidInput: with every fault of the request; nothing was evaluated.
            TookTooLong, AnswerTooLarge: nothing was recorded.
            NoActiveBundle, BundleNotActive, BundleWithdrawn, IdempotencyConflict, StoreUnavailable.
        """
        eligibility = self._eligibility()
        for _ in range(_TRIES):
            try:
                return self._answered(request, AskedBy(caller, asked_by), idempotency_key, eligibility)
            except StaleOrders:
                eligibility = self._eligibility(fresh=True)
            except BundleWithdrawn:
                known, eligibility = eligibility, self._eligibility(fresh=True)
                if request.bundle is None:
                    self.evaluators.refresh()
                elif eligibility.stops.version == known.stops.version:
                    raise  # it holds, and was not lifted meanwhile
        raise StoreUnavailable("orders came again and again")

    def _answered(
        self, request: EvaluateRequest, asked: AskedBy, key: str | None, eligibility: Eligibility
    ) -> Evaluated:
        found = self._evaluated(request, asked, key, None, eligibility, float("inf"))
        if isinstance(found, Evaluated):
            return found
        if found.entry is None:
            return self._delivered(found, None)
        with span("commit"):
            appended = self.decisions.append(found.entry.record, found.entry.claim)
        logs.note(decision_id=appended.record.id)
        return self._delivered(found, appended)

    def _eligibility(self, *, fresh: bool = False) -> Eligibility:
        return Eligibility(self.bundles, self.bundles.stops(fresh=fresh), instants.text(self.now()))

    def evaluate_all(
        self,
        requests: Sequence[tuple[EvaluateRequest, str | None]],
        *,
        caller: str,
        asked_by: str = "-",
        active: Evaluator,
        until: float = float("inf"),
    ) -> list[Evaluated | Refusal]:
        """The answer to each request, or why there is none, in order; all decisions among them in one commit.

        Args:
            caller, asked_by: as in `evaluate`.
            requests: each with its idempotency key; of two with one key the first is kept.
            active: the bundle of those that name none; it decides nothing once it grants what was stopped since.
            until: the time of the clock `elapsed` after which nothing more is evaluated.
        Raises:
            StoreUnavailable: nothing was recorded, and nothing may be answered. Where an order came in between, some
                may be recorded: their keys give them again.
        """
        results: dict[int, Evaluated | Refusal] = {}
        eligibility = self._eligibility()
        for _ in range(_TRIES):
            left = [n for n in range(len(requests)) if n not in results]
            if not left:
                return [results[n] for n in range(len(requests))]
            results |= self._some_of(requests, left, AskedBy(caller, asked_by), active, eligibility, until)
            eligibility = self._eligibility(fresh=True)
        raise StoreUnavailable("orders came again and again")

    def _some_of(
        self,
        requests: Sequence[tuple[EvaluateRequest, str | None]],
        which: Sequence[int],
        asked: AskedBy,
        active: Evaluator,
        eligibility: Eligibility,
        until: float,
    ) -> dict[int, Evaluated | Refusal]:
        """The results of some requests, without those that an order made stale."""
        found = {n: self._evaluated_or_refused(*requests[n], asked, active, eligibility, until) for n in which}
        entries = [one.entry for one in found.values() if isinstance(one, _Uncommitted) and one.entry is not None]
        with span("commit"):
            appended = iter(self.decisions.append_all(entries) if entries else ())
        settled = {n: self._settled(one, appended) for n, one in found.items()}
        return {n: one for n, one in settled.items() if one is not None}

    def unstopped(self) -> Evaluator:
        """The evaluator of the active bundle; it is looked up again where the known one grants what was stopped since.

        Raises:
            NoActiveBundle, StoreUnavailable.
        """
        active = self.resolver.active()
        try:
            self._eligibility(fresh=True).check_not_withdrawn(active)
        except BundleWithdrawn:
            self.evaluators.refresh()
            return self.resolver.active()
        return active

    def _evaluated_or_refused(
        self,
        request: EvaluateRequest,
        key: str | None,
        asked: AskedBy,
        active: Evaluator,
        eligibility: Eligibility,
        until: float,
    ) -> Evaluated | _Uncommitted | Refusal:
        try:
            return self._evaluated(request, asked, key, active, eligibility, until)
        except (
            InvalidInput,
            BundleNotActive,
            BundleWithdrawn,
            IdempotencyConflict,
            TookTooLong,
            AnswerTooLarge,
        ) as refusal:
            return refusal

    def _evaluated(
        self,
        request: EvaluateRequest,
        asked: AskedBy,
        key: str | None,
        active: Evaluator | None,
        eligibility: Eligibility,
        until: float,
    ) -> Evaluated | _Uncommitted:
        until = min(until, self.elapsed() + self._request_seconds)
        decides = request.purpose == "decide"
        claim = None
        if decides and key is not None:
            claim = IdempotencyClaim(asked.caller, key, digest_of(request), new_salt())
            if (earlier := self.decisions.claimed(claim)) is not None:
                return self._again(claim, earlier)
        resolved = self.resolver.resolve(request, active)
        if decides and request.bundle is not None:
            eligibility.check_pinned(request.bundle, resolved.evaluator)
        elif decides:
            eligibility.check_not_withdrawn(resolved.evaluator)
        self._bound.check_entries(resolved)
        with span("evaluate"):
            answer = resolved.evaluator.evaluate(
                resolved.state, resolved.question, within=lambda: self.elapsed() < until
            )
        if resolved.evaluator.bundle.rules.settings.ceilings:
            _alarm(answer)
        if not decides:
            self._bound.check(answer, None)
            return _Uncommitted(request, resolved, answer)
        self._may_sign()
        made = Making(self._new_id(), instants.text(self.now()), asked.id, eligibility.stops.version, claim)
        record = record_of(request, resolved, answer, made, self._log_keys)
        self._bound.check(answer, record)
        return _Uncommitted(request, resolved, answer, NewRecord(record, claim))

    def _again(self, claim: IdempotencyClaim, earlier: Appended) -> Evaluated:
        """The answer of an earlier request under the same key, if its record is the service's own and names the key.

        Raises:
            StoreUnavailable: somebody has changed the store, and what is in it must not be paid.
        """
        try:
            check_answers(earlier, claim, self._log_keys)
        except NotReceipted as error:
            _LOG.critical("the decision %s does not answer its key: %s", earlier.record.id, error)
            raise StoreUnavailable("the record under this key is not one that was made for it") from error
        metrics.answered({}, decided=True, replayed=True)
        return Evaluated(answer_of(earlier.record), earlier.record.id, replayed=True)

    def _settled(
        self,
        one: Evaluated | _Uncommitted | Refusal,
        appended: Iterator[Appended | IdempotencyConflict | StaleOrders],
    ) -> Evaluated | Refusal | None:
        if not isinstance(one, _Uncommitted):
            return one
        found = next(appended) if one.entry is not None else None
        if isinstance(found, StaleOrders):
            return None
        return found if isinstance(found, IdempotencyConflict) else self._delivered(one, found)

    def _delivered(self, one: _Uncommitted, appended: Appended | None) -> Evaluated:
        """The answer that goes out; it is counted, and shown to the observers."""
        if appended is not None and appended.replayed and one.entry is not None and one.entry.claim is not None:
            return self._again(one.entry.claim, appended)
        id_ = None if appended is None else appended.record.id
        metrics.answered(one.answer, decided=id_ is not None)
        for observer in self.observers:
            observer.observe(Exchange(one.request, one.resolved, one.answer, id_))
        if appended is None:
            return Evaluated(one.answer)
        return Evaluated(decision_answer(one.answer, appended.record), id_)

    def forget_old_keys(self) -> int:
        """Delete the idempotency keys of decisions older than KEY_DAYS; returns how many. The decisions stay."""
        return self.decisions.purge_idempotency(instants.text(self.now() - timedelta(days=KEY_DAYS)))

    def warm_up(self) -> None:
        """Compile the active bundle for today before the first request needs it. Raises NoActiveBundle."""
        if self.evaluators.refresh() is None:
            raise NoActiveBundle("no bundle is active")

    # ---- what was decided

    def decision(self, id_: str) -> RecordShown:
        """The full record, with the decisions that correct it. Raises NotFound."""
        record = self._recorded(id_)
        superseding = list(self.decisions.superseding(id_))
        found = cast(RecordShown, {**record_body(record.body), "superseded_by": superseding})
        if record.receipt is not None:
            found["receipt"] = receipt_of(record.receipt)
        return found

    def chain(self, id_: str) -> Chain:
        """The decisions that a decision corrects, and those that correct it, directly or not. Raises NotFound."""
        return chain(self.decisions, self._recorded(id_))

    def revealed(self, id_: str) -> RecordShown:
        """The record with its sensitive values, as `decision`. Raises NotFound, ValuesErased."""
        return {**self.decision(id_), **revealed(self._recorded(id_))}

    def _recorded(self, id_: str) -> DecisionRecord:
        record = self.decisions.decision(id_)
        if record is None:
            raise NotFound(f"there is no decision `{id_}`")
        return record

    def replay(self, id_: str, bundle: str = "original", as_of: str | None = None, *, reveal: bool = False) -> Replayed:
        """The recorded request evaluated again, and where the answers differ.

        Under the original bundle and day the compared parts must be the same bytes.

        Args:
            reveal: whether the differences show what depends on hidden values.

        Raises:
            NotFound, InvalidInput, NoActiveBundle, NotReplayable, ValuesErased.
        """
        record = self._recorded(id_)
        check_replayable(id_, record.body, record.leaf)
        return replay(record, self.resolver, bundle, as_of, reveal=reveal)

    # ---- what the rules say

    def policies(self, as_of: str | None = None) -> dict[str, Any]:
        """Every policy of the active bundle, and whether it is in force on a day, today by default.

        Raises:
            InvalidInput, NoActiveBundle.
        """
        found = self.resolver.active().bundle
        return catalogue.policies(found, self._day_shown(as_of, found.rules))

    def policy(self, id_: str, as_of: str | None = None) -> dict[str, Any]:
        """All that the active bundle says of a policy on a day, today by default.

        Raises:
            NotFound, InvalidInput, NoActiveBundle.
        """
        found = self.resolver.active().bundle
        if id_ not in found.rules.order:
            raise NotFound(f"there is no policy `{id_}`")
        return catalogue.policy(found, id_, self._day_shown(as_of, found.rules))

    def facts_schema(self, patterns: tuple[str, ...] | None = None) -> dict[str, Any]:
        """JSON Schema of the state to post: for all policies, or the smallest for some.

        Raises:
            InvalidInput: a pattern matches no policy.
            NoActiveBundle.
        """
        rules, faults = self.resolver.active().bundle.rules, list[Fault]()
        chosen = selected(patterns, rules, faults)
        if faults:
            raise InvalidInput(faults)
        return catalogue.facts_schema(rules, chosen)

    def _day_shown(self, as_of: str | None, rules: Rules) -> date:
        faults: list[Fault] = []
        day = self.resolver.day(EvaluateRequest({}, as_of, "preview"), rules, faults)
        if day is None or faults:
            raise InvalidInput(faults)
        return day


def _alarm(answer: ComparedPart) -> None:
    """Log as critical that a reward was withheld: `check` had proved that this cannot happen."""
    for entry in answer["not_granted"]:
        if entry["reason"] == WITHHELD:
            reward = f"{entry['policy']}/{entry['id']}"
            _LOG.critical("withheld above its ceiling: %s, bundle %s", reward, answer["bundle"])
