"""Folders in which given pairs of the language stand, each as a decision of its own, over operands of every origin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from tests.differential.generator.folder import Folder, Grid
from tests.differential.generator.kinds import LABEL
from tests.differential.pairs import CELLS, FIELDS, FORMS, NUMBERS, Pair

LEVELS = ("low", "mid", "high")
_ENUM = f"enum({', '.join(LEVELS)})"
TYPES = {
    "whole": "integer",
    "part": "decimal(1)",
    "grain": "decimal(4)",
    "since": "date",
    "length": "duration",
    "flag": "boolean",
    "word": "text",
    "level": _ENUM,
}
OTHER_SCALES = TYPES | {"whole": "decimal(2)", "part": "integer", "grain": "decimal(6)"}
"""A record of the same fields, but of other decimals."""


def _number(scale: int, low: str, high: str) -> dict[str, Any]:
    return {"type": f"decimal({scale})" if scale else "integer", "range": [low, high]}


_LEVEL = {"type": "enum", "values": dict.fromkeys(LEVELS, LABEL)}
FACTS: dict[str, dict[str, Any]] = {
    "merchant": {
        "id": {"type": "id"},
        "whole1": _number(0, "0", "100"),
        "whole2": _number(0, "-20", "20"),
        "tenth": _number(1, "-100", "100"),
        "cents": _number(2, "0", "1000"),
        "grain4": _number(4, "-5", "5"),
        "grain6": _number(6, "0", "2"),
        "yes1": {"type": "boolean"},
        "yes2": {"type": "boolean"},
        "word1": {"type": "text"},
        "level1": _LEVEL,
        "day1": {"type": "date", "may_be_future": "true"},
        "day2": {"type": "date"},
        "rest": {"type": "duration"},
    },
    "live": {
        "count": _number(0, "-5", "31"),
        "mille": _number(3, "-1", "12"),
        "on_air": {"type": "boolean"},
        "title": {"type": "text"},
        "level2": _LEVEL,
        "day3": {"type": "date"},
    },
}
_RELATION = "tasks"
_NAMED = re.compile(r"[a-z]\.[a-z]")
_OFFERED = "decision(kin.offer.{})"


def _lists(field: str) -> tuple[str, ...]:
    """Lists of a field: of records of a table, of rows, of a decision of this and of another policy."""
    return (
        f"recs.{field}",
        f"[rec, rec].{field}",
        f"{_RELATION}.{field}",
        f"{_RELATION}[flag].{field}",
        f"many_{field}",
        _OFFERED.format(f"many_{field}"),
    )


OPERANDS: dict[str, tuple[str, ...]] = {
    "integer": ("merchant.whole1", "merchant.whole2", "live.count", "limit", "rec.whole", "7", "0", "(-3)"),
    "decimal": ("merchant.tenth", "merchant.cents", "live.mille", "rate", "rec.part", "other.whole", "2.5", "(-0.25)"),
    "fine": ("merchant.grain4", "merchant.grain6", "rec.grain", "other.grain", "0.0001", "(-1.000001)"),
    "date": ("merchant.day1", "merchant.day2", "live.day3", "as_of", 'date("2024-02-29")', '@"2023-01-31"', "start"),
    "duration": ("(merchant.day1 - live.day3)", 'duration("P30D")', '@"-P7D"', "wait", "rec.length"),
    "months": ("age", "years and months duration(merchant.day1, as_of)", 'duration("P1M")', '@"-P14M"'),
    "boolean": ("merchant.yes1", "merchant.yes2", "live.on_air", "switch", "rec.flag", "true", "(live.count > 3)"),
    "text": ("merchant.word1", "live.title", "rec.word", "motto", '"ab"', '""', r'"say \"a\""'),
    "enum": ("merchant.level1", "live.level2", "rec.level", "tier"),
    "null": ("null",),
    "record": ("rec", "other", _OFFERED.format("rec"), "copy", "none"),
    "relation": (_RELATION,),
    "rows": (
        "tasks[flag]",
        "tasks[this.whole > 1]",
        'tasks[flag][row != "beta"]',
        "tasks[list contains(tasks[flag].row, row)]",
    ),
    **{f"list of {kind}": _lists(field) for kind, field in FIELDS.items()},
    "list of months": ("ages", "[age, age]"),
    "list of record": ("recs", "[rec, other]", "[none, rec]", _OFFERED.format("recs")),
    "list of list of integer": ("nested", "[many_whole, many_whole]", _OFFERED.format("nested")),
    "list of list of decimal": ("nested2", "[many_part, [merchant.tenth]]"),
}
"""What stands for an operand of each type."""
for _kind, _field in FIELDS.items():
    OPERANDS[_kind] += (f"decision(kin.offer.rec.{_field})",)
_BESIDE_ENUM = ("merchant.word1", "rec.word", '"low"', '"high"')
_ONE_TYPE = ("if", "list", "in list", "cell list", "list contains")
"""Forms that bring their operands to one type, which a text is only where it is written out."""
_LENGTHS = (*OPERANDS["duration"], "merchant.rest")
"""Where no date moves by it, a duration may be as long as a fact can be."""
_LITERAL_LISTS = {
    "date": '[date("2023-01-01"), @"2023-04-01", date("2024-02-29")]',
    "duration": '[@"-P7D", duration("P0D"), duration("P30D")]',
    "months": '[@"-P14M", duration("P0M"), duration("P1M")]',
    "integer": "[-3, 0, 7]",
    "decimal": "[-0.25, 1, 2.5]",
    "fine": "[-1.000001, 0.0001, 1]",
}
_VALUES = {
    **{kind: f"[{', '.join(texts[:3])}]" for kind, texts in OPERANDS.items() if not kind.startswith("list")},
    "record": "[rec, other, none]",
}


def write_pairs(rng: Random, pairs: Sequence[Pair]) -> Folder:
    """A folder that loads, with each pair in a decision of its own."""
    sections = {
        name: {"label": LABEL, "facts": {key: {**fact, "label": LABEL} for key, fact in facts.items()}}
        for name, facts in FACTS.items()
    }
    supply = _supply(rng)
    decisions = dict(supply)
    for number, pair in enumerate(pairs):
        decisions[f"e{number}"] = _decision(rng, pair)
    return Folder(
        {
            "facts.yaml": {"basis": "assumed", "sections": sections},
            "bundle.yaml": {"time_zone": "Asia/Shanghai"},
            "kin/offer.yaml": _policy("kin.offer", supply) | _sometimes(rng),
            "fam/pairs.yaml": _policy("fam.pairs", decisions | {"copy": {"expression": _OFFERED.format("rec")}}),
        }
    )


def _sometimes(rng: Random) -> dict[str, Any]:
    """A policy that is not applied for some: then its decisions are null."""
    return {"applies": rng.choice(("merchant.yes1 != false", "merchant.whole1 < 90", "true"))}


def _policy(id_: str, decisions: dict[str, Any]) -> dict[str, Any]:
    return {
        "policy": id_,
        "title": LABEL,
        "subject": "merchant",
        "effective": {"from": "2023-01-01", "to": "2024-07-01", "basis": "assumed"},
        "basis": "assumed",
        "optional": ["*"],
        "parameters": _parameters(),
        "decisions": decisions,
    }


def _parameters() -> dict[str, Any]:
    def dated(kind: str, first: str, second: str) -> dict[str, Any]:
        days = ("2022-12-31", "2023-04-16")
        return {
            "type": kind,
            "values": [{"from": d, "value": v} for d, v in zip(days, (first, second), strict=True)],
        }

    return {
        "limit": dated("integer", "4", "12"),
        "rate": dated("decimal(2)", "0.25", "1.5"),
        "start": dated("date", "2023-01-31", "2024-02-29"),
        "wait": dated("duration", "P30D", "P0D"),
        "switch": dated("boolean", "true", "false"),
        "motto": dated("text", "ab", "开播"),
        "tier": dated(_ENUM, "low", "high"),
    }


# ---- what operands are made of


def _supply(rng: Random) -> dict[str, Any]:
    """Decisions of every type; some of their values are null."""
    many = {f"many_{field}": {"hit": "rule order", "table": _column(rng, field)} for field in TYPES}
    return {
        "rec": {"hit": "first", "table": _records(rng, TYPES, ("> 90", "[10..90]"))},
        "other": {"hit": "first", "default": None, "table": _records(rng, OTHER_SCALES, ("< 30", "[50..80)"))},
        "none": {"hit": "first", "default": None, "table": _records(rng, TYPES, ("100",))},
        "recs": {"hit": "collect", "table": _records(rng, TYPES, ("> 5", "< 60", "[40..70)"))},
        "tasks": {"relation": _tasks(rng)},
        "age": {"expression": "years and months duration(merchant.day2, merchant.day1)"},
        "ages": {"expression": '[age, duration("P1M"), age + duration("P1Y")]'},
        "nested": {"expression": "[many_whole, [merchant.whole1, null], [1]]"},
        "nested2": {"expression": "[many_part, [merchant.tenth, 2.5]]"},
        **many,
    }


_CELLS = {
    "whole": ("merchant.whole1", "merchant.whole2", "3", "-1", "null"),
    "part": ("merchant.tenth", "2.5", "-0.5", "null"),
    "grain": ("merchant.grain4", "0.0001", "-1.5", "null"),
    "since": ("merchant.day1", "merchant.day2", 'date("2023-04-01")', "as_of", "null"),
    "length": ('duration("P7D")', "merchant.day1 - merchant.day2", "null"),
    "flag": ("merchant.yes1", "merchant.yes2", "true", "false", "merchant.whole1 > 50", "null"),
    "word": ("merchant.word1", '"ab"', "live.title", '"a\\nb"', "null"),
    "level": ("low", '"high"', "merchant.level1", "null"),
}
"""What stands in an output or column; the first of them in at least one row, so that its type is known."""
_INTEGER_CELLS = {"part": _CELLS["whole"]}


def _cell(rng: Random, field: str, kinds: dict[str, str], number: int) -> str:
    cells = _INTEGER_CELLS.get(field, _CELLS[field]) if kinds is OTHER_SCALES else _CELLS[field]
    return cells[0] if number == 0 else rng.choice(cells)


def _records(rng: Random, kinds: dict[str, str], tests: Sequence[str]) -> Grid:
    header = ["row", "merchant.whole1", *(f"=> {name}: {kind}" for name, kind in kinds.items())]
    rows = [[f"r{n}", test, *(_cell(rng, f, kinds, n) for f in kinds)] for n, test in enumerate(tests)]
    return Grid(header, rows)


def _column(rng: Random, field: str) -> Grid:
    tests = ("> 10", "< 80", "not(50)")
    rows = [[f"r{n}", test, _cell(rng, field, TYPES, n)] for n, test in enumerate(tests)]
    return Grid(["row", "merchant.whole1", f"=> {field}: {TYPES[field]}"], rows)


def _tasks(rng: Random) -> Grid:
    rows = [
        [row, *(_cell(rng, field, TYPES, n) for field in TYPES)] for n, row in enumerate(("alpha", "beta", "gamma"))
    ]
    return Grid(["row", *(f"{name}: {kind}" for name, kind in TYPES.items())], rows)


# ---- one pair


def _decision(rng: Random, pair: Pair) -> dict[str, Any]:
    return _cell_table(rng, pair) if pair.form in CELLS else {"expression": expression(rng, pair)}


def expression(rng: Random, pair: Pair) -> str:
    """The pair over operands of its types."""
    if pair.form == "steps":
        kind, starts, values = (o.removeprefix("list of ") for o in pair.operands)
        return FORMS["steps"].format(_operand(rng, pair, kind), _LITERAL_LISTS[starts], _VALUES[values])
    texts = [_operand(rng, pair, kind) for kind in pair.operands]
    text = FORMS[pair.form].format(*texts)
    return f"round half even({text}, 2)" if pair.form == "*" and is_too_fine(pair.operands) else text


def is_too_fine(kinds: Sequence[str]) -> bool:
    """Whether a product may have more than six decimals."""
    return all(kind in NUMBERS for kind in kinds) and "fine" in kinds and "integer" not in kinds


def _operand(rng: Random, pair: Pair, kind: str) -> str:
    if kind == "text" and any("enum" in operand for operand in pair.operands):
        return rng.choice(_beside_enum(pair))
    if kind == "list of text" and "list of enum" in pair.operands:
        return '["low", "high"]'
    if kind == "duration" and "date" not in pair.operands:
        return rng.choice(_LENGTHS)
    return rng.choice(OPERANDS[kind])


def _beside_enum(pair: Pair) -> Sequence[str]:
    """Texts that go with an enumeration."""
    return _BESIDE_ENUM[2:] if pair.form in _ONE_TYPE else _BESIDE_ENUM


def _cell_table(rng: Random, pair: Pair) -> dict[str, Any]:
    """A table of one input, under which the cell stands."""
    header, *ends = (rng.choice(_posted(kind, pair)) for kind in pair.operands)
    cell = CELLS[pair.form].format(*ends)
    return {"hit": "rule order", "table": Grid(["row", header, "=> n: integer"], [["a", cell, "1"], ["b", "-", "2"]])}


def _posted(kind: str, pair: Pair) -> Sequence[str]:
    """Operands that no check knows beforehand, so that it finds no cell in vain."""
    texts = _beside_enum(pair) if kind == "text" and "enum" in pair.operands else OPERANDS[kind]
    return [text for text in texts if _NAMED.search(text)] or texts


def chunks(pairs: Sequence[Pair], size: int) -> Iterator[Sequence[Pair]]:
    """Pairs by so many."""
    return (pairs[at : at + size] for at in range(0, len(pairs), size))
