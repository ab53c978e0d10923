"""Stretches: the longest runs of days on which rules, a policy or a table say the same."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from policy_service.facts import FIRST_DAY, LAST_DAY
from policy_service.policies.model import Parameter, Policy


@dataclass(frozen=True, slots=True)
class Stretch:
    """First and last day, both included."""

    first: date
    last: date


def stretches(breaks: Iterable[date]) -> tuple[Stretch, ...]:
    """All days that `as_of` may be, in order, cut before each of the breaks."""
    days = sorted({FIRST_DAY, *(day for day in breaks if FIRST_DAY <= day <= LAST_DAY)})
    ends = [day - timedelta(days=1) for day in days[1:]]
    return tuple(Stretch(first, last) for first, last in zip(days, [*ends, LAST_DAY], strict=True))


def stretch_of(ordered: Sequence[Stretch], day: date) -> Stretch:
    """The one of all stretches that holds the day."""
    return ordered[bisect_right(ordered, day, key=lambda one: one.first) - 1]


def policy_breaks(policy: Policy) -> Iterator[date]:
    """Days from which a file of a policy says something else."""
    period = policy.effective.period
    yield period.start
    if period.end is not None:
        yield period.end
    for parameter in policy.parameters.values():
        yield from parameter_breaks(parameter)


def parameter_breaks(parameter: Parameter) -> Iterator[date]:
    """Days from which the parameter has another entry."""
    return (entry.start for entry in parameter.values)
