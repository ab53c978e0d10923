"""The generated folder of rule files: its facts and decisions, each with its lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

FACTS, POLICY, FRAME = "facts.yaml", "tck/kit.yaml", "bundle.yaml"
_FACTS_HEAD = """\
basis: assumed
sections:
  merchant:
    label: {zh: 商家, en: Merchant}
    facts:
      id: {type: id, label: {zh: 编号, en: Id}}
"""
_POLICY_HEAD = """\
policy: tck.kit
title: {zh: 测试, en: Kit}
subject: merchant
effective: {from: 2000-01-01, basis: assumed}
basis: assumed
optional: ["*"]
decisions:
"""


@dataclass(frozen=True)
class Entry:
    """One fact or decision of the generated folder.

    lines: as they stand in their file.
    uses: names of entries that it reads.
    declared: the type that the model gives the value of an expression, as rule files call it; empty for any.
    expression: its text, of a decision that is one.
    """

    file: str
    lines: tuple[str, ...]
    uses: frozenset[str]
    declared: str = ""
    expression: str = ""


@dataclass
class Rules:
    """The generated folder.

    entries: by name, `section.fact` or a decision's.
    decisions: names of entries by the names of the kit's decisions.
    posted: the entry of each input or part of one, by its path of names.
    untranslated: why, by names of the kit's decisions.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    posted: dict[tuple[str, ...], str] = field(default_factory=dict)
    untranslated: dict[str, str] = field(default_factory=dict)


def sources(entries: Mapping[str, Entry]) -> tuple[dict[str, str], dict[tuple[str, int], str]]:
    """The texts of the files, and which entry stands at each file and line."""
    texts, owners = {FACTS: _FACTS_HEAD, POLICY: _POLICY_HEAD, FRAME: "time_zone: Asia/Shanghai\n"}, {}
    begun = set[str]()
    for name, entry in sorted(entries.items(), key=lambda one: one[0].partition(".")[0]):
        section = name.partition(".")[0]
        if entry.file == FACTS and section not in begun:
            begun.add(section)
            texts[FACTS] += f"  {section}:\n    label: {{zh: 输入, en: Input}}\n    facts:\n"
        for line in entry.lines:
            texts[entry.file] += line + "\n"
            owners[entry.file, texts[entry.file].count("\n")] = name
    if texts[POLICY] == _POLICY_HEAD:
        texts[POLICY] += "  nothing: {expression: 'null'}\n"
    return texts, owners


def as_column(name: str, entry: Entry) -> Entry:
    """The expression as a column of a relation, which is where rule files declare a type."""
    kind = "decimal(6)" if entry.declared == "number" else entry.declared
    lines = (f"  {name}:", "    relation: |", grid_line("row", f"value: {kind}"), grid_line("r1", entry.expression))
    return Entry(POLICY, lines, entry.uses)


def quoted(text: str) -> str:
    """A scalar of YAML on one line."""
    return json.dumps(text, ensure_ascii=False)


def grid_line(*cells: str) -> str:
    return f"      | {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
