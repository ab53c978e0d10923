"""Decision tables: headers, cells and outputs typed, and what the hit policy makes of them."""

from dataclasses import replace

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import HIT_POLICY
from policy_service.language import ast, types
from policy_service.language.checking import check_cell
from policy_service.policies.building.columns import joined, settled
from policy_service.policies.building.context import Context
from policy_service.policies.building.expressions import build_expression, is_shown
from policy_service.policies.building.sources import check_row_source
from policy_service.policies.drafts import DraftExpression, DraftRow, DraftTable
from policy_service.policies.model import CellTest, Expression, Output, Row, Table

Built = tuple[Table, types.Type]


def build_table(draft: DraftTable, context: Context) -> Built | None:
    """The table and the type of its answer; None where it has a fault, which is reported."""
    scope, report = context.scope, context.report
    inputs = [_header(header, context) for header in draft.inputs]
    kinds: list[types.Type] = [types.Null() for _ in draft.outputs]
    rows: list[Row | None] = []
    for row in draft.rows:
        outputs = [build_expression(o, scope, report, c.type) for o, c in zip(row.outputs, draft.outputs, strict=True)]
        kinds = joined(kinds, outputs, report)
        rows.append(_row(row, inputs, outputs, context))
        check_row_source(context.draft, row.notes, row.span, report)
    columns = zip(draft.default or (), draft.outputs, strict=False)
    default = [build_expression(value, scope, report, column.type) for value, column in columns]
    kinds = joined(kinds, default, report) if len(default) == len(kinds) else kinds
    if None in inputs or None in rows or None in default:
        return None
    outputs_ = (Output(c.name, settled(k, c.type), c.declared) for c, k in zip(draft.outputs, kinds, strict=True))
    table = Table(
        draft.hit,
        draft.aggregation,
        tuple(header for header in inputs if header is not None),
        tuple(outputs_),
        tuple(row for row in rows if row is not None),
        tuple(value for value in default if value is not None) if draft.default is not None else None,
    )
    kind = _answer_type(table, draft, report)
    return (table, kind) if kind is not None else None


def _header(draft: DraftExpression, context: Context) -> Expression | None:
    """The expression that a column is about; a fired row shows its value."""
    found = build_expression(draft, context.scope, context.report)
    return found if found is not None and is_shown(found.type, draft.span, context.report) else None


def _row(
    draft: DraftRow, inputs: list[Expression | None], outputs: list[Expression | None], context: Context
) -> Row | None:
    cells = [_cell(tree, span, header, context) for (tree, span), header in zip(draft.cells, inputs, strict=True)]
    known = tuple(cell for cell in cells if cell is not None)
    given = tuple(output for output in outputs if output is not None)
    if len(known) < len(cells) or len(given) < len(outputs):
        return None
    return Row(draft.id, known, given, draft.notes, draft.span)


def _cell(tree: ast.Node | None, span: Span, header: Expression | None, context: Context) -> CellTest | None:
    if header is None or not isinstance(tree, ast.Cell):
        return None
    node = check_cell(tree, header.typed, context.scope, context.report)
    return CellTest(tree, node, span) if node is not None else None


# ---- what a table answers


def _answer_type(table: Table, draft: DraftTable, report: Report) -> types.Type | None:
    """The type of the answer; None where the hit policy does not fit the outputs, which is reported."""
    if not _fits(table, draft, report):
        return None
    first, most = table.outputs[0].type, len(table.rows)
    if table.aggregation is not None:
        return _aggregated(table.aggregation, first, most, draft.outputs[0].span, report)
    one = first if len(table.outputs) == 1 else types.Record(tuple((o.name, o.type) for o in table.outputs))
    return types.List(one, most) if table.is_multiple else one


def _fits(table: Table, draft: DraftTable, report: Report) -> bool:
    if table.hit in ("priority", "output order") and not isinstance(table.outputs[0].type, types.Enum):
        message, hint = f"`{table.hit}` orders by an enum output", "declare it so: `=> level: enum(S, A, B)`"
        report.add(HIT_POLICY, draft.outputs[0].span, message, hint=hint)
        return False
    if draft.default and (table.is_multiple or table.aggregation == "count"):
        nothing = "0" if table.aggregation == "count" else "[]"
        message = f"`{table.hit}` takes no default: where no row matches it answers `{nothing}`"
        report.add(HIT_POLICY, draft.default[0].span, message)
        return False
    if table.aggregation and len(table.outputs) > 1:
        report.add(HIT_POLICY, draft.outputs[1].span, f"`collect {table.aggregation}` has one output")
        return False
    return True


def _aggregated(aggregation: str, kind: types.Type, most: int, span: Span, report: Report) -> types.Type | None:
    """The type of an aggregate over the outputs of at most so many rows."""
    if aggregation == "count":
        return types.Number(0, 0, most)
    if not isinstance(kind, types.Number):
        report.add(HIT_POLICY, span, f"`collect {aggregation}` is about numbers")
        return None
    if aggregation != "sum":
        return kind
    total = replace(kind, low=min(0, kind.low) * most, high=max(0, kind.high) * most)
    return total if is_shown(total, span, report) else None
