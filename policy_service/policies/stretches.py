"""Days from which rules say something else, and the stretches between them.

A stretch is a Period: its days are those from `start` to before `end`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import zip_longest

from policy_service.facts import FIRST_DAY, LAST_DAY
from policy_service.policies.model import DatedValue, Parameter, Period, Policy, Rules

ALL_DAYS = Period(FIRST_DAY, LAST_DAY + timedelta(days=1))
"""Every day that `as_of` may be."""


def epochs(rules: Rules) -> tuple[Period, ...]:
    """All days in order, in the longest stretches on which the same files, values and members of types hold."""
    members = [day for one in rules.types.values() for day, _ in one.kind.dated]
    return cut(ALL_DAYS, [*members, *(day for policy in rules.policies for day in policy_breaks(policy))])


# ---- days from which something else is said


def bounds(period: Period) -> tuple[date, ...]:
    """The first day, and the day after the last one where there is an end."""
    return (period.start,) if period.end is None else (period.start, period.end)


def policy_breaks(policy: Policy) -> Iterator[date]:
    """Days from which a file of a policy says something else."""
    yield from bounds(policy.effective.period)
    for parameter in policy.parameters.values():
        yield from parameter_breaks(parameter)


def parameter_breaks(parameter: Parameter) -> Iterator[date]:
    """Days from which the parameter has another entry."""
    return (entry.start for entry in parameter.values)


def new_values(parameter: Parameter, period: Period) -> Iterator[date]:
    """Days within a period from which the parameter has another value than before."""
    last = parameter.at(period.start)
    for entry in parameter.values:
        if entry.start in period and entry.value != last:
            last = entry.value
            yield entry.start


def entries(values: Sequence[DatedValue]) -> Iterator[tuple[DatedValue, Period]]:
    """Each entry of a parameter with the days on which it is the one that counts."""
    for entry, following in zip_longest(values, values[1:]):
        yield entry, Period(entry.start, following.start if following is not None else None)


# ---- stretches


def cut(period: Period, breaks: Iterable[date]) -> tuple[Period, ...]:
    """The days of a period in order, cut before each of the breaks within it."""
    starts = sorted({period.start, *(day for day in breaks if day in period)})
    return tuple(map(Period, starts, [*starts[1:], period.end]))


def holding(stretches: Sequence[Period], day: date) -> Period:
    """The stretch that holds the day, of some in order that hold it without a gap."""
    return stretches[bisect_right(stretches, day, key=lambda one: one.start) - 1]


def joined(stretches: Iterable[Period]) -> tuple[Period, ...]:
    """The same days in order, in stretches that neither touch nor overlap."""
    out: list[Period] = []
    for one in sorted(stretches, key=lambda stretch: stretch.start):
        before = out[-1] if out else None
        if before is None or (before.end is not None and before.end < one.start):
            out.append(one)
        elif before.end is not None:
            out[-1] = Period(before.start, None if one.end is None else max(before.end, one.end))
    return tuple(out)


def gap(needed: Period, given: Iterable[Period]) -> Period | None:
    """The first days of a period that none of the others holds; None where there are none."""
    day = needed.start
    for period in joined(given):
        if period.start > day:
            return needed.common(Period(day, period.start))
        if period.end is None:
            return None
        day = max(day, period.end)
    return needed.common(Period(day, None))
