"""The rules as they stand on a day: one file of each policy, its parameters with their values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from policy_service.engines.reference.values import read
from policy_service.policies.model import Effective, Parameter, Policy, Rules


@dataclass(frozen=True)
class DatedPolicy:
    """A policy on a day.

    in_force: False where no file of it is; then the rewards are those of the file that began last, else of the first.
    is_suspended: whether the whole policy is, and `suspended` the ids of single rewards that are.
    constants: what its expressions know before anything is decided: parameters by name, and the campaign.
    """

    policy: Policy
    in_force: bool
    is_suspended: bool
    suspended: frozenset[str]
    parameters: Mapping[str, Any]
    constants: Mapping[str, Any]


def dated(rules: Rules, id_: str, day: date) -> DatedPolicy:
    """The policy of that id on a day."""
    policy = _answering([p for p in rules.policies if p.id == id_], day)
    stops = [s for s in rules.settings.suspended if s.policy == id_]
    parameters = {name: _value(parameter, day) for name, parameter in policy.parameters.items()}
    return DatedPolicy(
        policy,
        _holds(policy.effective, day),
        any(s.reward is None for s in stops),
        frozenset(s.reward for s in stops if s.reward is not None),
        parameters,
        parameters | _campaign(policy.effective),
    )


def _holds(effective: Effective, day: date) -> bool:
    start, end = effective.period.start, effective.period.end
    return start <= day and (end is None or day < end)


def _answering(files: list[Policy], day: date) -> Policy:
    """The file in force; else the one that began last; else the first."""
    files = sorted(files, key=lambda file: file.effective.period.start)
    begun = [file for file in files if file.effective.period.start <= day]
    return begun[-1] if begun else files[0]


def _value(parameter: Parameter, day: date) -> Any:
    """The newest value begun by the day; null before the first."""
    begun = [entry for entry in parameter.values if entry.start <= day]
    return read(parameter.type, max(begun, key=lambda entry: entry.start).value) if begun else None


def _campaign(effective: Effective) -> dict[str, Any]:
    if effective.campaign is None:
        return {}
    return {"campaign": {"from": effective.period.start, "to": effective.period.end}}
