"""What is not known: facts that are null, also those behind another policy's decision."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from policy_service.engines.plan import PolicyPlan, Reach

Decision = tuple[str, str]
"""Policy and name."""
_NOTHING = Reach((), ())


class Seen:
    """What the policies judged before gave for one subject.

    decisions: of those that were applied, by policy.
    lacking: of those with insufficient facts, what was required and null.
    """

    def __init__(self) -> None:
        self.decisions: dict[str, dict[str, Any]] = {}
        self.lacking: dict[str, Reach] = {}

    def copy(self) -> "Seen":
        """For one element of a list, which sees what was judged for the single subjects."""
        found = Seen()
        found.decisions, found.lacking = self.decisions.copy(), self.lacking.copy()
        return found

    def nulls(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Those of the decisions that are null."""
        return [d for d in decisions if self.decisions.get(d[0], {}).get(d[1]) is None]


class Unknown:
    """Finds the null facts that something depends on, also through decisions of other policies.

    A policy that was applied hands on what its decision depends on; one that lacked facts, what it lacked. One that has
    no answer for another reason, say because it is not applicable, hands on nothing: no fact would change that.
    """

    def __init__(self, policies: Iterable[PolicyPlan]) -> None:
        self._reach: Mapping[Decision, Reach] = {(p.id, d.name): d.reach for p in policies for d in p.decisions}

    def facts(self, reach: Reach, facts: Sequence[Any], seen: Seen) -> set[str]:
        """Names of the null facts."""
        found: set[str] = set()
        done: set[Decision] = set()
        todo = [reach]
        while todo:
            top = todo.pop()
            found.update(name for name, fact in top.facts if facts[fact] is None)
            for decision in top.decisions:
                if decision not in done:
                    done.add(decision)
                    todo.append(self._behind(decision, seen))
        return found

    def _behind(self, decision: Decision, seen: Seen) -> Reach:
        policy, _ = decision
        return self._reach[decision] if policy in seen.decisions else seen.lacking.get(policy, _NOTHING)


def decision_text(decision: Decision) -> str:
    """The decision as `missing` and `optional` name it."""
    return f"decision({decision[0]}.{decision[1]})"
