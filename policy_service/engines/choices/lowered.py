"""A choice as typed trees: which rows match and fire, the value of each output, and whether the table conflicts.

A tree that is null counts as false where a condition is wanted, as everywhere. Several outputs stand side by side, so
that no engine needs records; a list of records is one list per output.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from operator import itemgetter

from policy_service.engines.choices.choice import Choice
from policy_service.language import typed, types
from policy_service.language.references import Local
from policy_service.language.typed import (
    BOOLEAN,
    FALSE,
    TRUE,
    Compare,
    Const,
    If,
    Item,
    ListOf,
    Load,
    Node,
    all_of,
    any_of,
)

_AGGREGATES: Mapping[str, typed.OperationName] = {"sum": "sum", "min": "min", "max": "max"}
_ONE, _NONE = Const(types.Number(0, 1, 1), 1), Const(types.Number(0, 0, 0), 0)


@dataclass(frozen=True, slots=True)
class Lowered:
    """A decision table without tables.

    fired: per row, whether it counts for the answer.
    values: per output its value, or the list of its values; all null where the table conflicts.
    """

    fired: tuple[Node, ...]
    values: tuple[Node, ...]
    conflict: Node


Rows = Sequence[tuple[Node, ...]]
"""Outputs by row."""


def lowered(one: Choice, matches: Sequence[Node], rows: Rows, default: tuple[Node, ...] | None) -> Lowered:
    """The choice on given rows.

    Args:
        matches: per row, its cells joined.
        default: one tree per output; `null` alone stands for all of them.
    """
    table = _Table(one, tuple(matches), rows, _spread(default, len(one.outputs)))
    return Lowered(table.fired(), tuple(table.value(k) for k in range(len(one.outputs))), table.conflict())


def _spread(default: tuple[Node, ...] | None, outputs: int) -> tuple[Node, ...] | None:
    return default * outputs if default is not None and len(default) == 1 else default


class _Table:
    def __init__(self, one: Choice, matches: tuple[Node, ...], rows: Rows, default: tuple[Node, ...] | None) -> None:
        self.choice, self.matches, self.rows, self.default = one, matches, rows, default
        self.some = any_of(matches)
        self.locals = _fresh([*matches, *(node for row in rows for node in row), *(default or ())])

    def fired(self) -> tuple[Node, ...]:
        match self.choice.hit:
            case "first":
                return tuple(_first(self.matches, i) for i in range(len(self.matches)))
            case "priority":
                return tuple(self._with_best(BOOLEAN, itemgetter(i)) for i in range(len(self.matches)))
        return self.matches

    def conflict(self) -> Node:
        if not self.rows:
            return FALSE
        match self.choice.hit:
            case "unique":
                return Compare(BOOLEAN, ">", _number(self.matches), _ONE)
            case "any":
                return any_of([self._differs(k) for k in range(len(self.choice.outputs))])
        return FALSE

    def _differs(self, output: int) -> Node:
        """Whether a row that matches gives another output than the first that does."""
        column = self._column(output)
        local = next(self.locals)
        first = Load(column[0].type, local)
        differing = [
            all_of((m, Compare(BOOLEAN, "!=", value, first))) for m, value in zip(self.matches, column, strict=True)
        ]
        return typed.Let(BOOLEAN, local, _pick(self.matches, column, _null(column)), any_of(differing))

    def _column(self, output: int) -> list[Node]:
        return [row[output] for row in self.rows]

    def value(self, output: int) -> Node:
        column = self._column(output)
        if not column:
            return self._missed(output, _null(column))
        found = self._matched(column)
        return If(found.type, self.some, found, self._missed(output, found))

    def _missed(self, output: int, found: Node) -> Node:
        """What no match means: the default; else an empty list, a count of 0, or null."""
        if self.default is not None:
            return self.default[output]
        if self.choice.is_multiple:
            return ListOf(found.type, ())
        return _NONE if self.choice.aggregation == "count" else Const(found.type, None)

    def _matched(self, column: list[Node]) -> Node:
        one = self.choice
        picked = _pick(self.matches, column, _null(column))
        match one.hit:
            case "unique" | "any":
                return If(picked.type, self.conflict(), _null(column), picked)
            case "first":
                return picked
            case "priority":
                return self._best(column)
            case "output order":
                return self._ordered(column)
        if one.aggregation == "count":
            return typed.Call(types.Number(0, 0, len(column)), "count", (self._listed([_ONE] * len(column)),))
        if one.aggregation is not None:
            return typed.Call(column[0].type, _AGGREGATES[one.aggregation], (self._listed(column),))
        return self._listed(column)

    def _listed(self, column: Sequence[Node]) -> ListOf:
        items = tuple(Item(m, value) for m, value in zip(self.matches, column, strict=True))
        return ListOf(types.List(column[0].type, len(column)), items)

    # ---- ranks

    def _best(self, column: list[Node]) -> Node:
        """The output of the row that ranks first."""
        null = _null(column)
        return self._with_best(null.type, lambda best: _pick(best, column, null))

    def _with_best(self, kind: types.Type, body: Callable[[list[Node]], Node]) -> Node:
        """The tree that `body` makes of conditions, one for each row: whether it is the row that ranks first."""
        keys = self._keys()
        items = tuple(Item(m, key) for m, key in zip(self.matches, keys, strict=True))
        number = types.Number(0, 0, max((k.type.high for k in keys if isinstance(k.type, types.Number)), default=0))
        least = typed.Call(number, "min", (ListOf(types.List(number, len(items)), items),))
        local = next(self.locals)
        best = Load(number, local)
        asked = [all_of((m, Compare(BOOLEAN, "=", key, best))) for m, key in zip(self.matches, keys, strict=True)]
        return typed.Let(kind, local, least, body(asked))

    def _ordered(self, column: list[Node]) -> ListOf:
        """The outputs of the rows that match, by rank: at each position the row before which so many stand."""
        keys, null = self._keys(), _null(column)
        before = [
            _number(
                [all_of((m, Compare(BOOLEAN, "<", other, key))) for m, other in zip(self.matches, keys, strict=True)]
            )
            for key in keys
        ]
        matched, items = _number(self.matches), []
        for at in range(len(column)):
            place = Const(types.Number(0, at, at), at)
            here = [all_of((m, Compare(BOOLEAN, "=", b, place))) for m, b in zip(self.matches, before, strict=True)]
            items.append(Item(Compare(BOOLEAN, ">", matched, place), _pick(here, column, null)))
        return ListOf(types.List(null.type, len(column)), tuple(items))

    def _keys(self) -> list[Node]:
        """Per row a number that is smaller the higher it ranks, different for each row: its ranks, then its place."""
        return [self._key(place, row) for place, row in enumerate(self.rows)]

    def _key(self, place: int, row: tuple[Node, ...]) -> Node:
        key: Node = _whole(0, 0)
        for ranking in self.choice.ranks:
            key = _behind(key, len(ranking.members) + 1, _rank(row[ranking.output], ranking.members))
        return _behind(key, len(self.rows), _whole(place, len(self.rows) - 1))


def _rank(output: Node, members: tuple[str, ...]) -> Node:
    """The place of an output among the members; behind all of them where it is none."""
    last = len(members)
    if isinstance(output, Const):
        return _whole(members.index(output.value) if output.value in members else last, last)
    rank: Node = _whole(last, last)
    for place, member in reversed(list(enumerate(members))):
        is_member = Compare(BOOLEAN, "=", output, Const(output.type, member))
        rank = If(rank.type, is_member, _whole(place, last), rank)
    return rank


def _behind(key: Node, base: int, digit: Node) -> Node:
    """The key with one more digit at its end, in a base."""
    if not isinstance(key.type, types.Number):
        raise TypeError(f"a key is a number, not {key.type}")
    high = key.type.high * base
    shifted = typed.Arithmetic(types.Number(0, 0, high), "*", key, _whole(base, base))
    return typed.folded(typed.Arithmetic(types.Number(0, 0, high + base - 1), "+", typed.folded(shifted), digit))


def _whole(value: int, high: int) -> Const:
    return Const(types.Number(0, 0, high), value)


def _pick(conditions: Sequence[Node], column: Sequence[Node], otherwise: Node) -> Node:
    """The output of the first row whose condition is true."""
    found = otherwise
    for condition, value in reversed(list(zip(conditions, column, strict=True))):
        found = If(value.type, condition, value, found)
    return found


def _first(matches: Sequence[Node], row: int) -> Node:
    """Whether a row matches and none above it does."""
    return If(BOOLEAN, any_of(matches[:row]), FALSE, If(BOOLEAN, matches[row], TRUE, FALSE))


def _number(conditions: Sequence[Node]) -> Node:
    """How many of the conditions are true."""
    items = tuple(Item(condition, _ONE) for condition in conditions)
    number = types.Number(0, 0, len(items))
    return typed.Call(number, "count", (ListOf(types.List(_ONE.type, len(items)), items),))


def _null(column: Sequence[Node]) -> Const:
    return Const(column[0].type if column else types.Null(), None)


def _fresh(nodes: Sequence[Node]) -> Iterator[Local]:
    """Names for values that none of the trees binds yet."""
    used, todo = [0], list(nodes)
    while todo:
        top = todo.pop()
        if isinstance(top, typed.Let) and isinstance(top.reference, Local):
            used.append(top.reference.number)
        todo.extend(typed.operands(top))
    return (Local(number) for number in count(max(used) + 1))
