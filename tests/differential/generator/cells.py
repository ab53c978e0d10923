"""Cells of tables: tests of the value of a header."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from tests.differential.generator.kinds import (
    ANY_UNIT,
    MOVING,
    TEXTS,
    Kind,
    Known,
    bare,
    day_text,
    length_text,
    number_text,
    quoted,
)
from tests.differential.generator.names import Names


class Cells(Names):
    """Writes tests and cells."""

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
        if kind.name != "months" and not (MOVING.search(one) and (turn != 2 or MOVING.search(two))):
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
        if known.kind.name in ("record", "list"):
            return self.rng.choice(("-", "null", "not(null)"))
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
        if known.kind.name in ("record", "list"):
            return None
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
        if kind.name in ("record", "list"):
            cells = ["null", "not(null)"]
        elif kind.name == "boolean":
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
