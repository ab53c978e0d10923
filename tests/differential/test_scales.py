"""Records and lists with numbers of different decimals, chosen, listed and added up: equal to exact fractions.

What is expected is computed here on fractions beside each text that is written, by nothing of the service.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from random import Random
from textwrap import dedent
from typing import Any

import pytest

from policy_service.policies.bundle import Bundle

OLD, NEW = date(2023, 3, 31), date(2023, 4, 1)
FIELDS = ("a", "b", "c")
HEAD = """
    policy: a.source
    title: {{zh: 来源, en: Source}}
    subject: merchant
    effective: {{from: {start}{end}, basis: assumed}}
    basis: assumed
    optional: ["*"]
    decisions:
"""


@dataclass(frozen=True)
class State:
    """What is posted, and the day judged."""

    open: bool | None
    visits: int | None
    day: date

    @property
    def facts(self) -> dict[str, Any]:
        posted = {"open": self.open, "visits": self.visits}
        return {"merchant": {"id": "m-1"} | {k: v for k, v in posted.items() if v is not None}}


@dataclass(frozen=True)
class Written:
    """The text of an expression and what it comes to."""

    text: str
    value: Callable[[State], Any]


@dataclass(frozen=True)
class Record:
    """A table of one row: from how many visits it answers, and the numbers it answers with."""

    least: int
    fields: dict[str, tuple[int, int]]
    """Integer and scale."""

    @classmethod
    def random(cls, rng: Random) -> Record:
        scales = {name: rng.randint(0, 3) for name in rng.sample(FIELDS, len(FIELDS))}
        return cls(rng.randint(0, 2), {n: (rng.randint(-(10 ** (s + 2)), 10 ** (s + 2)), s) for n, s in scales.items()})

    def table(self, name: str) -> str:
        outputs = " | ".join(f"=> {n}: decimal({scale})" for n, (_, scale) in self.fields.items())
        cells = " | ".join(f"{Decimal(number).scaleb(-scale):f}" for number, scale in self.fields.values())
        return (
            f"  {name}:\n    hit: unique\n    default: null\n    table: |\n"
            f"      | row | merchant.visits | {outputs} |\n      | one | >= {self.least} | {cells} |\n"
        )

    def value(self, state: State) -> dict[str, Fraction] | None:
        if state.visits is None or state.visits < self.least:
            return None
        return {n: Fraction(number, 10**scale) for n, (number, scale) in self.fields.items()}


class Writer:
    """Expressions of each kind, over records known by a text."""

    def __init__(self, rng: Random, records: dict[str, Callable[[State], Any]]) -> None:
        self.rng, self.records = rng, records

    def chosen(self, one: Written, two: Written) -> Written:
        return Written(
            f"(if merchant.open then {one.text} else {two.text})",
            lambda state: one.value(state) if state.open is True else two.value(state),
        )

    def listed(self, make: Callable[[int], Written], depth: int) -> Written:
        items = [make(depth - 1) for _ in range(self.rng.randint(1, 3))]
        return Written(f"[{', '.join(i.text for i in items)}]", lambda state: [i.value(state) for i in items])

    def either(self, make: Callable[[int], Written], depth: int) -> Written:
        return self.chosen(make(depth - 1), make(depth - 1))

    def record(self, depth: int) -> Written:
        if depth > 0 and self.rng.random() < 0.6:
            return self.either(self.record, depth)
        text = self.rng.choice(sorted(self.records))
        return Written(text, self.records[text])

    def record_list(self, depth: int) -> Written:
        if depth > 0 and self.rng.random() < 0.4:
            return self.either(self.record_list, depth)
        return self.listed(self.record, depth)

    def number(self, depth: int) -> Written:
        form = self.rng.randrange(4) if depth > 0 else 0
        if form == 1:
            return self.either(self.number, depth)
        if form == 2:
            name = self.rng.choice(("sum", "min", "max"))
            items = self.number_list(depth - 1)
            return Written(f"{name}({items.text})", lambda state: aggregate(name, items.value(state)))
        record, field = self.record(depth), self.rng.choice(FIELDS)
        return Written(f"{record.text}.{field}", lambda state: part(record.value(state), field))

    def number_list(self, depth: int) -> Written:
        form = self.rng.randrange(3) if depth > 0 else 0
        if form == 1:
            return self.either(self.number_list, depth)
        if form == 2:
            return self.listed(self.number, depth)
        records, field = self.record_list(depth), self.rng.choice(FIELDS)
        return Written(f"{records.text}.{field}", lambda state: [part(r, field) for r in records.value(state)])

    def list_list(self, depth: int) -> Written:
        return self.listed(self.number_list, depth)


def part(record: dict[str, Fraction] | None, field: str) -> Fraction | None:
    return None if record is None else record[field]


def aggregate(name: str, items: list[Fraction | None]) -> Fraction | None:
    known = [i for i in items if i is not None]
    if not items or len(known) < len(items):
        return None
    return sum(known, Fraction(0)) if name == "sum" else min(known) if name == "min" else max(known)


def exact(value: Any) -> Any:
    """An answer's value with its numbers as fractions."""
    if isinstance(value, dict):
        return {name: exact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return value if value is None else Fraction(value)


@pytest.mark.parametrize("seed", range(24))
def test_records_and_lists_keep_their_numbers(
    seed: int, loaded: Callable[..., Bundle], judge_of: Callable[[Bundle], Any]
) -> None:
    rng = Random(seed)
    own = {f"r{i}": Record.random(rng) for i in range(3)}
    old, new = Record.random(rng), Record.random(rng)
    records: dict[str, Callable[[State], Any]] = {name: record.value for name, record in own.items()}
    records["decision(a.source.one)"] = lambda state: (old if state.day < NEW else new).value(state)
    writer = Writer(rng, records)
    makers = (writer.record, writer.record_list, writer.number, writer.number_list, writer.list_list)
    found = {f"d{i}": makers[i % len(makers)](3) for i in range(15)}
    body = "decisions:\n" + "".join(record.table(name) for name, record in own.items())
    body += "".join(f"  {name}: {{expression: '{one.text}'}}\n" for name, one in found.items())
    sources = {
        "a/source.yaml": dedent(HEAD).format(start="2023-01-01", end=f", to: {NEW}") + old.table("one"),
        f"a/source@{NEW}.yaml": dedent(HEAD).format(start=NEW, end="") + new.table("one"),
    }
    judge = judge_of(loaded({"a.p": body}, sources))
    for state in (State(o, v, d) for o in (True, False, None) for v in (None, 0, 1, 2) for d in (OLD, NEW)):
        answer = judge.compare(state.facts, state.day)
        decided = next(p["decisions"] for p in answer["policies"] if p["policy"] == "a.p")
        for name, one in found.items():
            assert exact(decided[name]) == one.value(state), (one.text, state)
