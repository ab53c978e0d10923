"""Plans of what is new in each epoch; together they hold every formula of the bundle.

Whether an engine can hold a formula depends on that formula alone, so one that did not change need not be tried again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from policy_service.engines.plan import Plan, plan_only
from policy_service.language import typed
from policy_service.language.references import Decision, Parameter
from policy_service.policies import model
from policy_service.policies.model import Expression, Policy, Rules
from policy_service.policies.stretches import bounds, epochs, new_values

Part = tuple[str, str, str]
"""Of a policy: what kind of part, its name, and the row if it is one."""


def changes(rules: Rules) -> Iterator[Plan]:
    """A plan for each epoch in which something is new: files that begin, and formulas that read a new value."""
    begun = _begun(rules)
    valued = _valued(rules)
    for epoch in epochs(rules):
        whole = begun.get(epoch.start, [])
        parts = [pieces.reading(names) for pieces, names in valued.get(epoch.start, []) if pieces.policy not in whole]
        if whole or parts:
            yield plan_only(rules, epoch, (*whole, *parts))


def _begun(rules: Rules) -> dict[date, list[Policy]]:
    """Files by the days on which they begin, or on which another file of a policy that they use does or ends."""
    found: dict[date, list[Policy]] = {}
    for policy in rules.policies:
        period = policy.effective.period
        used = {read.policy for read in policy.reads if isinstance(read, Decision)}
        days = {day for id_ in used for p in rules.versions(id_) for day in bounds(p.effective.period) if day in period}
        for day in {period.start, *days}:
            found.setdefault(day, []).append(policy)
    return found


def _valued(rules: Rules) -> dict[date, list[tuple["_Pieces", set[str]]]]:
    """By day the policies, and the parameters that have a new value from that day on."""
    found: dict[date, list[tuple[_Pieces, set[str]]]] = {}
    for policy in rules.policies:
        names: dict[date, set[str]] = {}
        for parameter in policy.parameters.values():
            for day in new_values(parameter, policy.effective.period):
                names.setdefault(day, set()).add(parameter.name)
        pieces = _Pieces(policy) if names else None
        for day, new in names.items():
            if pieces is not None:
                found.setdefault(day, []).append((pieces, new))
    return found


class _Pieces:
    """The parts of a policy by the parameters that they read."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._reading: dict[str, set[Part]] = {}
        for part, nodes in _parts(policy):
            for read in {r for node in nodes for r in typed.references(node)}:
                if isinstance(read, Parameter):
                    self._reading.setdefault(read.name, set()).add(part)

    def reading(self, names: Iterable[str]) -> Policy:
        """The policy with the parts alone that read one of the parameters."""
        kept = {part for name in names for part in self._reading.get(name, ())}
        policy = self.policy
        rewards = tuple(r for r in policy.rewards if ("reward", r.id, "") in kept)
        recommendations = tuple(r for r in policy.recommendations if ("recommendation", r.id, "") in kept)
        each = [r.row for r in rewards] + [r.row for r in recommendations]
        kept |= {("row", row.relation, row.row) for row in each if row is not None}
        decisions = {d.name: cut for d in policy.decisions.values() if (cut := _cut(d, kept)) is not None}
        applies = policy.applies if ("applies", "", "") in kept else None
        return replace(policy, applies=applies, decisions=decisions, rewards=rewards, recommendations=recommendations)


def _parts(policy: Policy) -> Iterator[tuple[Part, list[typed.Node]]]:
    if policy.applies is not None:
        yield ("applies", "", ""), [policy.applies.typed]
    for decision in policy.decisions.values():
        yield from _decision_parts(decision)
    for reward in policy.rewards:
        yield ("reward", reward.id, ""), [e.typed for e in model.reward_expressions(reward)]
    for recommendation in policy.recommendations:
        texts = [e for template in recommendation.text.values() for e in template.expressions]
        when = [recommendation.when] if recommendation.when is not None else []
        yield ("recommendation", recommendation.id, ""), [e.typed for e in (*when, *texts)]


def _decision_parts(decision: model.Decision) -> Iterator[tuple[Part, list[typed.Node]]]:
    """A decision as a whole, for what all of its rows depend on; and its rows one by one."""
    match decision.body:
        case Expression() as expression:
            yield ("decision", decision.name, ""), [expression.typed]
        case model.Table() as table:
            yield ("decision", decision.name, ""), [e.typed for e in (*table.inputs, *(table.default or ()))]
            for row in table.rows:
                yield ("row", decision.name, row.id), [*(c.typed for c in row.cells), *(o.typed for o in row.outputs)]
        case model.RelationTable() as relation:
            for relation_row in relation.rows:
                yield ("row", decision.name, relation_row.id), [cell.typed for cell in relation_row.cells]


def _cut(decision: model.Decision, kept: set[Part]) -> model.Decision | None:
    """The decision with the rows that are kept; None where nothing of it is."""
    if ("decision", decision.name, "") in kept:
        return decision
    body = decision.body
    if isinstance(body, Expression):
        return None
    if isinstance(body, model.Table):
        rows = tuple(row for row in body.rows if ("row", decision.name, row.id) in kept)
        return replace(decision, body=replace(body, rows=rows)) if rows else None
    cells = tuple(row for row in body.rows if ("row", decision.name, row.id) in kept)
    return replace(decision, body=replace(body, rows=cells)) if cells else None
