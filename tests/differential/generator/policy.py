"""Writes one policy: its parameters, decisions, rewards and recommendations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.differential.generator.decisions import Decisions
from tests.differential.generator.kinds import (
    ADDITIVE,
    BOOLEAN,
    CAMPAIGNS,
    DAYS,
    ENUMS,
    LABEL,
    MIDDLES,
    TEXT,
    TEXTS,
    UNITS,
    Kind,
    Known,
    bare,
    number_text,
    ordinal,
)
from tests.differential.generator.speaker import Speaker

if TYPE_CHECKING:
    from tests.differential.generator.author import Author


class PolicyAuthor(Decisions):
    """Writes one policy file."""

    def __init__(self, author: Author, id_: str, subject: str, effective: dict[str, str]) -> None:
        self.author, self.rng, self.size = author, author.rng, author.size
        self.id, self.subject, self.effective = id_, subject, effective
        self.names: list[Known] = []
        self.serial = 0

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
        out["details"] = {f"more{n}": self.detail(speaker) for n in range(self.rng.choice((0, 0, 1, 2)))}
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

    def detail(self, speaker: Speaker) -> str:
        """A value of any type."""
        kind = self.rng.choice(("number", "text", "date", "boolean", "months", "duration", "enum", "list", "record"))
        chosen = speaker.record(1) if kind == "record" else speaker.some_list(1) if kind == "list" else None
        return bare((chosen or speaker.value("number" if kind in ("list", "record") else kind, 1))[0])

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
