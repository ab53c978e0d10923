"""The rules as they stand on a day: one file of each policy, its parameters with their values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from policy_service.engines.reference import reads
from policy_service.engines.reference.values import read
from policy_service.policies.model import Effective, Parameter, Policy, Rules


class PolicyFile:
    """One file of a policy; what it reads is looked for once."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    @cached_property
    def reads(self) -> reads.Reads:
        return reads.of_policy(self.policy)


@dataclass(frozen=True)
class DatedPolicy:
    """A policy on a day.

    in_force: False where no file of it is; then the rewards are those of the file that began last, else of the first.
    is_suspended: whether the whole policy is, and `suspended` the ids of single rewards that are.
    constants: what its expressions know before anything is decided: parameters by name, and the campaign.
    """

    file: PolicyFile
    in_force: bool
    is_suspended: bool
    suspended: frozenset[str]
    parameters: Mapping[str, Any]
    constants: Mapping[str, Any]

    @property
    def policy(self) -> Policy:
        return self.file.policy


class Rulebook:
    """The rules of a bundle.

    excluding: the facts that its exclusions read.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules, self.excluding = rules, reads.of_exclusions(rules)
        files = sorted(rules.policies, key=lambda policy: policy.effective.period.start)
        self._files = {id_: [PolicyFile(p) for p in files if p.id == id_] for id_ in rules.order}

    def on(self, day: date) -> list[DatedPolicy]:
        """Its policies on a day, in an order in which each needs only earlier ones."""
        return [self._dated(_answering(files, day), day) for files in self._files.values()]

    def _dated(self, file: PolicyFile, day: date) -> DatedPolicy:
        policy = file.policy
        stops = [stop for stop in self.rules.settings.suspended if stop.policy == policy.id]
        parameters = {name: _value(parameter, day) for name, parameter in policy.parameters.items()}
        return DatedPolicy(
            file,
            _holds(policy.effective, day),
            any(stop.reward is None for stop in stops),
            frozenset(stop.reward for stop in stops if stop.reward is not None),
            parameters,
            parameters | _campaign(policy.effective),
        )


def _holds(effective: Effective, day: date) -> bool:
    start, end = effective.period.start, effective.period.end
    return start <= day and (end is None or day < end)


def _answering(files: list[PolicyFile], day: date) -> PolicyFile:
    """The file in force; else the one that began last; else the first. Their periods are disjoint."""
    begun = [file for file in files if file.policy.effective.period.start <= day]
    return begun[-1] if begun else files[0]


def _value(parameter: Parameter, day: date) -> Any:
    """The newest value begun by the day; null before the first."""
    begun = [entry for entry in parameter.values if entry.start <= day]
    return read(parameter.type, max(begun, key=lambda entry: entry.start).value) if begun else None


def _campaign(effective: Effective) -> dict[str, Any]:
    if effective.campaign is None:
        return {}
    return {"campaign": {"from": effective.period.start, "to": effective.period.end}}
