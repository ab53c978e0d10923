"""The days on which two sets of rules differ about a policy: in a file, a parameter's value, a type's members."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from policy_service.language.types import Enum
from policy_service.language.values import shown
from policy_service.policies.bundle.document import document
from policy_service.policies.model import Period, Policy, Rules
from policy_service.policies.stretches import cut, joined, policy_breaks

_ALWAYS = Period(date.min, None)
_FRAME = ("time_zone", "day_starts", "stacking", "exclusions", "ceilings")


def changed_days(old: Rules, new: Rules) -> dict[str, tuple[Period, ...]]:
    """The days by policy, sorted. Under the key "bundle" all days, if what holds for every policy differs.

    A period that is ended, or a parameter that gets a next value, changes the days from there on alone. Suspensions and
    the declarations of facts are not compared.
    """
    before, after = document(old), document(new)
    found: dict[str, tuple[Period, ...]] = {}
    if any(before["bundle"][key] != after["bundle"][key] for key in _FRAME):
        found["bundle"] = (_ALWAYS,)
    one, two = _by_policy(old, before), _by_policy(new, after)
    for policy in sorted(one.keys() | two.keys()):
        days = _changed(one.get(policy, []), two.get(policy, []))
        if days:
            found[policy] = days
    return found


def _by_policy(rules: Rules, whole: Mapping[str, Any]) -> dict[str, list["_File"]]:
    found: dict[str, list[_File]] = {}
    for policy, said in zip(rules.policies, whole["policies"], strict=True):
        kinds = [rules.types[name].kind for name in sorted(_type_names(said)) if name in rules.types]
        found.setdefault(policy.id, []).append(_File(policy, said, kinds))
    return found


def _type_names(said: Mapping[str, Any]) -> Iterator[str]:
    """What the types of its parameters, outputs and columns are called."""
    yield from (parameter["type"] for parameter in said["parameters"].values())
    for decision in said["decisions"].values():
        for columns in (decision.get("outputs", ()), decision.get("columns", ())):
            yield from (declared for _, declared in columns)


class _File:
    """A file of a policy: its days, what it says on all of them, its parameters' values and its types' members."""

    def __init__(self, policy: Policy, said: Mapping[str, Any], kinds: Iterable[Enum]) -> None:
        self.policy, self._kinds = policy, tuple(kinds)
        parameters = {name: {**parameter, "values": None} for name, parameter in said["parameters"].items()}
        self.lasting = {**said, "effective": None, "parameters": parameters}

    def breaks(self) -> Iterator[date]:
        """Days from which the file may say something else."""
        yield from policy_breaks(self.policy)
        yield from (day for kind in self._kinds for day, _ in kind.dated)

    def on(self, day: date) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
        """Values as they are shown, since how many decimals all values of a parameter need may differ between rules."""
        values = {p.name: shown(p.type, p.at(day)) for p in self.policy.parameters.values()}
        return values, [kind.at(day) for kind in self._kinds]


def _changed(old: list[_File], new: list[_File]) -> tuple[Period, ...]:
    breaks = {day for file in (*old, *new) for day in file.breaks()}
    same = {(one.policy.file, two.policy.file): one.lasting == two.lasting for one in old for two in new}
    return joined(
        days for days in cut(_ALWAYS, breaks) if _differ(_on(old, days.start), _on(new, days.start), days.start, same)
    )


def _differ(one: _File | None, two: _File | None, day: date, same: Mapping[tuple[str, str], bool]) -> bool:
    if one is None or two is None:
        return one is not two
    return not same[one.policy.file, two.policy.file] or one.on(day) != two.on(day)


def _on(files: Iterable[_File], day: date) -> _File | None:
    """The file in force on a day; None where none is."""
    return next((file for file in files if day in file.policy.effective.period), None)
