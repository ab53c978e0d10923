"""The rows that fired, and those that did not, as an answer shows them."""

from typing import Any

from tests.oracle import choices, reasons
from tests.oracle.judging import Judged
from tests.oracle.meaning import value_of
from tests.oracle.model import Relation, Table
from tests.oracle.sheets import RelationRow, Sheet
from tests.oracle.syntax import Node

Entry = dict[str, Any]


def fired_rows(judged: Judged) -> list[Entry]:
    return [entry for name in sorted(judged.file.decisions) for entry in _rows(judged, name, fired=True)]


def not_fired_rows(judged: Judged) -> list[Entry]:
    return [entry for name in sorted(judged.file.decisions) for entry in _rows(judged, name, fired=False)]


def _rows(judged: Judged, name: str, *, fired: bool) -> list[Entry]:
    if judged.sheet is None:
        return []
    decision = judged.file.decisions[name]
    if isinstance(decision, Table):
        return _table_rows(judged, name, decision, fired)
    return _relation_rows(judged, name, decision, fired) if isinstance(decision, Relation) and judged.applied else []


def _table_rows(judged: Judged, name: str, table: Table, fired: bool) -> list[Entry]:
    sheet = judged.sheet
    assert sheet is not None
    answer = sheet.answer(name)
    if not judged.applied and not (answer.conflict or choices.CONFLICT_SHOWS_ALL_ROWS):
        return []
    return [
        {"decision": name, "row": row.id, "because": reasons.of_table_row(table, row, sheet, answer.inputs)}
        for row in table.rows
        if (row in answer.fired) == fired
    ]


def _relation_rows(judged: Judged, name: str, relation: Relation, fired: bool) -> list[Entry]:
    """Rows of a relation for which the condition of a reward or recommendation holds, or holds for none."""
    sheet, file = judged.sheet, judged.file
    assert sheet is not None
    conditions = [each.when for each in file.rewards if each.each == name]
    conditions += [each.when for each in file.recommendations if each.each == name]
    return [
        {"decision": name, "row": row.id, "because": reasons.of_relation_row(relation, row, sheet)}
        for row in sheet.rows(name)
        if conditions and _any_holds(conditions, sheet, row) == fired
    ]


def _any_holds(conditions: list[Node | None], sheet: Sheet, row: RelationRow) -> bool:
    return any(when is None or value_of(when, sheet, (row,)) is True for when in conditions)
