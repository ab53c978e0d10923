"""An epoch's answers: for each policy its status, rewards with claims, recommendations and trace.

All that does not depend on the state is settled once, when the program is made: which facts a policy needs,
in what order entries stand, what a text without expressions says. Entries that never differ are shared
between answers.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from policy_service import canonical
from policy_service.decisions import stacking
from policy_service.engines.contract import Decided, Prepared, View
from policy_service.engines.plan import Condition, Leaf, Plan, PolicyPlan, RewardPlan, TablePlan, TemplatePlan
from policy_service.facts import State
from policy_service.language import ast
from policy_service.language.values import add_months, parse_days, parse_months
from policy_service.policies.model import Ceiling

Entry = dict[str, Any]
Subject = dict[str, str]
Truth = Callable[[View], bool | None]
Shown = Callable[[View], Any]
_DASH = "–"
WITHHELD = "withheld"
"""The reason of a reward above its ceiling. `check` proves that none is; this is the second lock."""


class Wanted(NamedTuple):
    """What an answer shows: rows that fired, also those that did not, claims, and which policies (None: all)."""

    traced: bool
    full: bool
    claims: bool
    shown: Collection[str] | None


class Because:
    """The leaves of a condition or of a row, as an answer lists them."""

    def __init__(self, leaves: Sequence[Leaf], prepared: Prepared) -> None:
        self._leaves = [
            (leaf.fact, leaf.test, prepared.shown(leaf.operand), prepared.truth(leaf.holds)) for leaf in leaves
        ]
        self._firing = [(fact, test, value) for fact, test, value, _ in self._leaves]

    def of(self, view: View) -> list[Entry]:
        return [
            {"fact": fact, "value": value(view), "test": test, "holds": holds(view)}
            for fact, test, value, holds in self._leaves
        ]

    def of_match(self, view: View) -> list[Entry]:
        """The leaves of a table row that matched: all of them hold."""
        return [{"fact": fact, "value": value(view), "test": test, "holds": True} for fact, test, value in self._firing]

    def of_true(self, view: View, all_hold: bool) -> list[Entry]:
        """The leaves of a condition that is true."""
        return self.of_match(view) if all_hold else self.of(view)


class Text:
    """A template in each tongue; an expression that stands in several places is evaluated once."""

    def __init__(self, template: TemplatePlan, prepared: Prepared) -> None:
        places: dict[ast.Node, int] = {}
        shown: list[Shown] = []
        self._parts: list[tuple[str, list[str | int]]] = []
        for tongue, parts in template.parts.items():
            mixed: list[str | int] = []
            for part in parts:
                if not isinstance(part, str) and part.tree not in places:
                    places[part.tree] = len(shown)
                    shown.append(prepared.shown(part))
                mixed.append(part if isinstance(part, str) else places[part.tree])
            self._parts.append((tongue, mixed))
        self._shown = shown
        self._constant = None if shown else self._filled([])

    def of(self, view: View) -> dict[str, str]:
        if self._constant is not None:
            return self._constant
        return self._filled([written(shown(view)) for shown in self._shown])

    def _filled(self, values: list[str]) -> dict[str, str]:
        return {
            tongue: "".join([p if type(p) is str else values[p] for p in parts])  # type: ignore[index]  # a place
            for tongue, parts in self._parts
        }


def written(value: Any) -> str:
    """A value inside a text: canonical JSON without quotes; null is a dash."""
    if value is None:
        return _DASH
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    return f"{value:f}" if type(value) is Decimal else canonical.trusted(value).decode()


class When:
    """A condition with its leaves; without a condition it holds."""

    def __init__(self, condition: Condition | None, prepared: Prepared) -> None:
        self.truth: Truth | None = None if condition is None else prepared.truth(condition.formula)
        self.facts = () if condition is None else condition.facts
        self.because = Because(() if condition is None else condition.leaves, prepared)
        self.all_hold = condition is None or condition.all_hold


class RewardProgram:
    """One reward of a policy."""

    def __init__(
        self, reward: RewardPlan, policy: PolicyPlan, prepared: Prepared, ceilings: Mapping[str, Ceiling]
    ) -> None:
        model = reward.reward
        ceiling = ceilings.get(model.kind)
        self.ceiling = None if ceiling is None else ceiling.amount
        self.id, self.stack, self.priority, self.suspended = (
            model.id,
            model.stack,
            model.priority or 0,
            reward.suspended,
        )
        self.when = When(reward.when, prepared)
        self.amount, self.amount_facts = prepared.shown(reward.amount), reward.amount_facts
        self.details = [(name, prepared.shown(formula)) for name, formula in reward.details]
        self.exclusions = [
            (e.id, prepared.truth(e.condition.formula), Text(e.text, prepared)) for e in reward.exclusions
        ]
        self.head = {"id": model.id, "policy": policy.id}
        self.terms = {"kind": model.kind} | ({} if model.unit is None else {"unit": model.unit})
        self.claim = (
            None
            if model.claim.per == "none"
            else {
                "per": model.claim.per,
                "on_increase": model.claim.on_increase,
                "on_decrease": model.claim.on_decrease,
            }
        )
        self.key = f"{policy.id}/{model.id}@{policy.policy.subject}:"
        self.per, self.campaign = model.claim.per, policy.policy.effective.campaign
        self.validity = model.validity

    def refusal(self, view: View, facts: Sequence[Any]) -> str | None:
        """Why it is not granted before exclusions are asked, or None."""
        if self.suspended is not None:
            return "suspended"
        truth = self.when.truth
        holds = True if truth is None else truth(view)
        if holds is True:
            return None
        return "insufficient_facts" if holds is None and _lacks(self.when.facts, facts) else "not_met"

    def no_amount(self, facts: Sequence[Any]) -> str:
        return "insufficient_facts" if _lacks(self.amount_facts, facts) else "not_met"

    def period(self, as_of: str) -> str:
        if self.per == "day":
            return as_of
        return as_of[:7] if self.per == "month" else "once" if self.per == "once" else str(self.campaign)


class RecommendationProgram:
    """One recommendation of a policy."""

    def __init__(self, recommendation: Any, policy: PolicyPlan, prepared: Prepared) -> None:
        model = recommendation.recommendation
        self.id, self.priority = model.id, model.priority
        self.when = When(recommendation.when, prepared)
        self.text = Text(recommendation.text, prepared)
        self.head = {"id": model.id, "policy": policy.id, "priority": model.priority}


class TableTrace:
    """Rows of a decision table in an answer."""

    def __init__(self, decision: str, table: TablePlan, prepared: Prepared) -> None:
        self.decision = decision
        self.rows = [({"decision": decision, "row": row.id}, Because(row.leaves, prepared)) for row in table.rows]

    def fired(self, view: View, decided: Decided) -> list[Entry]:
        rows = self.rows
        return [{**rows[i][0], "because": rows[i][1].of_match(view)} for i in decided.firings[self.decision]]

    def not_fired(self, view: View, decided: Decided) -> list[Entry]:
        fired = decided.firings[self.decision]
        return [{**head, "because": because.of(view)} for i, (head, because) in enumerate(self.rows) if i not in fired]


class RelationTrace:
    """Rows of a relation in an answer: those that an `each` held for, and the others."""

    def __init__(self, decision: str, rows: list[tuple[str, list[When], Because]]) -> None:
        self.rows = [
            ({"decision": decision, "row": row}, [w.truth for w in whens], because) for row, whens, because in rows
        ]

    def fired(self, view: View, _decided: Decided) -> list[Entry]:
        return [
            {**head, "because": because.of(view)} for head, truths, because in self.rows if _any_holds(truths, view)
        ]

    def not_fired(self, view: View, _decided: Decided) -> list[Entry]:
        return [
            {**head, "because": because.of(view)} for head, truths, because in self.rows if not _any_holds(truths, view)
        ]


def _any_holds(truths: list[Truth | None], view: View) -> bool:
    for truth in truths:  # noqa: SIM110  `any` over a generator takes twice the time, on every row of every answer
        if truth is None or truth(view) is True:
            return True
    return False


class PolicyProgram:
    """One policy on the epoch."""

    def __init__(self, plan: PolicyPlan, prepared: Prepared, ceilings: Mapping[str, Ceiling]) -> None:
        self.plan, self.id, self.subject, self.section = plan, plan.id, plan.policy.subject, plan.section
        self.decide, self.skip = prepared.decide(plan), prepared.skip(plan)
        self.fixed = "suspended" if plan.suspended is not None else None if plan.in_force else "not_in_effect"
        self.needs = plan.needs
        self.applies = When(plan.applies, prepared)
        self.applies_required = plan.applies_required
        self.required, self.optional = plan.required, plan.optional
        self.rewards = [
            RewardProgram(r, plan, prepared, ceilings) for r in sorted(plan.rewards, key=lambda r: r.reward.id)
        ]
        self.recommendations = [RecommendationProgram(r, plan, prepared) for r in plan.recommendations]
        self.conflicting = [
            TableTrace(d.name, d.body, prepared) for d in plan.decisions if isinstance(d.body, TablePlan)
        ]
        self.conflicting.sort(key=lambda trace: trace.decision)
        self.traces = self._traces(prepared)

    def _traces(self, prepared: Prepared) -> list[TableTrace | RelationTrace]:
        found: dict[str, TableTrace | RelationTrace] = {t.decision: t for t in self.conflicting}
        rows: dict[str, dict[str, tuple[list[When], Because]]] = {}
        for firing in self.plan.relation_firings:
            whens, _ = rows.setdefault(firing.decision, {}).setdefault(
                firing.row, ([], Because(firing.leaves, prepared))
            )
            whens.append(When(firing.condition, prepared))
        for decision, by_row in rows.items():
            found[decision] = RelationTrace(decision, [(row, w, b) for row, (w, b) in by_row.items()])
        return [found[name] for name in sorted(found)]

    def status(
        self, view: View, facts: Sequence[Any], is_posted: bool, posted: Collection[str], seen: "Seen"
    ) -> tuple[str, Decided | None, list[str]]:
        """The first status that holds, what was decided, and the facts that are missing, sorted."""
        if self.fixed is not None:
            return self.fixed, None, []
        if not is_posted or any(section not in posted for section in self.needs):
            return "not_applicable", None, []
        decided = self.decide(view)
        if self.applies.truth is not None:
            applies = self.applies.truth(view)
            if applies is False or (applies is None and not self._lacks(facts, seen)):
                return "not_applicable", None, []
        missing = [name for name, fact in self.required if facts[fact] is None]
        if self.plan.required_decisions:
            missing = sorted(missing + _null_decisions(self.plan.required_decisions, seen))
        if missing:
            return "insufficient_facts", None, missing
        if decided.conflicts:
            return "rule_conflict", decided, []
        missing = [name for name, fact in self.optional if facts[fact] is None]
        if self.plan.optional_decisions:
            missing = sorted(missing + _null_decisions(self.plan.optional_decisions, seen))
        return "applied", decided, missing

    def _lacks(self, facts: Sequence[Any], seen: "Seen") -> bool:
        """Whether something required that `applies` depends on is null."""
        return _lacks(self.applies_required, facts) or bool(_null_decisions(self.plan.applies_decisions, seen))


Seen = dict[str, dict[str, Any]]
"""Decisions of the policies that were applied, by policy."""


def _lacks(wanted: Sequence[int], facts: Sequence[Any]) -> bool:
    for fact in wanted:  # noqa: SIM110  likewise
        if facts[fact] is None:
            return True
    return False


def _null_decisions(symbols: Sequence[tuple[str, str]], seen: Seen) -> list[str]:
    return [f"decision({policy}.{name})" for policy, name in symbols if seen.get(policy, {}).get(name) is None]


@dataclass(slots=True)
class _Page:
    """What one policy adds to an answer: entries per subject, in posted order."""

    policies: list[Entry]
    rewards: list[tuple[str, Entry]]
    not_granted: list[tuple[str, Entry]]
    recommendations: list[tuple[int, str, str, int, Entry]]


class Answering:
    """The program of one epoch on one engine."""

    def __init__(self, plan: Plan, prepared: Prepared) -> None:
        self.plan, self.prepared = plan, prepared
        programs = [PolicyProgram(p, prepared, plan.rules.settings.ceilings) for p in plan.policies]
        self.singles = [p for p in programs if not p.plan.is_list]
        self.lists: dict[str, list[PolicyProgram]] = {}
        for program in programs:
            if program.plan.is_list:
                self.lists.setdefault(program.section, []).append(program)
        self.order = sorted(p.id for p in programs)
        self.groups = plan.rules.settings.stacking

    def answer(self, state: State, as_of: date, wanted: Wanted) -> Entry:
        """`rewards`, `not_granted`, `recommendations` and `policies` of an answer, in their order."""
        return _Answer(self, state, as_of, wanted).parts()


class _Answer:
    """One answer in the making."""

    def __init__(self, program: Answering, state: State, as_of: date, wanted: Wanted) -> None:
        self.program, self.state, self.wanted = program, state, wanted
        self.as_of, self.day = as_of.isoformat(), as_of
        self.pages: dict[str, _Page] = {}
        self.groups: dict[tuple[str, str, str], list[stacking.Member]] = {}
        self.uncertain: set[tuple[str, str, str]] = set()

    def parts(self) -> Entry:
        program, state = self.program, self.state
        needed = None if self.wanted.shown is None else closure(program.plan, self.wanted.shown)
        run = program.prepared.run(state, self.day.toordinal())
        view, seen = run.single(), {}  # type: tuple[View, Seen]
        for policy in program.singles:
            if needed is None or policy.id in needed:
                id_ = state.ids.get(policy.section)
                subject = {"type": policy.subject} if id_ is None else {"type": policy.subject, "id": id_}
                self._policy(policy, view, subject, 0, seen)
        for section, policies in program.lists.items():
            asked = policies if needed is None else [p for p in policies if p.id in needed]
            elements = state.elements.get(section, ())
            slot = program.plan.facts[f"{policies[0].subject}.id"]
            for index, own in enumerate(elements):
                inner, element = dict(seen), run.element(section, index) if asked else None
                for policy in asked:
                    self._policy(policy, element, {"type": policy.subject, "id": own[slot]}, index, inner)
            if not elements:
                for policy in asked:
                    self._policy(policy, view, {"type": policy.subject}, 0, seen)
        for key, members in self.groups.items():
            stacking.apply(program.groups[key[0]], members, provisional=key in self.uncertain)
        return self._assembled()

    def _assembled(self) -> Entry:
        shown = self.wanted.shown
        pages = [
            page
            for id_ in self.program.order
            if (page := self.pages.get(id_)) is not None and (shown is None or id_ in shown)
        ]
        for page in pages:
            if len(page.policies) > 1:  # several subjects: by id, then subject as posted, which the sort keeps
                page.rewards.sort(key=_first)
                page.not_granted.sort(key=_first)
        recommendations = [r for page in pages for r in page.recommendations]
        recommendations.sort(key=_four)
        return {
            "rewards": [entry for page in pages for _, entry in page.rewards],
            "not_granted": [entry for page in pages for _, entry in page.not_granted],
            "recommendations": [r[4] for r in recommendations],
            "policies": [entry for page in pages for entry in page.policies],
        }

    # ---- one policy for one subject

    def _policy(self, policy: PolicyProgram, view: View, subject: Subject, place: int, seen: Seen) -> None:
        facts = self.program.prepared.facts(view)
        status, decided, missing = policy.status(view, facts, "id" in subject, self.state.posted, seen)
        page = self.pages.get(policy.id)
        if page is None:
            page = self.pages[policy.id] = _Page([], [], [], [])
        applied = status == "applied" and decided is not None
        if applied and decided is not None:
            seen[policy.id] = decided.values
            for reward in policy.rewards:
                self._reward(reward, view, facts, subject, page)
            for recommendation in policy.recommendations:
                self._recommendation(recommendation, view, subject, place, page)
        else:
            for reward in policy.rewards:
                self._refuse(reward, subject, status, page)
        entry: Entry = {
            "policy": policy.id,
            "subject": subject,
            "status": status,
            "decisions": decided.values if applied and decided is not None else {},
            "missing": missing,
        }
        if self.wanted.traced:
            self._trace(policy, view, decided, applied, entry)
        if not applied:
            policy.skip(view)  # behind the trace, which shows what the rows of a conflict read
        page.policies.append(entry)

    def _trace(self, policy: PolicyProgram, view: View, decided: Decided | None, applied: bool, entry: Entry) -> None:
        traces: Sequence[TableTrace | RelationTrace] = policy.traces if applied else policy.conflicting
        entry["fired"] = [] if decided is None else [e for t in traces for e in t.fired(view, decided)]
        if self.wanted.full:
            entry["not_fired"] = [] if decided is None else [e for t in traces for e in t.not_fired(view, decided)]

    def _refuse(self, reward: RewardProgram, subject: Subject, reason: str, page: _Page) -> Entry:
        entry: Entry = {**reward.head, "subject": subject, "reason": reason}
        if reward.stack is not None and reason == "insufficient_facts":
            self.uncertain.add(_group(reward, subject))
        page.not_granted.append((reward.id, entry))
        return entry

    def _reward(self, reward: RewardProgram, view: View, facts: Sequence[Any], subject: Subject, page: _Page) -> None:
        reason = reward.refusal(view, facts)
        amount: Any = None
        if reason is None:
            amount = reward.amount(view)
            if amount is None:
                reason = reward.no_amount(facts)
        if reason is not None:
            entry = self._refuse(reward, subject, reason, page)
            if self.wanted.full and reason != "suspended":
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
        details = {name: value for name, shown in reward.details if (value := shown(view)) is not None}
        entry: Entry = {**reward.head, **reward.terms, "subject": subject, "amount": amount, "details": details}
        if reward.claim is not None and self.wanted.claims:
            entry["claim"] = {"key": f"{reward.key}{subject['id']}#{reward.period(self.as_of)}", **reward.claim}
        if reward.validity is not None:
            entry["validity"] = {"from": self.as_of, "to": _later(self.day, reward.validity)}
        if self.wanted.traced:
            entry["because"] = reward.when.because.of_true(view, reward.when.all_hold)
        if reward.stack is not None:
            member = stacking.Member(entry, reward.priority)
            self.groups.setdefault(_group(reward, subject), []).append(member)
        page.rewards.append((reward.id, entry))

    def _recommendation(
        self, recommendation: RecommendationProgram, view: View, subject: Subject, place: int, page: _Page
    ) -> None:
        truth = recommendation.when.truth
        if truth is not None and truth(view) is not True:
            return
        entry: Entry = {**recommendation.head, "subject": subject, "text": recommendation.text.of(view)}
        if self.wanted.traced:
            entry["because"] = recommendation.when.because.of_true(view, recommendation.when.all_hold)
        head = recommendation.head
        page.recommendations.append((recommendation.priority, head["policy"], recommendation.id, place, entry))


def _first(pair: tuple[str, Entry]) -> str:
    return pair[0]


def _four(one: tuple[int, str, str, int, Entry]) -> tuple[int, str, str, int]:
    return one[:4]


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
