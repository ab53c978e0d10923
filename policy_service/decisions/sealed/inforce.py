"""Which keys sign the log at a place of it: those of its beginning and those added before, without those retired."""

from collections.abc import Iterable, Sequence

from policy_service.decisions.ports.log import LogStore
from policy_service.decisions.sealed.folding import Followed, SigningChange
from policy_service.decisions.sealed.signing import LogKeys
from policy_service.proofs.keys import Verifier


class KeysInForce:
    """The keys at the end of the log, and further on as waiting acts are passed by.

    Before the first order the keys that are trusted here are in force: one of them signs it.
    """

    def __init__(self, followed: Followed, keys: LogKeys, log: LogStore) -> None:
        self._trusted = keys.verifiers
        self._begun = False
        self._changes = followed.signing
        acts = list(dict.fromkeys(change.act for change in followed.signing))
        self._passed = set(log.placed(acts))
        self._at: tuple[Verifier, ...] = ()
        self._count()

    def at(self) -> Sequence[Verifier]:
        """The keys in force here."""
        return self._at

    def pass_by(self, act: str) -> None:
        """Go on behind a record of the log."""
        if any(change.act == act for change in self._changes):
            self._passed.add(act)
            self._count()

    def _count(self) -> None:
        self._at = _left(change for change in self._changes if change.act in self._passed) or self._trusted


class KeysByPlace:
    """The keys in force at any place of the log, for those who look back.

    The places of the acts are as the store says: who believes a record by them must see besides that it is in the tree.
    """

    def __init__(self, followed: Followed, keys: LogKeys, log: LogStore) -> None:
        self._trusted = keys.verifiers
        entries = {change.act: log.entry(change.act) for change in followed.signing}
        self._changes = [
            (entry.index, change) for change in followed.signing if (entry := entries[change.act]) is not None
        ]

    def at(self, index: int | None) -> Sequence[Verifier]:
        """The keys in force at an index; null for the end of the log."""
        before = (change for place, change in self._changes if index is None or place < index)
        return _left(before) or self._trusted


def _left(changes: Iterable[SigningChange]) -> tuple[Verifier, ...]:
    """The keys that were added and not retired."""
    found: dict[str, None] = {}
    for change in changes:
        if change.added:
            found[change.key] = None
        else:
            found.pop(change.key, None)
    return tuple(map(Verifier.parse, found))
