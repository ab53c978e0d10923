"""An epoch's answers: for each policy its status, rewards with claims, recommendations and trace, in order.

All that does not depend on the state is settled in the programs. Entries that never differ, such as texts
without expressions, are shared between answers.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from policy_service.decisions.answers import stacking
from policy_service.decisions.answers.programs import PolicyProgram, RecommendationProgram, RewardProgram
from policy_service.decisions.answers.tracing import Entry, RelationTrace, TableTrace
from policy_service.decisions.answers.unknown import Seen, Unknown
from policy_service.engines.asked import Wanted
from policy_service.engines.contract import Decided, Prepared, View
from policy_service.engines.plan import Plan
from policy_service.facts import State
from policy_service.language.values import add_months, parse_days, parse_months

Subject = dict[str, str]
WITHHELD = "withheld"
"""The reason of a reward above its ceiling. `check` proves that none is; this is the second lock."""
_CHOICES = 64
_by_id = itemgetter("id")
_by_urgency = itemgetter("priority", "policy", "id")


class _Page(NamedTuple):
    """What one policy adds to an answer, per subject as posted."""

    policies: list[Entry]
    rewards: list[Entry]
    not_granted: list[Entry]
    recommendations: list[Entry]


class Answering:
    """The program of one epoch on one engine."""

    def __init__(self, plan: Plan, prepared: Prepared) -> None:
        self.plan, self.prepared = plan, prepared
        ceilings, unknown = plan.rules.settings.ceilings, Unknown(plan.policies)
        programs = [PolicyProgram(p, prepared, ceilings, unknown) for p in plan.policies]
        self.singles = [p for p in programs if not p.plan.is_list]
        self.lists: dict[str, list[PolicyProgram]] = {}
        for program in programs:
            if program.plan.is_list:
                self.lists.setdefault(program.section, []).append(program)
        self.order = sorted(p.id for p in programs)
        self.groups = plan.rules.settings.stacking
        self._needed: dict[frozenset[str], frozenset[str]] = {}

    def answer(self, state: State, as_of: date, wanted: Wanted) -> Entry:
        """`rewards`, `not_granted`, `recommendations` and `policies` of an answer, in their order."""
        return _Answer(self, state, as_of, wanted).parts()

    def needed(self, shown: Collection[str] | None) -> frozenset[str] | None:
        """The policies to evaluate so as to show some; the few choices that callers make are remembered."""
        if shown is None:
            return None
        key = frozenset(shown)
        found = self._needed.get(key)
        if found is None:
            if len(self._needed) >= _CHOICES:
                self._needed.clear()
            found = self._needed[key] = frozenset(closure(self.plan, key))
        return found


class _Answer:
    """One answer in the making."""

    def __init__(self, program: Answering, state: State, as_of: date, wanted: Wanted) -> None:
        self.program, self.state, self.wanted = program, state, wanted
        self.as_of, self.day = as_of.isoformat(), as_of
        self.traced, self.full, self.claims, self.shown = wanted.traced, wanted.full, wanted.claims, wanted.shown
        self.pages: dict[str, _Page] = {}
        self.groups: dict[tuple[str, str, str], list[stacking.Member]] = {}
        self.uncertain: set[tuple[str, str, str]] = set()

    def parts(self) -> Entry:
        program = self.program
        needed = program.needed(self.shown)
        run = program.prepared.run(self.state, self.day.toordinal())
        view: View = run.single()
        facts, seen, ids = program.prepared.facts(view), Seen(), self.state.ids
        for policy in program.singles:
            if needed is None or policy.id in needed:
                self.wanted.go_on()
                id_, kind = ids.get(policy.section), policy.subject
                self._policy(policy, view, facts, {"type": kind} if id_ is None else {"type": kind, "id": id_}, seen)
        for section, policies in program.lists.items():
            asked = policies if needed is None else [p for p in policies if p.id in needed]
            if asked:
                self._elements(section, asked, run, seen)
        for key, members in self.groups.items():
            stacking.apply(program.groups[key[0]], members, provisional=key in self.uncertain)
        return self._assembled()

    def _elements(self, section: str, policies: list[PolicyProgram], run: Any, seen: Seen) -> None:
        """The policies of a list section, for each of its elements."""
        prepared, kind = self.program.prepared, policies[0].subject
        elements = self.state.elements.get(section, ())
        for index in range(len(elements)):
            self.wanted.go_on()
            view, inner = run.element(section, index), seen.copy()
            facts = prepared.facts(view)
            subject = {"type": kind, "id": facts[self.program.plan.facts[f"{kind}.id"]]}
            for policy in policies:
                self._policy(policy, view, facts, subject, inner)
        if not elements:
            view = run.single()
            for policy in policies:
                self._policy(policy, view, (), {"type": kind}, seen)

    def _assembled(self) -> Entry:
        policies: list[Entry] = []
        rewards: list[Entry] = []
        not_granted: list[Entry] = []
        recommendations: list[Entry] = []
        for id_ in self.program.order:
            page = self.pages.get(id_)
            if page is None or (self.shown is not None and id_ not in self.shown):
                continue
            if len(page.policies) > 1:  # several subjects: by id, then as posted, which the sort keeps
                page.rewards.sort(key=_by_id)
                page.not_granted.sort(key=_by_id)
            policies += page.policies
            rewards += page.rewards
            not_granted += page.not_granted
            recommendations += page.recommendations
        recommendations.sort(key=_by_urgency)
        return {
            "rewards": rewards,
            "not_granted": not_granted,
            "recommendations": recommendations,
            "policies": policies,
        }

    # ---- one policy for one subject

    def _policy(self, policy: PolicyProgram, view: View, facts: Sequence[Any], subject: Subject, seen: Seen) -> None:
        status, decided, missing = policy.status(view, facts, "id" in subject, self.state.posted, seen)
        page = self.pages.get(policy.id)
        if page is None:
            page = self.pages[policy.id] = _Page([], [], [], [])
        values: dict[str, Any] = {}
        traces: Sequence[TableTrace | RelationTrace] = policy.conflicting
        if decided is not None and status == "applied":
            seen.decisions[policy.id] = values = decided.values
            traces = policy.traces
            for reward in policy.rewards:
                self._reward(reward, view, facts, subject, page, seen)
            for recommendation in policy.recommendations:
                if recommendation.truth(view) is True:
                    self._recommend(recommendation, view, subject, page)
        else:
            for reward in policy.rewards:
                self._refuse(reward, subject, status, page)
        entry: Entry = {
            "policy": policy.id,
            "subject": subject,
            "status": status,
            "decisions": values,
            "missing": missing,
        }
        if self.traced:
            self._trace(traces, view, decided, entry)
        if status != "applied":
            policy.skip(view)  # behind the trace, which shows what the rows of a conflict read
        page.policies.append(entry)

    def _trace(
        self, traces: Sequence[TableTrace | RelationTrace], view: View, decided: Decided | None, entry: Entry
    ) -> None:
        fired: list[Entry] = []
        not_fired: list[Entry] = []
        entry["fired"] = fired
        if self.full:
            entry["not_fired"] = not_fired
        if decided is None:
            return
        for trace in traces:
            trace.fired(view, decided, fired)
            if self.full:
                trace.not_fired(view, decided, not_fired)

    def _refuse(self, reward: RewardProgram, subject: Subject, reason: str, page: _Page) -> Entry:
        entry: Entry = {"id": reward.id, "policy": reward.policy, "subject": subject, "reason": reason}
        if reward.stack is not None and reason == "insufficient_facts":
            self.uncertain.add(_group(reward, subject))
        page.not_granted.append(entry)
        return entry

    def _reward(
        self, reward: RewardProgram, view: View, facts: Sequence[Any], subject: Subject, page: _Page, seen: Seen
    ) -> None:
        """Granted, or the first reason why not: suspended, not met, excluded, withheld."""
        if reward.suspended:
            self._refuse(reward, subject, "suspended", page)
            return
        holds = reward.truth(view)
        amount = reward.amount(view) if holds is True else None
        if amount is None:
            reason = reward.unmet(holds, facts, seen) if holds is not True else reward.no_amount(facts, seen)
            entry = self._refuse(reward, subject, reason, page)
            if self.full:
                entry["because"] = reward.when.because.of(view)
            return
        for id_, truth, text in reward.exclusions:
            if truth(view) is True:
                entry = self._refuse(reward, subject, "excluded", page)
                entry["exception"], entry["text"] = id_, text.of(view)
                return
        if reward.ceiling is not None and amount > reward.ceiling:
            self._refuse(reward, subject, WITHHELD, page)
            return
        self._grant(reward, view, subject, amount, page)

    def _grant(self, reward: RewardProgram, view: View, subject: Subject, amount: Any, page: _Page) -> None:
        entry: Entry = {
            "id": reward.id,
            "policy": reward.policy,
            "subject": subject,
            "kind": reward.kind,
            "amount": amount,
            "details": {name: value for name, shown in reward.details if (value := shown(view)) is not None},
        }
        if reward.unit is not None:
            entry["unit"] = reward.unit
        if reward.claims and self.claims:
            entry["claim"] = reward.claim(subject["id"], self.as_of)
        if reward.validity is not None:
            entry["validity"] = {"from": self.as_of, "to": _later(self.day, reward.validity)}
        if self.traced:
            entry["because"] = reward.when.because.of_true(view)
        if reward.stack is not None:
            member = stacking.Member(entry, reward.priority)
            self.groups.setdefault(_group(reward, subject), []).append(member)
        page.rewards.append(entry)

    def _recommend(self, recommendation: RecommendationProgram, view: View, subject: Subject, page: _Page) -> None:
        entry: Entry = {
            "id": recommendation.id,
            "policy": recommendation.policy,
            "subject": subject,
            "priority": recommendation.priority,
            "text": recommendation.text.of(view),
        }
        if self.traced:
            entry["because"] = recommendation.when.because.of_true(view)
        page.recommendations.append(entry)


def _group(reward: RewardProgram, subject: Subject) -> tuple[str, str, str]:
    return reward.stack or "", subject["type"], subject.get("id", "")


def _later(day: date, duration: str) -> str | None:
    days = parse_days(duration)
    if days is not None:
        return (day + timedelta(days=days)).isoformat()
    found = add_months(day, parse_months(duration) or 0)
    return found.isoformat() if found is not None else None


def closure(plan: Plan, shown: Collection[str]) -> set[str]:
    """The policies to evaluate so as to show some: those whose decisions they use, and their groups' other members."""
    needs: dict[str, set[str]] = {}
    groups: dict[str, set[str]] = {}
    for policy in plan.policies:
        needs[policy.id] = {p for p, _ in (*policy.required_decisions, *policy.optional_decisions)}
        for reward in policy.policy.rewards:
            if reward.stack is not None:
                groups.setdefault(reward.stack, set()).add(policy.id)
    for members in groups.values():
        for policy_id in members:
            needs[policy_id] |= members
    found: set[str] = set()
    todo = list(shown)
    while todo:
        top = todo.pop()
        if top not in found and top in needs:
            found.add(top)
            todo += needs[top]
    return found
