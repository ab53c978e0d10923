"""What is recorded of each case: `results.yaml` is written by this package, `differs.yaml` by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.tck.running import Result

RESULTS, DIFFERS = (Path(__file__).with_name(name) for name in ("results.yaml", "differs.yaml"))
_HEAD = """\
# What becomes of each case of the kit, by folder: `python -m tests.conformance.tck --write` writes this file.
# outside: by the code of the refusal. reference: what it makes of the untyped tree of a case that is outside.
"""
Record = dict[str, Any]
"""Of one folder the ids of cases by outcome; of those outside by code, of those unsupported by construct."""


def record(found: Mapping[str, Result]) -> Record:
    """The results of one folder as they are recorded."""
    out: Record = {}
    for id_, result in found.items():
        place = out.setdefault(result.outcome, {} if result.detail else [])
        (place.setdefault(result.detail, []) if result.detail else place).append(id_)
        if result.reference in ("passes", "differs"):
            out.setdefault("reference", {}).setdefault(result.reference, []).append(id_)
    return out


@cache
def recorded() -> dict[str, Record]:
    """By folder."""
    found: dict[str, Record] = yaml.safe_load(RESULTS.read_text("utf-8"))
    return found


def write(records: Mapping[str, Record]) -> None:
    text = yaml.safe_dump(dict(records), default_flow_style=None, width=118, sort_keys=False, allow_unicode=True)
    RESULTS.write_text(_HEAD + text, "utf-8")


def answers(folder: str) -> dict[str, Any]:
    """Our own answer, written by hand, to each case of a folder that differs."""
    differences: list[dict[str, Any]] = yaml.safe_load(DIFFERS.read_text("utf-8"))
    return {id_: answer for one in differences for id_, answer in one["answers"].get(folder, {}).items()}


def counts(records: Mapping[str, Record]) -> Counter[str]:
    """How many expectations came to each outcome; `outside L202` and `reference passes` for what is below it."""
    found: Counter[str] = Counter()
    for one in records.values():
        for outcome, below in one.items():
            parts = below if isinstance(below, dict) else {"": below}
            for detail, ids in parts.items():
                found[f"{outcome} {detail}".strip()] += len(ids)
    return found
