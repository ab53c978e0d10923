"""Quotients and averages, which stand inside a rounding."""

from __future__ import annotations

from tests.differential.generator.kinds import INSIDE, LIMIT, ROUNDINGS, Kind, Ratio, Value, bare, times
from tests.differential.generator.names import Names


class Quotients(Names):
    """Writes roundings."""

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
