"""Who did what on bundles, stops and keys: an append-only audit trail, and the port through which it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One act.

    Args:
        at: RFC 3339 in UTC with milliseconds.
        actor: name of the principal, or of the command that acted.
        action: `bundle.upload`, `bundle.activate`, `policy.stop`, `key.create` ...
        target: what was acted on: id of the bundle, policy or key.
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


class TrailStore(Protocol):
    """The trail. May raise StoreUnavailable.

    An act that changes something is written by the store of what it changes, in the same transaction.
    """

    def note(self, entry: TrailEntry) -> None:
        """An act that changes nothing, durably in the trail when this returns."""

    def trail(self, before: int | None = None, limit: int = 100) -> list[Trailed]:
        """The newest acts with a sequence below `before`, newest first."""
