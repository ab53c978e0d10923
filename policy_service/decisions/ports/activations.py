"""Which bundle is active when, what was stopped, and the port through which both are kept.

Nothing here is ever changed or deleted: a later entry supersedes an earlier one. Instants are text as in `records`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from policy_service.access.trail import TrailEntry

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
class Change:
    """What one operation writes: all of it or nothing."""

    bundles: Sequence[BundleSources] = ()
    activations: Sequence[NewActivation] = ()
    stops: Sequence[StopEvent] = ()
    trail: Sequence[TrailEntry] = ()


@dataclass(frozen=True, slots=True)
class ActivationState:
    """Which bundle is active, which are pending and what is stopped, read at one moment: the basis of a change.

    version: the number of the last change; each change adds one.
    active: the activation in effect: of those whose instant has come, the one with the greatest (effective_at,
        sequence); None before the first.
    pending: those that take effect later, by (effective_at, sequence); a later order for the same instant wins.
    stops: the events in force, by policy and reward.
    """

    version: int
    active: Activation | None = None
    pending: tuple[Activation, ...] = ()
    stops: tuple[StopEvent, ...] = field(default=())


class StaleVersion(Exception):
    """Another change was written after the state was read, so nothing was written: read again and try again."""


class BundleStore(Protocol):
    """The bundles, for ever, and which of them was active when. Every operation may raise StoreUnavailable."""

    def save_bundle(self, id: str, label: str | None, sources: Mapping[str, str], seen_at: str) -> bool:
        """Store a bundle, and return whether it is new. What was stored first under an id is never replaced."""

    def sources(self, id: str) -> dict[str, str] | None:
        """Text of each rule file by its path, sorted by path; null for an unknown bundle."""

    def bundle(self, id: str) -> BundleEntry | None:
        """The stored bundle without its sources."""

    def bundles(self) -> list[BundleEntry]:
        """All bundles in the order they were first seen."""

    def activation_state(self, now: str) -> ActivationState:
        """The state at an instant, read in one transaction."""

    def apply(self, change: Change, at: str, version: int) -> None:
        """Write a change in one durable commit.

        Args:
            at: the `seen_at` of bundles that are new.
            version: of the ActivationState that the change is based on.
        Raises:
            StaleVersion: the version is no longer the last.
            StoreRefused: an activation names a bundle that is neither stored nor in the change.
        """

    def was_active(self, id: str, now: str) -> bool:
        """Whether this bundle is or ever was the active one."""

    def last_from_folder(self) -> str | None:
        """The published bundle that the rules folder gave when it last changed the active one."""

    def activations(self, before: int | None = None, limit: int | None = None) -> list[Activation]:
        """The history, newest order first, of those with a sequence below `before`."""

    def stop_events(self) -> list[StopEvent]:
        """All stops and ends of stops, oldest first."""
