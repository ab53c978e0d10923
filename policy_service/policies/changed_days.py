"""On which days two sets of rules say something else of a policy: a file, a parameter's value, a type's members."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from policy_service.policies.bundle import document
from policy_service.policies.model import Rules

Days = tuple[date, date]
"""From a day to before another."""
_FIRST, _END = date.min, date.max
_FRAME = ("time_zone", "day_starts", "stacking", "exclusions", "ceilings")


def changed_days(old: Rules, new: Rules) -> dict[str, list[Days]]:
    """The days by policy, sorted. Under the key "bundle" all days, if what holds for every policy differs.

    A period that is ended, or a parameter that gets a next value, changes the days from there on alone. Suspensions and
    the declarations of facts are not compared.
    """
    before, after = document(old), document(new)
    found = {}
    if any(before["bundle"][key] != after["bundle"][key] for key in _FRAME):
        found["bundle"] = [(_FIRST, _END)]
    one, two = _by_policy(before), _by_policy(after)
    for policy in sorted(one.keys() | two.keys()):
        days = list(_changed(one.get(policy, []), two.get(policy, [])))
        if days:
            found[policy] = days
    return found


def joined(days: Iterable[Days]) -> list[Days]:
    """The same days, in stretches that neither meet nor overlap, sorted."""
    out: list[Days] = []
    for start, end in sorted(days):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def _by_policy(whole: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    types = whole.get("types", {})
    for policy in whole["policies"]:
        used = {name: types[name]["values"] for name in sorted(_type_names(policy)) if name in types}
        found.setdefault(policy["policy"], []).append({**policy, "types": used})
    return found


def _type_names(policy: Mapping[str, Any]) -> Iterator[str]:
    """What the types of its parameters, outputs and columns are called."""
    yield from (parameter["type"] for parameter in policy["parameters"].values())
    for decision in policy["decisions"].values():
        for columns in (decision.get("outputs", ()), decision.get("columns", ())):
            yield from (declared for _, declared in columns)


def _changed(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[Days]:
    breaks = sorted({_FIRST, _END, *(day for policy in (*old, *new) for day in _breaks(policy))})
    yield from joined((start, end) for start, end in pairwise(breaks) if _on(old, start) != _on(new, start))


def _breaks(policy: Mapping[str, Any]) -> Iterator[date]:
    """Days from which the policy may say something else."""
    yield from _period(policy)
    for dated in (*(p["values"] for p in policy["parameters"].values()), *policy["types"].values()):
        yield from (date.fromisoformat(value["from"]) for value in dated)


def _period(policy: Mapping[str, Any]) -> Days:
    start, end = policy["effective"]["period"]
    return date.fromisoformat(start), _END if end is None else date.fromisoformat(end)


def _on(versions: Iterable[Mapping[str, Any]], day: date) -> dict[str, Any] | None:
    """What a policy says on a day; None where none of its files is in force."""
    for policy in versions:
        start, end = _period(policy)
        if start <= day < end:
            members = {name: _begun_last(dated, day, "members") for name, dated in policy["types"].items()}
            return {**policy, "effective": None, "parameters": _values(policy["parameters"], day), "types": members}
    return None


def _values(parameters: Mapping[str, Any], day: date) -> dict[str, Any]:
    return {n: {**p, "values": _begun_last(p["values"], day, "value")} for n, p in parameters.items()}


def _begun_last(dated: Iterable[Mapping[str, Any]], day: date, key: str) -> Any:
    begun = [entry for entry in dated if date.fromisoformat(entry["from"]) <= day]
    return begun[-1][key] if begun else None
