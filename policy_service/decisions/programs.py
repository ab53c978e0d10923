"""A policy on its epoch, made ready: what a status depends on, rewards and recommendations with their texts."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from policy_service import canonical
from policy_service.decisions.tracing import Because, RelationTrace, Shown, TableTrace, Truth, When
from policy_service.engines.contract import Decided, Prepared, View
from policy_service.engines.plan import PolicyPlan, RecommendationPlan, RewardPlan, TablePlan, TemplatePlan
from policy_service.language import ast
from policy_service.policies.model import Ceiling

_DASH = "–"
Seen = dict[str, dict[str, Any]]
"""Decisions of the policies that were applied, by policy."""


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
        self, reward: RewardPlan, policy: PolicyPlan, prepared: Prepared, ceilings: Mapping[str, Ceiling]
    ) -> None:
        model = reward.reward
        ceiling, claim = ceilings.get(model.kind), model.claim
        self.id, self.policy, self.kind, self.unit = model.id, policy.id, model.kind, model.unit
        self.ceiling = None if ceiling is None else ceiling.amount
        self.stack, self.priority, self.validity = model.stack, model.priority or 0, model.validity
        self.suspended = reward.suspended is not None
        self.when = When(reward.when, prepared)
        self.truth = self.when.truth
        self.amount, self._amount_facts = prepared.shown(reward.amount), reward.amount_facts
        self.details = [(name, prepared.shown(formula)) for name, formula in reward.details]
        self.exclusions = [
            (e.id, prepared.truth(e.condition.formula), Text(e.text, prepared)) for e in reward.exclusions
        ]
        self.claims = claim.per != "none"
        self._claim = claim
        self._key = f"{policy.id}/{model.id}@{policy.policy.subject}:"
        self._campaign = policy.policy.effective.campaign

    def unmet(self, holds: bool | None, facts: Sequence[Any]) -> str:
        """Why a `when` that is not true refuses the reward."""
        return "insufficient_facts" if holds is None and lacks(self.when.facts, facts) else "not_met"

    def no_amount(self, facts: Sequence[Any]) -> str:
        return "insufficient_facts" if lacks(self._amount_facts, facts) else "not_met"

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

    def __init__(self, plan: PolicyPlan, prepared: Prepared, ceilings: Mapping[str, Ceiling]) -> None:
        self.plan, self.id, self.subject, self.section = plan, plan.id, plan.policy.subject, plan.section
        self.decide, self.skip = prepared.decide(plan), prepared.skip(plan)
        self.fixed = "suspended" if plan.suspended is not None else None if plan.in_force else "not_in_effect"
        self._applies = None if plan.applies is None else prepared.truth(plan.applies.formula)
        self.rewards = [
            RewardProgram(r, plan, prepared, ceilings) for r in sorted(plan.rewards, key=lambda r: r.reward.id)
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
        missing = [name for name, fact in plan.required if facts[fact] is None]
        if plan.required_decisions:
            missing = sorted(missing + _null_decisions(plan.required_decisions, seen))
        if missing:
            return "insufficient_facts", None, missing
        if decided.conflicts:
            return "rule_conflict", decided, []
        missing = [name for name, fact in plan.optional if facts[fact] is None]
        if plan.optional_decisions:
            missing = sorted(missing + _null_decisions(plan.optional_decisions, seen))
        return "applied", decided, missing

    def _lacks(self, facts: Sequence[Any], seen: Seen) -> bool:
        """Whether something required that `applies` depends on is null."""
        return lacks(self.plan.applies_required, facts) or bool(_null_decisions(self.plan.applies_decisions, seen))


def lacks(wanted: Sequence[int], facts: Sequence[Any]) -> bool:
    """Whether one of the facts is null."""
    return any(facts[fact] is None for fact in wanted)


def _null_decisions(symbols: Sequence[tuple[str, str]], seen: Seen) -> list[str]:
    return [f"decision({policy}.{name})" for policy, name in symbols if seen.get(policy, {}).get(name) is None]
