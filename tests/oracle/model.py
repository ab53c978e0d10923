"""What rule files say, as data: a folder of policies, each with the files that are its versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.oracle.syntax import Node, Tests
from tests.oracle.values import Duration, Value

Text = Mapping[str, tuple["str | Node", ...]]  # by language, the pieces of a text


@dataclass(frozen=True)
class Period:
    """Days from the first up to one that no longer belongs to it."""

    first: date
    end: date | None

    def __contains__(self, day: date) -> bool:
        return self.first <= day and (self.end is None or day < self.end)


@dataclass(frozen=True)
class Dated:
    """Values by the day on which they begin, ascending."""

    values: tuple[tuple[date, Value], ...]

    def on(self, day: date) -> Value:
        """The newest value begun by the day; null before the first."""
        begun = [value for first, value in self.values if first <= day]
        return begun[-1] if begun else None


@dataclass(frozen=True)
class Column:
    """An output of a table, or a column of a relation; of an enumeration, with its members in their order."""

    name: str
    kind: str
    members: Dated | None


@dataclass(frozen=True)
class TableRow:
    id: str
    tests: tuple[Tests, ...]
    outputs: tuple[Node, ...]


@dataclass(frozen=True)
class Table:
    hit: str
    headers: tuple[Node, ...]
    outputs: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    default: Mapping[str, Node] | None  # by output; None where nothing is said


@dataclass(frozen=True)
class Relation:
    columns: tuple[Column, ...]
    rows: Mapping[str, Mapping[str, Node]]  # by the row's id, the cells by column


@dataclass(frozen=True)
class Formula:
    node: Node


Decision = Table | Relation | Formula


@dataclass(frozen=True)
class Exception_:
    """What takes a reward away: an exception of the policy, or an exclusion of the bundle."""

    id: str
    when: Node
    text: Text


@dataclass(frozen=True)
class Claim:
    per: str
    on_increase: str
    on_decrease: str


@dataclass(frozen=True)
class Reward:
    name: str
    each: str | None
    kind: str
    when: Node | None
    amount: Node
    unit: str | None
    details: Mapping[str, Node]
    claim: Claim
    exceptions: tuple[Exception_, ...]
    group: str | None
    priority: int | None
    lasts: Duration | None


@dataclass(frozen=True)
class Recommendation:
    name: str
    each: str | None
    when: Node | None
    priority: int
    texts: Mapping[str | None, Text]  # by the row's id; under None the one for all


@dataclass(frozen=True)
class PolicyFile:
    """One version of a policy, in force in one period."""

    policy: str
    subject: str
    period: Period
    campaign: str | None
    needs: tuple[str, ...]
    applies: Node | None
    optional: tuple[str, ...]
    parameters: Mapping[str, Dated]
    decisions: Mapping[str, Decision]
    rewards: tuple[Reward, ...]
    recommendations: tuple[Recommendation, ...]


@dataclass(frozen=True)
class Group:
    """A stacking group."""

    combine: str
    cap: Fraction | None


@dataclass(frozen=True)
class Stop:
    policy: str
    reward: str | None


@dataclass(frozen=True)
class Section:
    name: str
    element: str | None  # of a list, the name of one of its elements
    types: Mapping[str, str]

    @property
    def subject(self) -> str:
        return self.element or self.name


@dataclass(frozen=True)
class Folder:
    sections: Mapping[str, Section]
    policies: Mapping[str, tuple[PolicyFile, ...]]
    groups: Mapping[str, Group] = field(default_factory=dict)
    exclusions: tuple[Exception_, ...] = ()
    stops: tuple[Stop, ...] = ()
    ceilings: Mapping[str, Fraction] = field(default_factory=dict)
