"""What the comparison of two decisions costs, counted before it runs.

It evaluates up to sixteen times, and loads the rules of each bundle with the parameters of the other.
"""

from collections.abc import Mapping
from typing import Any

from policy_service.decisions.audit.comparing import Compared
from policy_service.decisions.bundles.evaluators import Evaluators
from policy_service.decisions.ports.activations import BundleStore
from policy_service.policies.loader import Sources, is_case_file
from policy_service.policies.model import Rules

MOST = 200_000
"""Policies judged, each for one subject; they take about ten seconds."""
_CHARACTERS = 10
"""Characters of rule files that take as long to load as one policy takes to be judged."""


class ComparisonTooCostly(Exception):
    """Comparing two decisions would take too much; nothing was evaluated."""

    def __init__(self, cost: int) -> None:
        super().__init__(
            f"it would cost as much as {cost} policies judged, {MOST} are allowed: compare decisions about fewer "
            "subjects, or replay each under the bundle of the other"
        )


def check_cost(one: Compared, two: Compared, evaluators: Evaluators, stored: BundleStore) -> None:
    """Refuse a comparison that takes too much. Raises ComparisonTooCostly."""
    bundles, days = {one.bundle, two.bundle}, {one.as_of, two.as_of}
    judged = sum(_judged(side, evaluators.of(id_).bundle.rules) for side in (one, two) for id_ in bundles)
    loaded = 2 * sum(_characters(stored.sources(id_) or {}) for id_ in bundles) if len(bundles) > 1 else 0
    cost = judged * len(bundles) * len(days) + loaded // _CHARACTERS
    if cost > MOST:
        raise ComparisonTooCostly(cost)


def _judged(side: Compared, rules: Rules) -> int:
    """The policies that one evaluation judges, each as often as it has subjects."""
    return sum(_subjects(side.facts, rules, rules.version_for(id_, side.as_of).subject) for id_ in rules.order)


def _subjects(facts: Mapping[str, Any], rules: Rules, subject: str) -> int:
    posted = facts.get(rules.dictionary.subjects[subject].name)
    return max(1, len(posted)) if isinstance(posted, list) else 1


def _characters(sources: Sources) -> int:
    return sum(len(text) for path, text in sources.items() if not is_case_file(path))
