"""Texts and members of enumerations."""

from __future__ import annotations

from tests.differential.generator.kinds import TEXT, TEXTS, Value, bare, quoted
from tests.differential.generator.names import Names


class Words(Names):
    """Writes texts."""

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

    def word(self, depth: int) -> Value:
        """A text or a member of an enumeration, which the builtins of texts take alike."""
        return self.enum(depth) if self.chance(30) else self.text(depth)
