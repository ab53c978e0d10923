"""What the operations on bundles give back, and the exceptions with which they refuse."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from policy_service.decisions.bundles.evaluators import imminent
from policy_service.decisions.ports.activations import ActivationState, BundleEntry, NewActivation, StopEvent
from policy_service.diagnostics import Diagnostic


class Busy(Exception):
    """Others make changes at the same time; nothing was done, and the caller may try again."""


class BundleInvalid(Exception):
    """The rule files have errors; nothing was stored.

    Args:
        errors: how many, where not all are among the diagnostics.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], errors: int | None = None) -> None:
        super().__init__("; ".join(f"{d.span}: {d.message}" for d in diagnostics))
        self.diagnostics = tuple(diagnostics)
        self.errors = sum(d.severity == "error" for d in diagnostics) if errors is None else errors


class CheckTooCostly(Exception):
    """The check of a bundle was ended, as it took too much; the message says of what. Nothing was stored."""


class BadInstant(Exception):
    """A bundle cannot be activated at this instant; the message says why."""


class NothingBefore(Exception):
    """No other bundle was published before the present one."""


class UnknownPolicy(Exception):
    """The active bundle has no such policy."""

    def __init__(self, policy: str) -> None:
        super().__init__(f"there is no policy `{policy}`")


class UnknownReward(Exception):
    """The policy has no such reward."""

    def __init__(self, policy: str, reward: str) -> None:
        super().__init__(f"`{policy}` has no reward `{reward}`")


class NotStopped(Exception):
    """What is to be resumed is not stopped."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A bundle that is stored now.

    new: whether it was not stored before.
    warnings: what `policyctl check` would warn of.
    """

    id: str
    label: str | None
    new: bool
    files: tuple[str, ...]
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Ordered:
    """An activation that was ordered, and what it changes for days on which decisions were made already.

    replaces: the published bundle that was active when the order was given; null before the first.
    policies: those that differ between the two bundles on some day; `bundle` stands for all.
    decisions: how many decisions were recorded for those days.
    """

    order: NewActivation
    replaces: str | None = None
    policies: tuple[str, ...] = ()
    decisions: int = 0

    @property
    def warnings(self) -> Iterator[str]:
        """What the person who gave the order should know."""
        if self.decisions:
            judged = "1 decision" if self.decisions == 1 else f"{self.decisions} decisions"
            yield (
                f"{judged} judged a day of which the bundle says something else; a period that has been decided on is "
                "ended, not edited"
            )
        if self.order.bundle != self.order.published:
            yield f"stops in force are merged: `{self.order.bundle}` evaluates"

    @property
    def json(self) -> dict[str, Any]:
        touched = {"decisions": self.decisions, "policies": list(self.policies)}
        return {**asdict(self.order), "replaces": self.replaces, "touched": touched, "warnings": list(self.warnings)}


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stop or its end.

    new: False where it was stopped already, then `event` is the one of that time.
    bundle: id of the active bundle.
    suspended_by_file: bundle.yaml of the published bundle suspends it too, so that resuming changes no answer.
    """

    event: StopEvent
    new: bool
    bundle: str
    suspended_by_file: bool = False

    @property
    def warnings(self) -> Iterator[str]:
        """What the person who stops or resumes should know."""
        if self.suspended_by_file and self.event.action == "resume":
            yield "bundle.yaml of the published bundle suspends it too: it stays so until another bundle is activated"

    @property
    def json(self) -> dict[str, Any]:
        return {"event": asdict(self.event), "new": self.new, "bundle": self.bundle, "warnings": list(self.warnings)}


def listed(entry: BundleEntry, state: ActivationState) -> dict[str, Any]:
    """A stored bundle as JSON, and whether it answers now or later."""
    active = state.active
    return {
        "id": entry.id,
        "label": entry.label,
        "seen_at": entry.seen_at,
        "active": active is not None and active.bundle == entry.id,
        "published": active is not None and active.published == entry.id,
        "pending": [one.effective_at for one in imminent(state.pending) if entry.id in (one.bundle, one.published)],
    }
