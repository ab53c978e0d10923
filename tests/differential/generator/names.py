"""Names in reach of an expression."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tests.differential.generator.kinds import Kind, Known, Value


class Names:
    """Names in reach, and the draws."""

    def __init__(self, rng: Random, names: Sequence[Known]) -> None:
        self.rng, self.names = rng, list(names)

    def chance(self, percent: int) -> bool:
        return self.rng.randrange(100) < percent

    def among(self, kind: str, fits: Callable[[Kind], bool] = lambda _kind: True) -> list[Known]:
        return [n for n in self.names if n.kind.name == kind and fits(n.kind)]

    def one(self, kind: str, fits: Callable[[Kind], bool] = lambda _kind: True) -> Known | None:
        found = self.among(kind, fits)
        return self.rng.choice(found) if found else None

    def value(self, name: str, depth: int) -> Value:
        return {
            "number": self.number,
            "boolean": self.boolean,
            "date": self.date,
            "duration": self.duration,
            "months": self.months,
            "text": self.text,
            "enum": self.enum,
        }[name](depth)
