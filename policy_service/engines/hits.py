"""Hit policies on rows that matched; shared by the compiling engines. The reference has its own."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

from policy_service.language import types
from policy_service.policies.model import Table


class Hit(NamedTuple):
    """The value of a table, the rows that fired in table order, and whether the table contradicts itself."""

    value: Any
    rows: tuple[int, ...]
    conflict: bool = False


Answer = Callable[[int], Any]
"""The output of a row by its place: a value, or a record when there are several outputs; of DEFAULT, the default."""
Choose = Callable[[Sequence[int], Answer], Hit]
DEFAULT = -1


def hit_policy(table: Table, day: date) -> Choose:
    """How matched rows, ascending, become the table's answer on a day, and on those that have the same members."""
    choose = _CHOICES.get(table.hit) or _collect(table.aggregation)
    if table.hit in ("priority", "output order"):
        choose = _ranked(table, day)
    empty = _empty(table)

    def run(rows: Sequence[int], answer: Answer) -> Hit:
        return choose(rows, answer) if rows else empty(answer)

    return run


def _empty(table: Table) -> Callable[[Answer], Hit]:
    """What no match means: the default; else an empty list, a count of 0, or null."""
    if table.default is not None:
        return lambda answer: Hit(answer(DEFAULT), ())
    if table.is_multiple:
        return lambda _answer: Hit([], ())
    nothing = Hit(0 if table.aggregation == "count" else None, ())
    return lambda _answer: nothing


def _unique(rows: Sequence[int], answer: Answer) -> Hit:
    return Hit(answer(rows[0]), tuple(rows)) if len(rows) == 1 else Hit(None, tuple(rows), conflict=True)


def _any(rows: Sequence[int], answer: Answer) -> Hit:
    answers = [answer(row) for row in rows]
    if any(other != answers[0] for other in answers):
        return Hit(None, tuple(rows), conflict=True)
    return Hit(answers[0], tuple(rows))


def _first(rows: Sequence[int], answer: Answer) -> Hit:
    return Hit(answer(rows[0]), (rows[0],))


def _all(rows: Sequence[int], answer: Answer) -> Hit:
    return Hit([answer(row) for row in rows], tuple(rows))


_CHOICES: dict[str, Choose] = {
    "unique": _unique,
    "any": _any,
    "first": _first,
    "rule order": _all,
}


_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {"sum": sum, "min": min, "max": max}


def _collect(aggregation: str | None) -> Choose:
    if aggregation is None:
        return _all
    if aggregation == "count":
        return lambda rows, _answer: Hit(len(rows), tuple(rows))
    combine = _AGGREGATES[aggregation]

    def run(rows: Sequence[int], answer: Answer) -> Hit:
        answers = [answer(row) for row in rows]
        return Hit(None if None in answers else combine(answers), tuple(rows))

    return run


def _ranked(table: Table, day: date) -> Choose:
    """By the order of the enumeration outputs' members, the first output first; ties in table order."""
    ranks = [
        (o.name, {m: i for i, m in enumerate(o.type.at(day))}) for o in table.outputs if isinstance(o.type, types.Enum)
    ]
    single = len(table.outputs) == 1

    def rank(value: Any) -> tuple[int, ...]:
        return tuple(order.get(value if single else value[name], len(order)) for name, order in ranks)

    def run(rows: Sequence[int], answer: Answer) -> Hit:
        found = sorted(((rank(value := answer(row)), row, value) for row in rows), key=lambda f: f[:2])
        if table.hit == "priority":
            return Hit(found[0][2], (found[0][1],))
        return Hit([value for _, _, value in found], tuple(rows))

    return run
