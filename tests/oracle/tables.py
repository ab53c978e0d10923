"""Decision tables: which rows match, and what they answer together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from tests.oracle.functions import FUNCTIONS
from tests.oracle.meaning import Sheet, condition_value, value_of
from tests.oracle.model import Table, TableRow
from tests.oracle.syntax import Node
from tests.oracle.values import Value


@dataclass(frozen=True)
class Answer:
    """The value of a decision; of a table also the rows that fired, and whether they contradict each other."""

    value: Value
    fired: tuple[TableRow, ...] = ()
    conflict: bool = False
    inputs: tuple[Value, ...] = field(default=())


def answered(table: Table, sheet: Sheet) -> Answer:
    """What a table answers on a sheet."""
    inputs = tuple(value_of(header, sheet) for header in table.headers)
    matched = [row for row in table.rows if _matches(row, inputs, sheet)]
    value, fired, conflict = _by_hit(table, matched, sheet)
    return Answer(value, tuple(fired), conflict, inputs)


def _matches(row: TableRow, inputs: tuple[Value, ...], sheet: Sheet) -> bool:
    return all(condition_value(value, cell, sheet) is True for value, cell in zip(inputs, row.tests, strict=True))


def _by_hit(table: Table, matched: list[TableRow], sheet: Sheet) -> tuple[Value, list[TableRow], bool]:
    """The value, the rows that fired, and whether they contradict each other."""
    if not matched and table.default is not None:
        return _default(table.default, sheet), [], False
    values = [_record(table, row, sheet) for row in matched]
    match table.hit:
        case "unique":
            return _only(values), matched, len(matched) > 1
        case "any":
            conflict = any(value != values[0] for value in values)
            return None if conflict else _only(values[:1]), matched, conflict
        case "first":
            return _only(values[:1]), matched[:1], False
        case "priority":
            best = _ranked(table, values, sheet)[:1]
            return _only([values[place] for place in best]), [matched[place] for place in best], False
        case "rule order" | "collect":
            return list(map(_whole, values)), matched, False
        case "output order":
            return [_whole(values[place]) for place in _ranked(table, values, sheet)], matched, False
        case _:
            return _total(table.hit.removeprefix("collect "), values), matched, False


def _default(default: Mapping[str, Node], sheet: Sheet) -> Value:
    """What is said for the case that no row matches; of several outputs one by one, or null for the whole."""
    record = {name: value_of(node, sheet) for name, node in default.items()}
    return _whole(record) if record else None


def _record(table: Table, row: TableRow, sheet: Sheet) -> dict[str, Value]:
    return {column.name: value_of(node, sheet) for column, node in zip(table.outputs, row.outputs, strict=True)}


def _whole(record: dict[str, Value]) -> Value:
    """A single output stands for itself, several make a record."""
    return next(iter(record.values())) if len(record) == 1 else record


def _only(records: list[dict[str, Value]]) -> Value:
    return _whole(records[0]) if len(records) == 1 else None


def _ranked(table: Table, records: list[dict[str, Value]], sheet: Sheet) -> list[int]:
    """Places of the records by the order of their enumerations, the first output before the second, then the row."""
    enumerations = [(each.name, each.members.on(sheet.as_of)) for each in table.outputs if each.members]

    def rank(place: int) -> list[int]:
        return [_rank(records[place][name], members) for name, members in enumerations]

    return sorted(range(len(records)), key=rank)


def _rank(value: Value, members: tuple[str, ...]) -> int:
    return members.index(value) if value in members else len(members)


def _total(aggregation: str, records: list[dict[str, Value]]) -> Value:
    """The sum, least, greatest or number of the only output."""
    if aggregation == "count":
        return Fraction(len(records))
    return FUNCTIONS[aggregation]([_whole(record) for record in records])
