"""The compiled policies of an epoch: decisions, rewards and recommendations, with their texts."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from policy_service import canonical
from policy_service.decisions.answers.tracing import Because, RelationTrace, Shown, TableTrace, Truth, When
from policy_service.engines.answer import Reason, Wording
from policy_service.engines.contracts import Prepared, View
from policy_service.engines.plan import (
    APPLIED,
    LACKS,
    Guard,
    PolicyPlan,
    RecommendationPlan,
    RewardPlan,
    TablePlan,
    TemplatePlan,
)
from policy_service.language import ast

_DASH = "–"


class Text:
    """A text template in each language; an expression that stands in several places is evaluated once."""

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

    def of(self, view: View) -> Wording:
        if self._constant is not None:
            return self._constant
        return self._filled([written(shown(view)) for shown in self._shown])

    def _filled(self, values: list[str]) -> Wording:
        return {  # type: ignore[return-value]  # a template has both tongues
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
    """One reward of a policy.

    refusal: the index, in `refusals`, of the reason why it is not granted; null where it is granted.
    refusals: the possible reasons, in order; the first that holds counts.
    """

    def __init__(self, reward: RewardPlan, policy: PolicyPlan, prepared: Prepared) -> None:
        model = reward.reward
        self.id, self.policy, self.kind, self.unit = model.id, policy.id, model.kind, model.unit
        self.stack, self.validity, self.claim = reward.stack, model.validity, reward.claim
        self.when = When(reward.when, prepared)
        self.amount = prepared.shown(reward.amount)
        self.details = [(name, prepared.shown(formula)) for name, formula in reward.details]
        self.refusal = prepared.refusal(policy, reward)
        self.refusals = [Refusal(guard, prepared) for guard in reward.refusals]


class Refusal:
    """A reason why a reward is not granted.

    explained: whether the reason is the reward's condition or amount; a full trace then shows the comparisons.
    exclusion: its id and text; null for any other reason.
    """

    def __init__(self, guard: Guard[Reason], prepared: Prepared) -> None:
        self.reason = guard.outcome
        self.explained = guard.outcome in ("not_met", LACKS)
        found = guard.exclusion
        self.exclusion = None if found is None else (found.id, Text(found.text, prepared))


class RecommendationProgram:
    """One recommendation of a policy."""

    def __init__(self, recommendation: RecommendationPlan, policy: PolicyPlan, prepared: Prepared) -> None:
        model = recommendation.recommendation
        self.id, self.policy, self.priority = model.id, policy.id, model.priority
        self.when = When(recommendation.when, prepared)
        self.truth = self.when.truth
        self.text = Text(recommendation.text, prepared)


class PolicyProgram:
    """One policy in the epoch.

    decide: computes its decisions and its status.
    traces: by status, the tables and relations whose rows a trace shows, by name; with a conflict the tables alone.
    """

    def __init__(self, plan: PolicyPlan, prepared: Prepared) -> None:
        self.plan, self.id, self.subject, self.section = plan, plan.id, plan.policy.subject, plan.section
        self.decide = prepared.decide(plan)
        self.rewards = [RewardProgram(r, plan, prepared) for r in sorted(plan.rewards, key=lambda r: r.reward.id)]
        self.recommendations = [RecommendationProgram(r, plan, prepared) for r in plan.recommendations]
        found = [TableTrace(d.name, d.body, prepared) for d in plan.decisions if isinstance(d.body, TablePlan)]
        tables = sorted(found, key=lambda trace: trace.decision)
        self.traces: Mapping[str, Sequence[TableTrace | RelationTrace]] = {
            "rule_conflict": tables,
            APPLIED: self._traces(tables, prepared),
        }

    def _traces(self, tables: list[TableTrace], prepared: Prepared) -> Sequence[TableTrace | RelationTrace]:
        found: dict[str, TableTrace | RelationTrace] = {t.decision: t for t in tables}
        rows: dict[str, dict[str, tuple[list[Truth], Because]]] = {}
        for firing in self.plan.relation_firings:
            because = Because(firing.leaves, prepared, all_hold=False)
            truths, _ = rows.setdefault(firing.decision, {}).setdefault(firing.row, ([], because))
            truths.append(When(firing.condition, prepared).truth)
        for decision, by_row in rows.items():
            found[decision] = RelationTrace(decision, [(row, t, b) for row, (t, b) in by_row.items()])
        return [found[name] for name in sorted(found)]
