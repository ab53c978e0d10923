"""Numbers: arithmetic, extremes, choices, steps and parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from tests.differential.generator.kinds import (
    ANY_UNIT,
    DAYS,
    LIMIT,
    Kind,
    Known,
    Value,
    bare,
    day_text,
    length_text,
    number_text,
    ordinal,
    times,
)
from tests.differential.generator.names import Names


class Numbers(Names):
    """Writes numbers."""

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

    def steps_of_days(self, units: frozenset[str | None]) -> Value:
        """A number beside the last of some days, or lengths, that is reached."""
        name = self.rng.choice(("date", "duration"))
        x, _ = self.value(name, 1)
        days = sorted(self.rng.sample(range(len(DAYS)), self.rng.randint(1, 3)))
        starts = [day_text(ordinal(DAYS[d])) if name == "date" else length_text(30 * d - 60) for d in days]
        values = [self.literal() for _ in starts]
        chosen = ", ".join(bare(t) for t, _ in values)
        return f"steps({bare(x)}, [{', '.join(starts)}], [{chosen}])", self.joined([k for _, k in values])

    def steps(self, depth: int, units: frozenset[str | None]) -> Value:
        if self.chance(25):
            return self.steps_of_days(units)
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
            text, _ = self.word(depth)
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
        chosen = self.record(depth) if self.chance(40) else None
        if chosen is not None and dict(chosen[1].fields).get(name) == kind:
            return f"{chosen[0]}.{name}", kind
        return self.output_of(record, name), kind

    def output_of(self, record: Known, name: str) -> str:
        """One output; of another policy's decision inside or behind the parenthesis."""
        inside = record.text.startswith("decision(") and self.chance(50)
        return f"{record.text[:-1]}.{name})" if inside else f"{record.text}.{name}"
