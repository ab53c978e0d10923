"""A request as posted, resolved to what it is evaluated with: the bundle, the state, the business day, the policies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from policy_service.decisions.answers.days import business_day, day_of
from policy_service.decisions.answers.evaluate import Evaluator, Purpose, Question, Trace
from policy_service.decisions.bundles.evaluators import Evaluators, NoActiveBundle, UnknownBundle
from policy_service.decisions.ports.records import DecisionStore
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
from policy_service.policies.model import Rules

CORRECTIONS = ("data_correction", "appeal", "rule_correction")


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """A request as posted; its keys and their JSON types are checked already."""

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


class Resolved(NamedTuple):
    """What a request is evaluated with."""

    evaluator: Evaluator
    state: State
    question: Question


class Resolver:
    """Resolves requests against the bundles that they name."""

    def __init__(self, decisions: DecisionStore, evaluators: Evaluators, now: Callable[[], datetime]) -> None:
        self._decisions, self._evaluators, self._now = decisions, evaluators, now

    def resolve(self, request: EvaluateRequest, active: Evaluator | None = None) -> Resolved:
        """The evaluator of the bundle, the typed state, and the question of a request.

        Args:
            active: taken for the active bundle, so that several requests use the same one.
        Raises:
            InvalidInput: with every fault of the request.
            NoActiveBundle.
        """
        evaluator, day, state, shown = self._read(request, active)
        report = request.unknown_facts == "report"
        return Resolved(evaluator, state, Question(day, request.purpose, request.trace, shown, report))

    def faults(self, request: EvaluateRequest) -> list[Fault]:
        """Every fault that evaluating would find, without evaluating."""
        try:
            self._read(request)
        except InvalidInput as error:
            return error.faults
        return []

    def _read(
        self, request: EvaluateRequest, active: Evaluator | None = None
    ) -> tuple[Evaluator, date, State, frozenset[str] | None]:
        faults: list[Fault] = []
        evaluator = self.evaluator(request, faults, active)
        rules = evaluator.bundle.rules
        day = self.day(request, rules, faults)
        chosen = selected(request.policies, rules, faults)
        if request.reason is not None and request.supersedes is None:
            faults.append(fault("/reason", BAD_OPTION, "`reason` belongs to `supersedes`"))
        if request.supersedes is not None:
            self._supersedes(request, faults)
        state = None
        try:
            # Where the day cannot be read, dates are checked against the last day, so that other faults still show.
            state = evaluator.reader.read(
                request.facts,
                day or LAST_DAY,
                merchant_id=request.merchant_id,
                report_unknown=request.unknown_facts == "report",
            )
        except InvalidInput as error:
            faults += error.faults
        if faults or state is None or day is None:
            raise InvalidInput(faults)
        return evaluator, day, state, chosen

    def _supersedes(self, request: EvaluateRequest, faults: list[Fault]) -> None:
        if request.purpose != "decide":
            faults.append(fault("/supersedes", BAD_OPTION, "a preview corrects nothing"))
        elif self._decisions.decision(request.supersedes or "") is None:
            faults.append(fault("/supersedes", UNKNOWN_DECISION, f"there is no decision `{request.supersedes}`"))
        if request.reason is None:
            faults.append(
                fault("/reason", KEY_ABSENT, "`supersedes` needs a `reason`", f"one of {', '.join(CORRECTIONS)}")
            )

    def evaluator(self, request: EvaluateRequest, faults: list[Fault], active: Evaluator | None = None) -> Evaluator:
        """The evaluator of the bundle that a request names, else the active one; an unknown bundle is a fault."""
        if request.bundle is not None:
            try:
                return self._evaluators.of(request.bundle)
            except UnknownBundle as error:
                faults.append(fault("/bundle", UNKNOWN_BUNDLE, str(error)))
        return self.active() if active is None else active

    def active(self) -> Evaluator:
        """The evaluator of the active bundle. Raises NoActiveBundle."""
        found = self._evaluators.active()
        if found is None:
            raise NoActiveBundle("no bundle is active")
        return found

    def day(self, request: EvaluateRequest, rules: Rules, faults: list[Fault]) -> date | None:
        """The business day that a request is about; None, with a fault, where it names none."""
        if request.as_of is None:
            if request.purpose == "decide":
                faults.append(fault("/as_of", KEY_ABSENT, "a decision needs `as_of`, the business day judged"))
                return None
            return business_day(self._now(), rules)
        day = day_of(request.as_of, rules)
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


def selected(patterns: tuple[str, ...] | None, rules: Rules, faults: list[Fault]) -> frozenset[str] | None:
    """Ids of the policies that match patterns, None for all; a pattern that matches none is a fault."""
    if patterns is None:
        return None
    found, idle = _matching(patterns, rules.order)
    for index in idle:
        message = f"no policy matches `{patterns[index][:100]}`"
        faults.append(fault(f"/policies/{index}", UNKNOWN_POLICY, message, "GET /v1/policies lists them"))
    return found


def matching(patterns: tuple[str, ...] | None, rules: Rules) -> frozenset[str] | None:
    """Ids of the policies that match patterns, None for all."""
    return None if patterns is None else _matching(patterns, rules.order)[0]


@lru_cache(maxsize=128)
def _matching(patterns: tuple[str, ...], ids: tuple[str, ...]) -> tuple[frozenset[str], tuple[int, ...]]:
    """The ids that match, and the places of the patterns that match none; cached, since callers ask for few choices."""
    found = [{id_ for id_ in ids if fnmatchcase(id_, pattern)} for pattern in patterns]
    return frozenset().union(*found), tuple(index for index, one in enumerate(found) if not one)
