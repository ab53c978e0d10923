"""Which rows fired, and which did not."""

from collections.abc import Iterator

from policy_service.engines.answer import Row
from policy_service.engines.reference import reasons
from policy_service.engines.reference.evaluation import Evaluation
from policy_service.policies.model import RelationTable, RowOf, Table


def fired(evaluation: Evaluation, *, holds: bool = True) -> list[Row]:
    """The rows that fired, or with `holds=False` those that did not: by decision, in the order of the file."""
    found: list[Row] = []
    for name, decision in sorted(evaluation.policy.decisions.items()):
        if isinstance(decision.body, Table):
            found += _of_table(evaluation, name, decision.body, holds)
        elif isinstance(decision.body, RelationTable):
            found += _of_relation(evaluation, name, decision.body, holds)
    return found


def fired_of_tables(evaluation: Evaluation, *, holds: bool = True) -> list[Row]:
    """As `fired`, where the policy contradicts itself: no `each` is asked, so that no relation has rows."""
    found: list[Row] = []
    for name, decision in sorted(evaluation.policy.decisions.items()):
        if isinstance(decision.body, Table):
            found += _of_table(evaluation, name, decision.body, holds)
    return found


def _of_table(evaluation: Evaluation, name: str, table: Table, holds: bool) -> Iterator[Row]:
    for place, row in enumerate(table.rows):
        if (place in evaluation.hits[name].rows) is holds:
            yield {"decision": name, "row": row.id, "because": reasons.of_table_row(evaluation, table, row)}


def _of_relation(evaluation: Evaluation, name: str, relation: RelationTable, holds: bool) -> Iterator[Row]:
    """The rows for which the `when` of an `each` held; of a relation without `each`, none."""
    for line in relation.rows:
        row = RowOf(name, line.id)
        each = [reward.when for reward in evaluation.policy.rewards if reward.row == row]
        each += [advice.when for advice in evaluation.policy.recommendations if advice.row == row]
        if each and any(evaluation.holds(when, row) is True for when in each) is holds:
            yield {"decision": name, "row": line.id, "because": reasons.of_relation_row(evaluation, row)}
