"""Why a condition or row holds: its comparisons and conditions in the order of the text, all of them."""

from typing import Any

from tests.oracle import choices, printer, syntax
from tests.oracle.meaning import Rows, condition_value, value_of
from tests.oracle.model import Relation, Table, TableRow
from tests.oracle.sheets import RelationRow, Sheet
from tests.oracle.syntax import Node
from tests.oracle.values import Value, shown

Leaf = dict[str, Any]


def leaves(node: Node | None, sheet: Sheet, rows: Rows = ()) -> list[Leaf]:
    """What a condition consists of; nothing where there is none."""
    match node:
        case None | syntax.Literal(True) | syntax.Literal(False):
            return []
        case syntax.Logic(_, operands):
            return [leaf for each in operands for leaf in leaves(each, sheet, rows)]
        case syntax.Call("not", (operand,)):
            return leaves(operand, sheet, rows)
        case syntax.Compare(op, left, right):
            test = f"{op} {printer.operand(right, sheet.parameters)}"
            return [_compared(node, left, test, sheet, rows)]
        case syntax.Between(operand, low, high):
            ends = (printer.operand(end, sheet.parameters) for end in (low, high))
            return [_compared(node, operand, "between {} and {}".format(*ends), sheet, rows)]
        case syntax.In(operand, tests):
            return [_compared(node, operand, f"in {printer.choice(tests, sheet.parameters)}", sheet, rows)]
    cell = _cell(node, rows)
    if cell is not None:
        return leaves(cell, sheet, rows[:1])
    return [_compared(node, node, "= true", sheet, rows)]


def _compared(whole: Node, operand: Node, test: str, sheet: Sheet, rows: Rows) -> Leaf:
    return _leaf(operand, value_of(operand, sheet, rows), test, value_of(whole, sheet, rows))


def _leaf(fact: Node, value: Value, test: str, holds: bool | None) -> Leaf:
    return {"fact": printer.printed(fact), "value": shown(value), "test": test, "holds": holds}


def _cell(node: Node, rows: Rows) -> Node | None:
    """The cell of a column of the row, which stands for it."""
    if not rows:
        return None
    row = rows[0]
    assert isinstance(row, RelationRow)
    if isinstance(node, syntax.Part) and node.base == syntax.Name("this"):
        return row.cells.get(node.name)
    return row.cells.get(node.text) if isinstance(node, syntax.Name) else None


def of_table_row(table: Table, row: TableRow, sheet: Sheet, inputs: tuple[Value, ...]) -> list[Leaf]:
    """The cells of a table's row, but for those that say nothing."""
    return [
        _leaf(header, value, printer.cell(cell, sheet.parameters), condition_value(value, cell, sheet))
        for header, value, cell in zip(table.headers, inputs, row.tests, strict=True)
        if cell.items
    ]


def of_relation_row(relation: Relation, row: RelationRow, sheet: Sheet) -> list[Leaf]:
    """The conditions among the cells of a relation's row."""
    conditions = [row.cells[column.name] for column in relation.columns if column.kind == "boolean"]
    if choices.CONSTANT_CELLS_SAY_NOTHING:
        relations = {name for name, each in sheet.file.decisions.items() if isinstance(each, Relation)}
        conditions = [cell for cell in conditions if not _is_constant(cell, relations)]
    return [leaf for cell in conditions for leaf in leaves(cell, sheet, (row,))]


def _is_constant(cell: Node, relations: set[str]) -> bool:
    """Whether a cell names nothing but rows: its own, or those of relations of which it reads no column."""
    names = {"row", *relations}
    return all(
        (not isinstance(node, syntax.Name) or node.text in names)
        and (not isinstance(node, syntax.Part) or node.name == "row")
        and not isinstance(node, syntax.Other)
        for node in syntax.nodes(cell)
    )
