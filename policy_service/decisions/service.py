"""The operations that the HTTP face and the command line call. Nothing here knows HTTP or SQL."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, cast
from zoneinfo import ZoneInfo

from policy_service import __version__, canonical
from policy_service.decisions import catalogue
from policy_service.decisions.answering import WITHHELD
from policy_service.decisions.evaluate import FORMAT, Evaluator, Purpose, Question, Trace
from policy_service.decisions.evaluators import Evaluators, UnknownBundle
from policy_service.decisions.records import BundleStore, DecisionRecord, DecisionStore, IdempotencyClaim
from policy_service.decisions.replay import Difference, comparable, differences
from policy_service.diagnostics import Fault, InvalidInput, fault
from policy_service.diagnostics.catalogue import (
    BAD_OPTION,
    KEY_ABSENT,
    NOT_A_DATE,
    OUT_OF_RANGE,
    UNKNOWN_BUNDLE,
    UNKNOWN_DECISION,
    UNKNOWN_POLICY,
)
from policy_service.facts import FIRST_DAY, LAST_DAY, State
from policy_service.language.values import parse_date
from policy_service.policies.bundle import Bundle
from policy_service.policies.model import LANGUAGE_VERSION, Rules

_LOG = logging.getLogger(__name__)
CORRECTIONS = ("data_correction", "appeal", "rule_correction")
_SHORT = 40


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """A request as posted, its keys and their JSON types already checked."""

    facts: Mapping[str, Any]
    as_of: str | None = None
    purpose: Purpose = "decide"
    merchant_id: str | None = None
    policies: tuple[str, ...] | None = None
    bundle: str | None = None
    trace: Trace = "fired"
    unknown_facts: str = "refuse"
    provenance: Mapping[str, str] | None = None
    supersedes: str | None = None
    reason: str | None = None


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


class NoActiveBundle(Exception):
    """No bundle was activated yet."""


class BundleNotActive(Exception):
    """A decision was asked of a bundle that never was active."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"bundle `{id_}` is not and was not active")
        self.id = id_


class NotFound(Exception):
    """What the path names does not exist; the message says what."""


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
        self._now, self._new_id = now, new_id

    # ---- evaluate

    def evaluate(self, request: EvaluateRequest, *, caller: str = "-", idempotency_key: str | None = None) -> Evaluated:
        """The answer; a decision is durably recorded when this returns.

        Raises:
            InvalidInput: with every fault of the request; nothing was evaluated.
            NoActiveBundle, BundleNotActive, IdempotencyConflict, StoreUnavailable.
        """
        decides = request.purpose == "decide"
        claim = None
        if decides and idempotency_key is not None:
            claim = IdempotencyClaim(caller, idempotency_key, _digest(request))
            if (earlier := self.decisions.replayed(claim)) is not None:
                return Evaluated(_answer_of(earlier), earlier.id, replayed=True)
        evaluator, state, question = self.asked(request)
        if decides and request.bundle is not None and not self.bundles.was_active(request.bundle):
            raise BundleNotActive(request.bundle)
        answer = evaluator.evaluate(state, question)
        if evaluator.bundle.rules.settings.ceilings:
            _alarm(answer)
        if not decides:
            return Evaluated(answer)
        record = self._record(request, evaluator, question.as_of, state, answer, idempotency_key)
        appended = self.decisions.append(record, claim)
        return Evaluated(
            _answer_of(appended.record) if appended.replayed else _answer(answer, record),
            appended.record.id,
            appended.replayed,
        )

    def asked(self, request: EvaluateRequest) -> tuple[Evaluator, State, Question]:
        """What a request asks about which state, and the evaluator that it asks.

        Raises:
            InvalidInput: with every fault of the request.
            NoActiveBundle.
        """
        evaluator, day, state, shown = self._read(request)
        report = request.unknown_facts == "report"
        return evaluator, state, Question(day, request.purpose, request.trace, shown, report)

    def faults(self, request: EvaluateRequest) -> list[Fault]:
        """Every fault that evaluating would find, without evaluating."""
        try:
            self._read(request)
        except InvalidInput as error:
            return error.faults
        return []

    def _read(self, request: EvaluateRequest) -> tuple[Evaluator, date, State, frozenset[str] | None]:
        faults: list[Fault] = []
        evaluator = self._evaluator(request, faults)
        rules = evaluator.bundle.rules
        day = self._day(request, rules, faults)
        shown = _shown(request.policies, rules, faults)
        if request.reason is not None and request.supersedes is None:
            faults.append(fault("/reason", BAD_OPTION, "`reason` belongs to `supersedes`"))
        if request.supersedes is not None:
            self._supersedes(request, faults)
        state = None
        try:
            # On a day that cannot be read, dates are judged by the last one, so that other faults still show.
            state = evaluator.door.read(
                request.facts,
                day or LAST_DAY,
                merchant_id=request.merchant_id,
                report_unknown=request.unknown_facts == "report",
            )
        except InvalidInput as error:
            faults += error.faults
        if faults or state is None or day is None:
            raise InvalidInput(faults)
        return evaluator, day, state, shown

    def _supersedes(self, request: EvaluateRequest, faults: list[Fault]) -> None:
        if request.purpose != "decide":
            faults.append(fault("/supersedes", BAD_OPTION, "a preview corrects nothing"))
        elif self.decisions.decision(request.supersedes or "") is None:
            faults.append(fault("/supersedes", UNKNOWN_DECISION, f"there is no decision `{request.supersedes}`"))
        if request.reason is None:
            faults.append(
                fault("/reason", KEY_ABSENT, "`supersedes` needs a `reason`", f"one of {', '.join(CORRECTIONS)}")
            )

    def _evaluator(self, request: EvaluateRequest, faults: list[Fault]) -> Evaluator:
        if request.bundle is not None:
            try:
                return self.evaluators.of(request.bundle)
            except UnknownBundle as error:
                faults.append(fault("/bundle", UNKNOWN_BUNDLE, str(error)))
        return self.active()

    def active(self) -> Evaluator:
        """The evaluator of the active bundle. Raises NoActiveBundle."""
        found = self.evaluators.active()
        if found is None:
            raise NoActiveBundle("no bundle is active")
        return found

    def warm_up(self) -> None:
        """Compile the active bundle for today, so that no request waits for it. Raises NoActiveBundle."""
        evaluator = self.active()
        evaluator.answering(business_day(self._now(), evaluator.bundle.rules))

    def _day(self, request: EvaluateRequest, rules: Rules, faults: list[Fault]) -> date | None:
        if request.as_of is None:
            if request.purpose == "decide":
                faults.append(fault("/as_of", KEY_ABSENT, "a decision needs `as_of`, the business day judged"))
                return None
            return business_day(self._now(), rules)
        day = parse_date(request.as_of) or _instant_day(request.as_of, rules)
        if day is None:
            faults.append(
                fault(
                    "/as_of",
                    NOT_A_DATE,
                    "`as_of` is a day, or an instant with its offset",
                    "2023-04-01 or 2023-04-01T08:00:00+08:00",
                )
            )
        elif not FIRST_DAY <= day <= LAST_DAY:
            faults.append(fault("/as_of", OUT_OF_RANGE, f"`as_of` is not from {FIRST_DAY} to {LAST_DAY}"))
            return None
        return day

    def _record(
        self,
        request: EvaluateRequest,
        evaluator: Evaluator,
        day: date,
        state: State,
        answer: dict[str, Any],
        key: str | None,
    ) -> DecisionRecord:
        id_, decided_at = self._new_id(), instant(self._now())
        body = {
            "decision_id": id_,
            "decided_at": decided_at,
            "service_version": __version__,
            "language": LANGUAGE_VERSION,
            "format": FORMAT,
            "bundle": evaluator.bundle.id,
            "request": {**_envelope(request), "as_of": day.isoformat(), "facts": evaluator.door.normalised(state)},
            "answer": answer,
        }
        if key is not None:
            body["idempotency_key"] = key
        merchant = state.ids.get("merchant") or request.merchant_id
        return DecisionRecord(
            id_, decided_at, evaluator.bundle.id, day.isoformat(), merchant, canonical.dumps(body), request.supersedes
        )

    # ---- what was decided

    def decision(self, id_: str) -> dict[str, Any]:
        """The full record, with the decisions that correct it. Raises NotFound."""
        record = self._recorded(id_)
        return {**_parsed(record.body), "superseded_by": list(self.decisions.superseding(id_))}

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
        record = _parsed(self._recorded(id_).body)
        target = {"original": record["bundle"], "active": None}.get(bundle, bundle)
        faults: list[Fault] = []
        request = _recorded_request(record, target, as_of)
        evaluator = self._evaluator(request, faults)
        rules = evaluator.bundle.rules
        day = self._day(request, rules, faults)
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
        shown = _matching(request.policies, rules)
        question = Question(day, "decide", request.trace, shown, request.unknown_facts == "report")
        answer = evaluator.evaluate(state, question)
        if original and request.unknown_facts == "report":
            answer["ignored_facts"] = record["answer"]["ignored_facts"]  # undeclared facts were not recorded
        recorded = record["answer"]
        if original:
            same = canonical.trusted(recorded) == canonical.trusted(answer)
        else:
            recorded, answer = comparable(recorded), comparable(_parsed(canonical.trusted(answer)))
            same = canonical.trusted(recorded) == canonical.trusted(answer)
        found = () if same else tuple(differences(recorded, _parsed(canonical.trusted(answer))))
        return Replayed(evaluator.bundle.id, same, found)

    # ---- bundles

    def adopt_folder(self, found: Bundle, *, actor: str) -> str:
        """Store a folder's bundle, and activate it if it is not what the folder gave at the last start.

        Returns the id of the bundle that is active then.
        """
        now = instant(self._now())
        self.bundles.save_bundle(found.id, found.label, found.sources, now)
        self.evaluators.keep(found)
        if self.bundles.last_from_folder() != found.id:
            self.bundles.activate(found.id, now, actor, "rules folder", folder=True)
        self.evaluators.forget_active()
        return self.active().bundle.id

    # ---- what the rules say

    def policies(self, as_of: str | None = None) -> dict[str, Any]:
        """Every policy of the active bundle, and whether it is in force on a day, today by default.

        Raises:
            InvalidInput, NoActiveBundle.
        """
        found = self.active().bundle
        return catalogue.policies(found, self._day_shown(as_of, found.rules))

    def policy(self, id_: str, as_of: str | None = None) -> dict[str, Any]:
        """All that the active bundle says of a policy on a day, today by default.

        Raises:
            NotFound, InvalidInput, NoActiveBundle.
        """
        found = self.active().bundle
        if id_ not in found.rules.order:
            raise NotFound(f"there is no policy `{id_}`")
        return catalogue.policy(found, id_, self._day_shown(as_of, found.rules))

    def facts_schema(self, patterns: tuple[str, ...] | None = None) -> dict[str, Any]:
        """JSON Schema of the state to post: for all policies, or the smallest for some.

        Raises:
            InvalidInput: a pattern matches no policy.
            NoActiveBundle.
        """
        rules, faults = self.active().bundle.rules, list[Fault]()
        shown = _shown(patterns, rules, faults)
        if faults:
            raise InvalidInput(faults)
        return catalogue.facts_schema(rules, shown)

    def _day_shown(self, as_of: str | None, rules: Rules) -> date:
        faults: list[Fault] = []
        day = self._day(EvaluateRequest({}, as_of, "preview"), rules, faults)
        if day is None or faults:
            raise InvalidInput(faults)
        return day


def _alarm(answer: dict[str, Any]) -> None:
    """Say aloud that a reward was withheld: `check` had proved that it cannot be."""
    for entry in answer["not_granted"]:
        if entry["reason"] == WITHHELD:
            reward = f"{entry['policy']}/{entry['id']}"
            _LOG.critical("withheld above its ceiling: %s, bundle %s", reward, answer["bundle"])


# ---- days and instants


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def business_day(moment: datetime, rules: Rules) -> date:
    """The business day of an instant: its date in the bundle's zone, the day before until the day starts."""
    settings = rules.settings
    hours, _, minutes = settings.day_starts.partition(":")
    local = moment.astimezone(ZoneInfo(settings.time_zone))
    before = (local.hour, local.minute) < (int(hours), int(minutes))
    return local.date() - timedelta(days=1) if before else local.date()


def _instant_day(text: str, rules: Rules) -> date | None:
    if len(text) > 40 or "T" not in text.upper():
        return None
    try:
        moment = datetime.fromisoformat(text)
        return business_day(moment, rules) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


# ---- requests and records


def _shown(patterns: tuple[str, ...] | None, rules: Rules, faults: list[Fault]) -> frozenset[str] | None:
    for index, pattern in enumerate(patterns or ()):
        if not any(fnmatchcase(id_, pattern) for id_ in rules.order):
            faults.append(
                fault(
                    f"/policies/{index}",
                    UNKNOWN_POLICY,
                    f"no policy matches `{pattern[:100]}`",
                    "GET /v1/policies lists them",
                )
            )
    return _matching(patterns, rules)


def _matching(patterns: tuple[str, ...] | None, rules: Rules) -> frozenset[str] | None:
    if patterns is None:
        return None
    return frozenset(id_ for id_ in rules.order if any(fnmatchcase(id_, p) for p in patterns))


def _envelope(request: EvaluateRequest) -> dict[str, Any]:
    """The request but for `as_of` and `facts`, options resolved, absent keys left out."""
    found = {
        "purpose": request.purpose,
        "merchant_id": request.merchant_id,
        "bundle": request.bundle,
        "policies": list(request.policies) if request.policies is not None else None,
        "options": {"trace": request.trace, "reach": False, "unknown_facts": request.unknown_facts},
        "provenance": dict(request.provenance) if request.provenance is not None else None,
        "supersedes": request.supersedes,
        "reason": request.reason,
    }
    return {key: value for key, value in found.items() if value is not None}


def _digest(request: EvaluateRequest) -> str:
    """What an idempotency key stands for: the request by value, nulls left out of its facts.

    It is asked before the facts are judged, so every JSON has one: the largest numbers, halves of characters.
    """
    posted = {**_envelope(request), "as_of": request.as_of, "facts": _without_nulls(request.facts)}
    return canonical.digest(json.dumps(posted, sort_keys=True, default=_by_value).encode())


def _by_value(number: Decimal) -> Any:
    """What is the same for equal numbers: an int where one is short, else sign, digits and exponent."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    shift = int(exponent) + len(digits) - len(text)
    if not text:
        return 0
    return int(number) if shift >= 0 and shift + len(text) <= _SHORT else [sign, text, shift]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _recorded_request(record: dict[str, Any], bundle: str | None, as_of: str | None) -> EvaluateRequest:
    request = record["request"]
    record["as_of_recorded"] = request["as_of"]
    options = request["options"]
    return EvaluateRequest(
        request["facts"],
        as_of or request["as_of"],
        "decide",
        request.get("merchant_id"),
        tuple(request["policies"]) if "policies" in request else None,
        bundle,
        cast(Trace, options["trace"]),
        options["unknown_facts"],
    )


def _parsed(body: bytes) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(body, parse_float=Decimal))


def _answer_of(record: DecisionRecord) -> dict[str, Any]:
    return _answer(_parsed(record.body)["answer"], record)


def _answer(answer: dict[str, Any], record: DecisionRecord) -> dict[str, Any]:
    return {**answer, "decision_id": record.id, "decided_at": record.decided_at}
