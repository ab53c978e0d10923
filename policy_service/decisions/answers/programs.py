"""A policy on its epoch, made ready: what a status depends on, rewards and recommendations with their texts."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from policy_service import canonical
from policy_service.decisions.answers.tracing import Because, RelationTrace, Shown, TableTrace, Truth, When
from policy_service.decisions.answers.unknown import Seen, Unknown, decision_text
from policy_service.engines.contract import Decided, Prepared, View
from policy_service.engines.plan import PolicyPlan, Reach, RecommendationPlan, RewardPlan, TablePlan, TemplatePlan
from policy_service.language import ast
from policy_service.policies.model import Ceiling

_DASH = "–"


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


class RewardProgram:
    """One reward of a policy."""

    def __init__(
        self,
        reward: RewardPlan,
        policy: PolicyPlan,
        prepared: Prepared,
        ceilings: Mapping[str, Ceiling],
        unknown: Unknown,
    ) -> None:
        model = reward.reward
        ceiling, claim = ceilings.get(model.kind), model.claim
        self.id, self.policy, self.kind, self.unit = model.id, policy.id, model.kind, model.unit
        self.ceiling = None if ceiling is None else ceiling.amount
        self.stack, self.priority, self.validity = model.stack, model.priority or 0, model.validity
        self.suspended = reward.suspended is not None
        self.when = When(reward.when, prepared)
        self.truth = self.when.truth
        self.amount = prepared.shown(reward.amount)
        self._unknown, self._reach = unknown, reward.when.reach if reward.when is not None else None
        self._amount_reach = reward.amount_reach
        self.details = [(name, prepared.shown(formula)) for name, formula in reward.details]
        self.exclusions = [
            (e.id, prepared.truth(e.condition.formula), Text(e.text, prepared)) for e in reward.exclusions
        ]
        self.claims = claim.per != "none"
        self._claim = claim
        self._key = f"{policy.id}/{model.id}@{policy.policy.subject}:"
        self._campaign = policy.policy.effective.campaign

    def unmet(self, holds: bool | None, facts: Sequence[Any], seen: Seen) -> str:
        """Why a `when` that is not true refuses the reward."""
        return "not_met" if holds is False else self._null(self._reach, facts, seen)

    def no_amount(self, facts: Sequence[Any], seen: Seen) -> str:
        return self._null(self._amount_reach, facts, seen)

    def _null(self, reach: Reach | None, facts: Sequence[Any], seen: Seen) -> str:
        """Why a null refuses the reward: a fact behind it is not known, or there is no answer."""
        lacks = reach is not None and self._unknown.facts(reach, facts, seen)
        return "insufficient_facts" if lacks else "not_met"

    def claim(self, id_: str, as_of: str) -> dict[str, str]:
        """What the payer keeps its payments under; see design.md §3, Rewards."""
        claim = self._claim
        return {
            "key": f"{self._key}{id_}#{claim.period(as_of, self._campaign)}",
            "per": claim.per,
            "on_increase": claim.on_increase,
            "on_decrease": claim.on_decrease,
        }


class RecommendationProgram:
    """One recommendation of a policy."""

    def __init__(self, recommendation: RecommendationPlan, policy: PolicyPlan, prepared: Prepared) -> None:
        model = recommendation.recommendation
        self.id, self.policy, self.priority = model.id, policy.id, model.priority
        self.when = When(recommendation.when, prepared)
        self.truth = self.when.truth
        self.text = Text(recommendation.text, prepared)


class PolicyProgram:
    """One policy on the epoch.

    fixed: the status that it has whatever is posted, if any.
    traces: its tables and relations by name; `conflicting` the tables alone.
    """

    def __init__(self, plan: PolicyPlan, prepared: Prepared, ceilings: Mapping[str, Ceiling], unknown: Unknown) -> None:
        self.plan, self.id, self.subject, self.section = plan, plan.id, plan.policy.subject, plan.section
        self.decide, self.skip = prepared.decide(plan), prepared.skip(plan)
        self.fixed = "suspended" if plan.suspended is not None else None if plan.in_force else "not_in_effect"
        self._applies = None if plan.applies is None else prepared.truth(plan.applies.formula)
        self._unknown = unknown
        self.rewards = [
            RewardProgram(r, plan, prepared, ceilings, unknown) for r in sorted(plan.rewards, key=lambda r: r.reward.id)
        ]
        self.recommendations = [RecommendationProgram(r, plan, prepared) for r in plan.recommendations]
        tables = [TableTrace(d.name, d.body, prepared) for d in plan.decisions if isinstance(d.body, TablePlan)]
        self.conflicting = sorted(tables, key=lambda trace: trace.decision)
        self.traces = self._traces(prepared)

    def _traces(self, prepared: Prepared) -> list[TableTrace | RelationTrace]:
        found: dict[str, TableTrace | RelationTrace] = {t.decision: t for t in self.conflicting}
        rows: dict[str, dict[str, tuple[list[Truth], Because]]] = {}
        for firing in self.plan.relation_firings:
            because = Because(firing.leaves, prepared, all_hold=False)
            truths, _ = rows.setdefault(firing.decision, {}).setdefault(firing.row, ([], because))
            truths.append(When(firing.condition, prepared).truth)
        for decision, by_row in rows.items():
            found[decision] = RelationTrace(decision, [(row, t, b) for row, (t, b) in by_row.items()])
        return [found[name] for name in sorted(found)]

    def status(
        self, view: View, facts: Sequence[Any], is_posted: bool, posted: frozenset[str], seen: Seen
    ) -> tuple[str, Decided | None, list[str]]:
        """The first status that holds, what was decided, and the facts that are missing, sorted."""
        plan = self.plan
        if self.fixed is not None:
            return self.fixed, None, []
        if not is_posted or (plan.needs and not posted >= set(plan.needs)):
            return "not_applicable", None, []
        decided = self.decide(view)
        if self._applies is not None:
            applies = self._applies(view)
            if applies is False or (applies is None and not self._lacks(facts, seen)):
                return "not_applicable", None, []
        lacking = self._lacking(facts, seen)
        if lacking is not None:
            seen.lacking[self.id] = lacking
            names = [name for name, _ in lacking.facts]
            return "insufficient_facts", None, sorted(names + [decision_text(d) for d in lacking.decisions])
        if decided.conflicts:
            return "rule_conflict", decided, []
        return "applied", decided, self._missing(facts, seen)

    def _lacking(self, facts: Sequence[Any], seen: Seen) -> Reach | None:
        """What is required and null, if anything is."""
        plan = self.plan
        names = [required for required in plan.required if facts[required[1]] is None]
        decisions = seen.nulls(plan.required_decisions) if plan.required_decisions else []
        return Reach(tuple(names), tuple(decisions)) if names or decisions else None

    def _missing(self, facts: Sequence[Any], seen: Seen) -> list[str]:
        """What is optional and null: facts, and other policies' decisions with the facts behind them."""
        plan = self.plan
        names = [name for name, fact in plan.optional if facts[fact] is None]
        nulls = seen.nulls(plan.optional_decisions) if plan.optional_decisions else []
        if not nulls:
            return names
        behind = self._unknown.facts(Reach((), tuple(nulls)), facts, seen)
        return sorted({*names, *behind, *map(decision_text, nulls)})

    def _lacks(self, facts: Sequence[Any], seen: Seen) -> bool:
        """Whether something required that `applies` depends on is null."""
        return lacks(self.plan.applies_required, facts) or bool(seen.nulls(self.plan.applies_decisions))


def lacks(wanted: Sequence[int], facts: Sequence[Any]) -> bool:
    """Whether one of the facts is null."""
    return any(facts[fact] is None for fact in wanted)
