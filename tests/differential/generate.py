"""Random rule folders, most of which load.

All draws come from one `random.Random`: a seed gives the same folder everywhere, and under hypothesis,
whose `randoms()` hands out such an object, a failing folder shrinks. A folder is kept as data and written out as
YAML at the end, so that a case that fails can be cut down piece by piece.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

from policy_service.language.values import days_text

LIMIT = 10**15 - 1
INSIDE = 10**27
UNITS = ("hour", "yuan", "order")
TEXTS = ("", "a", "ab", "b a", "a|b", "开播", 'say "a"', "back\\slash", "Ab", "😀", "a\nb")
ENUMS = (("S", "A", "B", "C", "D"), ("low", "mid", "high"), ("D", "C", "B", "A"), ("new", "old"))
DAYS = (
    "2022-12-31",
    "2023-01-01",
    "2023-03-01",
    "2023-03-30",
    "2023-03-31",
    "2023-04-15",
    "2023-04-16",
    "2023-07-01",
    "2023-12-31",
    "2024-01-01",
    "2024-02-29",
)
CAMPAIGNS = {"spring": ("2023-03-30", "2023-04-16"), "summer": ("2023-07-01", "2024-02-29")}
MIDDLES = ("2023-03-31", "2023-04-16")
WORDS = ("alpha", "beta", "gamma", "delta", "kappa", "omega", "sigma", "theta", "zeta")
HITS = (
    "unique",
    "any",
    "first",
    "priority",
    "rule order",
    "output order",
    "collect",
    "collect sum",
    "collect min",
    "collect max",
    "collect count",
)
ROUNDINGS = ("round up", "round down", "round half up", "round half down", "round half even", "floor", "ceiling")
ADDITIVE = ("traffic_coupon", "traffic_hours", "cash", "rebate", "coupon")


@dataclass(frozen=True)
class Size:
    """How much a folder holds."""

    policies: int = 5
    decisions: int = 5
    rows: int = 5
    depth: int = 3


LARGE = Size(policies=6, decisions=7, rows=25, depth=4)


# ---- what the generator knows of a value -------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A type with its bounds: enough to keep what is written inside the profile.

    low, high: scaled integers of a number, day ordinals of a date.
    fields: outputs of a record, or columns of a relation.
    """

    name: str
    scale: int = 0
    low: int = 0
    high: int = 0
    unit: str | None = None
    members: tuple[str, ...] = ()
    most: int = 0
    element: Kind | None = None
    fields: tuple[tuple[str, Kind], ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """A name in reach, and values around which something happens: scaled integers, or texts of expressions."""

    text: str
    kind: Kind
    edges: tuple[Any, ...] = ()


Value = tuple[str, Kind]
_NUMBER_OUTPUT = re.compile(r"(=> \w+: )(?:integer|decimal\((\d)\))")
_MOVING = re.compile(r"\.[a-f]\d|\b(exp|tab)\d|\.p\d")
"""In the text of an expression: a fact or decision, so that nobody knows its value beforehand."""
BOOLEAN, TEXT = Kind("boolean"), Kind("text")
ANY_UNIT: frozenset[str | None] = frozenset((None, "day", *UNITS))


def ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def number_text(value: int, scale: int) -> str:
    """A scaled integer as a literal, shortest."""
    text = f"{Decimal(value).scaleb(-scale):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quoted(text: str) -> str:
    """A text as FEEL writes it."""
    return json.dumps(text, ensure_ascii=False)


def day_text(day: int) -> str:
    return f'date("{date.fromordinal(day).isoformat()}")'


def length_text(days: int) -> str:
    return f'duration("{days_text(days)}")'


def is_open(kind: Kind) -> bool:
    """Whether a value of the kind can be one thing or another."""
    return kind.name not in ("number", "date", "duration", "months") or kind.low < kind.high


def bare(text: str) -> str:
    """The text without parentheses around all of it."""
    depth, in_string = 0, False
    for at, char in enumerate(text):
        if char == '"' and text[at - 1] != "\\":
            in_string = not in_string
        elif not in_string:
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return text[1:-1] if at == len(text) - 1 and text[0] == "(" else text
    return text


def times(one: tuple[int, int], two: tuple[int, int]) -> tuple[int, int]:
    corners = [a * b for a in one for b in two]
    return min(corners), max(corners)


def grown(kind: Kind, decimals: int) -> Kind:
    """A number with more decimals."""
    ten = 10**decimals
    return replace(kind, scale=kind.scale + decimals, low=kind.low * ten, high=kind.high * ten)


@dataclass(frozen=True)
class Ratio:
    """Bounds of a quotient of two integers, inside a rounding."""

    text: str
    above: tuple[int, int]
    below: tuple[int, int]
    unit: str | None


# ---- expressions ------------------------------------------------------------------------------------------------


class Speaker:
    """Writes expressions over the names in reach."""

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

    # -- numbers

    def number(self, depth: int, units: frozenset[str | None] = ANY_UNIT) -> Value:
        if depth <= 0 or self.chance(25):
            return self.number_atom(units)
        write = self.rng.choice(
            (
                self.sum_of_two,
                self.sum_of_two,
                self.product,
                self.rounding,
                self.rounding,
                self.rounding,
                self.absolute,
                self.modulo,
                self.extreme,
                self.choice_of_numbers,
                self.steps,
                self.part,
                self.aggregate,
                self.aggregate,
                self.negative,
            )
        )
        text, kind = write(depth - 1, units)
        fits = max(abs(kind.low), abs(kind.high)) <= LIMIT and kind.scale <= 6 and kind.unit in units | {None}
        return (text, kind) if fits else self.number_atom(units)

    def number_atom(self, units: frozenset[str | None] = ANY_UNIT) -> Value:
        known = self.one("number", lambda k: k.unit in units)
        if known is None or self.chance(25):
            return self.literal(known)
        return known.text, known.kind

    def literal(self, near: Known | None = None) -> Value:
        if near is not None and near.edges and self.chance(60):
            value, scale = self.rng.choice(near.edges), near.kind.scale
        else:
            scale = self.rng.choice((0, 0, 0, 1, 2))
            value = self.rng.choice((0, 1, 2, 3, 5, 7, 10, 12, 25, 100, -1, -4))
        text = number_text(value, scale)
        scale = len(text.partition(".")[2])
        value = int(Decimal(text).scaleb(scale))
        return (f"({text})" if value < 0 else text), Kind("number", scale, value, value)

    def same_scale(self, one: Kind, two: Kind) -> tuple[int, tuple[int, int], tuple[int, int]]:
        scale = max(one.scale, two.scale)
        a, b = 10 ** (scale - one.scale), 10 ** (scale - two.scale)
        return scale, (one.low * a, one.high * a), (two.low * b, two.high * b)

    def partner(self, depth: int, units: frozenset[str | None], first: Kind) -> Value:
        """A number that adds to, and compares with, the first."""
        return self.number(depth, frozenset((None, first.unit)) if first.unit else units)

    def sum_of_two(self, depth: int, units: frozenset[str | None]) -> Value:
        a, one = self.number(depth, units)
        b, two = self.partner(depth, units, one)
        scale, (low, high), (start, end) = self.same_scale(one, two)
        if self.chance(50):
            return f"({a} + {b})", Kind("number", scale, low + start, high + end, one.unit or two.unit)
        return f"({a} - {b})", Kind("number", scale, low - end, high - start, one.unit or two.unit)

    def product(self, depth: int, units: frozenset[str | None]) -> Value:
        a, one = self.number(depth, units)
        b, two = self.number(depth - 1, frozenset((None,)))
        low, high = times((one.low, one.high), (two.low, two.high))
        return f"({a} * {b})", Kind("number", one.scale + two.scale, low, high, one.unit or two.unit)

    def negative(self, depth: int, units: frozenset[str | None]) -> Value:
        a, one = self.number(depth, units)
        return f"(-{a})", replace(one, low=-one.high, high=-one.low)

    def absolute(self, depth: int, units: frozenset[str | None]) -> Value:
        a, one = self.number(depth, units)
        least = 0 if one.low <= 0 <= one.high else min(abs(one.low), abs(one.high))
        return f"abs({bare(a)})", replace(one, low=least, high=max(abs(one.low), abs(one.high)))

    def modulo(self, depth: int, units: frozenset[str | None]) -> Value:
        a, one = self.number(depth, units)
        b, two = self.partner(depth, units, one)
        scale, _, (low, high) = self.same_scale(one, two)
        size = max(abs(low), abs(high))
        return f"modulo({bare(a)}, {bare(b)})", Kind("number", scale, -size, size, one.unit or two.unit)

    def joined(self, kinds: Sequence[Kind]) -> Kind:
        """The kind that holds values of all."""
        out = kinds[0]
        for kind in kinds[1:]:
            scale, one, two = self.same_scale(out, kind)
            out = Kind("number", scale, min(one[0], two[0]), max(one[1], two[1]), out.unit or kind.unit)
        return out

    def some_numbers(self, depth: int, units: frozenset[str | None], least: int = 1) -> tuple[list[str], Kind]:
        values = [self.number(depth, units)]
        for _ in range(self.rng.randint(max(0, least - 1), 2)):
            values.append(self.partner(depth, units, self.joined([k for _, k in values])))
        return [bare(t) for t, _ in values], self.joined([k for _, k in values])

    def extreme(self, depth: int, units: frozenset[str | None]) -> Value:
        texts, kind = self.some_numbers(depth, units, least=2)
        inner = ", ".join(texts)
        return f"{self.rng.choice(('min', 'max'))}({f'[{inner}]' if self.chance(40) else inner})", kind

    def choice_of_numbers(self, depth: int, units: frozenset[str | None]) -> Value:
        condition, _ = self.boolean(depth)
        a, one = self.number(depth, units)
        if self.chance(15):
            return f"(if {bare(condition)} then {bare(a)} else null)", one
        b, two = self.partner(depth, units, one)
        return f"(if {bare(condition)} then {bare(a)} else {bare(b)})", self.joined((one, two))

    def steps(self, depth: int, units: frozenset[str | None]) -> Value:
        known = self.one("number")
        x, kind = (known.text, known.kind) if known is not None else self.number(depth)
        edges = [e for e in (known.edges if known is not None else ()) if isinstance(e, int)]
        edges = sorted({*edges, *(v * 10**kind.scale for v in (0, 3, 10))})
        starts = sorted(self.rng.sample(edges, min(len(edges), self.rng.randint(1, 4))))
        values = [self.number(0, units) if self.chance(20) else self.literal() for _ in starts]
        units_of = {k.unit for _, k in values} - {None}
        if len(units_of) > 1:
            values = [self.literal() for _ in starts]
        written = ", ".join(number_text(s, kind.scale) for s in starts)
        chosen = ", ".join(bare(t) for t, _ in values)
        return f"steps({bare(x)}, [{written}], [{chosen}])", self.joined([k for _, k in values])

    def part(self, depth: int, units: frozenset[str | None]) -> Value:
        turn = self.rng.randrange(7)
        if turn == 0:
            text, _ = self.text(depth)
            return f"string length({bare(text)})", Kind("number", 0, 0, 1_000_000)
        if turn in (1, 5, 6):
            day, _ = self.date(depth)
            name, low, high = self.rng.choice((("year", 1, 9999), ("month", 1, 12), ("day", 1, 31), ("weekday", 1, 7)))
            return f"{day}.{name}", Kind("number", 0, low, high)
        if turn == 2:
            length, kind = self.duration(depth)
            return f"{length}.days", Kind("number", 0, kind.low, kind.high, "day")
        if turn == 3:
            length, kind = self.months(depth)
            size = max(abs(kind.low), abs(kind.high))
            if self.chance(50):
                return f"{length}.years", Kind("number", 0, -(size // 12), size // 12)
            return f"{length}.months", Kind("number", 0, -11, 11)
        record = self.one("record", lambda k: any(f.name == "number" and f.unit in units for _, f in k.fields))
        if record is None:
            return self.number_atom(units)
        name, kind = self.rng.choice([f for f in record.kind.fields if f[1].name == "number" and f[1].unit in units])
        return self.output_of(record, name), kind

    def output_of(self, record: Known, name: str) -> str:
        """One output; of another policy's decision inside or behind the parenthesis."""
        inside = record.text.startswith("decision(") and self.chance(50)
        return f"{record.text[:-1]}.{name})" if inside else f"{record.text}.{name}"

    def aggregate(self, depth: int, units: frozenset[str | None]) -> Value:
        """`sum`, `min`, `max` or `count` of a list."""
        if self.chance(25):
            return self.count(depth)
        text, element, most = self.numbers(depth, units)
        name = self.rng.choice(("sum", "min", "max"))
        if name == "sum":
            element = replace(element, low=min(0, element.low) * most, high=max(0, element.high) * most)
        return f"{name}({text})", element

    def count(self, depth: int) -> Value:
        found = self.one(self.rng.choice(("relation", "list")))
        if found is None:
            texts, _ = self.some_numbers(0, ANY_UNIT)
            return f"count([{', '.join(texts)}])", Kind("number", 0, 0, len(texts))
        text, most = found.text, found.kind.most
        if found.kind.name == "relation":
            text, most = self.rows(found, depth), len(found.kind.rows)
            if self.chance(40):
                text += f".{self.rng.choice([*(n for n, _ in found.kind.fields), 'row'])}"
        return f"count({text})", Kind("number", 0, 0, most)

    def numbers(self, depth: int, units: frozenset[str | None]) -> tuple[str, Kind, int]:
        """A list of numbers: its text, an element, and how many there may be."""

        def fits(kind: Kind) -> bool:
            return any(f.name == "number" and f.unit in units for _, f in kind.fields)

        relation = self.one("relation", fits)
        if relation is not None and self.chance(70):
            name, kind = self.rng.choice(
                [f for f in relation.kind.fields if f[1].name == "number" and f[1].unit in units]
            )
            return f"{self.rows(relation, depth)}.{name}", kind, len(relation.kind.rows)
        lists = self.among(
            "list",
            lambda k: (
                k.element is not None and ((k.element.name == "number" and k.element.unit in units) or fits(k.element))
            ),
        )
        if lists and self.chance(70):
            known = self.rng.choice(lists)
            element = known.kind.element
            assert element is not None
            if element.name == "number":
                return known.text, element, known.kind.most
            name, kind = self.rng.choice([f for f in element.fields if f[1].name == "number" and f[1].unit in units])
            return f"{known.text}.{name}", kind, known.kind.most
        texts, kind = self.some_numbers(depth, units)
        return f"[{', '.join(texts)}]", kind, len(texts)

    def rows(self, relation: Known, depth: int) -> str:
        """The relation, or a part of its rows."""
        text = relation.text
        while self.chance(45):
            row = [Known(n if self.chance(60) else f"this.{n}", k) for n, k in relation.kind.fields]
            row.append(Known("row", TEXT, relation.kind.rows))
            outer = [n for n in self.names if not n.text.startswith("this.")]
            inner = Speaker(self.rng, [*outer, *row, *row, *row])
            text += f"[{bare(inner.boolean(min(depth, 1))[0])}]"
        return text

    # -- quotients

    def rounding(self, depth: int, units: frozenset[str | None]) -> Value:
        name = self.rng.choice(ROUNDINGS)
        scale = self.rng.choice((0, 0, 1, 2, 2, 3, 6))
        inner = self.ratio(depth, units)
        above = (inner.above[0] * 10**scale, inner.above[1] * 10**scale)
        size = max(map(abs, above))
        least = 1 if inner.below[0] <= 0 <= inner.below[1] else min(map(abs, inner.below))
        most = -(-size // least)
        if size > INSIDE or max(map(abs, inner.below)) > INSIDE or most > LIMIT:
            return self.number_atom(units)
        low = 0 if inner.above[0] >= 0 and inner.below[0] >= 0 else -most
        last = f", {scale}" if scale or name not in ("floor", "ceiling") or self.chance(50) else ""
        return f"{name}({bare(inner.text)}{last})", Kind("number", scale, low, most, inner.unit)

    def plain_ratio(self, depth: int, units: frozenset[str | None]) -> Ratio:
        text, kind = self.number(depth, units)
        ten = 10**kind.scale
        return Ratio(text, (kind.low, kind.high), (ten, ten), kind.unit)

    def ratio(self, depth: int, units: frozenset[str | None]) -> Ratio:
        one = self.plain_ratio(depth, units)
        turn = self.rng.randrange(10)
        if turn == 0:
            return one
        if turn <= 2:
            text, element, most = self.numbers(depth, units)
            high = (min(0, element.low) * most, max(0, element.high) * most)
            return Ratio(f"mean({text})", high, times((10**element.scale,) * 2, (0, most)), element.unit)
        unitless = frozenset((None,))
        two = self.plain_ratio(depth - 1, frozenset((None, one.unit)))
        divided = Ratio(
            f"({one.text} / {two.text})",
            times(one.above, two.below),
            times(one.below, two.above),
            None if two.unit else one.unit,
        )
        if turn <= 5:
            return divided
        three = self.plain_ratio(0, frozenset((None, divided.unit)) if divided.unit else unitless)
        if turn <= 7:
            sign = self.rng.choice("+-")
            a, b = times(divided.above, three.below), times(three.above, divided.below)
            span = (a[0] + b[0], a[1] + b[1]) if sign == "+" else (a[0] - b[1], a[1] - b[0])
            return Ratio(
                f"({divided.text} {sign} {three.text})",
                span,
                times(divided.below, three.below),
                divided.unit or three.unit,
            )
        if turn == 8:
            if divided.unit and three.unit:
                return divided
            return Ratio(
                f"({divided.text} * {three.text})",
                times(divided.above, three.above),
                times(divided.below, three.below),
                divided.unit or three.unit,
            )
        condition, _ = self.boolean(depth - 1)
        a, b = divided.above, three.above
        c, d = divided.below, three.below
        return Ratio(
            f"(if {bare(condition)} then {bare(divided.text)} else {bare(three.text)})",
            (min(a[0], b[0]), max(a[1], b[1])),
            (min(c[0], d[0]), max(c[1], d[1])),
            divided.unit or three.unit,
        )

    # -- conditions

    def boolean(self, depth: int) -> Value:
        return self.condition(depth), BOOLEAN

    def condition(self, depth: int) -> str:
        if depth <= 0 or self.chance(15):
            known = self.one("boolean")
            if known is not None and self.chance(85):
                return known.text
            return self.comparison(0)
        turn = self.rng.randrange(20)
        if turn <= 5:
            return self.comparison(depth - 1)
        if turn <= 9:
            word = self.rng.choice((" and ", " or "))
            return f"({word.join(self.condition(depth - 1) for _ in range(self.rng.randint(2, 3)))})"
        if turn <= 11:
            return f"not({bare(self.condition(depth - 1))})"
        if turn == 12:
            return self.presence(depth - 1)
        if turn == 13:
            return self.between(depth - 1)
        if turn <= 15:
            return self.contained(depth - 1)
        if turn == 16:
            name = self.rng.choice(("contains", "starts with", "ends with"))
            return f"{name}({bare(self.text(depth - 1)[0])}, {bare(self.text(depth - 1)[0])})"
        if turn == 17:
            a, b, c = (bare(self.condition(depth - 1)) for _ in range(3))
            return f"(if {a} then {b} else {c})"
        return self.of_a_list(depth - 1)

    def presence(self, depth: int) -> str:
        text = self.value(self.rng.choice(("number", "boolean", "date", "text", "enum")), depth - 1)[0]
        return f"({text} {self.rng.choice(('=', '!='))} null)"

    def pair(self, depth: int) -> tuple[str, str, str]:
        """Two values that compare, and their kind."""
        name = self.rng.choice(
            ("number", "number", "number", "date", "date", "enum", "text", "boolean", "duration", "months")
        )
        if name == "enum":
            known = self.one("enum")
            if known is None:
                name = "text"
            else:
                other = self.one("enum", lambda k: k.members == known.kind.members)
                member = self.rng.choice(known.kind.members)
                right = (
                    other.text if other is not None and self.chance(20) else self.rng.choice((member, quoted(member)))
                )
                return known.text, right, name
        a, one = self.value(name, depth)
        b = self.partner(depth, ANY_UNIT, one)[0] if name == "number" else self.value(name, depth)[0]
        if name == "number" and self.chance(50) and (near := self.one("number", lambda k: k.unit in {None, one.unit})):
            b = self.literal(near)[0]
        return a, b, name

    def comparison(self, depth: int) -> str:
        a, b, name = self.pair(depth)
        ordered = name in ("number", "date", "duration", "months")
        operator = self.rng.choice(("=", "!=", "<", "<=", ">", ">=") if ordered else ("=", "!="))
        return f"({a} {operator} {b})"

    def between(self, depth: int) -> str:
        if self.chance(50):
            a, one = self.number(depth)
            b, two = self.partner(depth, ANY_UNIT, one)
            c, _ = self.number(depth, frozenset((None, one.unit or two.unit)))
            return f"({a} between {b} and {c})"
        a, b, c = (self.date(depth)[0] for _ in range(3))
        return f"({a} between {b} and {c})"

    def contained(self, depth: int) -> str:
        known = self.rng.choice(
            [n for n in self.names if n.kind.name in ("number", "date", "enum", "text", "duration")]
        )
        tests = [self.test(known) for _ in range(self.rng.randint(1, 3))]
        if len(tests) == 1:
            return f"({known.text} in {f'({tests[0]})' if tests[0].startswith('if') else tests[0]})"
        return f"({known.text} in ({', '.join(tests)}))"

    def of_a_list(self, depth: int) -> str:
        """`all`, `any`, `list contains`."""
        relation = self.one("relation")
        turn = self.rng.randrange(6)
        if turn == 0 and relation is not None:
            return f"list contains({self.rows(relation, depth)}.row, {quoted(self.rng.choice(relation.kind.rows))})"
        if turn <= 2 and relation is not None:
            columns = [n for n, k in relation.kind.fields if k.name == "boolean"]
            if columns:
                return f"{self.rng.choice(('all', 'any'))}({self.rows(relation, depth)}.{self.rng.choice(columns)})"
        if turn == 3:
            items = ", ".join(bare(self.condition(depth - 1)) for _ in range(self.rng.randint(1, 3)))
            return f"{self.rng.choice(('all', 'any'))}([{items}])"
        known = self.one("list", lambda k: k.element is not None and k.element.name in ("number", "text", "enum"))
        if known is not None and known.kind.element is not None and self.chance(70):
            element = known.kind.element
            if element.name == "number":
                value = self.one("number", lambda k: k.scale <= element.scale and k.unit in {None, element.unit})
                item = value.text if value is not None else str(self.rng.randint(0, 5))
                return f"list contains({known.text}, {item})"
            text = (
                quoted(self.rng.choice((*element.members, *TEXTS)))
                if element.name == "text"
                else quoted(self.rng.choice(element.members))
            )
            return f"list contains({known.text}, {text})"
        texts, kind = self.some_numbers(depth - 1, ANY_UNIT)
        value = self.number(depth - 1, frozenset((None, kind.unit)) if kind.unit else ANY_UNIT)[0]
        return f"list contains([{', '.join(texts)}], {bare(value)})"

    # -- days, lengths, texts

    def date(self, depth: int) -> Value:
        if depth <= 0 or self.chance(35):
            known = self.one("date")
            if known is not None and self.chance(75):
                return known.text, known.kind
            day = ordinal(self.rng.choice(DAYS))
            text = f'@"{date.fromordinal(day).isoformat()}"' if self.chance(25) else day_text(day)
            return text, Kind("date", 0, day, day)
        turn = self.rng.randrange(7)
        a, one = self.date(depth - 1)
        if turn <= 2:
            return self.moved(a, one)
        if turn == 3:
            months = self.rng.choice(("P1M", "P2M", "P1Y", "P13M", "-P1M"))
            low, high = max(1, one.low - 450), min(ordinal("9999-12-31"), one.high + 450)
            return f'({a} {self.rng.choice("+-")} duration("{months}"))', Kind("date", 0, low, high)
        if turn == 4:
            b, two = self.date(depth - 1)
            kind = Kind("date", 0, min(one.low, two.low), max(one.high, two.high))
            if self.chance(50):
                return f"{self.rng.choice(('min', 'max'))}({bare(a)}, {bare(b)})", kind
            return f"(if {bare(self.condition(depth - 1))} then {bare(a)} else {bare(b)})", kind
        if turn == 5:
            parts = [self.rng.choice(("2023", "2024", "as_of.year")), self.whole(depth - 1), self.whole(depth - 1)]
            return f"date({', '.join(parts)})", Kind("date", 0, 1, ordinal("9999-12-31"))
        return a, one

    def whole(self, depth: int) -> str:
        known = self.one("number", lambda k: k.scale == 0)
        if known is not None and self.chance(60):
            return known.text
        return self.rng.choice(("1", "2", "4", "12", "13", "28", "29", "30", "31", "as_of.month"))

    def moved(self, text: str, kind: Kind) -> Value:
        """The date some days earlier or later."""
        known = self.one("number", lambda k: k.scale == 0 and max(abs(k.low), abs(k.high)) <= 2000)
        days = self.rng.choice((0, 1, 7, 30, 60))
        length, most = f'duration("P{days}D")', days
        if known is not None and self.chance(30):
            length, most = f'{known.text} * duration("P1D")', max(abs(known.kind.low), abs(known.kind.high))
        low, high = kind.low - most, kind.high + most
        if low < 1 or high > ordinal("9999-12-31"):
            return text, kind
        return f"({text} {self.rng.choice('+-')} {length})", Kind("date", 0, low, high)

    def duration(self, depth: int) -> Value:
        known = self.one("duration")
        if depth <= 0 or self.chance(30):
            if known is not None and self.chance(60):
                return known.text, known.kind
            days = self.rng.choice((0, 1, 7, 30, 365, -2))
            text = f'@"{days_text(days)}"' if self.chance(25) else length_text(days)
            return text, Kind("duration", 0, days, days)
        turn = self.rng.randrange(5)
        if turn <= 1:
            (a, one), (b, two) = self.date(depth - 1), self.date(depth - 1)
            return f"({a} - {b})", Kind("duration", 0, one.low - two.high, one.high - two.low)
        a, one = self.duration(depth - 1)
        if turn == 2:
            b, two = self.duration(depth - 1)
            return f"({a} + {b})", self.short(Kind("duration", 0, one.low + two.low, one.high + two.high))
        if turn == 3:
            by = self.one("number", lambda k: k.scale == 0 and max(abs(k.low), abs(k.high)) <= 1000)
            if by is None:
                return a, one
            low, high = times((one.low, one.high), (by.kind.low, by.kind.high))
            kind = Kind("duration", 0, low, high)
            return (f"({by.text} * {a})", kind) if max(abs(low), abs(high)) <= 3_000_000 else (a, one)
        least = 0 if one.low <= 0 <= one.high else min(abs(one.low), abs(one.high))
        return f"abs({bare(a)})", Kind("duration", 0, least, max(abs(one.low), abs(one.high)))

    def short(self, kind: Kind) -> Kind:
        return kind

    def months(self, depth: int) -> Value:
        known = self.one("months")
        if depth <= 0 or self.chance(30):
            if known is not None and self.chance(70):
                return known.text, known.kind
            months = self.rng.choice((0, 1, 2, 12, 14, -3))
            return f'duration("{"-" if months < 0 else ""}P{abs(months)}M")', Kind("months", 0, months, months)
        if self.chance(60):
            (a, _), (b, _) = self.date(depth - 1), self.date(depth - 1)
            return f"years and months duration({bare(a)}, {bare(b)})", Kind("months", 0, -120_000, 120_000)
        (a, one), (b, two) = self.months(depth - 1), self.months(depth - 1)
        return f"({a} + {b})", Kind("months", 0, one.low + two.low, one.high + two.high)

    def text(self, depth: int) -> Value:
        known = self.one("text")
        if depth <= 0 or self.chance(50):
            if known is not None and self.chance(60):
                return known.text, TEXT
            return quoted(self.rng.choice(known.edges or TEXTS if known is not None else TEXTS)), TEXT
        if self.chance(50):
            return (
                f"(if {bare(self.condition(depth - 1))} then {bare(self.text(0)[0])} else {bare(self.text(0)[0])})",
                TEXT,
            )
        return self.text(0)

    def enum(self, depth: int) -> Value:
        known = self.one("enum")
        if known is None:
            return self.text(depth)
        other = self.one("enum", lambda k: k.members == known.kind.members)
        if depth > 0 and other is not None and self.chance(30):
            return f"(if {bare(self.condition(depth - 1))} then {known.text} else {other.text})", known.kind
        return known.text, known.kind

    # -- tests of a value

    def edge(self, known: Known) -> int:
        """A value in the range of a number or date."""
        kind = known.kind
        inside = [e for e in known.edges if isinstance(e, int) and kind.low <= e <= kind.high]
        if inside and self.chance(85):
            return self.rng.choice(inside)
        span = [
            v
            for v in (kind.low, kind.low + 1, kind.high, 0, 10**kind.scale, 5 * 10**kind.scale)
            if kind.low <= v <= kind.high
        ]
        return self.rng.choice(span)

    def point(self, known: Known) -> str:
        """An end point of the value's type and unit: mostly a constant, else a name or an expression."""
        kind = known.kind
        if kind.name == "number":
            if self.chance(70):
                return number_text(self.edge(known), kind.scale)
            return self.number(1, frozenset((None, kind.unit)) if kind.unit else ANY_UNIT)[0]
        if kind.name == "date":
            return day_text(self.edge(known)) if self.chance(40) else self.date(1)[0]
        if kind.name == "duration":
            return self.duration(1)[0]
        return self.months(1)[0]

    def test(self, known: Known) -> str:
        """One unary test."""
        kind = known.kind
        if self.chance(6):
            return "null"
        if kind.name == "boolean":
            return self.rng.choice(
                ("true", "false", bare(self.condition(0)), f"!= {self.rng.choice(('true', 'false'))}")
            )
        if kind.name == "enum":
            member = self.rng.choice(kind.members)
            return self.rng.choice((member, member, quoted(member), f"!= {quoted(member)}"))
        if kind.name == "text":
            text = quoted(self.rng.choice(known.edges or TEXTS))
            return self.rng.choice((text, text, f"!= {text}", bare(self.text(1)[0])))
        if kind.name == "number" and self.chance(8):
            return self.list_test(known)
        if kind.name in ("number", "date", "duration") and self.chance(80):
            return self.fixed_test(known)
        turn, one, two = self.rng.randrange(3), self.point(known), self.point(known)
        if kind.name != "months" and not (_MOVING.search(one) and (turn != 2 or _MOVING.search(two))):
            return self.fixed_test(known)
        if turn == 0:
            return one
        if turn == 1:
            return f"{self.rng.choice(('<', '<=', '>', '>=', '=', '!='))} {one}"
        return f"{self.rng.choice(('[', '(', ']'))}{one}..{two}{self.rng.choice((']', ')'))}"

    def list_test(self, known: Known) -> str:
        """A list whose elements are wanted."""
        return f"[{', '.join(number_text(self.edge(known), known.kind.scale) for _ in range(2))}]"

    def writer(self, kind: Kind) -> Callable[[int], str]:
        """How a stored value of the kind is written as a literal."""
        if kind.name == "number":
            return lambda value: number_text(value, kind.scale)
        return day_text if kind.name == "date" else length_text

    def fixed_test(self, known: Known) -> str:
        """A test against constants that some value of the range passes."""
        kind = known.kind
        write = self.writer(kind)
        one, two = sorted((self.edge(known), self.edge(known)))
        turn = self.rng.randrange(8)
        if turn <= 1 and kind.low < two:
            return f"< {write(two)}"
        if turn == 2 and one < kind.high:
            return f"> {write(one)}"
        if turn == 3:
            return f">= {write(one)}"
        if turn == 4:
            return f"<= {write(two)}"
        if turn == 5:
            return write(one)
        if two - one > 1:
            opening, closing = self.rng.choice(("[", "(")), self.rng.choice(("]", ")", "["))
            return f"{opening}{write(one)}..{write(two)}{closing}"
        return f"[{write(one)}..{write(two)}]"

    def cell(self, known: Known) -> str:
        """The cell of a table under a header."""
        if self.chance(18):
            return "-"
        if self.chance(12):
            return self.negated_cell(known)
        return ", ".join(self.test(known) for _ in range(self.rng.choice((1, 1, 1, 1, 2, 3))))

    def negated_cell(self, known: Known) -> str:
        kind = known.kind
        if kind.name in ("number", "date", "duration") and kind.high - kind.low > 3:
            write, (one, two) = self.writer(kind), sorted((self.edge(known), self.edge(known)))
            span = "null" if one == kind.low and two == kind.high else f"[{write(one)}..{write(two)}]"
            return f"not({self.rng.choice((write(one), f'{write(one)}, {write(two)}', span))})"
        if kind.name in ("number", "date", "duration") and kind.low < kind.high:
            return f"not({self.writer(kind)(kind.low)})"
        if kind.name == "boolean":
            return f"not({self.rng.choice(('true', 'false', 'null'))})"
        return f"not({self.test(known)})"

    def loose_cell(self, known: Known) -> str | None:
        """A test whose end is not known before the state is; None when there is no such name."""
        names = [
            n.text
            for n in self.names
            if n.kind.name == known.kind.name
            and n.text != known.text
            and n.kind.unit in {None, known.kind.unit}
            and "." in n.text
            and not n.text.startswith("campaign")
            and n.kind.members == known.kind.members
        ]
        if not names:
            return None
        ordered = known.kind.name in ("number", "date", "duration", "months")
        return (
            f"{self.rng.choice(('<', '<=', '>', '>=', '=', '!=') if ordered else ('=', '!='))} {self.rng.choice(names)}"
        )

    def parted(self, known: Known, count: int) -> list[str]:
        """Cells no two of which match one value."""
        kind = known.kind
        if kind.name == "boolean":
            cells = ["true", "false", "null"]
        elif kind.name in ("enum", "text"):
            words = list(kind.members or dict.fromkeys(known.edges or TEXTS))
            self.rng.shuffle(words)
            cells = [quoted(w) for w in words[:-1]] + ["null"]
            if kind.name == "enum":
                cells[0] = words[0]
        else:
            cells = self.slices(known, count)
        self.rng.shuffle(cells)
        return cells[:count]

    def slices(self, known: Known, count: int) -> list[str]:
        """Ranges of a number or date that lie side by side, and null."""
        kind = known.kind
        write = self.writer(kind)
        cuts = sorted({self.edge(known) for _ in range(count + 1)} - {kind.low})
        cells = [f"[{write(a)}..{write(b)})" for a, b in pairwise(cuts)]
        if cuts:
            cells += [f"< {write(cuts[0])}", f">= {write(cuts[-1])}"]
        return [*cells, "null"] if self.chance(60) else cells or ["-"]


# ---- a folder ---------------------------------------------------------------------------------------------------


@dataclass
class Grid:
    """A pipe table."""

    header: list[str]
    rows: list[list[str]]

    def lines(self) -> Iterator[str]:
        for cells in (self.header, *self.rows):
            yield "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


@dataclass
class Folder:
    """Rule files as data: mappings, lists, texts and grids."""

    files: dict[str, Any]

    def sources(self) -> dict[str, str]:
        """The files as text."""
        return {name: "\n".join(_yaml(content, 0)) + "\n" for name, content in self.files.items()}


def _yaml(value: Any, indent: int) -> Iterator[str]:
    pad = "  " * indent
    items = value.items() if isinstance(value, Mapping) else ((None, v) for v in value)
    for key, item in items:
        head = f"{pad}-" if key is None else f"{pad}{key}:"
        if isinstance(item, Grid):
            yield f"{head} |"
            yield from (f"{pad}  {line}" for line in item.lines())
        elif isinstance(item, Mapping | list) and item:
            yield head
            yield from _yaml(item, indent + 1)
        elif isinstance(item, Mapping | list):
            yield f"{head} {'{}' if isinstance(item, Mapping) else '[]'}"
        else:
            yield f"{head} {'null' if item is None else json.dumps(str(item), ensure_ascii=False)}"


LABEL = {"zh": "标题", "en": "Title"}


@dataclass
class Offer:
    """A decision that other policies may use."""

    policy: str
    subject: str
    known: Known


class Author:
    """Writes one folder."""

    def __init__(self, rng: Random, size: Size) -> None:
        self.rng, self.size = rng, size
        self.facts: dict[str, list[Known]] = {}
        self.nullable: dict[str, list[str]] = {}
        self.offers: list[Offer] = []
        self.groups: dict[str, str | None] = {}
        self.rewards: list[tuple[str, str]] = []

    def chance(self, percent: int) -> bool:
        return self.rng.randrange(100) < percent

    def folder(self) -> Folder:
        files: dict[str, Any] = {"facts.yaml": self.dictionary(), "campaigns.yaml": self.campaigns()}
        self.groups = {f"group{n}": self.rng.choice((None, "hour", "yuan")) for n in range(self.rng.randint(0, 2))}
        ids = [f"{self.rng.choice(('fam', 'kin'))}.p{n}" for n in range(self.rng.randint(1, self.size.policies))]
        for place, id_ in enumerate(ids):
            subject = self.rng.choice(("merchant", "merchant", "influencer", "product"))
            for version, content in enumerate(self.versions(id_, subject)):
                files[f"{id_.partition('.')[0]}/p{place}{'@' + str(version) if version else ''}.yaml"] = content
        files["bundle.yaml"] = self.bundle(ids)
        return Folder(files)

    # -- frame

    def dictionary(self) -> dict[str, Any]:
        sections: dict[str, Any] = {}
        names = [("merchant", None), ("influencer", None), ("live", None), ("products", "product")]
        if self.chance(50):
            names.append(("stock", None))
        for name, element in names:
            prefix = element or name
            facts: dict[str, Any] = {}
            if name in ("merchant", "influencer", "products"):
                facts["id"] = {"type": "id", "label": LABEL}
            known: list[Known] = []
            for number in range(self.rng.randint(3, 7)):
                key = f"{self.rng.choice('abcdef')}{number}"
                facts[key], fact = self.fact(f"{prefix}.{key}")
                known.append(fact)
            self.facts[prefix] = known
            sections[name] = {"label": LABEL, **({"element": element} if element else {}), "facts": facts}
        return {"basis": "assumed", "sections": sections}

    def fact(self, name: str) -> tuple[dict[str, Any], Known]:
        turn = self.rng.randrange(14)
        if turn <= 5:
            return self.number_fact(name)
        if turn <= 8:
            return {"type": "boolean", "label": LABEL}, Known(name, BOOLEAN)
        if turn <= 10:
            kind = Kind("date", 0, ordinal("1900-01-01"), ordinal("2199-12-31"))
            declared = {"type": "date", "label": LABEL} | ({"may_be_future": "true"} if self.chance(50) else {})
            return declared, Known(name, kind, tuple(ordinal(d) for d in self.rng.sample(DAYS, 3)))
        if turn == 11:
            members = self.rng.choice(ENUMS)
            return {"type": "enum", "label": LABEL, "values": dict.fromkeys(members, LABEL)}, Known(
                name, Kind("enum", members=members)
            )
        if turn == 12:
            return {"type": "text", "label": LABEL}, Known(name, TEXT, tuple(self.rng.sample(TEXTS, 4)))
        return {"type": "duration", "label": LABEL}, Known(name, Kind("duration", 0, -3652059, 3652059))

    def number_fact(self, name: str) -> tuple[dict[str, Any], Known]:
        scale = self.rng.choice((0, 0, 0, 0, 1, 2, 2, 4, 6))
        ten = 10**scale
        most = LIMIT // ten
        low, high = self.rng.choice(
            ((0, 10), (0, 10), (0, 31), (0, 100), (-20, 20), (1, 5), (0, 1), (0, 1000), (-1000, 1000), (0, 10**8))
        )
        low, high = (-most, most) if self.chance(1) else (low, high)
        kind = Kind("number", scale, low * ten, high * ten, self.rng.choice((None, None, *UNITS)))
        edges = {self.rng.randint(kind.low, kind.high) // d * d for d in (1, ten, ten, 5 * ten)}
        edges = {e for e in edges if kind.low <= e <= kind.high} | {max(kind.low, 0)}
        declared = {
            "type": f"decimal({scale})" if scale else "integer",
            "label": LABEL,
            "range": [number_text(kind.low, scale), number_text(kind.high, scale)],
        }
        return declared | ({"unit": kind.unit} if kind.unit else {}), Known(name, kind, tuple(sorted(edges)))

    def campaigns(self) -> dict[str, Any]:
        return {id_: {"title": LABEL, "from": first, "to": last} for id_, (first, last) in CAMPAIGNS.items()}

    def bundle(self, ids: Sequence[str]) -> dict[str, Any]:
        out: dict[str, Any] = {"time_zone": "Asia/Shanghai", "day_starts": "00:00"}
        if self.groups:
            out["stacking"] = {
                name: {"combine": self.rng.choice(("sum", "sum", "max", "first"))}
                | ({"unit": unit} if unit else {})
                | ({"cap": self.rng.choice(("0", "5", "12.5", "100"))} if self.chance(75) else {})
                for name, unit in self.groups.items()
            }
        speaker = Speaker(self.rng, [k for prefix, facts in self.facts.items() if prefix != "product" for k in facts])
        out["exclusions"] = [
            {"id": f"out{n}", "when": bare(speaker.condition(1)), "text": self.texts(speaker)}
            for n in range(self.rng.choice((0, 0, 1, 2)))
        ]
        if any("as_of" in e["when"] or "as_of" in str(e["text"]) for e in out["exclusions"]):
            out["exclusions"] = []
        suspended: list[dict[str, str]] = []
        if self.chance(20):
            suspended.append({"policy": self.rng.choice(ids), "reason": "stopped"})
        if self.rewards and self.chance(30):
            policy, reward = self.rng.choice(self.rewards)
            suspended.append({"policy": policy, "reward": reward, "reason": "wrong"})
        return out | ({"suspended": suspended} if suspended else {})

    def texts(self, speaker: Speaker) -> dict[str, str]:
        def text() -> str:
            parts = ["说明 "]
            for _ in range(self.rng.randint(0, 2)):
                kind = self.rng.choice(("number", "number", "text", "enum", "date", "boolean", "duration"))
                parts.append("{" + bare(speaker.value(kind, 1)[0]) + "}, ")
            return "".join(parts)

        return {"zh": text(), "en": text()}

    # -- policies

    def versions(self, id_: str, subject: str) -> Iterator[dict[str, Any]]:
        """The file of a policy, or several that follow each other."""
        turn = self.rng.randrange(10)
        if turn <= 2:
            yield self.policy(id_, subject, {"campaign": self.rng.choice(("spring", "summer"))})
        elif turn <= 6:
            period = {"from": self.rng.choice(DAYS[:4])} | (
                {"to": self.rng.choice(DAYS[7:])} if self.chance(60) else {}
            )
            yield self.policy(id_, subject, period)
        else:
            middle = self.rng.choice(MIDDLES)
            first = self.policy(id_, subject, {"from": "2023-01-01", "to": middle})
            yield first
            yield self.following(first, "2023-07-01" if self.chance(40) else middle)

    def following(self, first: dict[str, Any], start: str) -> dict[str, Any]:
        """The next file of a policy: the same decisions, some with other constants or more decimals."""
        out = deepcopy(first) | {"effective": {"from": start, "basis": "assumed"}}
        for name, decision in out["decisions"].items():
            offer = next((o for o in self.offers if o.known.text == f"decision({first['policy']}.{name})"), None)
            if offer is not None and self.chance(60):
                self.with_more_decimals(decision, offer)
        for key in ("rewards", "recommendations"):
            if out.get(key) and self.chance(40):
                out[key].pop(self.rng.choice(list(out[key])))
        if self.chance(40):
            out.pop("applies", None)
        self.rewards = [
            (p, r) for p, r in self.rewards if p != first["policy"] or r in {**first, **out}.get("rewards", {})
        ]
        return out

    def with_more_decimals(self, decision: dict[str, Any], offer: Offer) -> None:
        kind = offer.known.kind
        if "expression" in decision and kind.name == "number":
            decision["expression"] = f"round half up(({decision['expression']}) / 3, 2)"
            kind = grown(kind, max(0, 2 - kind.scale))
        elif "table" in decision and kind.name in ("number", "record") and decision["hit"] != "collect count":
            header = decision["table"].header
            for place, cell in enumerate(header):
                match = _NUMBER_OUTPUT.fullmatch(cell)
                if match is not None:
                    header[place] = f"{match[1]}decimal({int(match[2] or 0) + 1})"
            fields = tuple((n, grown(k, 1) if k.name == "number" else k) for n, k in kind.fields)
            kind = replace(kind, fields=fields) if kind.name == "record" else grown(kind, 1)
        offer.known = replace(offer.known, kind=kind)

    def policy(self, id_: str, subject: str, effective: dict[str, str]) -> dict[str, Any]:
        return PolicyAuthor(self, id_, subject, effective).policy()


class PolicyAuthor:
    """Writes one policy file."""

    def __init__(self, author: Author, id_: str, subject: str, effective: dict[str, str]) -> None:
        self.author, self.rng, self.size = author, author.rng, author.size
        self.id, self.subject, self.effective = id_, subject, effective
        self.names: list[Known] = []
        self.serial = 0

    def chance(self, percent: int) -> bool:
        return self.rng.randrange(100) < percent

    def speaker(self, extra: Sequence[Known] = ()) -> Speaker:
        return Speaker(self.rng, [*self.names, *extra])

    def name(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}{self.serial}"

    def policy(self) -> dict[str, Any]:
        author = self.author
        seen = [f for prefix, facts in author.facts.items() if prefix in (self.subject, "live") for f in facts]
        others = [
            f
            for prefix, facts in author.facts.items()
            if prefix not in (self.subject, "live", "product")
            for f in facts
        ]
        self.names = [*seen, *self.rng.sample(others, min(2, len(others)))]
        self.names += self.days()
        self.names += self.used_decisions()
        out: dict[str, Any] = {
            "policy": self.id,
            "title": LABEL,
            "subject": self.subject,
            "effective": self.effective | {"basis": "assumed"},
            "basis": "assumed",
        }
        out["parameters"] = dict(self.parameter() for _ in range(self.rng.randint(0, 3)))
        out["decisions"] = self.decisions()
        speaker = self.speaker()
        if self.chance(40):
            out["applies"] = bare(speaker.condition(2))
        if self.chance(25):
            out["needs"] = self.rng.sample(["live", "merchant", "influencer"], self.rng.randint(1, 2))
        relations = list({n.text: n for n in self.names if n.kind.name == "relation"}.values())
        rewards = [self.reward(None) for _ in range(self.rng.randint(0, 2))]
        rewards += [self.reward(r) for r in relations if self.chance(60)]
        out["rewards"] = {self.name("reward"): r for r in rewards}
        recommendations = [self.recommendation(None) for _ in range(self.rng.randint(0, 2))]
        recommendations += [self.recommendation(r) for r in relations if self.chance(40)]
        out["recommendations"] = {self.name("advice"): r for r in recommendations}
        out["optional"] = self.optional(str(out))
        author.rewards += [(self.id, name) for name, r in out["rewards"].items() if "each" not in r]
        return {k: v for k, v in out.items() if v or k == "decisions"}

    def days(self) -> list[Known]:
        """`as_of`, and the campaign's ends."""
        if "campaign" in self.effective:
            first, last = CAMPAIGNS[self.effective["campaign"]]
        else:
            first, last = self.effective["from"], self.effective.get("to", "2200-01-01")
        start, end = ordinal(first), ordinal(last)
        inside = tuple(d for d in map(ordinal, DAYS) if start <= d < end)
        follows = self.effective.get("to") in MIDDLES  # the days of the next file are others
        out = [Known("as_of", Kind("date", 0, start, start if follows else end - 1), inside)]
        if "campaign" in self.effective:
            out.append(Known("campaign.from", Kind("date", 0, start, start)))
            out.append(Known("campaign.to", Kind("date", 0, end, end)))
        return out

    def used_decisions(self) -> list[Known]:
        found = [
            o.known
            for o in self.author.offers
            if o.policy != self.id and (o.subject != "product" or self.subject == "product")
        ]
        return self.rng.sample(found, min(len(found), self.rng.randint(0, 4)))

    def optional(self, written: str) -> list[str]:
        turn = self.rng.randrange(10)
        if turn <= 4:
            return ["*"]
        if turn <= 6:
            return []
        names = [
            n.text
            for n in self.names
            if n.kind.name != "relation" and "." in n.text and not n.text.startswith("campaign")
        ]
        names = [n for n in names if not n.startswith("decision(") or n in written]
        names = [n.removeprefix("decision(").removesuffix(")") for n in names]
        return self.rng.sample(names, self.rng.randint(0, len(names))) + (["live.*"] if self.chance(30) else [])

    def parameter(self) -> tuple[str, dict[str, Any]]:
        name = self.name("par")
        turn = self.rng.randrange(8)
        near = self.speaker().one("number") if self.chance(80) else None
        start = self.effective.get("from", "2023-03-30")
        start = min(start, "2023-03-30")
        days = [start, *(d for d in ("2023-04-01", "2023-04-16", "2023-12-31") if self.chance(25))]
        if turn <= 4 and near is not None:
            kind = near.kind
            values = [self.rng.choice(near.edges or (1,)) for _ in days]
            known = Kind("number", kind.scale, min(values), max(values), kind.unit)
            written = [number_text(v, kind.scale) for v in values]
            declared = {"type": f"decimal({kind.scale})" if kind.scale else "integer"}
            declared |= {"unit": kind.unit} if kind.unit else {}
            edges: tuple[Any, ...] = tuple(values)
        elif turn == 5:
            written = [self.rng.choice(("true", "false")) for _ in days]
            known, declared, edges = BOOLEAN, {"type": "boolean"}, ()
        elif turn == 7 and self.chance(60):
            members = self.rng.choice(ENUMS)
            is_text = self.chance(50)
            written = [self.rng.choice(TEXTS[1:] if is_text else members) for _ in days]
            known, edges = (TEXT, tuple(written)) if is_text else (Kind("enum", members=members), ())
            declared = {"type": "text" if is_text else f"enum({', '.join(members)})"}
        elif turn == 6:
            lengths = [self.rng.choice((0, 1, 30, 60)) for _ in days]
            written = [f"P{n}D" for n in lengths]
            known, declared, edges = Kind("duration", 0, min(lengths), max(lengths)), {"type": "duration"}, ()
        else:
            written = [self.rng.choice(DAYS) for _ in days]
            ordinals = [ordinal(d) for d in written]
            known, declared, edges = Kind("date", 0, min(ordinals), max(ordinals)), {"type": "date"}, tuple(ordinals)
        self.names.append(Known(name, known, edges))
        return name, declared | {"values": [{"from": d, "value": v} for d, v in zip(days, written, strict=True)]}

    # -- decisions

    def decisions(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for _ in range(self.rng.randint(1, self.size.decisions)):
            turn = self.rng.randrange(10)
            write = self.table if turn <= 4 else self.relation if turn <= 6 else self.expression
            name = f"{('tab', 'rel', 'exp')[(turn > 4) + (turn > 6)]}{self.serial}"
            self.serial += 1
            out[name], known = write(name)
            self.names += [known] * 2
            if known.kind.name != "relation":
                text = f"decision({self.id}.{name})"
                self.author.offers.append(Offer(self.id, self.subject, replace(known, text=text)))
        return out

    def expression(self, _name: str) -> tuple[dict[str, Any], Known]:
        speaker = self.speaker()
        turn = self.rng.randrange(12)
        if turn == 0 and (relation := speaker.one("relation")) is not None:
            column, kind = self.rng.choice([*relation.kind.fields, ("row", TEXT)])
            text = f"{speaker.rows(relation, 1)}.{column}"
            text = text if self.chance(70) else f"if {bare(speaker.condition(1))} then {text} else null"
            return {"expression": text}, Known(_name, Kind("list", most=len(relation.kind.rows), element=kind))
        if turn == 1:
            texts, kind = speaker.some_numbers(1, ANY_UNIT)
            return {"expression": f"[{', '.join(texts)}]"}, Known(_name, Kind("list", most=len(texts), element=kind))
        kind_name = self.rng.choice(
            ("number", "number", "number", "boolean", "boolean", "date", "duration", "months", "text", "enum")
        )
        text, kind = speaker.value(kind_name, self.rng.randint(1, self.size.depth))
        return {"expression": bare(text)}, Known(_name, kind)

    def output(self, name: str, *, enum: bool = False) -> tuple[str, Kind]:
        """The type of an output or column, as it is declared and as it is known."""
        turn = 0 if enum else self.rng.randrange(12)
        if turn == 0:
            members = self.rng.choice(ENUMS)
            return f"{name}: enum({', '.join(members)})", Kind("enum", members=members)
        if turn <= 6:
            scale = self.rng.choice((0, 0, 0, 1, 2, 2, 4))
            return f"{name}: {f'decimal({scale})' if scale else 'integer'}", Kind("number", scale)
        word = self.rng.choice(("boolean", "boolean", "text", "date", "duration"))
        return f"{name}: {word}", Kind(word)

    def outcome(self, kind: Kind, speaker: Speaker) -> Value | None:
        """What stands in an output cell; None is null."""
        if self.chance(6):
            return None
        if kind.name == "enum":
            member = self.rng.choice(kind.members)
            known = speaker.one("enum", lambda k: set(k.members) <= set(kind.members))
            if known is not None and self.chance(20):
                return known.text, kind
            return (member if self.chance(70) else quoted(member)), kind
        if kind.name == "number":
            text, found = speaker.number(self.rng.choice((0, 1, 2))) if self.chance(30) else speaker.literal()
            return (
                (bare(text), found)
                if found.scale <= kind.scale
                else (str(self.rng.randint(0, 9)), Kind("number", 0, 0, 9))
            )
        text, found = speaker.value(kind.name, self.rng.choice((0, 1)))
        return bare(text), found

    def settle(self, kind: Kind, found: Sequence[Value | None]) -> Kind:
        """The kind of a column with these cells."""
        kinds = [v[1] for v in found if v is not None]
        if kind.name in ("date", "duration"):
            return replace(kind, low=min(k.low for k in kinds), high=max(k.high for k in kinds))
        if kind.name != "number":
            return kind
        grown = [10 ** (kind.scale - k.scale) for k in kinds]
        unit = next((k.unit for k in kinds if k.unit), None)
        return replace(
            kind,
            low=min(k.low * g for k, g in zip(kinds, grown, strict=True)),
            high=max(k.high * g for k, g in zip(kinds, grown, strict=True)),
            unit=unit,
        )

    def column(self, kind: Kind, count: int, speaker: Speaker) -> tuple[list[str], Kind]:
        """Cells of an output, at least one of which is not null, and of one unit."""
        found = [self.outcome(kind, speaker) for _ in range(count)]
        if len({v[1].unit for v in found if v is not None} - {None}) > 1 or all(v is None for v in found):
            plain: Value = {
                "number": ("1", Kind("number", 0, 1, 1)),
                "boolean": ("true", BOOLEAN),
                "text": ('"a"', TEXT),
                "date": (day_text(ordinal(DAYS[1])), Kind("date", 0, ordinal(DAYS[1]), ordinal(DAYS[1]))),
                "duration": ('duration("P1D")', Kind("duration", 0, 1, 1)),
            }.get(kind.name, ((kind.members or ("a",))[0], kind))
            found = [plain for _ in range(count)]
        settled = self.settle(kind, found)
        if max(abs(settled.low), abs(settled.high)) * count > LIMIT:
            return self.column(kind, count, speaker)
        return ["null" if v is None else v[0] for v in found], settled

    def headers(self, speaker: Speaker, count: int) -> list[Known]:
        out = []
        for _ in range(count):
            known = self.rng.choice(
                [
                    n
                    for n in speaker.names
                    if n.kind.name not in ("list", "relation", "record") and (is_open(n.kind) or self.chance(3))
                ]
            )
            if self.chance(25):
                kind = self.rng.choice(("number", "boolean", "date", "duration", "months", "text"))
                text, found = speaker.value(kind, 2)
                middle = (found.low + found.high) // 2
                edges = (middle, middle + 1) if kind in ("number", "date", "duration") else ()
                known = Known(bare(text), found, edges) if is_open(found) else known
            record = speaker.one("record")
            if record is not None and self.chance(15):
                name, kind_ = self.rng.choice(record.kind.fields)
                known = Known(speaker.output_of(record, name), kind_)
            out.append(known)
        return out

    def table(self, name: str) -> tuple[dict[str, Any], Known]:
        speaker = self.speaker()
        hit = self.rng.choice(HITS)
        count = self.rng.randint(1, self.size.rows)
        inputs = self.headers(speaker, self.rng.choice((1, 1, 2, 2, 3)) if self.chance(95) else 0)
        cells = [[speaker.cell(h) for h in inputs] for _ in range(count)]
        if hit in ("unique", "first"):
            cells = self.apart(speaker, inputs, cells)
        count = len(cells)
        single = hit.startswith("collect ") or self.chance(65)
        outputs = [
            self.output(f"out{n}", enum=n == 0 and hit in ("priority", "output order"))
            for n in range(1 if single else self.rng.randint(2, 3))
        ]
        if hit in ("collect sum", "collect min", "collect max"):
            outputs = [("out0: decimal(2)", Kind("number", 2))]
        columns = [self.column(kind, count, speaker) for _, kind in outputs]
        kinds = [kind for _, kind in columns]
        header = ["row", *(h.text for h in inputs), *(f"=> {head}" for head, _ in outputs), "# note"]
        rows = [[f"r{n}", *cells[n], *(c[n] for c, _ in columns), ""] for n in range(count)]
        out: dict[str, Any] = {"hit": hit, "table": Grid(header, rows)}
        multiple = hit in ("rule order", "output order", "collect")
        if not multiple and hit != "collect count" and self.chance(60):
            out["default"], kinds = self.default(kinds, speaker)
        return out, Known(name, self.answer(hit, kinds, count), ())

    def apart(self, speaker: Speaker, inputs: list[Known], cells: list[list[str]]) -> list[list[str]]:
        """Rows that do not provably meet: their first cells part the values, or their ends are not known."""
        if not inputs:
            return [[]]
        first = inputs[0]
        parts = [part for _ in cells if (part := speaker.loose_cell(first)) is not None]
        if first.kind.name != "months" and (not parts or self.chance(70)):
            parts = speaker.parted(first, len(cells))
        return [[part, *row[1:]] for part, row in zip(parts or ["-"], cells, strict=False)]

    def default(self, kinds: list[Kind], speaker: Speaker) -> tuple[Any, list[Kind]]:
        if self.chance(30):
            return None, kinds
        found = [self.outcome(k, speaker) for k in kinds]
        if any(v is not None and v[1].unit not in (None, k.unit) for v, k in zip(found, kinds, strict=True)):
            return None, kinds
        settled = [k if v is None else self.settle(k, [v, ("", k)]) for v, k in zip(found, kinds, strict=True)]
        texts = ["null" if v is None else v[0] for v in found]
        if len(kinds) == 1:
            return texts[0], settled
        return {f"out{n}": t for n, t in enumerate(texts)}, settled

    def answer(self, hit: str, kinds: list[Kind], count: int) -> Kind:
        if hit == "collect count":
            return Kind("number", 0, 0, count)
        if hit == "collect sum":
            return replace(kinds[0], low=min(0, kinds[0].low) * count, high=max(0, kinds[0].high) * count)
        one = kinds[0] if len(kinds) == 1 else Kind("record", fields=tuple((f"out{n}", k) for n, k in enumerate(kinds)))
        return Kind("list", most=count, element=one) if hit in ("rule order", "output order", "collect") else one

    def relation(self, name: str) -> tuple[dict[str, Any], Known]:
        count = self.rng.randint(1, self.size.rows)
        ids = [f"{name}_{WORDS[n % len(WORDS)]}{n // len(WORDS) or ''}" for n in range(count)]
        header, columns, left = ["row"], [], []
        fields: list[tuple[str, Kind]] = []
        for place in range(self.rng.randint(1, 4)):
            key = f"col{self.serial}_{place}"
            declared, kind = self.output(key) if place else (f"{key}: boolean", BOOLEAN)
            speaker = self.speaker(left * 2)
            if self.chance(25):
                value = self.outcome(kind, speaker)
                value = value if value is not None else self.column(kind, 1, speaker) and None
                if value is not None:
                    header.append(f"{declared} = {value[0]}")
                    other = [self.outcome(kind, speaker) if self.chance(30) else ("", kind) for _ in range(count)]
                    if all(v is None or v[0] == "" or v[1].unit in (None, value[1].unit) for v in other):
                        columns.append(["null" if v is None else v[0] for v in other])
                    else:
                        columns.append(["" for _ in other])
                        other = []
                    kind = self.settle(kind, [value, *(v for v in other if v is not None and v[0])])
                    fields.append((key, kind))
                    left.append(Known(self.rng.choice((key, f"this.{key}")), kind))
                    continue
            header.append(declared)
            cells, kind = self.column(kind, count, speaker)
            columns.append(cells)
            fields.append((key, kind))
            left.append(Known(self.rng.choice((key, f"this.{key}")), kind))
        rows = [[id_, *(c[n] for c in columns)] for n, id_ in enumerate(ids)]
        kind = Kind("relation", fields=tuple(fields), rows=tuple(ids), most=count)
        return {"relation": Grid(header, rows)}, Known(name, kind)

    # -- rewards and recommendations

    def row_names(self, relation: Known) -> list[Known]:
        return [Known(n if self.chance(70) else f"this.{n}", k) for n, k in relation.kind.fields] + [
            Known("row", TEXT, relation.kind.rows)
        ]

    def reward(self, relation: Known | None) -> dict[str, Any]:
        row = self.row_names(relation) * 3 if relation is not None else []
        speaker = self.speaker(row)
        group = self.rng.choice([None, *self.author.groups])
        standing = group is None and self.chance(20)
        kind = self.rng.choice(("traffic_multiplier", "price", "right")) if standing else self.rng.choice(ADDITIVE)
        unit = self.author.groups[group] if group is not None else self.rng.choice((None, None, *UNITS))
        amount = speaker.number(self.rng.choice((0, 1, 2)), frozenset((None, unit)) if unit else frozenset((None,)))[0]
        if kind == "right" and self.chance(60):
            amount = speaker.value(self.rng.choice(("boolean", "text", "enum")), 1)[0]
        pers = ["once", "day", "month", "none"] + (["campaign"] * 2 if "campaign" in self.effective else [])
        out: dict[str, Any] = {"each": relation.text} if relation is not None else {}
        out |= {"title": LABEL, "kind": kind, "amount": bare(amount)}
        if relation is not None and self.chance(50):
            out["title"] = dict.fromkeys(relation.kind.rows, LABEL)
        if self.chance(80):
            out["when"] = bare(speaker.condition(self.rng.choice((0, 1, 2))))
        if unit:
            out["unit"] = unit
        out["details"] = {
            f"more{n}": bare(speaker.value(self.rng.choice(("number", "text", "date", "boolean", "months")), 1)[0])
            for n in range(self.rng.choice((0, 0, 1, 2)))
        }
        out["claim"] = {"per": "none" if standing else self.rng.choice(pers)}
        if self.chance(20):
            out["claim"] |= {"on_increase": "keep", "on_decrease": "claw_back"}
        out["except"] = [
            {"id": f"not{n}", "when": bare(speaker.condition(1)), "text": self.author.texts(speaker)}
            for n in range(self.rng.choice((0, 0, 1, 2)))
        ]
        if group is not None:
            out["stack"] = group
            out |= {"priority": str(self.rng.randint(1, 3))} if self.chance(60) else {}
        if self.chance(20):
            out["validity"] = {"from": "as_of", "for": self.rng.choice(("P30D", "P1M", "P1Y2M"))}
        return {k: v for k, v in out.items() if v}

    def recommendation(self, relation: Known | None) -> dict[str, Any]:
        speaker = self.speaker(self.row_names(relation) * 3 if relation is not None else [])
        out: dict[str, Any] = {"each": relation.text} if relation is not None else {}
        if self.chance(85):
            out["when"] = bare(speaker.condition(self.rng.choice((0, 1, 2))))
        out["priority"] = str(self.rng.choice((1, 2, 2, 10)))
        out["text"] = self.author.texts(speaker)
        if relation is not None and self.chance(50):
            out["text"] = {row_id: self.author.texts(speaker) for row_id in relation.kind.rows}
        return out


def write_folder(rng: Random, size: Size | None = None) -> Folder:
    """A random folder; most of them load. One in thirty is large, so that the rules outgrow one ruleset."""
    return Author(rng, size or (LARGE if rng.randrange(30) == 0 else Size())).folder()
