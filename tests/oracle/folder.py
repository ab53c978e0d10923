"""A rules folder read into its model."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.oracle import pipes, sources
from tests.oracle.model import (
    Claim,
    Column,
    Dated,
    Decision,
    Exception_,
    Folder,
    Formula,
    Group,
    Period,
    PolicyFile,
    Recommendation,
    Relation,
    Reward,
    Section,
    Stop,
    Table,
    TableRow,
    Text,
)
from tests.oracle.parser import cell, expression
from tests.oracle.syntax import If, Literal, Name, Node
from tests.oracle.texts import pieces
from tests.oracle.values import Value, day_of, duration_of, number_of

_SPECIAL = ("facts.yaml", "bundle.yaml", "campaigns.yaml", "types.yaml", "constants.yaml", "confirmations.yaml")
_ENUM = re.compile(r"enum\((.*)\)", re.DOTALL)


def read_folder(files: Mapping[str, str]) -> Folder:
    """The model of a folder, given the text of each file by its path in it."""
    return _Reading(files).folder()


class _Reading:
    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.types = {name: _dated_members(entry) for name, entry in self.whole("types.yaml").items()}
        self.campaigns = {name: _period(entry) for name, entry in self.whole("campaigns.yaml").items()}

    def whole(self, path: str) -> dict[str, Any]:
        """A file of the folder; empty if there is none."""
        return sources.read(self.files.get(path, "")) or {}

    def folder(self) -> Folder:
        bundle = self.whole("bundle.yaml")
        return Folder(
            sections={name: _section(name, entry) for name, entry in self.whole("facts.yaml")["sections"].items()},
            policies=self.policies(),
            groups={name: _group(entry) for name, entry in (bundle.get("stacking") or {}).items()},
            exclusions=tuple(map(_exception, bundle.get("exclusions") or ())),
            stops=tuple(Stop(each["policy"], each.get("reward")) for each in bundle.get("suspended") or ()),
            ceilings={kind: number_of(entry["per_reward"]) for kind, entry in (bundle.get("ceilings") or {}).items()},
        )

    def policies(self) -> dict[str, tuple[PolicyFile, ...]]:
        """Versions of each policy, by the day on which they begin; policies by id."""
        versions = defaultdict(list)
        for path, text in self.files.items():
            if path not in _SPECIAL and not path.endswith(".test.yaml"):
                file = self.policy(sources.read(text))
                versions[file.policy].append(file)
        return {name: tuple(sorted(versions[name], key=lambda file: file.period.first)) for name in sorted(versions)}

    def policy(self, entry: dict[str, Any]) -> PolicyFile:
        effective = entry["effective"]
        campaign = effective.get("campaign")
        parameters, decisions = entry.get("parameters") or {}, entry.get("decisions") or {}
        names = {*parameters, *decisions}
        return PolicyFile(
            policy=entry["policy"],
            subject=entry["subject"],
            period=self.campaigns[campaign] if campaign else _period(effective),
            campaign=campaign,
            needs=tuple(entry.get("needs") or ()),
            applies=_optional(entry.get("applies")),
            optional=tuple(entry.get("optional") or ()),
            parameters={name: self.parameter(each) for name, each in parameters.items()},
            decisions={name: self.decision(each, names) for name, each in decisions.items()},
            rewards=tuple(_reward(name, each) for name, each in (entry.get("rewards") or {}).items()),
            recommendations=tuple(
                _recommendation(name, each) for name, each in (entry.get("recommendations") or {}).items()
            ),
        )

    # -- parameters

    def parameter(self, entry: dict[str, Any]) -> Dated:
        kind = entry["type"]
        return Dated(tuple((day_of(each["from"]), _constant(kind, each["value"])) for each in entry["values"]))

    # -- decisions

    def decision(self, entry: dict[str, Any], names: set[str]) -> Decision:
        if "table" in entry:
            return self.table(entry, names)
        if "relation" in entry:
            return self.relation(entry, names)
        return Formula(expression(entry["expression"]))

    def table(self, entry: dict[str, Any], names: set[str]) -> Table:
        header, *lines = pipes.rows(entry["table"])
        inputs = [place for place, text in enumerate(header) if place and not _is_special(text)]
        outputs = {place: self.column(text[2:]) for place, text in enumerate(header) if text.startswith("=>")}
        return Table(
            hit=" ".join(entry["hit"].lower().split()),
            headers=tuple(expression(header[place]) for place in inputs),
            outputs=tuple(outputs.values()),
            rows=tuple(
                TableRow(
                    id=line[0],
                    tests=tuple(cell(line[place]) for place in inputs),
                    outputs=tuple(_output(line[place], column, names) for place, column in outputs.items()),
                )
                for line in lines
            ),
            default=_default(entry, outputs.values(), names),
        )

    def relation(self, entry: dict[str, Any], names: set[str]) -> Relation:
        header, *lines = pipes.rows(entry["relation"])
        declared = {
            place: text.partition("=") for place, text in enumerate(header) if place and not pipes.is_note(text)
        }
        columns = {place: self.column(name) for place, (name, _, _) in declared.items()}
        known = {*names, *(column.name for column in columns.values())}
        rows = {
            line[0]: {
                column.name: _output(line[place] or declared[place][2].strip(), column, known)
                for place, column in columns.items()
            }
            for line in lines
        }
        return Relation(tuple(columns.values()), rows)

    def column(self, declared: str) -> Column:
        """`name: type`, perhaps with a unit behind."""
        name, _, kind = declared.partition(":")
        return Column(name.strip(), kind.strip(), self.members(kind.strip()))

    def members(self, kind: str) -> Dated | None:
        """The members of an enumeration, of a type written out or named."""
        if found := _ENUM.match(kind):
            return Dated(((date.min, tuple(each.strip().strip('"') for each in found[1].split(","))),))
        return self.types.get(kind)


def _is_special(header: str) -> bool:
    return header.startswith("=>") or pipes.is_note(header)


def _output(text: str, column: Column, names: set[str]) -> Node:
    """An output's expression; members of an enumeration stand bare, unless the file gives the name to something."""
    dated = column.members.values if column.members else ()
    members = {member for _, each in dated for member in each if member not in names}
    return Literal(text) if text in members else _with_members(expression(text), members)


def _with_members(node: Node, members: set[str]) -> Node:
    """The expression with bare members, where they are its result, as texts."""
    if isinstance(node, If):
        return If(node.condition, _with_members(node.then, members), _with_members(node.otherwise, members))
    return Literal(node.text) if isinstance(node, Name) and node.text in members else node


def _default(entry: dict[str, Any], outputs: Iterable[Column], names: set[str]) -> Mapping[str, Node] | None:
    """What each output is where no row answers; None where no default is said."""
    if "default" not in entry:
        return None
    default = entry["default"]
    if default is None and len(list(outputs)) > 1:
        return {}
    texts = default if isinstance(default, dict) else {each.name: default for each in outputs}
    return {each.name: _output(texts.get(each.name) or "null", each, names) for each in outputs}


def _dated_members(entry: dict[str, Any]) -> Dated:
    return Dated(tuple((day_of(each["from"]), tuple(each["members"])) for each in entry["values"]))


def _constant(kind: str, value: str | None) -> Value:
    """What a parameter's value means in its type."""
    if value is None:
        return None
    if kind == "integer" or kind.startswith("decimal"):
        return number_of(value)
    if kind == "date":
        return day_of(value)
    if kind == "duration":
        return duration_of(value)
    return sources.is_true(value) if kind == "boolean" else value


def _period(entry: dict[str, str]) -> Period:
    end = entry.get("to")
    if through := entry.get("through"):
        return Period(day_of(entry["from"]), day_of(through) + timedelta(1))
    return Period(day_of(entry["from"]), day_of(end) if end else None)


def _section(name: str, entry: dict[str, Any]) -> Section:
    return Section(name, entry.get("element"), {fact: each["type"] for fact, each in entry["facts"].items()})


def _group(entry: dict[str, str]) -> Group:
    cap: Fraction | None = number_of(entry["cap"]) if "cap" in entry else None
    return Group(entry["combine"], cap)


def _optional(text: str | None) -> Node | None:
    return None if text is None else expression(text)


def _text(entry: dict[str, str]) -> Text:
    return {language: pieces(words) for language, words in entry.items()}


def _exception(entry: dict[str, Any]) -> Exception_:
    return Exception_(entry["id"], expression(entry["when"]), _text(entry["text"]))


def _reward(name: str, entry: dict[str, Any]) -> Reward:
    claim = entry["claim"]
    lasts = (entry.get("validity") or {}).get("for")
    priority = entry.get("priority")
    return Reward(
        name=name,
        each=entry.get("each"),
        kind=entry["kind"],
        when=_optional(entry.get("when")),
        amount=expression(entry["amount"]),
        unit=entry.get("unit"),
        details={key: expression(text) for key, text in (entry.get("details") or {}).items()},
        claim=Claim(claim["per"], claim.get("on_increase", "top_up"), claim.get("on_decrease", "keep")),
        exceptions=tuple(map(_exception, entry.get("except") or ())),
        group=entry.get("stack"),
        priority=None if priority is None else int(priority),
        lasts=duration_of(lasts) if lasts else None,
    )


def _recommendation(name: str, entry: dict[str, Any]) -> Recommendation:
    text = entry["text"]
    by_row: dict[str | None, Text] = (
        {None: _text(text)} if "zh" in text else {row: _text(each) for row, each in text.items()}
    )
    return Recommendation(name, entry.get("each"), _optional(entry.get("when")), int(entry["priority"]), by_row)
