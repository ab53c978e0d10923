"""What a name in an expression stands for, as data: each kind of thing that a typed tree reads is a class."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Fact:
    """A posted fact.

    section: as expressions write it; of a list the word for one element, `product`.
    """

    section: str
    key: str

    @property
    def name(self) -> str:
        """`section.key`, as expressions and the dictionary write it."""
        return f"{self.section}.{self.key}"


@dataclass(frozen=True, slots=True)
class Parameter:
    policy: str
    name: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of the policy itself or of another one; an output of it is a `Member` of its record."""

    policy: str
    name: str

    @property
    def full_name(self) -> str:
        """`policy.decision`."""
        return f"{self.policy}.{self.name}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of one row of a relation."""

    policy: str
    relation: str
    row: str
    column: str

    @property
    def decision(self) -> Decision:
        """The relation that the cell belongs to."""
        return Decision(self.policy, self.relation)


@dataclass(frozen=True, slots=True)
class AsOf:
    """The day that is judged."""


@dataclass(frozen=True, slots=True)
class CampaignDay:
    """The first day of the policy's campaign (`from`), or the day after its last one (`to`).

    ordinal: the day itself, as a proleptic Gregorian ordinal.
    """

    which: Literal["from", "to"]
    ordinal: int


@dataclass(frozen=True, slots=True)
class Local:
    """A value that `Let` binds; the number is given once in an expression."""

    number: int


@dataclass(frozen=True, slots=True)
class Posted:
    """Whether a section was posted; of a list, whether there is an element. True or false, never null."""

    section: str


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a policy for the subject, a text."""

    policy: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Whether a decision table contradicts itself. True or false, never null."""

    policy: str
    decision: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """Whether a fact that another policy's decision depends on is null: this fact, or any where `fact` is None.

    True or false, never null; the plan defines it.
    """

    policy: str
    decision: str
    fact: Fact | None


Needed = Fact | Decision
"""What a policy may need from outside: facts, and decisions of other policies."""
Outcome = Posted | Status | Conflict | Lacking
"""What only the plan reads: how far policies came."""
Reference = Fact | Parameter | Decision | Cell | AsOf | CampaignDay | Local | Outcome


def shown(needed: Needed) -> str:
    """The name in `missing` and `optional`: `section.key` or `decision(policy.name)`."""
    return needed.name if isinstance(needed, Fact) else f"decision({needed.full_name})"
