"""What the judge and the shadows found, and the ports through which it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from policy_service.access.trail import TrailEntry

MOST_POINTERS = 100


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An answer that the reference engine does not give.

    Args:
        engine: that answered.
        decision: id of the decision, which holds all facts; null for a preview.
        request: of a preview, without sensitive facts; null for a decision.
        policies: those whose entries differ, sorted.
        pointers: places of the compared part that differ, at most `MOST_POINTERS`; the whole, "", where the reference
            engine gave no answer. Values are not kept: they may be sensitive.
    """

    at: str
    bundle: str
    engine: str
    decision: str | None
    request: Mapping[str, Any] | None
    policies: tuple[str, ...]
    pointers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptDisagreement(Disagreement):
    """A disagreement in the store; open until somebody has acknowledged it."""

    number: int = 0
    acknowledged_at: str | None = None
    acknowledged_by: str | None = None


class DisagreementStore(Protocol):
    """What the judge found; nothing is deleted. Every operation may raise StoreUnavailable."""

    def add(self, found: Disagreement) -> None: ...

    def open(self) -> int:
        """Number of disagreements that nobody has acknowledged."""

    def disagreements(self, *, only_open: bool = True, limit: int = 100) -> Sequence[KeptDisagreement]:
        """The newest first."""

    def acknowledge(self, numbers: Sequence[int], by: str, at: str) -> int:
        """Mark disagreements as acknowledged; returns how many of them were open."""


EXAMPLES_KEPT = 20
"""Examples of each policy."""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order that a shadow begin, on a share of the requests, or end; a later order supersedes an earlier one.

    share: decimal text above 0, at most 1.
    """

    action: Literal["start", "end"]
    bundle: str
    share: str
    at: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Order(NewOrder):
    """An order in the history. The sequence of a start names the shadow that it began."""

    sequence: int = 0


class Counts(NamedTuple):
    """Entries of a policy that were compared, and how many of them the draft changes."""

    evaluated: int
    changed: int


@dataclass(frozen=True, slots=True)
class Example:
    """An answer that the draft changes.

    decision: null for a preview.
    pointers: places that differ, in the entries of the policy: `/rewards/0/amount`.
    """

    policy: str
    decision: str | None
    at: str
    pointers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a shadow found; counts by policy."""

    counts: Mapping[str, Counts] = field(default_factory=dict)
    examples: Sequence[Example] = ()


class ShadowStore(Protocol):
    """Shadows and what they found; orders are only added. Every operation may raise StoreUnavailable."""

    def order(self, orders: Sequence[NewOrder], trail: TrailEntry) -> None:
        """Add orders that were given by one act, in one commit."""

    def last(self) -> Order | None:
        """The newest order of all."""

    def orders(self, bundle: str) -> list[Order]:
        """Those of a bundle, newest first."""

    def add(self, shadow: int, found: Findings) -> None:
        """Adds to the counts; keeps the first `EXAMPLES_KEPT` examples of each policy."""

    def findings(self, shadow: int) -> Findings:
        """All that was added, by policy; examples by policy, oldest first."""
