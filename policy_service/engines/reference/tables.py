"""Decision tables by the book: one row after the other, and the hit policies as DMN states them."""

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from policy_service.engines.reference.interpret import Scope, evaluate, matches
from policy_service.language import types
from policy_service.policies.model import Expression, Row, Table


class Hit(NamedTuple):
    """The value of a table, the places of the rows that fired, ascending, and whether it contradicts itself."""

    value: Any
    rows: tuple[int, ...]
    is_conflict: bool = False


def look_up(table: Table, scope: Scope, day: date) -> Hit:
    """What a table answers."""
    inputs = [evaluate(header.tree, scope) for header in table.inputs]
    matched = [place for place, row in enumerate(table.rows) if _matches(row, inputs, scope)]
    if not matched:
        return Hit(_without_match(table, scope), ())
    answers = [_answer(table, table.rows[place].outputs, scope) for place in matched]
    return _hit(table, matched, answers, day)


def _matches(row: Row, inputs: list[Any], scope: Scope) -> bool:
    """Whether every cell of a row is true."""
    return all(matches(cell.tree, value, scope) is True for cell, value in zip(row.cells, inputs, strict=True))


def _answer(table: Table, outputs: tuple[Expression, ...], scope: Scope) -> Any:
    """One value, or of several outputs a record; `default: null` is one null, however many outputs there are."""
    values = [evaluate(output.tree, scope) for output in outputs]
    if len(values) == 1:
        return values[0]
    return {output.name: value for output, value in zip(table.outputs, values, strict=True)}


def _without_match(table: Table, scope: Scope) -> Any:
    if table.default is not None:
        return _answer(table, table.default, scope)
    if table.hit in ("rule order", "output order") or (table.hit == "collect" and table.aggregation is None):
        return []
    return Decimal(0) if table.aggregation == "count" else None


def _hit(table: Table, matched: list[int], answers: list[Any], day: date) -> Hit:
    """What the rows that match come to, by the hit policy; there is at least one."""
    rows, first = tuple(matched), answers[0]
    match table.hit:
        case "unique":
            return Hit(first, rows) if len(rows) == 1 else Hit(None, rows, is_conflict=True)
        case "any":
            same = all(answer == first for answer in answers)
            return Hit(first, rows) if same else Hit(None, rows, is_conflict=True)
        case "first":
            return Hit(first, rows[:1])
        case "priority":
            best = _ranked(table, answers, day)[0]
            return Hit(answers[best], (rows[best],))
        case "output order":
            return Hit([answers[place] for place in _ranked(table, answers, day)], rows)
        case "collect" if table.aggregation is not None:
            return Hit(_aggregate(table.aggregation, answers), rows)
    return Hit(answers, rows)  # rule order; collect


def _ranked(table: Table, answers: list[Any], day: date) -> list[int]:
    """Places of the answers by the order of their members, the first output first; ties in table order."""
    return sorted(range(len(answers)), key=lambda place: _rank(table, answers[place], day))


def _rank(table: Table, answer: Any, day: date) -> list[int]:
    ranks = []
    for output in table.outputs:
        if isinstance(output.type, types.Enum):
            members = output.type.at(day)
            value = answer[output.name] if isinstance(answer, dict) else answer
            ranks.append(members.index(value) if value in members else len(members))
    return ranks


def _aggregate(aggregation: str, answers: list[Any]) -> Any:
    if aggregation == "count":
        return Decimal(len(answers))
    if any(answer is None for answer in answers):
        return None
    return sum(answers) if aggregation == "sum" else min(answers) if aggregation == "min" else max(answers)
