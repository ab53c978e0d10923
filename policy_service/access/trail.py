"""Who did what: an append-only audit trail, and the port through which it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

MOST_ON_A_PAGE, PAGE = 1000, 100
REVEAL = "decision.reveal"
"""The action of showing sensitive values of a decision."""


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One act.

    Args:
        at: RFC 3339 in UTC with milliseconds.
        actor: name of the principal, or of the command that acted.
        action: `log.begin`, `bundle.upload`, `bundle.activate`, `policy.stop`, `key.create`, `decision.reveal` ...
        target: what was acted on: id of the bundle, policy, key or decision, name of the log.
        reason: what the actor said; empty where none was asked for.
        detail: further words on the act; never a secret.
        request_id: of the HTTP request; null at the command line.
    """

    at: str
    actor: str
    action: str
    target: str
    reason: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Trailed(TrailEntry):
    """An act in the trail; the sequence grows."""

    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts and why, before it is known what is done to what.

    request_id: of the HTTP request; null at the command line.
    """

    actor: str
    reason: str = ""
    request_id: str | None = None

    def entry(self, at: str, action: str, target: str, detail: Mapping[str, str]) -> TrailEntry:
        """The entry of the trail for what was done."""
        return TrailEntry(at, self.actor, action, target, self.reason, detail, self.request_id)


def page(found: Sequence[Trailed], limit: int) -> dict[str, Any]:
    """The acts of a page as JSON, and where the next one begins.

    Args:
        found: one more than the limit, if there are more.
    """
    shown: dict[str, Any] = {"entries": [_shown(one) for one in found[:limit]]}
    return shown if len(found) <= limit else shown | {"next": found[limit - 1].sequence}


def _shown(one: Trailed) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "sequence": one.sequence,
        "at": one.at,
        "actor": one.actor,
        "action": one.action,
        "target": one.target,
        "reason": one.reason,
        "detail": dict(one.detail),
    }
    return shown if one.request_id is None else shown | {"request_id": one.request_id}


class TrailStore(Protocol):
    """The trail. May raise StoreUnavailable.

    An act that changes something is written by the store of what it changes, in the same transaction.
    """

    def note(self, entry: TrailEntry) -> None:
        """An act that changes nothing, durably in the trail when this returns."""

    def trail(self, before: int | None = None, limit: int = 100) -> list[Trailed]:
        """The newest acts with a sequence below `before`, newest first."""
