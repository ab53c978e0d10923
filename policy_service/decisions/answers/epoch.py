"""The answers of one epoch: of each policy its status, rewards with claims, recommendations and trace, in order.

What does not depend on the state is computed once, in the programs. What is the same in every answer, such as a text
without expressions, is one object that answers share.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from policy_service.decisions.answers import stacking
from policy_service.decisions.answers.programs import PolicyProgram, RecommendationProgram, RewardProgram
from policy_service.decisions.answers.tracing import RelationTrace, TableTrace
from policy_service.engines.answer import (
    AnswerParts,
    Claim,
    NotGranted,
    PolicyEntry,
    Reason,
    Recommendation,
    Reward,
    Row,
    Subject,
)
from policy_service.engines.asked import Wanted
from policy_service.engines.contracts import Decided, Prepared, Run, View
from policy_service.engines.plan import APPLIED, LACKS, ClaimPlan, Plan
from policy_service.facts import State
from policy_service.language.references import Fact
from policy_service.language.values import add_months, parse_days, parse_months
from policy_service.policies.dependencies import needed_policies

WITHHELD = "withheld"
"""The reason of a reward above its ceiling. `check` proves that there is none; this makes sure once more."""
_CHOICES = 64
_by_id = itemgetter("id")
_by_urgency = itemgetter("priority", "policy", "id")


class _PolicyEntries(NamedTuple):
    """The entries of one policy in an answer, of all its subjects, in the order in which these were posted."""

    policies: list[PolicyEntry]
    rewards: list[Reward]
    not_granted: list[NotGranted]
    recommendations: list[Recommendation]


class EpochProgram:
    """The policies of one epoch, compiled on one engine."""

    def __init__(self, plan: Plan, prepared: Prepared) -> None:
        self.plan, self.prepared = plan, prepared
        programs = [PolicyProgram(p, prepared) for p in plan.policies]
        self.singles = [p for p in programs if not p.plan.is_list]
        self.lists: dict[str, list[PolicyProgram]] = {}
        for program in programs:
            if program.plan.is_list:
                self.lists.setdefault(program.section, []).append(program)
        self.order = sorted(p.id for p in programs)
        self.groups = plan.stacking
        self._needed: dict[frozenset[str], frozenset[str]] = {}

    def answer(self, state: State, as_of: date, wanted: Wanted) -> AnswerParts:
        """`rewards`, `not_granted`, `recommendations` and `policies` of an answer, in their order."""
        return _AnswerBuilder(self, state, as_of, wanted).parts()

    def needed(self, shown: Collection[str] | None) -> frozenset[str] | None:
        """The policies to evaluate so as to show some; None for all. Cached, since callers ask for few choices."""
        if shown is None:
            return None
        key = frozenset(shown)
        found = self._needed.get(key)
        if found is None:
            if len(self._needed) >= _CHOICES:
                self._needed.clear()
            found = self._needed[key] = needed_policies((p.policy for p in self.plan.policies), key)
        return found


class _AnswerBuilder:
    """Builds one answer.

    entries: by policy.
    groups: by stacking group, and type and id of the subject, the rewards that were granted.
    uncertain: the groups, as in `groups`, in which a reward is not granted because facts are missing.
    """

    def __init__(self, program: EpochProgram, state: State, as_of: date, wanted: Wanted) -> None:
        self.program, self.state, self.wanted = program, state, wanted
        self.as_of, self.day = as_of.isoformat(), as_of
        self.traced, self.full, self.claims, self.shown = wanted.traced, wanted.full, wanted.claims, wanted.shown
        self.entries: dict[str, _PolicyEntries] = {}
        self.groups: dict[tuple[str, str, str], list[stacking.Member]] = {}
        self.uncertain: set[tuple[str, str, str]] = set()

    def parts(self) -> AnswerParts:
        program = self.program
        needed = program.needed(self.shown)
        run = program.prepared.run(self.state, self.day.toordinal())
        view, ids = run.single(), self.state.ids
        for policy in program.singles:
            if needed is None or policy.id in needed:
                self.wanted.go_on()
                id_, kind = ids.get(policy.section), policy.subject
                self._policy(policy, view, {"type": kind} if id_ is None else {"type": kind, "id": id_})
        for section, policies in program.lists.items():
            asked = policies if needed is None else [p for p in policies if p.id in needed]
            if asked:
                self._elements(section, asked, run)
        for key, members in self.groups.items():
            stacking.apply(program.groups[key[0]], members, provisional=key in self.uncertain)
        return self._assembled()

    def _elements(self, section: str, policies: list[PolicyProgram], run: Run) -> None:
        """The policies of a list section, for each of its elements."""
        kind = policies[0].subject
        id_ = self.program.plan.facts[Fact(kind, "id")]
        elements = self.state.elements.get(section, ())
        for index, element in enumerate(elements):
            self.wanted.go_on()
            view = run.element(section, index)
            for policy in policies:
                self._policy(policy, view, {"type": kind, "id": element[id_]})
        if not elements:
            for policy in policies:
                self._policy(policy, run.single(), {"type": kind})

    def _assembled(self) -> AnswerParts:
        policies: list[PolicyEntry] = []
        rewards: list[Reward] = []
        not_granted: list[NotGranted] = []
        recommendations: list[Recommendation] = []
        for id_ in self.program.order:
            found = self.entries.get(id_)
            if found is None or (self.shown is not None and id_ not in self.shown):
                continue
            if len(found.policies) > 1:  # several subjects: by id, then as posted, which the sort keeps
                found.rewards.sort(key=_by_id)
                found.not_granted.sort(key=_by_id)
            policies += found.policies
            rewards += found.rewards
            not_granted += found.not_granted
            recommendations += found.recommendations
        recommendations.sort(key=_by_urgency)
        return {
            "rewards": rewards,
            "not_granted": not_granted,
            "recommendations": recommendations,
            "policies": policies,
        }

    # ---- one policy for one subject

    def _policy(self, policy: PolicyProgram, view: View, subject: Subject) -> None:
        decided = policy.decide(view)
        status = decided.status
        into = self.entries.get(policy.id)
        if into is None:
            into = self.entries[policy.id] = _PolicyEntries([], [], [], [])
        if status == APPLIED:
            for reward in policy.rewards:
                self._reward(reward, view, subject, into)
            for recommendation in policy.recommendations:
                if recommendation.truth(view) is True:
                    self._recommend(recommendation, view, subject, into)
        else:
            for reward in policy.rewards:
                self._refuse(reward, subject, status, into)
        entry: PolicyEntry = {
            "policy": policy.id,
            "subject": subject,
            "status": status,
            "decisions": decided.values if status == APPLIED else {},
            "missing": decided.missing,
        }
        if self.traced:
            self._trace(policy.traces.get(status, ()), view, decided, entry)
        into.policies.append(entry)

    def _trace(
        self, traces: Sequence[TableTrace | RelationTrace], view: View, decided: Decided, entry: PolicyEntry
    ) -> None:
        fired: list[Row] = []
        not_fired: list[Row] = []
        entry["fired"] = fired
        if self.full:
            entry["not_fired"] = not_fired
        for trace in traces:
            trace.fired(view, decided, fired)
            if self.full:
                trace.not_fired(view, decided, not_fired)

    def _refuse(self, reward: RewardProgram, subject: Subject, reason: Reason, into: _PolicyEntries) -> NotGranted:
        entry: NotGranted = {"id": reward.id, "policy": reward.policy, "subject": subject, "reason": reason}
        if reward.stack is not None and reason == LACKS:
            self.uncertain.add(_group(reward, subject))
        into.not_granted.append(entry)
        return entry

    def _reward(self, reward: RewardProgram, view: View, subject: Subject, into: _PolicyEntries) -> None:
        place = reward.refusal(view)
        if place is None:
            self._grant(reward, view, subject, reward.amount(view), into)
            return
        refusal = reward.refusals[place]
        entry = self._refuse(reward, subject, refusal.reason, into)
        if refusal.exclusion is not None:
            id_, text = refusal.exclusion
            entry["exception"], entry["text"] = id_, text.of(view)
        elif self.full and refusal.explained:
            entry["because"] = reward.when.because.of(view)

    def _grant(self, reward: RewardProgram, view: View, subject: Subject, amount: Any, into: _PolicyEntries) -> None:
        entry: Reward = {
            "id": reward.id,
            "policy": reward.policy,
            "subject": subject,
            "kind": reward.kind,
            "amount": amount,
            "details": {name: value for name, shown in reward.details if (value := shown(view)) is not None},
        }
        if reward.unit is not None:
            entry["unit"] = reward.unit
        if reward.claim is not None and self.claims:
            entry["claim"] = _claim(reward.claim, subject["id"], self.day)
        if reward.validity is not None:
            entry["validity"] = {"from": self.as_of, "to": _later(self.day, reward.validity)}
        if self.traced:
            entry["because"] = reward.when.because.of_true(view)
        if reward.stack is not None:
            place = self.program.groups[reward.stack].order[reward.policy, reward.id]
            member = stacking.Member(entry, place)
            self.groups.setdefault(_group(reward, subject), []).append(member)
        into.rewards.append(entry)

    def _recommend(
        self, recommendation: RecommendationProgram, view: View, subject: Subject, into: _PolicyEntries
    ) -> None:
        entry: Recommendation = {
            "id": recommendation.id,
            "policy": recommendation.policy,
            "subject": subject,
            "priority": recommendation.priority,
            "text": recommendation.text.of(view),
        }
        if self.traced:
            entry["because"] = recommendation.when.because.of_true(view)
        into.recommendations.append(entry)


def _group(reward: RewardProgram, subject: Subject) -> tuple[str, str, str]:
    return reward.stack or "", subject["type"], subject.get("id", "")


def _later(day: date, duration: str) -> str | None:
    days = parse_days(duration)
    if days is not None:
        return (day + timedelta(days=days)).isoformat()
    found = add_months(day, parse_months(duration) or 0)
    return found.isoformat() if found is not None else None


def _claim(claim: ClaimPlan, id_: str, day: date) -> Claim:
    """What the payer keeps its payments under; see design.md §3, Rewards."""
    return {
        "key": claim.key(id_, day),
        "per": claim.per,
        "on_increase": claim.on_increase,
        "on_decrease": claim.on_decrease,
    }
