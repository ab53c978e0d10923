"""Drafts of decisions: tables, relations and expressions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policy_service.diagnostics import Span
from policy_service.facts import Labels
from policy_service.language import ast, types
from policy_service.policies.drafts.values import DraftExpression


@dataclass(frozen=True, slots=True)
class DraftColumn:
    """A column. A named type is its name alone, to be looked up; it is written at `type_span`."""

    name: str
    type: types.Type
    declared: str
    span: Span
    type_span: Span
    formula: DraftExpression | None = None


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A row of a table, or of a relation, which has outputs alone. A cell that cannot be read is null."""

    id: str
    cells: tuple[tuple[ast.Node | None, Span], ...]
    outputs: tuple[DraftExpression | None, ...]
    notes: Mapping[str, str]
    span: Span


@dataclass(frozen=True, slots=True)
class DraftTable:
    hit: str
    aggregation: str | None
    inputs: tuple[DraftExpression, ...]
    outputs: tuple[DraftColumn, ...]
    rows: tuple[DraftRow, ...]
    default: tuple[DraftExpression, ...] | None
    """One expression for each output; `null` alone says that no answer is meant."""
    span: Span


@dataclass(frozen=True, slots=True)
class DraftRelation:
    columns: tuple[DraftColumn, ...]
    rows: tuple[DraftRow, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DraftDecision:
    name: str
    title: Labels | None
    body: DraftTable | DraftRelation | DraftExpression
    span: Span

    def trees(self) -> Iterator[ast.Node]:
        """Every expression and cell of it."""
        match self.body:
            case DraftExpression(tree):
                yield tree
            case DraftTable() as table:
                yield from _table_trees(table)
            case DraftRelation(rows=rows):
                for row in rows:
                    yield from _output_trees(row)


def _table_trees(table: DraftTable) -> Iterator[ast.Node]:
    yield from (header.tree for header in table.inputs)
    for row in table.rows:
        yield from (tree for tree, _ in row.cells if tree is not None)
        yield from _output_trees(row)
    yield from (value.tree for value in table.default or ())


def _output_trees(row: DraftRow) -> Iterator[ast.Node]:
    yield from (output.tree for output in row.outputs if output is not None)
