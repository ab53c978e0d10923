"""The leaves of a plan, found by what an answer shows of them, so that nobody takes shown texts apart."""

from collections.abc import Iterator, Mapping, Sequence

from policy_service.engines.plan.terms import Condition, Leaf, Plan, PolicyPlan, TablePlan

Shown = tuple[str, str, str]
"""Policy, fact and test, as an entry of `because` shows them."""


def reasons(plan: Plan) -> Mapping[Shown, Sequence[Leaf]]:
    """Every leaf that an entry of `because` can be about; several where their texts are the same."""
    found: dict[Shown, list[Leaf]] = {}
    for policy in plan.policies:
        for leaf in _leaves(policy):
            found.setdefault((policy.id, leaf.fact, leaf.test), []).append(leaf)
    return found


def _leaves(policy: PolicyPlan) -> Iterator[Leaf]:
    for decision in policy.decisions:
        if isinstance(decision.body, TablePlan):
            for row in decision.body.rows:
                yield from row.leaves
    for firing in policy.relation_firings:
        yield from firing.leaves
    for reward in policy.rewards:
        yield from _of(reward.when)
    for recommendation in policy.recommendations:
        yield from _of(recommendation.when)


def _of(condition: Condition | None) -> Sequence[Leaf]:
    return () if condition is None else condition.leaves
