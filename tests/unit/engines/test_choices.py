"""A choice written as typed trees says what the choice that is run says: generated tables on every set of matches."""

from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest

from policy_service.engines.choices import Choice, Lowered, Ranking, chooser, lowered
from policy_service.language import typed, types
from policy_service.language.references import Fact
from policy_service.language.typed import BOOLEAN, Const, Load, Node

LETTERS = types.Enum(("a", "b", "c"))
NUMBER = types.Number(0, 0, 9)
HITS = [
    ("unique", None),
    ("any", None),
    ("first", None),
    ("priority", None),
    ("rule order", None),
    ("output order", None),
    ("collect", None),
    ("collect", "sum"),
    ("collect", "min"),
    ("collect", "max"),
    ("collect", "count"),
]


class Lists(Exception):
    """A tree that this evaluator does not know."""


def value(node: Node, facts: dict[Any, Any]) -> Any:
    """What a tree comes to, by the words of `language/typed.py` alone."""
    match node:
        case Const(value=constant):
            return constant
        case Load(reference=reference):
            return facts[reference]
        case typed.If(condition=condition, then=then, otherwise=otherwise):
            return value(then if value(condition, facts) is True else otherwise, facts)
        case typed.Let(reference=local, value=bound, body=body):
            return value(body, facts | {local: value(bound, facts)})
        case typed.And(operands=operands):
            found = [value(o, facts) for o in operands]
            return False if False in found else None if None in found else True
        case typed.Or(operands=operands):
            found = [value(o, facts) for o in operands]
            return True if True in found else None if None in found else False
        case typed.Arithmetic(operator=operator, left=left, right=right):
            one, two = value(left, facts), value(right, facts)
            return one + two if operator == "+" else one * two
        case typed.Compare(operator=operator, left=left, right=right):
            return compared(operator, value(left, facts), value(right, facts))
        case typed.ListOf(items=items):
            return [value(i.value, facts) for i in items if i.guard is None or value(i.guard, facts) is True]
        case typed.Call(name=name, operands=(listed,)):
            return called(name, value(listed, facts))
    raise Lists(type(node).__name__)


def compared(operator: str, one: Any, two: Any) -> bool | None:
    if operator in ("=", "!="):
        return (one == two) is (operator == "=")
    if one is None or two is None:
        return None
    return bool(one > two) if operator == ">" else bool(one < two)


def called(name: str, items: list[Any]) -> Any:
    if name == "count":
        return len(items)
    if not items or None in items:
        return None
    return sum(items) if name == "sum" else min(items) if name == "min" else max(items)


class Table:
    """A generated table: its rows' matches are facts, its outputs constants, facts, or null."""

    def __init__(self, seed: int, hit: str, aggregation: str | None) -> None:
        draw = Random(seed)
        self.size, self.width = draw.randint(0, 4), 1 if aggregation else draw.randint(1, 2)
        kinds = [NUMBER if aggregation else draw.choice([LETTERS, NUMBER]) for _ in range(self.width)]
        if hit in ("priority", "output order"):
            kinds[0] = LETTERS
        self.default = draw.choice([None, None, tuple(self._constant(draw, kind) for kind in kinds)])
        if self.default is not None and draw.random() < 0.3:
            self.default = (Const(types.Null(), None),)
        self.rows = [tuple(self._output(draw, kind, i) for kind in kinds) for i in range(self.size)]
        members = draw.choice([("a", "b", "c"), ("c", "a"), ("b", "c", "a")])
        ranked = hit in ("priority", "output order")
        ranks = tuple(Ranking(k, members) for k, kind in enumerate(kinds) if kind == LETTERS and ranked)
        names = tuple(f"o{k}" for k in range(self.width))
        self.choice = Choice(hit, aggregation, names, ranks, self.default is not None)
        self.matches = [Load(BOOLEAN, Fact("m", f"m{i}")) for i in range(self.size)]

    def _constant(self, draw: Random, kind: types.Type) -> Const:
        return Const(kind, draw.choice(["a", "b", "c"] if kind == LETTERS else [1, 2, 3]))

    def _output(self, draw: Random, kind: types.Type, row: int) -> Node:
        if draw.random() < 0.25:
            return Load(kind, Fact("o", f"{kind}{draw.randint(0, 1)}"))
        return Const(kind, None) if draw.random() < 0.1 else self._constant(draw, kind)

    def states(self, draw: Random) -> list[dict[Any, Any]]:
        """Every set of matches, unknown ones too, with some values of the facts."""
        given = {Fact("o", f"{kind}{n}"): draw.choice(of) for kind, of in _VALUES for n in (0, 1)}
        return [
            given | {load.reference: held for load, held in zip(self.matches, holds, strict=True)}
            for holds in product((True, False, None), repeat=self.size)
        ]

    def run(self, facts: dict[Any, Any]) -> tuple[Any, list[bool], bool]:
        """Values by output, which rows fired, and whether the table conflicts."""
        matched = [i for i, load in enumerate(self.matches) if facts[load.reference] is True]
        hit = chooser(self.choice)(matched, lambda row: self._answer(row, facts))
        fired = [i in hit.rows for i in range(self.size)]
        return self._columns(hit.value), fired, hit.conflict

    def _answer(self, row: int, facts: dict[Any, Any]) -> Any:
        outputs = (self.default or ()) if row == -1 else self.rows[row]
        found = [value(node, facts) for node in outputs]
        return found[0] if len(found) == 1 else dict(zip(self.choice.outputs, found, strict=True))

    def _columns(self, found: Any) -> list[Any]:
        """The value with its outputs side by side."""
        if isinstance(found, list):
            return [[self._column(item, k) for item in found] for k in range(self.width)]
        return [self._column(found, k) for k in range(self.width)]

    def _column(self, found: Any, k: int) -> Any:
        return found[self.choice.outputs[k]] if isinstance(found, dict) else found


_VALUES = ((LETTERS, ["a", "b", "c", "z"]), (NUMBER, [0, 4, None]))


def differing(table: Table, written: Lowered, facts: dict[Any, Any]) -> bool:
    found = [value(node, facts) for node in written.values]
    fired = [value(node, facts) is True for node in written.fired]
    return (found, fired, value(written.conflict, facts) is True) != table.run(facts)


@pytest.mark.parametrize(("hit", "aggregation"), HITS)
def test_lowered_and_run_agree(hit: str, aggregation: str | None) -> None:
    compared_states = 0
    for seed in range(150):
        table = Table(seed, hit, aggregation)
        written = lowered(table.choice, table.matches, table.rows, table.default)
        for facts in table.states(Random(seed)):
            assert not differing(table, written, facts), (seed, facts)
            compared_states += 1
    assert compared_states > 2000


def test_a_fault_in_the_lowering_is_seen() -> None:
    """The comparison is no formality: PRIORITY lowered as FIRST differs."""
    tables = [Table(seed, "priority", None) for seed in range(50)]
    assert any(differing(one, as_first(one), facts) for one in tables for facts in one.states(Random(1)))


def as_first(table: Table) -> Lowered:
    wrong = replace(table.choice, hit="first", ranks=())
    return lowered(wrong, table.matches, table.rows, table.default)
