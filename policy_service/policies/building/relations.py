"""Boxed relations: every cell an expression that may read the cells to its left."""

from policy_service.diagnostics.catalogue import NAME_CLASH
from policy_service.language import types
from policy_service.language.checking import row_scope
from policy_service.policies.building.columns import joined, settled
from policy_service.policies.building.context import Context
from policy_service.policies.building.expressions import build_expression
from policy_service.policies.building.sources import check_row_source
from policy_service.policies.drafts import DraftRelation, DraftRow
from policy_service.policies.model import Column, Expression, RelationRow, RelationTable

Built = tuple[RelationTable, types.Type]


def build_relation(name: str, draft: DraftRelation, context: Context) -> Built | None:
    """The relation and its type; None where it has a fault, which is reported."""
    _check_names(draft, context)
    ids = tuple(row.id for row in draft.rows)
    kinds: list[types.Type] = [types.Null() for _ in draft.columns]
    rows: list[RelationRow | None] = []
    for row in draft.rows:
        cells = _cells(name, row, ids, draft, context)
        kinds = joined(kinds, cells, context.report)
        known = tuple(cell for cell in cells if cell is not None)
        rows.append(RelationRow(row.id, known, row.notes, row.span) if len(known) == len(cells) else None)
        check_row_source(context.draft, row.notes, row.span, context.report)
    whole = tuple(row for row in rows if row is not None)
    if len(whole) < len(rows):
        return None
    typed = [(column, settled(kind, column.type)) for column, kind in zip(draft.columns, kinds, strict=True)]
    columns = tuple(Column(column.name, kind, column.declared) for column, kind in typed)
    shape = tuple((column.name, kind) for column, kind in typed)
    return RelationTable(columns, whole), types.Relation(context.draft.id, name, ids, shape)


def _check_names(draft: DraftRelation, context: Context) -> None:
    prefixes = context.prefixes
    for column in draft.columns:
        if column.name in context.draft.decisions or column.name in context.draft.parameters:
            message = f"column `{column.name}` has the name of a parameter or decision"
            context.report.add(NAME_CLASH, column.span, message)
        if column.name in prefixes:
            context.report.add(NAME_CLASH, column.span, f"`{column.name}` already names a section of facts")


def _cells(
    name: str, row: DraftRow, ids: tuple[str, ...], draft: DraftRelation, context: Context
) -> list[Expression | None]:
    """The cells of a row; None for each with a fault."""
    cells: list[Expression | None] = []
    for cell, column in zip(row.outputs, draft.columns, strict=True):
        # Columns to the left have the bounds of this row's own cells, so that constants stay constants.
        left = tuple(
            (c.name, settled(e.type if e else types.Null(), c.type)) for c, e in zip(draft.columns, cells, strict=False)
        )
        shape = types.Relation(context.draft.id, name, ids, left)
        scope = row_scope(shape, row.id, left, context.scope)
        cells.append(build_expression(cell, scope, context.report, column.type))
    return cells
