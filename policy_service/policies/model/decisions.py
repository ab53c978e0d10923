"""Decisions: tables, relations and expressions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from policy_service.diagnostics import NOWHERE, Span
from policy_service.facts import Labels
from policy_service.language import ast, typed, types
from policy_service.policies.model.expressions import Expression

HIT_POLICIES = ("unique", "any", "first", "priority", "rule order", "output order", "collect")
AGGREGATIONS = ("sum", "min", "max", "count")


@dataclass(frozen=True, slots=True)
class CellTest:
    """An input cell; `typed` is the condition it puts on its header's value."""

    tree: ast.Cell
    typed: typed.Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    cells: tuple[CellTest, ...]
    outputs: tuple[Expression, ...]
    notes: Mapping[str, str]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Output:
    name: str
    type: types.Type
    declared: str


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table.

    default: one expression per output; `null` alone where no answer is meant; None where none is declared.
    """

    hit: str
    aggregation: str | None
    inputs: tuple[Expression, ...]
    outputs: tuple[Output, ...]
    rows: tuple[Row, ...]
    default: tuple[Expression, ...] | None

    @property
    def is_multiple(self) -> bool:
        """Whether the answer is a list of rows' outputs."""
        return gives_list(self.hit, self.aggregation)


def gives_list(hit: str, aggregation: str | None) -> bool:
    """Whether a hit policy answers with a list of the rows' outputs."""
    return hit in ("rule order", "output order") or (hit == "collect" and not aggregation)


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: types.Type
    declared: str


@dataclass(frozen=True, slots=True)
class RelationRow:
    id: str
    cells: tuple[Expression, ...]
    notes: Mapping[str, str]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class RelationTable:
    """A boxed relation: every cell an expression."""

    columns: tuple[Column, ...]
    rows: tuple[RelationRow, ...]

    @cached_property
    def by_id(self) -> Mapping[str, RelationRow]:
        return {row.id: row for row in self.rows}


@dataclass(frozen=True, slots=True)
class Decision:
    name: str
    title: Labels | None
    body: Table | RelationTable | Expression
    type: types.Type
    span: Span = field(default=NOWHERE, compare=False)


def body_expressions(body: Table | RelationTable | Expression) -> Iterator[Expression]:
    """Headers, outputs, defaults and cells of a decision; input cells of a table are tests, not expressions."""
    match body:
        case Expression():
            yield body
        case Table():
            yield from body.inputs
            for row in body.rows:
                yield from row.outputs
            yield from body.default or ()
        case RelationTable():
            for relation_row in body.rows:
                yield from relation_row.cells
