"""A policy for a subject: its decisions, and the names that its expressions know."""

from collections.abc import Mapping
from typing import Any

from policy_service.engines.reference.dated import DatedPolicy
from policy_service.engines.reference.interpret import Scope, evaluate
from policy_service.engines.reference.subject import Subject
from policy_service.engines.reference.tables import Hit, look_up
from policy_service.policies.model import Decision, Expression, RelationTable, RowOf, Table


class Evaluation:
    """The decisions of one policy for one subject.

    decisions: their values by name; null where a table contradicts itself.
    hits: of each table the rows that fired.
    """

    def __init__(self, dated: DatedPolicy, subject: Subject) -> None:
        self.dated, self.policy, self.subject = dated, dated.policy, subject
        self.decisions: dict[str, Any] = {}
        self.hits: dict[str, Hit] = {}
        for decision in self.policy.decisions.values():  # each needs only earlier ones
            self.decisions[decision.name] = self._decide(decision)

    @property
    def has_conflict(self) -> bool:
        return any(hit.is_conflict for hit in self.hits.values())

    def scope(self, row: RowOf | None = None) -> Scope:
        """What an expression knows; one of an `each` also the columns of its row."""
        names = {**self.dated.constants, **self.decisions, "as_of": self.subject.day}
        scope = Scope(names, self.subject.facts.get, self.subject.decision)
        return scope if row is None else scope.within(self._record(row))

    def value(self, expression: Expression, row: RowOf | None = None) -> Any:
        return evaluate(expression.tree, self.scope(row))

    def holds(self, condition: Expression | None, row: RowOf | None = None) -> bool | None:
        """Whether a condition is true, false or unknown; where there is none, it is true."""
        if condition is None:
            return True
        found = self.value(condition, row)
        return found if isinstance(found, bool) else None

    def _record(self, row: RowOf) -> Mapping[str, Any]:
        return next(record for record in self.decisions[row.relation] if record["row"] == row.row)

    def _decide(self, decision: Decision) -> Any:
        match decision.body:
            case Expression() as expression:
                return self.value(expression)
            case Table() as table:
                self.hits[decision.name] = hit = look_up(table, self.scope(), self.subject.day)
                return hit.value
            case RelationTable() as relation:
                return self._relation(relation)

    def _relation(self, relation: RelationTable) -> list[dict[str, Any]]:
        """A record per row; a cell knows the columns to its left."""
        records = []
        for row in relation.rows:
            record: dict[str, Any] = {"row": row.id}
            for column, cell in zip(relation.columns, row.cells, strict=True):
                record[column.name] = evaluate(cell.tree, self.scope().within(record))
            records.append(record)
        return records
