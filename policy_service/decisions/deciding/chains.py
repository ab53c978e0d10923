"""Corrections: the decisions that a decision corrects, and those that correct it, directly or not."""

from dataclasses import dataclass

from policy_service.decisions.deciding.recording import record_body
from policy_service.decisions.ports.records import DecisionRecord, DecisionStore

MOST_LINKS = 100


@dataclass(frozen=True, slots=True)
class Link:
    """One decision of a chain.

    supersedes, reason: the decision that it corrects and why; null in the first.
    """

    decision_id: str
    decided_at: str
    supersedes: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Chain:
    """Decisions, oldest first; the one asked for is among them.

    complete: false where there are more than MOST_LINKS.
    """

    links: tuple[Link, ...]
    complete: bool


def chain(decisions: DecisionStore, of: DecisionRecord) -> Chain:
    """The whole chain of a decision; where several correct one, all of them are in it. Raises StoreUnavailable."""
    found = {of.id: of}
    first = of
    while first.supersedes is not None and len(found) < MOST_LINKS:
        earlier = decisions.decision(first.supersedes)
        if earlier is None or earlier.id in found:
            break
        found[earlier.id] = first = earlier
    complete = first.supersedes is None
    waiting = [first.id]
    while waiting and complete:
        for id_ in decisions.superseding(waiting.pop(0)):
            if id_ not in found and len(found) >= MOST_LINKS:
                complete = False
                break
            later = found.get(id_) or decisions.decision(id_)
            if later is not None:
                found[id_] = later
                waiting.append(id_)
    ordered = sorted(found.values(), key=lambda one: (one.decided_at, one.id))
    return Chain(tuple(map(_link, ordered)), complete)


def _link(record: DecisionRecord) -> Link:
    reason = None if record.supersedes is None else record_body(record.body)["request"].get("reason")
    return Link(record.id, record.decided_at, record.supersedes, reason)
