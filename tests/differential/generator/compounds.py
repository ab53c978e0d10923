"""Records and lists: whole, chosen, put into lists."""

from __future__ import annotations

from dataclasses import replace

from tests.differential.generator.kinds import ANY_UNIT, Kind, Known, Value, bare
from tests.differential.generator.names import Names

LONGEST = 40


class Compounds(Names):
    """Writes records and lists."""

    def record(self, depth: int) -> Value | None:
        """A record of a name, or chosen out of two, or null."""
        known = self.one("record")
        if known is None:
            return None
        if depth <= 0 or self.chance(50):
            return known.text, known.kind
        condition = bare(self.condition(depth - 1))
        other = self.one("record", lambda k: self.joined_records(known.kind, k) is not None)
        if other is None or self.chance(30):
            return self.rng.choice(
                (
                    (f"(if {condition} then {known.text} else null)", known.kind),
                    (f"(if {condition} then null else {known.text})", known.kind),
                )
            )
        kind = self.joined_records(known.kind, other.kind)
        assert kind is not None
        return f"(if {condition} then {known.text} else {other.text})", kind

    def joined_records(self, one: Kind, two: Kind) -> Kind | None:
        """The record that holds both; None when they do not go together."""
        if [name for name, _ in one.fields] != [name for name, _ in two.fields]:
            return None
        fields = [(n, self.joined_kinds(a, b)) for (n, a), (_, b) in zip(one.fields, two.fields, strict=True)]
        return replace(one, fields=tuple((n, k) for n, k in fields if k)) if all(k for _, k in fields) else None

    def joined_kinds(self, one: Kind, two: Kind) -> Kind | None:
        if one.name != two.name or one.members != two.members or (one.unit and two.unit and one.unit != two.unit):
            return None
        if one.name == "number":
            return self.joined((one, two))
        if one.name == "list" and one.element is not None and two.element is not None:
            element = self.joined_kinds(one.element, two.element)
            return None if element is None else replace(one, element=element, most=max(one.most, two.most))
        if one.name == "record":
            return self.joined_records(one, two)
        return replace(one, low=min(one.low, two.low), high=max(one.high, two.high))

    def some_list(self, depth: int) -> Value:
        """A list of a name, of literals, of rows, of records or of lists, or one chosen out of two."""
        turn = self.rng.randrange(8)
        known = self.one("list")
        if turn <= 1 and known is not None:
            return known.text, known.kind
        if turn == 2 and (relation := self.one("relation")) is not None:
            column, kind = self.rng.choice(relation.kind.fields)
            return f"{self.rows(relation, depth)}.{column}", Kind("list", most=relation.kind.most, element=kind)
        if turn == 3 and (chosen := self.chosen_list(known, depth)) is not None:
            return chosen
        if turn == 4 and (records := self.list_of_records(depth)) is not None:
            return records
        if turn == 5 and known is not None and known.kind.most <= LONGEST // 2:
            return f"[{known.text}, {known.text}]", Kind("list", most=2, element=known.kind)
        if turn == 6:
            return self.literal_list(depth)
        texts, kind = self.some_numbers(depth, ANY_UNIT)
        return f"[{', '.join(texts)}]", Kind("list", most=len(texts), element=kind)

    def chosen_list(self, known: Known | None, depth: int) -> Value | None:
        if known is None:
            return None
        condition = bare(self.condition(depth - 1))
        other = self.one("list", lambda k: self.joined_kinds(known.kind, k) is not None)
        if other is None or self.chance(30):
            return f"(if {condition} then {known.text} else null)", known.kind
        kind = self.joined_kinds(known.kind, other.kind)
        assert kind is not None
        return f"(if {condition} then {known.text} else {other.text})", kind

    def list_of_records(self, depth: int) -> Value | None:
        one = self.record(depth)
        if one is None:
            return None
        text, kind = one
        return f"[{bare(text)}, {bare(text)}]", Kind("list", most=2, element=kind)

    def literal_list(self, depth: int) -> Value:
        """Elements of one type that are no numbers; some are null."""
        name = self.rng.choice(("boolean", "date", "duration", "months", "text"))
        values = [self.value(name, depth - 1) for _ in range(self.rng.randint(1, 3))]
        kind = values[0][1]
        for _, other in values[1:]:
            kind = self.joined_kinds(kind, other) or kind
        texts = [bare(text) for text, _ in values] + ["null"] * self.chance(20)
        return f"[{', '.join(texts)}]", Kind("list", most=len(texts), element=kind)
