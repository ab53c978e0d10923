"""A folder whose enumeration is a named type answers, each day, as the one that writes that day's members out."""

from __future__ import annotations

from datetime import date
from itertools import count, pairwise
from random import Random
from typing import Any

from policy_service import canonical
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.model import Table
from tests.differential import generate, judging, states
from tests.differential.generator.kinds import LABEL

MEMBERS = ("S", "A", "B", "C", "D")
STARTS = (date(1900, 1, 1), date(2023, 4, 1), date(2023, 7, 15))
ENDS = (*STARTS[1:], date(2200, 1, 1))
FOLDERS, MOST, STATES = 3, 20, 12
Orders = list[tuple[str, ...]]


def with_members(folder: Any, written: str, declared: dict[str, Any]) -> dict[str, str]:
    """The sources with one enumeration declared in another way: in tables as `written`, of facts as `declared`."""
    for section in folder.files["facts.yaml"]["sections"].values():
        for fact in section["facts"].values():
            if set(fact.get("values", ())) == set(MEMBERS):
                del fact["values"]
                fact.update(declared)
    return {path: text.replace(f"enum({', '.join(MEMBERS)})", written) for path, text in folder.sources().items()}


def named(folder: Any, orders: Orders, label: dict[str, str]) -> dict[str, str]:
    entries = [
        {"from": start, "members": list(order), "labels": dict.fromkeys(order, label)}
        for start, order in zip(STARTS, orders, strict=True)
    ]
    folder.files["types.yaml"] = {"level": {"type": "enum", "values": entries}}
    return with_members(folder, "level", {"type": "level"})


def inline(folder: Any, order: tuple[str, ...], label: dict[str, str]) -> dict[str, str]:
    values = {"type": "enum", "values": dict.fromkeys(order, label)}
    return with_members(folder, f"enum({', '.join(order)})", values)


def sound(sources: dict[str, str]) -> Bundle | None:
    return bundle(sources)[0]


def test_a_days_order_is_the_one_that_counts() -> None:
    """Folders that rank by the type are drawn; some answer must depend on the order, or nothing was shown."""
    moved, done = 0, 0
    for number in count():
        orders = [tuple(Random(number + turn).sample(MEMBERS, len(MEMBERS))) for turn in range(len(STARTS))]
        one = sound(named(generate.write_folder(Random(number), generate.Size(policies=2)), orders, LABEL))
        if one is None or not ranks(one):
            continue
        each = [
            sound(inline(generate.write_folder(Random(number), generate.Size(policies=2)), order, LABEL))
            for order in orders
        ]
        moved += compare(judging.Judge(one), [judging.Judge(b) for b in each], Random(number))
        done += 1
        if done == MOST or (moved and done >= FOLDERS):
            break
    assert moved


def ranks(rules: Bundle) -> bool:
    """Whether a table of it goes by the order of the type."""
    tables = [d.body for p in rules.rules.policies for d in p.decisions.values() if isinstance(d.body, Table)]
    ranked = [t for t in tables if t.hit in ("priority", "output order")]
    return any(output.declared == "level" for table in ranked for output in table.outputs)


def compare(judge: Any, each: list[Any], rng: Random) -> int:
    """How many answers would have been others in the order of another day."""
    poster = states.Poster(judge.bundle.rules, judge.plan, rng, most=2)
    moved = 0
    for _ in range(STATES):
        as_of = poster.as_of(rng)
        posted = poster.state(rng, as_of)
        answers = [plain(one.compare(posted, as_of)) for one in each]
        (today,) = (at for at, (start, end) in enumerate(zip(STARTS, ENDS, strict=True)) if start <= as_of < end)
        assert plain(judge.compare(posted, as_of)) == answers[today], (as_of, posted)
        moved += any(one != two for one, two in pairwise(answers))
    for one in (judge, *each):
        one.close()
    return moved


def plain(answer: dict[str, Any]) -> bytes:
    return canonical.trusted({key: value for key, value in answer.items() if key != "bundle"})
