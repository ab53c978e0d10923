"""A choice run on the rows that matched."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from policy_service.engines.choices.choice import Choice


class Hit(NamedTuple):
    """The value of a table, the rows that fired in table order, and whether the table contradicts itself."""

    value: Any
    rows: tuple[int, ...]
    conflict: bool = False


Answer = Callable[[int], Any]
"""The output of a row by its place: a value, or a record when there are several outputs; of DEFAULT, the default."""
Choose = Callable[[Sequence[int], Answer], Hit]
DEFAULT = -1


def chooser(one: Choice) -> Choose:
    """The function that turns matched rows, ascending, into the table's answer."""
    choose = _ranked(one) if one.ranks or one.hit in ("priority", "output order") else _CHOOSERS.get(one.hit)
    matched = choose or _collect(one.aggregation)
    empty = _empty(one)

    def run(rows: Sequence[int], answer: Answer) -> Hit:
        return matched(rows, answer) if rows else empty(answer)

    return run


def _empty(one: Choice) -> Callable[[Answer], Hit]:
    """What no match means: the default; else an empty list, a count of 0, or null."""
    if one.has_default:
        return lambda answer: Hit(answer(DEFAULT), ())
    if one.is_multiple:
        return lambda _answer: Hit([], ())
    nothing = Hit(0 if one.aggregation == "count" else None, ())
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


_CHOOSERS: dict[str, Choose] = {"unique": _unique, "any": _any, "first": _first, "rule order": _all}
_AGGREGATES: dict[str, Callable[[Iterable[Any]], Any]] = {"sum": sum, "min": min, "max": max}


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


def _ranked(one: Choice) -> Choose:
    """By the order of the enumeration outputs' members, the first output first; ties in table order."""
    orders = [(one.outputs[r.output], {m: i for i, m in enumerate(r.members)}) for r in one.ranks]
    single, best = len(one.outputs) == 1, one.hit == "priority"

    def rank(value: Any) -> tuple[int, ...]:
        return tuple(order.get(value if single else value[name], len(order)) for name, order in orders)

    def run(rows: Sequence[int], answer: Answer) -> Hit:
        found = sorted(((rank(value := answer(row)), row, value) for row in rows), key=lambda f: f[:2])
        if best:
            return Hit(found[0][2], (found[0][1],))
        return Hit([value for _, _, value in found], tuple(rows))

    return run
