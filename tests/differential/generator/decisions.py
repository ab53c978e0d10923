"""Expressions, tables and relations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from tests.differential.generator.folder import Grid
from tests.differential.generator.kinds import (
    BOOLEAN,
    DAYS,
    ENUMS,
    HITS,
    LIMIT,
    TEXT,
    WORDS,
    Kind,
    Known,
    Offer,
    Size,
    Value,
    bare,
    day_text,
    is_open,
    ordinal,
    quoted,
)
from tests.differential.generator.speaker import Speaker

if TYPE_CHECKING:
    from tests.differential.generator.author import Author


class Decisions:
    """Decisions of one policy file."""

    rng: Random
    size: Size
    author: Author
    id: str
    subject: str
    names: list[Known]
    serial: int

    def chance(self, percent: int) -> bool:
        return self.rng.randrange(100) < percent

    def speaker(self, extra: Sequence[Known] = ()) -> Speaker:
        return Speaker(self.rng, [*self.names, *extra])

    def name(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}{self.serial}"

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
        if turn <= 2:
            chosen = speaker.record(2) if turn == 2 else None
            text, kind = chosen if chosen is not None else speaker.some_list(2)
            return {"expression": bare(text)}, Known(_name, kind)
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
            whole = speaker.one(self.rng.choice(("record", "list")))
            if whole is not None and self.chance(6):
                out.append(whole)
                continue
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
