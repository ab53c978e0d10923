"""States whose values lie at, just below and just above the constants of a bundle's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from math import ceil, floor
from random import Random
from typing import Any

from policy_service.engines.plan import Plan
from policy_service.facts import FIRST_DAY, LAST_DAY, Fact, Section
from policy_service.language import references, typed, types
from policy_service.language.values import days_text, exact
from policy_service.policies.model import Period, Rules
from policy_service.policies.stretches import epochs

TEXTS = ("", "a", "ab", "A", "开播", 'say "a"', "back\\slash", "a|b", "😀", "a\nb", "zz")

MONTH_ENDS = tuple(date.fromisoformat(day) for day in ("2023-01-31", "2023-02-28", "2024-02-29", "2022-12-31"))
EXTREMES = 15
"""Of a hundred values so many lie at an end of what may be posted."""


class Poster:
    """Writes states for a few epochs of a bundle: to look at all of them would cost more than it shows.

    Args:
        plan: the plan of the day's epoch.
        most: epochs to look at.
    """

    def __init__(self, rules: Rules, plan: Callable[[date], Plan], rng: Random, most: int = 5) -> None:
        self.dictionary = rules.dictionary
        self.near: dict[str, set[Any]] = {fact.name: set() for fact in rules.dictionary}
        self.lengths: set[int] = {0, 1}
        self.extremes = EXTREMES
        known = list(epochs(rules))
        inner = known[1:-1] or known  # before the first rule and behind the last there is less to see
        self.epochs = rng.sample(inner, min(len(inner), most))
        if rng.randrange(4) == 0:
            self.epochs.append(rng.choice((known[0], known[-1])))
        for epoch in self.epochs:
            for formula in plan(epoch.start).formulas:
                self._collect(formula.typed)

    def _collect(self, node: typed.Node) -> None:
        """Constants that a comparison sets beside facts."""
        if isinstance(node, typed.Compare):
            inner = list(_below(node))
            loads = [n for n in inner if isinstance(n, typed.Load)]
            facts = [(n.reference.name, n.type) for n in loads if isinstance(n.reference, references.Fact)]
            for constant in (n for n in inner if isinstance(n, typed.Const) and n.value is not None):
                if isinstance(constant.type, types.Duration):
                    self.lengths.add(constant.value)
                for name, kind in facts:
                    self._note(name, kind, constant)
            return
        for child in typed.operands(node):
            self._collect(child)

    def _note(self, name: str, kind: types.Type, constant: typed.Const) -> None:
        match kind, constant.type:
            case types.Number(scale=scale), types.Number(scale=other):
                value = Decimal(constant.value).scaleb(scale - other)
                self.near[name] |= {floor(value), ceil(value)}
            case (types.Date(), types.Date()) | (types.Duration(), types.Duration()):
                self.near[name].add(constant.value)
            case (types.Text(), types.Text()):
                self.near[name].add(constant.value)

    def as_of(self, rng: Random) -> date:
        """A day: the first or last of an epoch, or one inside."""
        epoch: Period = rng.choice(self.epochs)
        first, last = max(epoch.start, FIRST_DAY + timedelta(days=1)), min(epoch.last, LAST_DAY)
        inside = timedelta(days=rng.randrange(1 + min((last - first).days, 400)))
        return rng.choice((first, last, first + inside))

    def extreme(self, rng: Random, as_of: date) -> dict[str, Any]:
        """Posted facts most of which are the least or the greatest that may be posted."""
        self.extremes, found = 80, None
        try:
            found = self.state(rng, as_of)
        finally:
            self.extremes = EXTREMES
        return found

    def state(self, rng: Random, as_of: date) -> dict[str, Any]:
        """Posted facts; sections, facts and elements may be missing."""
        lack = rng.choice((0, 2, 10, 40))
        out: dict[str, Any] = {}
        for section in self.dictionary.sections.values():
            if rng.randrange(100) < (3 if lack < 10 else 15):
                continue
            if section.element is None:
                out[section.name] = self._facts(section, rng, as_of, lack, f"{section.name[0]}-1")
            else:
                count = rng.choice((0, 1, 1, 2, 3))
                out[section.name] = [self._facts(section, rng, as_of, lack, f"e-{n}") for n in range(count)]
        return out

    def _facts(self, section: Section, rng: Random, as_of: date, lack: int, id_: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, fact in section.facts.items():
            if fact.is_id and key == "id":
                out[key] = id_
            elif rng.randrange(100) >= lack:
                out[key] = self._value(fact, rng, as_of)
            elif rng.randrange(2):
                out[key] = None
        return out

    def _value(self, fact: Fact, rng: Random, as_of: date) -> Any:
        kind, near = fact.type, sorted(self.near[fact.name])
        match kind:
            case types.Number(scale=scale, low=low, high=high):
                return exact(min(max(self._number(kind, near, rng), low), high), scale)
            case types.Boolean():
                return rng.randrange(2) == 1
            case types.Date(low=low, high=high):
                latest = high if fact.may_be_future else as_of.toordinal()
                value = self._day(low, latest, near, rng, as_of)
                return date.fromordinal(min(max(value, low), latest)).isoformat()
            case types.Duration(low=low, high=high):
                value = rng.choice([*near, *sorted(self.lengths)]) + rng.choice((0, 0, 1, -1))
                value = rng.choice((low, high, 0)) if rng.randrange(100) < self.extremes else value
                return days_text(min(max(value, low), high))
            case types.Enum() as kind:
                return rng.choice(kind.at(as_of))
        if fact.is_id:
            return "id-1"
        return rng.choice([*near, *TEXTS])[: fact.max_length]

    def _number(self, kind: types.Number, near: list[int], rng: Random) -> int:
        """A constant that the rules compare the fact with, one beside it, or an end of the fact's range."""
        low, high, one = kind.low, kind.high, 10**kind.scale
        if rng.randrange(100) < self.extremes:
            return rng.choice((low, high, low, high, low + 1, high - 1, 0))
        if near and rng.randrange(100) < 85:
            return rng.choice(near) + rng.choice((0, 0, -1, 1))
        return rng.choice((0, one, rng.randint(low, high), rng.randint(low, min(high, low + 20 * one))))

    def _day(self, low: int, latest: int, near: list[int], rng: Random, as_of: date) -> int:
        """A day of the rules, one that lies one of their lengths off, the last of a month, an end of the calendar."""
        turn = rng.randrange(100)
        if turn < self.extremes // 2:
            return rng.choice((low, latest))
        if turn < self.extremes:
            return rng.choice(MONTH_ENDS).toordinal() + rng.choice((0, 0, 1))
        if near and turn % 2:
            return rng.choice(near) + rng.choice((0, -1, 1))
        return as_of.toordinal() + rng.choice((1, -1)) * rng.choice(sorted(self.lengths)) + rng.choice((0, -1, 1))


def _below(node: typed.Node) -> Iterator[typed.Node]:
    yield node
    for child in typed.operands(node):
        yield from _below(child)
