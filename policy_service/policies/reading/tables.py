"""Tables and relations of a rule file, their cells parsed."""

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import CELL_EMPTY, HIT_POLICY, TABLE_SHAPE
from policy_service.language import ast
from policy_service.language.parser import parse_cell, parse_expression
from policy_service.language.tokens import half_width
from policy_service.policies.drafts import DraftColumn, DraftExpression, DraftRelation, DraftRow, DraftTable
from policy_service.policies.model import AGGREGATIONS, HIT_POLICIES
from policy_service.policies.reading.columns import check_columns_differ, check_row_ids, read_column, read_notes
from policy_service.policies.reading.grid import Grid, TextCell
from policy_service.policies.reading.values import read_expression
from policy_service.sources import Form, Mapping, Text

Role = str
"""What a column is: input, output, note, or bad where its header cannot be read."""


def read_table(form: Form, grid: Grid, span: Span, report: Report) -> DraftTable | None:
    check_row_ids(grid, report)
    hit, aggregation = _hit(form, report)
    roles, inputs, outputs = _header(grid, report)
    rows = tuple(_row(grid, row, roles, report) for row in grid.rows)
    if "bad" in roles or not outputs:
        return None
    default = _default(form, [output.name for output in outputs], report)
    return DraftTable(hit, aggregation, tuple(inputs), tuple(outputs), rows, default, span)


def _hit(form: Form, report: Report) -> tuple[str, str | None]:
    """The hit policy, and how a `collect` is summed up; `unique` where it cannot be read."""
    text = form.text("hit", required=True)
    if text is None:
        return "unique", None
    words = " ".join(text.value.split())
    policy, aggregation = words, ""
    if words.startswith("collect"):
        policy, aggregation = "collect", words.removeprefix("collect").strip()
    if policy in HIT_POLICIES and (not aggregation or aggregation in AGGREGATIONS):
        return policy, aggregation or None
    hint = f"one of {', '.join(HIT_POLICIES)}; collect may add sum, min, max or count"
    report.add(HIT_POLICY, text.span, f"`{words}` is not a hit policy", hint=hint)
    return "unique", None


# ---- header


def _header(grid: Grid, report: Report) -> tuple[list[Role], list[DraftExpression], list[DraftColumn]]:
    """What each column is, and the inputs and outputs among them."""
    roles: list[Role] = []
    inputs: list[DraftExpression] = []
    outputs: list[DraftColumn] = []
    for cell in grid.header[1:]:
        match _column(cell, report):
            case DraftColumn() as output:
                outputs.append(output)
                roles.append("output")
            case DraftExpression() as header:
                inputs.append(header)
                roles.append("input")
            case role:
                roles.append(role)
    if not outputs and "bad" not in roles:
        report.add(TABLE_SHAPE, grid.header[-1].span, "the table has no output", hint="`=> name: type`")
    check_columns_differ(outputs, report)
    return roles, inputs, outputs


def _column(cell: TextCell, report: Report) -> DraftColumn | DraftExpression | Role:
    if cell.text.startswith("#"):
        return "note"
    if half_width(cell.text).startswith("=>"):
        return read_column(cell, report) or "bad"
    return _expression(cell, report) or "bad"


# ---- rows


def _row(grid: Grid, row: tuple[TextCell, ...], roles: list[Role], report: Report) -> DraftRow:
    cells: list[tuple[ast.Node | None, Span]] = []
    outputs: list[DraftExpression | None] = []
    for cell, role in zip(row[1:], roles, strict=True):
        if role == "input":
            cells.append((_input(cell, report), cell.span))
        elif role == "output":
            outputs.append(_output(cell, report))
    return DraftRow(row[0].text, tuple(cells), tuple(outputs), read_notes(grid, row), row[0].span)


def _input(cell: TextCell, report: Report) -> ast.Node | None:
    if not cell.text:
        report.add(CELL_EMPTY, cell.span, "the cell is empty", hint="`-` matches anything")
        return None
    return parse_cell(cell.text, cell.origin, report)


def _output(cell: TextCell, report: Report) -> DraftExpression | None:
    if not cell.text:
        report.add(CELL_EMPTY, cell.span, "the cell is empty", hint="`null` is no answer")
        return None
    return _expression(cell, report)


def _expression(cell: TextCell, report: Report) -> DraftExpression | None:
    tree = parse_expression(cell.text, cell.origin, report)
    return DraftExpression(tree, cell.span) if tree is not None else None


# ---- default


def _default(form: Form, outputs: list[str], report: Report) -> tuple[DraftExpression, ...] | None:
    """One value for each output, or `null` alone; None where there is none, or it has a fault."""
    node = form.node("default")
    if node is None:
        return None
    if isinstance(node, Text) and node.is_null:
        return (DraftExpression(ast.NullLiteral(span=node.span), node.span),)
    if isinstance(node, Text) and len(outputs) == 1:
        value = read_expression(node, report)
        return (value,) if value is not None else None
    found = _values(node, report) if isinstance(node, Mapping) else {}
    if sorted(found) != sorted(outputs):
        form.invalid(node, "`default` needs a value for each output", f"outputs: {', '.join(outputs)}")
        return None
    whole = tuple(value for name in outputs if (value := found[name]) is not None)
    return whole if len(whole) == len(outputs) else None


def _values(node: Mapping, report: Report) -> dict[str, DraftExpression | None]:
    return {key.value: read_expression(value, report) for key, value in node if isinstance(value, Text)}


# ---- relations


def read_relation(grid: Grid, span: Span, report: Report) -> DraftRelation | None:
    """A boxed relation; an empty cell takes the formula of its column."""
    check_row_ids(grid, report)
    headers = [cell for cell in grid.header[1:] if not cell.text.startswith("#")]
    columns = [column for cell in headers if (column := read_column(cell, report)) is not None]
    check_columns_differ(columns, report)
    if not headers:
        report.add(TABLE_SHAPE, grid.header[0].span, "the relation has no column", hint="`name: type`")
    if len(columns) < len(headers) or not columns:
        return None
    rows = tuple(_relation_row(grid, row, columns, report) for row in grid.rows)
    return DraftRelation(tuple(columns), rows, span)


def _relation_row(grid: Grid, row: tuple[TextCell, ...], columns: list[DraftColumn], report: Report) -> DraftRow:
    values = [c for h, c in zip(grid.header[1:], row[1:], strict=True) if not h.text.startswith("#")]
    cells = tuple(_relation_cell(cell, column, report) for cell, column in zip(values, columns, strict=True))
    return DraftRow(row[0].text, (), cells, read_notes(grid, row), row[0].span)


def _relation_cell(cell: TextCell, column: DraftColumn, report: Report) -> DraftExpression | None:
    if cell.text:
        return _expression(cell, report)
    if column.formula is None:
        hint = "write a value, or a formula in the header: `name: type = …`"
        report.add(CELL_EMPTY, cell.span, f"the cell of `{column.name}` is empty", hint=hint)
    return column.formula
