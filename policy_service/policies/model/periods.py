"""Days on which something holds, and values that change from day to day."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

from policy_service.diagnostics import NOWHERE, Span
from policy_service.facts import Labels
from policy_service.language import types

Basis = Literal["stated", "assumed"]
Source = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` up to, not including, `end`; open when `end` is None."""

    start: date
    end: date | None

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)

    @property
    def last(self) -> date | None:
        """The last day that it holds; None where it has no end."""
        return None if self.end is None else self.end - timedelta(days=1)

    def common(self, other: "Period") -> "Period | None":
        """The days that both hold."""
        start = max(self.start, other.start)
        end = min((end for end in (self.end, other.end) if end is not None), default=None)
        return Period(start, end) if end is None or start < end else None


@dataclass(frozen=True, slots=True)
class Effective:
    """When a policy is in force, and where that is from."""

    period: Period
    campaign: str | None
    basis: Basis
    source: Source | None


@dataclass(frozen=True, slots=True)
class Campaign:
    id: str
    title: Labels
    period: Period
    basis: Basis
    source: Source | None


@dataclass(frozen=True, slots=True)
class DatedValue:
    """A value from a day on; None ends the parameter. Numbers are scaled integers."""

    start: date
    value: Any
    basis: Basis
    source: Source | None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: types.Type
    unit: str | None
    values: tuple[DatedValue, ...]
    declared: str
    """The type as written."""

    def at(self, day: date) -> Any:
        """The value of the newest entry begun by the day; None before the first. The entries ascend."""
        begun = bisect_right(self.values, day, key=lambda entry: entry.start)
        return self.values[begun - 1].value if begun else None
