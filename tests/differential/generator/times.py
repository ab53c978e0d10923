"""Dates, durations of days and of months."""

from __future__ import annotations

from datetime import date

from policy_service.language.values import days_text
from tests.differential.generator.kinds import DAYS, Kind, Value, bare, day_text, length_text, ordinal, times
from tests.differential.generator.names import Names


class Times(Names):
    """Writes dates and durations."""

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
            if self.chance(20):  # the last day of a month, and those beyond which there is none
                day = ordinal(self.rng.choice(("0001-01-01", "2024-01-31", "9999-11-30", "9999-12-31")))
                a, one = day_text(day), Kind("date", 0, day, day)
            months = self.rng.choice(("P1M", "P2M", "P1Y", "P13M", "-P1M", "P0M"))
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
            product = f"({by.text} * {a})" if self.chance(50) else f"({a} * {by.text})"
            return (product, kind) if max(abs(low), abs(high)) <= 3_000_000 else (a, one)
        if self.chance(50):
            b, two = self.duration(depth - 1)
            kind = Kind("duration", 0, min(one.low, two.low), max(one.high, two.high))
            inner = f"[{bare(a)}, {bare(b)}]" if self.chance(50) else f"{bare(a)}, {bare(b)}"
            return f"{self.rng.choice(('min', 'max'))}({inner})", kind
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
