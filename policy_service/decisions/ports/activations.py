"""Which bundle is active when, what was stopped, and the port through which both are kept.

Nothing here is ever changed or deleted: a later entry supersedes an earlier one. Instants are text as in `records`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["folder", "activate", "rollback", "stop", "resume"]


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """A stored bundle without its sources; `label` and `seen_at` are those of the first time."""

    id: str
    label: str | None
    seen_at: str


@dataclass(frozen=True, slots=True)
class BundleSources:
    """A bundle to store: text of each rule file by its path in the folder."""

    id: str
    label: str | None
    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewActivation:
    """An order that a bundle become the active one at an instant.

    bundle: the id that requests are evaluated by: `published` with the stops in force merged into its `suspended`.
    published: the id of the bundle that a person published; the same as `bundle` where nothing is stopped.
    at: when the order was given.
    effective_at: when it takes effect; `at` or later.
    """

    bundle: str
    published: str
    kind: Kind
    at: str
    effective_at: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Activation(NewActivation):
    """An order in the history. The sequence grows with the orders; it may have holes."""

    sequence: int = 0


@dataclass(frozen=True, slots=True)
class StopEvent:
    """A stop of a policy or of one of its rewards, or the end of a stop. The last event about a pair decides."""

    action: Literal["stop", "resume"]
    policy: str
    reward: str | None
    at: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stops:
    """The stops in force after an order, by policy and reward.

    version: of the order; whoever decides under these stops says so in the record.
    """

    version: int = 0
    events: tuple[StopEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class ActivationState:
    """Which bundle is active, which are pending and what is stopped, read at one moment: the basis of a change.

    version: of the last order; each order adds one.
    active: the activation in effect; None before the first. An immediate one holds from its place in the sequence, by
        no clock; one for a later instant takes its place when that has come.
    pending: those that take effect later, by (effective_at, sequence); a later order for the same instant wins.
    stops: the events in force, by policy and reward.
    last_at: `at` of the last order; that of the next is not earlier, whatever the clock says.
    """

    version: int
    active: Activation | None = None
    pending: tuple[Activation, ...] = ()
    stops: tuple[StopEvent, ...] = ()
    last_at: str = ""


class StaleVersion(Exception):
    """Another change was written after the state was read, so nothing was written: read again and try again."""


class BundleStore(Protocol):
    """The bundles, for ever, and which of them was active when. Every operation may raise StoreUnavailable."""

    def sources(self, id: str) -> dict[str, str] | None:
        """Text of each rule file by its path, sorted by path; null for an unknown bundle."""

    def bundle(self, id: str) -> BundleEntry | None:
        """The stored bundle without its sources."""

    def bundles(self) -> list[BundleEntry]:
        """All bundles in the order they were first seen."""

    def activation_state(self, now: str) -> ActivationState:
        """The state at an instant, after every order that was committed before this was asked."""

    def stops(self, *, fresh: bool = False) -> Stops:
        """The stops in force as this process knows them; `fresh`: after every order committed before this was asked."""

    def was_active(self, id: str, now: str) -> bool:
        """Whether this bundle is or ever was the active one."""

    def last_from_folder(self) -> str | None:
        """The published bundle that the rules folder gave when it last changed the active one."""

    def activations(self, before: int | None = None, limit: int | None = None) -> list[Activation]:
        """The history, newest order first, of those with a sequence below `before`."""

    def stop_events(self) -> list[StopEvent]:
        """All stops and ends of stops, oldest first."""
