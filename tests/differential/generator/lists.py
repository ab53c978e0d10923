"""Lists, the rows of relations, and what the list builtins make of them."""

from __future__ import annotations

from dataclasses import replace

from tests.differential.generator.kinds import ANY_UNIT, TEXT, TEXTS, Kind, Known, Value, bare, quoted
from tests.differential.generator.names import Names


class Lists(Names):
    """Writes lists and what is asked of them."""

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
            text, kind = self.some_list(depth)
            return f"count({bare(text)})", Kind("number", 0, 0, kind.most)
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
        text, kind = self.some_list(depth)
        element = kind.element
        if element is not None and element.name == "number" and element.unit in units and self.chance(70):
            return bare(text), element, kind.most
        if element is not None and fits(element):
            name, field = self.rng.choice([f for f in element.fields if f[1].name == "number" and f[1].unit in units])
            return f"{text}.{name}", field, kind.most
        texts, kind = self.some_numbers(depth, units)
        return f"[{', '.join(texts)}]", kind, len(texts)

    def rows(self, relation: Known, depth: int) -> str:
        """The relation, or a part of its rows."""
        text = relation.text
        while self.chance(45):
            row = [Known(n if self.chance(60) else f"this.{n}", k) for n, k in relation.kind.fields]
            row.append(Known("row", TEXT, relation.kind.rows))
            outer = [n for n in self.names if not n.text.startswith("this.")]
            inner = type(self)(self.rng, [*outer, *row, *row, *row])
            text += f"[{bare(inner.boolean(min(depth, 1))[0])}]"
        return text

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
