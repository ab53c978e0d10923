"""The trace of an answer: the comparisons behind it, and the rows that fired or did not.

Entries are made for every request, so the loops here are the plainest that Python runs fast.
"""

from collections.abc import Callable, Sequence
from typing import Any

from policy_service.engines.answer import BecauseLeaf, Row
from policy_service.engines.contracts import Decided, Prepared, View
from policy_service.engines.plan import Condition, Leaf, TablePlan

Truth = Callable[[View], bool | None]
Shown = Callable[[View], Any]


class Because:
    """The comparisons of a condition or of a row.

    all_hold: whether all of them are true where the whole is true, so that they need not be evaluated.
    """

    def __init__(self, leaves: Sequence[Leaf], prepared: Prepared, *, all_hold: bool) -> None:
        self._leaves = [
            (leaf.fact, leaf.test, prepared.shown(leaf.operand), prepared.truth(leaf.holds)) for leaf in leaves
        ]
        self._matched = [(fact, test, value) for fact, test, value, _ in self._leaves] if all_hold else None

    def of(self, view: View) -> list[BecauseLeaf]:
        """The comparisons with their values, each evaluated."""
        return [
            {"fact": fact, "value": value(view), "test": test, "holds": holds(view)}
            for fact, test, value, holds in self._leaves
        ]

    def of_true(self, view: View) -> list[BecauseLeaf]:
        """The comparisons with their values, where it is known that the whole is true."""
        if self._matched is None:
            return self.of(view)
        return [
            {"fact": fact, "value": value(view), "test": test, "holds": True} for fact, test, value in self._matched
        ]


class When:
    """A condition with its comparisons; no condition always holds."""

    def __init__(self, condition: Condition | None, prepared: Prepared) -> None:
        self.truth: Truth = _always if condition is None else prepared.truth(condition.formula)
        leaves = () if condition is None else condition.leaves
        self.because = Because(leaves, prepared, all_hold=condition is None or condition.all_hold)


def _always(_view: View) -> bool:
    return True


class TableTrace:
    """The rows of a decision table."""

    def __init__(self, decision: str, table: TablePlan, prepared: Prepared) -> None:
        self.decision = decision
        self._rows = [(row.id, Because(row.leaves, prepared, all_hold=True)) for row in table.rows]

    def fired(self, view: View, decided: Decided, into: list[Row]) -> None:
        for place in decided.fired[self.decision]:
            row, because = self._rows[place]
            into.append({"decision": self.decision, "row": row, "because": because.of_true(view)})

    def not_fired(self, view: View, decided: Decided, into: list[Row]) -> None:
        fired = decided.fired[self.decision]
        for place, (row, because) in enumerate(self._rows):
            if place not in fired:
                into.append({"decision": self.decision, "row": row, "because": because.of(view)})


class RelationTrace:
    """The rows of a relation. A row fires where the `when` of an `each` on it holds."""

    def __init__(self, decision: str, rows: list[tuple[str, list[Truth], Because]]) -> None:
        self.decision, self._rows = decision, rows

    def fired(self, view: View, _decided: Decided, into: list[Row]) -> None:
        for row, truths, because in self._rows:
            if _any_holds(truths, view):
                into.append({"decision": self.decision, "row": row, "because": because.of(view)})

    def not_fired(self, view: View, _decided: Decided, into: list[Row]) -> None:
        for row, truths, because in self._rows:
            if not _any_holds(truths, view):
                into.append({"decision": self.decision, "row": row, "because": because.of(view)})


def _any_holds(truths: list[Truth], view: View) -> bool:
    for truth in truths:  # noqa: SIM110  `any` over a generator takes twice the time, on every row of every answer
        if truth(view) is True:
            return True
    return False
