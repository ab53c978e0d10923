"""Overlaps and shadowed rows of generated tables, as found by trying every input; nothing of the check is used.

Each generated cell comes as text and as the set of inputs on which it is true, worked out here by Kleene's logic.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product
from random import Random

import pytest

from policy_service.policies.loader import load

FACTS = """basis: assumed
sections:
  merchant:
    label: {zh: 商家, en: Merchant}
    facts:
      id: {type: id, label: {zh: 编号, en: Id}}
      small: {type: integer, range: [-2, 4], label: {zh: 小, en: Small}}
      rate: {type: decimal(1), range: [0, 1], label: {zh: 率, en: Rate}}
      open: {type: boolean, label: {zh: 开, en: Open}}
      kind:
        type: enum
        values: {a: {zh: 甲, en: A}, b: {zh: 乙, en: B}, c: {zh: 丙, en: C}}
        label: {zh: 类, en: Kind}
      word: {type: text, max_length: 2, label: {zh: 词, en: Word}}
"""
POLICY = """policy: live.bonus
title: {zh: 奖励, en: Bonus}
subject: merchant
effective: {from: 2023-01-01, to: 2024-01-01}
basis: assumed
optional: ["*"]
parameters:
  low: {type: integer, values: [{from: 2022-01-01, value: L0}, {from: 2023-03-01, value: L1}]}
  high: {type: integer, values: [{from: 2023-01-01, value: H0}, {from: 2023-06-01, value: H1}]}
decisions:
  less: {expression: merchant.small - 1}
"""
DAYS = (date(2023, 1, 1), date(2023, 3, 1), date(2023, 6, 1))
Value = int | bool | str | None
Truth = Callable[[Value], bool | None]


@dataclass(frozen=True)
class Input:
    """A header, the values of its fact that are tried, and the value of the header for each."""

    header: str
    values: tuple[Value, ...]
    of: Callable[[Value], Value]
    literals: tuple[tuple[str, Value], ...]
    ordered: bool


def numbers(header: str, of: Callable[[int], int]) -> Input:
    values = (None, *range(-2, 5))
    literals = tuple((str(n), n) for n in range(-6, 14))
    return Input(header, values, lambda v: None if v is None else of(v), literals, True)  # type: ignore[arg-type]


def alike(value: Value) -> Value:
    return value


SMALL = [
    numbers("merchant.small", lambda n: n),
    numbers("merchant.small - 1", lambda n: n - 1),
    numbers("5 - merchant.small", lambda n: 5 - n),
    numbers("merchant.small * 3", lambda n: n * 3),
    numbers("less", lambda n: n - 1),
    numbers("less * -2", lambda n: (n - 1) * -2),
]
RATE = [
    Input("merchant.rate", (None, *range(11)), alike, tuple((f"{n / 10:.1f}", n) for n in range(-1, 13)), True),
    Input(
        "merchant.rate * 2 + 0.1",
        (None, *range(11)),
        lambda v: None if v is None else v * 2 + 1,  # type: ignore[operator]
        tuple((f"{n / 10:.1f}", n) for n in range(-1, 24)),
        True,
    ),
]
OPEN = [
    Input("merchant.open", (None, True, False), alike, (("true", True), ("false", False)), False),
    Input(
        "not(merchant.open)",
        (None, True, False),
        lambda v: None if v is None else not v,
        (("true", True), ("false", False)),
        False,
    ),
]
KIND = [Input("merchant.kind", (None, "a", "b", "c"), alike, tuple((f'"{m}"', m) for m in "abc"), False)]
WORD = [Input("merchant.word", (None, "a", "b", "?"), alike, (('"a"', "a"), ('"b"', "b"), ('"long"', "long")), False)]
FAMILIES = (SMALL, RATE, OPEN, KIND, WORD)


def conjunction(parts: list[bool | None]) -> bool | None:
    return False if False in parts else None if None in parts else True


def disjunction(parts: list[bool | None]) -> bool | None:
    return True if True in parts else None if None in parts else False


def negation(value: bool | None) -> bool | None:
    return None if value is None else not value


ORDERS: Mapping[str, Callable[[int, int], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def ordering(sign: str, end: int) -> Truth:
    return lambda value: None if value is None else ORDERS[sign](value, end)  # type: ignore[arg-type]


def both(one: Truth, two: Truth) -> Truth:
    return lambda value: conjunction([one(value), two(value)])


class Maker:
    """Cells of one generated table, for each day what they mean on it."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.low, self.high = [(rng.randint(-3, 3), rng.randint(-3, 5)) for _ in range(2)]

    def on(self, day: int) -> dict[str, int]:
        return {"low": self.low[day > 0], "high": self.high[day > 1]}

    def end(self, one: Input, day_of: list[int]) -> tuple[str, list[Value]]:
        """An end point, with its value on each day."""
        if one in SMALL and self.rng.random() < 0.25:
            name = self.rng.choice(["low", "high"])
            return name, [self.on(day)[name] for day in day_of]
        text, value = self.rng.choice(one.literals)
        return text, [value] * len(day_of)

    def test(self, one: Input) -> tuple[str, list[Truth]]:
        days = list(range(len(DAYS)))
        text, ends = self.end(one, days)
        choice = self.rng.random()
        if one.ordered and choice < 0.3:
            sign = self.rng.choice(list(ORDERS))
            return f"{sign} {text}", [ordering(sign, end) for end in ends]  # type: ignore[arg-type]
        if one.ordered and choice < 0.6:
            other, others = self.end(one, days)
            first, last = self.rng.choice("[("), self.rng.choice("])")
            low, high = ">=" if first == "[" else ">", "<=" if last == "]" else "<"
            return f"{first}{text}..{other}{last}", [
                both(ordering(low, a), ordering(high, b))  # type: ignore[arg-type]
                for a, b in zip(ends, others, strict=True)
            ]
        if choice < 0.68:
            return "null", [lambda value: value is None] * len(days)
        if choice < 0.78:
            return f"!= {text}", [lambda value, end=end: value != end for end in ends]  # type: ignore[misc]
        return text, [lambda value, end=end: value == end for end in ends]  # type: ignore[misc]

    def cell(self, one: Input) -> tuple[str, list[Truth]]:
        if self.rng.random() < 0.2:
            return "-", [lambda _: True] * len(DAYS)
        parts = [self.test(one) for _ in range(self.rng.choice([1, 1, 1, 2, 3]))]
        text = ", ".join(p for p, _ in parts)
        tests = [
            lambda value, day=day: disjunction([truths[day](value) for _, truths in parts])  # type: ignore[misc]
            for day in range(len(DAYS))
        ]
        if self.rng.random() < 0.2:
            return f"not({text})", [lambda value, test=test: negation(test(value)) for test in tests]  # type: ignore[misc]
        return text, tests


def table(rng: Random, hit: str) -> tuple[list[Input], list[list[tuple[str, list[Truth]]]], str]:
    """Headers, rows of cells, and the text of the policy."""
    inputs = [rng.choice(family) for family in rng.sample(FAMILIES, rng.choice([1, 2, 2, 3]))]
    maker = Maker(rng)
    rows = [[maker.cell(one) for one in inputs] for _ in range(rng.randint(2, 7))]
    lines = ["| row | " + " | ".join(one.header for one in inputs) + " | => out: integer |"]
    lines += [f"| r{n} | " + " | ".join(text for text, _ in row) + f" | {n} |" for n, row in enumerate(rows)]
    text = POLICY
    for name, values in (("L", maker.low), ("H", maker.high)):
        text = text.replace(f"{name}0", str(values[0])).replace(f"{name}1", str(values[1]))
    text += f"  out:\n    hit: {hit}\n    default: null\n    table: |\n" + "".join(f"      {line}\n" for line in lines)
    return inputs, rows, text


def told(text: str) -> list[tuple[str, str]]:
    files = {"facts.yaml": FACTS, "bundle.yaml": 'time_zone: UTC\nday_starts: "00:00"\n', "live/bonus.yaml": text}
    _, diagnostics = load(files)
    wrong = [d for d in diagnostics if d.code.code not in ("T203", "T204", "L208", "P118")]
    assert wrong == [], text
    return [(d.code.code, d.message) for d in diagnostics if d.code.code in ("T203", "T204")]


def taken(one: Input, cell: tuple[str, list[Truth]], day: int) -> set[Value]:
    """The values of the fact on which the cell holds."""
    return {value for value in one.values if cell[1][day](one.of(value)) is True}


@pytest.mark.parametrize("seed", range(150))
def test_rows_overlap_exactly_where_some_input_matches_both(seed: int) -> None:
    inputs, rows, text = table(Random(seed), "unique")
    expected = set()
    for day in range(len(DAYS)):
        for values in product(*(one.values for one in inputs)):
            matched = [
                n
                for n, row in enumerate(rows)
                if all(cell[1][day](one.of(v)) is True for one, cell, v in zip(inputs, row, values, strict=True))
            ]
            expected |= set(combinations(matched, 2))
    found = [
        re.match(r"rows `r(\d+)` and `r(\d+)` both match", message) for code, message in told(text) if code == "T203"
    ]
    assert {(int(m[1]), int(m[2])) for m in found if m} == expected, text
    assert len(found) == len(expected)


@pytest.mark.parametrize("seed", range(150))
def test_a_row_is_shadowed_exactly_where_one_earlier_row_takes_each_of_its_sides(seed: int) -> None:
    inputs, rows, text = table(Random(1000 + seed), "first")
    found = told(text)
    never = {int(m[1]) for _, message in found if (m := re.search(r"row `r(\d+)` never answers", message))}
    shadowed = {}
    for n, row in enumerate(rows):
        for earlier, other in enumerate(rows[:n]):
            if not {n, earlier} & never and all(
                admitted(one, cell, day) <= admitted(one, by, day)
                for day in range(len(DAYS))
                for one, cell, by in zip(inputs, row, other, strict=True)
            ):
                shadowed[n] = earlier
                break
    messages = [re.match(r"row `r(\d+)` is shadowed by row `r(\d+)`", message) for _, message in found]
    assert {int(m[1]): int(m[2]) for m in messages if m} == shadowed, text
    expected = {
        n
        for n, row in enumerate(rows)
        for one, cell in zip(inputs, row, strict=True)
        if not any(admitted(one, cell, day) for day in range(len(DAYS)))
    }
    assert never == expected, text


def admitted(one: Input, cell: tuple[str, list[Truth]], day: int) -> set[Value]:
    """The values between the header's bounds on which the cell holds, whether or not the fact reaches them."""
    reached = [one.of(value) for value in one.values]
    whole = [value for value in reached if type(value) is int]
    values = [*reached, *range(min(whole), max(whole) + 1)] if whole else [*reached, *(["long"] if one in WORD else [])]
    return {value for value in values if cell[1][day](value) is True}
