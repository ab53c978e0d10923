"""Which bundle is active when, what was stopped, and the port through which both are kept.

Nothing here is ever changed or taken out: a later line stands above an earlier one. Instants are text as in `records`.
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
    """An order that a bundle be the active one from an instant on.

    bundle: what evaluates: `published` with the stops of the moment merged into its `suspended`.
    published: what a person published; the same id where nothing is stopped.
    at: when the order was given; effective_at: from when it holds, `at` or later.
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
    """A stop of a policy, or of one reward of it, or the end of one; the last event about a pair is what holds."""

    action: Literal["stop", "resume"]
    policy: str
    reward: str | None
    at: str
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one operation adds, all of it or nothing."""

    bundles: Sequence[BundleSources] = ()
    activations: Sequence[NewActivation] = ()
    stops: Sequence[StopEvent] = ()
    trail: Sequence[TrailEntry] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a change was thought out against.

    version: the number of the last change; grows by one with each.
    active: the activation with the greatest (effective_at, sequence) among those that hold; None before the first.
    pending: those that are to hold later, by (effective_at, sequence); a later order for the same instant wins.
    stops: the events in force, by policy and reward.
    """

    version: int
    active: Activation | None = None
    pending: tuple[Activation, ...] = ()
    stops: tuple[StopEvent, ...] = field(default=())


class Outrun(Exception):
    """Another change came between reading and writing; nothing was written: read again and think again."""


class BundleStore(Protocol):
    """The bundles, for ever, and which of them was active when. Every operation may raise StoreUnavailable."""

    def save_bundle(self, id: str, label: str | None, sources: Mapping[str, str], seen_at: str) -> bool:
        """Whether the bundle is new. What was stored first under an id stays."""

    def sources(self, id: str) -> dict[str, str] | None:
        """Text of each rule file by its path, sorted by path; null for an unknown bundle."""

    def bundle(self, id: str) -> BundleEntry | None:
        """The stored bundle without its sources."""

    def bundles(self) -> list[BundleEntry]:
        """All bundles in the order they were first seen."""

    def standing(self, now: str) -> Standing:
        """What holds at an instant, read as one."""

    def apply(self, change: Change, at: str, version: int) -> None:
        """Adds a change in one durable commit.

        Args:
            at: the `seen_at` of bundles that are new.
            version: of the Standing that the change was thought out against.
        Raises:
            Outrun: the version is no longer the last.
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
