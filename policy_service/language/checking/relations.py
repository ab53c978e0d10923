"""Relations unrolled to their rows, and lists."""

from difflib import get_close_matches
from typing import cast

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import NAME_UNKNOWN, OUTSIDE_PROFILE
from policy_service.language import ast, types
from policy_service.language.checking.checker import Checker, Ratio, Rows
from policy_service.language.checking.conditions import boolean
from policy_service.language.checking.fit import fit, no_common_type
from policy_service.language.checking.numbers import bounded
from policy_service.language.checking.scope import row_scope
from policy_service.language.references import Cell
from policy_service.language.typed import BOOLEAN, And, Const, Item, ListOf, Load, Node
from policy_service.language.types import List, Null, Relation, Text, Type


def all_rows(value: Node | Rows) -> Rows:
    """The rows that may pass a filter; of a relation all of them."""
    if isinstance(value, Rows):
        return value
    relation = cast(Relation, value.type)
    return Rows(relation, tuple((None, row) for row in relation.rows))


def filtered(checker: Checker, base: ast.Node, condition: ast.Node, span: Span) -> Rows:
    found = checker.any_value(base)
    if isinstance(found, Ratio) or not (isinstance(found, Rows) or isinstance(found.type, Relation)):
        raise checker.fail(OUTSIDE_PROFILE, span, "only the rows of a relation can be filtered")
    rows = all_rows(found)
    kept = []
    for guard, row in rows.rows:
        scope = row_scope(rows.relation, row, rows.relation.columns, checker.scope)
        test = boolean(checker.within(scope), condition)
        kept.append((test if guard is None else And(BOOLEAN, (guard, test)), row))
    return Rows(rows.relation, tuple(kept))


def projected(checker: Checker, rows: Rows, column: str, span: Span) -> Node:
    checker.spend(len(rows.rows), span)
    relation = rows.relation
    if column == "row":
        items = tuple(Item(guard, Const(Text(), row)) for guard, row in rows.rows)
        return ListOf(List(Text(), len(items)), items)
    kind = dict(relation.columns).get(column)
    if kind is None:
        close = get_close_matches(column, [n for n, _ in relation.columns], 1)
        raise checker.fail(
            NAME_UNKNOWN,
            span,
            f"relation `{relation.decision}` has no column `{column}`",
            f"did you mean `{close[0]}`?" if close else None,
        )
    items = tuple(
        Item(guard, Load(kind, Cell(relation.policy, relation.decision, row, column))) for guard, row in rows.rows
    )
    return ListOf(List(kind, len(items)), items)


def list_of(checker: Checker, values: list[Node], span: Span) -> ListOf:
    kind: Type = Null()
    for value in values:
        joined = types.union(kind, value.type)
        if joined is None:
            raise no_common_type(checker, kind, value.type, ("one element", "another"), span)
        kind = joined
    fitted = [Item(None, bounded(checker, fit(checker, v, kind, span), span)) for v in values]
    return ListOf(List(kind, len(values)), tuple(fitted))
