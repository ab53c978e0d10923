"""Conditions: comparisons, tests, Boolean operators."""

from __future__ import annotations

from tests.differential.generator.kinds import ANY_UNIT, BOOLEAN, Value, bare, quoted
from tests.differential.generator.names import Names


class Conditions(Names):
    """Writes conditions."""

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
            return f"{name}({bare(self.word(depth - 1)[0])}, {bare(self.word(depth - 1)[0])})"
        if turn == 17:
            a, b, c = (bare(self.condition(depth - 1)) for _ in range(3))
            return f"(if {a} then {b} else {c})"
        return self.of_a_list(depth - 1)

    def presence(self, depth: int) -> str:
        if self.chance(25):
            record = self.record(depth - 1) if self.chance(50) else None
            text, _ = record if record is not None else self.some_list(depth - 1)
            return f"({text} {self.rng.choice(('=', '!='))} null)"
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
        name = self.rng.choice(("date", "date", "duration", "months"))
        a, b, c = (self.value(name, depth)[0] for _ in range(3))
        return f"({a} between {b} and {c})"

    def contained(self, depth: int) -> str:
        known = self.rng.choice(
            [n for n in self.names if n.kind.name in ("number", "date", "enum", "text", "duration")]
        )
        tests = [self.test(known) for _ in range(self.rng.randint(1, 3))]
        if len(tests) == 1:
            return f"({known.text} in {f'({tests[0]})' if tests[0].startswith('if') else tests[0]})"
        return f"({known.text} in ({', '.join(tests)}))"
