"""Writes a folder: the dictionary, campaigns, the bundle, and the files of its policies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

from tests.differential.generator.folder import Folder
from tests.differential.generator.kinds import (
    BOOLEAN,
    CAMPAIGNS,
    DAYS,
    ENUMS,
    LABEL,
    LIMIT,
    MIDDLES,
    TEXT,
    TEXTS,
    UNITS,
    Kind,
    Known,
    Offer,
    Size,
    bare,
    grown,
    number_text,
    ordinal,
)
from tests.differential.generator.policy import PolicyAuthor
from tests.differential.generator.speaker import Speaker

_NUMBER_OUTPUT = re.compile(r"(=> \w+: )(?:integer|decimal\((\d)\))")


class Author:
    """Writes one folder."""

    def __init__(self, rng: Random, size: Size) -> None:
        self.rng, self.size = rng, size
        self.facts: dict[str, list[Known]] = {}
        self.nullable: dict[str, list[str]] = {}
        self.offers: list[Offer] = []
        self.groups: dict[str, str | None] = {}
        self.rewards: list[tuple[str, str]] = []

    def chance(self, percent: int) -> bool:
        return self.rng.randrange(100) < percent

    def folder(self) -> Folder:
        files: dict[str, Any] = {"facts.yaml": self.dictionary(), "campaigns.yaml": self.campaigns()}
        self.groups = {f"group{n}": self.rng.choice((None, "hour", "yuan")) for n in range(self.rng.randint(0, 2))}
        ids = [f"{self.rng.choice(('fam', 'kin'))}.p{n}" for n in range(self.rng.randint(1, self.size.policies))]
        for place, id_ in enumerate(ids):
            subject = self.rng.choice(("merchant", "merchant", "influencer", "product"))
            for version, content in enumerate(self.versions(id_, subject)):
                files[f"{id_.partition('.')[0]}/p{place}{'@' + str(version) if version else ''}.yaml"] = content
        files["bundle.yaml"] = self.bundle(ids)
        return Folder(files)

    # -- frame

    def dictionary(self) -> dict[str, Any]:
        sections: dict[str, Any] = {}
        names = [("merchant", None), ("influencer", None), ("live", None), ("products", "product")]
        if self.chance(50):
            names.append(("stock", None))
        for name, element in names:
            prefix = element or name
            facts: dict[str, Any] = {}
            if name in ("merchant", "influencer", "products"):
                facts["id"] = {"type": "id", "label": LABEL}
            known: list[Known] = []
            for number in range(self.rng.randint(3, 7)):
                key = f"{self.rng.choice('abcdef')}{number}"
                facts[key], fact = self.fact(f"{prefix}.{key}")
                known.append(fact)
            self.facts[prefix] = known
            sections[name] = {"label": LABEL, **({"element": element} if element else {}), "facts": facts}
        return {"basis": "assumed", "sections": sections}

    def fact(self, name: str) -> tuple[dict[str, Any], Known]:
        turn = self.rng.randrange(14)
        if turn <= 5:
            return self.number_fact(name)
        if turn <= 8:
            return {"type": "boolean", "label": LABEL}, Known(name, BOOLEAN)
        if turn <= 10:
            kind = Kind("date", 0, ordinal("1900-01-01"), ordinal("2199-12-31"))
            declared = {"type": "date", "label": LABEL} | ({"may_be_future": "true"} if self.chance(50) else {})
            return declared, Known(name, kind, tuple(ordinal(d) for d in self.rng.sample(DAYS, 3)))
        if turn == 11:
            members = self.rng.choice(ENUMS)
            return {"type": "enum", "label": LABEL, "values": dict.fromkeys(members, LABEL)}, Known(
                name, Kind("enum", members=members)
            )
        if turn == 12:
            return {"type": "text", "label": LABEL}, Known(name, TEXT, tuple(self.rng.sample(TEXTS, 4)))
        return {"type": "duration", "label": LABEL}, Known(name, Kind("duration", 0, -3652059, 3652059))

    def number_fact(self, name: str) -> tuple[dict[str, Any], Known]:
        scale = self.rng.choice((0, 0, 0, 0, 1, 2, 2, 4, 6))
        ten = 10**scale
        most = LIMIT // ten
        low, high = self.rng.choice(
            ((0, 10), (0, 10), (0, 31), (0, 100), (-20, 20), (1, 5), (0, 1), (0, 1000), (-1000, 1000), (0, 10**8))
        )
        low, high = (-most, most) if self.chance(1) else (low, high)
        kind = Kind("number", scale, low * ten, high * ten, self.rng.choice((None, None, *UNITS)))
        edges = {self.rng.randint(kind.low, kind.high) // d * d for d in (1, ten, ten, 5 * ten)}
        edges = {e for e in edges if kind.low <= e <= kind.high} | {max(kind.low, 0)}
        declared = {
            "type": f"decimal({scale})" if scale else "integer",
            "label": LABEL,
            "range": [number_text(kind.low, scale), number_text(kind.high, scale)],
        }
        return declared | ({"unit": kind.unit} if kind.unit else {}), Known(name, kind, tuple(sorted(edges)))

    def campaigns(self) -> dict[str, Any]:
        return {id_: {"title": LABEL, "from": first, "to": last} for id_, (first, last) in CAMPAIGNS.items()}

    def bundle(self, ids: Sequence[str]) -> dict[str, Any]:
        out: dict[str, Any] = {"time_zone": "Asia/Shanghai", "day_starts": "00:00"}
        if self.groups:
            out["stacking"] = {
                name: {"combine": self.rng.choice(("sum", "sum", "max", "first"))}
                | ({"unit": unit} if unit else {})
                | ({"cap": self.rng.choice(("0", "5", "12.5", "100"))} if self.chance(75) else {})
                for name, unit in self.groups.items()
            }
        speaker = Speaker(self.rng, [k for prefix, facts in self.facts.items() if prefix != "product" for k in facts])
        out["exclusions"] = [
            {"id": f"out{n}", "when": bare(speaker.condition(1)), "text": self.texts(speaker)}
            for n in range(self.rng.choice((0, 0, 1, 2)))
        ]
        if any("as_of" in e["when"] or "as_of" in str(e["text"]) for e in out["exclusions"]):
            out["exclusions"] = []
        suspended: list[dict[str, str]] = []
        if self.chance(20):
            suspended.append({"policy": self.rng.choice(ids), "reason": "stopped"})
        if self.rewards and self.chance(30):
            policy, reward = self.rng.choice(self.rewards)
            suspended.append({"policy": policy, "reward": reward, "reason": "wrong"})
        return out | ({"suspended": suspended} if suspended else {})

    def texts(self, speaker: Speaker) -> dict[str, str]:
        def text() -> str:
            parts = ["说明 "]
            for _ in range(self.rng.randint(0, 2)):
                kind = self.rng.choice(("number", "number", "text", "enum", "date", "boolean", "duration", "months"))
                parts.append("{" + bare(speaker.value(kind, 1)[0]) + "}, ")
            return "".join(parts)

        return {"zh": text(), "en": text()}

    # -- policies

    def versions(self, id_: str, subject: str) -> Iterator[dict[str, Any]]:
        """The file of a policy, or several that follow each other."""
        turn = self.rng.randrange(10)
        if turn <= 2:
            yield self.policy(id_, subject, {"campaign": self.rng.choice(("spring", "summer"))})
        elif turn <= 6:
            period = {"from": self.rng.choice(DAYS[:4])} | (
                {"to": self.rng.choice(DAYS[7:])} if self.chance(60) else {}
            )
            yield self.policy(id_, subject, period)
        else:
            middle = self.rng.choice(MIDDLES)
            first = self.policy(id_, subject, {"from": "2023-01-01", "to": middle})
            yield first
            yield self.following(first, "2023-07-01" if self.chance(40) else middle)

    def following(self, first: dict[str, Any], start: str) -> dict[str, Any]:
        """The next file of a policy: the same decisions, some with other constants or more decimals."""
        out = deepcopy(first) | {"effective": {"from": start, "basis": "assumed"}}
        for name, decision in out["decisions"].items():
            offer = next((o for o in self.offers if o.known.text == f"decision({first['policy']}.{name})"), None)
            if offer is not None and self.chance(60):
                self.with_more_decimals(decision, offer)
        for key in ("rewards", "recommendations"):
            if out.get(key) and self.chance(40):
                out[key].pop(self.rng.choice(list(out[key])))
        if self.chance(40):
            out.pop("applies", None)
        self.rewards = [
            (p, r) for p, r in self.rewards if p != first["policy"] or r in {**first, **out}.get("rewards", {})
        ]
        return out

    def with_more_decimals(self, decision: dict[str, Any], offer: Offer) -> None:
        kind = offer.known.kind
        if "expression" in decision and kind.name == "number":
            decision["expression"] = f"round half up(({decision['expression']}) / 3, 2)"
            kind = grown(kind, max(0, 2 - kind.scale))
        elif "table" in decision and kind.name in ("number", "record") and decision["hit"] != "collect count":
            header = decision["table"].header
            for place, cell in enumerate(header):
                match = _NUMBER_OUTPUT.fullmatch(cell)
                if match is not None:
                    header[place] = f"{match[1]}decimal({int(match[2] or 0) + 1})"
            fields = tuple((n, grown(k, 1) if k.name == "number" else k) for n, k in kind.fields)
            kind = replace(kind, fields=fields) if kind.name == "record" else grown(kind, 1)
        offer.known = replace(offer.known, kind=kind)

    def policy(self, id_: str, subject: str, effective: dict[str, str]) -> dict[str, Any]:
        return PolicyAuthor(self, id_, subject, effective).policy()
