"""The keys as one worker knows them: read again when they grow old, so that a request costs no query."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

from policy_service.access import credentials, instants
from policy_service.access.keys import Key
from policy_service.access.principals import Principal, id_of_key
from policy_service.access.rates import slot_of_key

KEPT_SECONDS = 60.0
"""How long known keys still open while the store cannot be read."""
_SOON_SECONDS = 0.1
"""Age from which the keys are read again for a credential that is not known: a new one shall hold at once."""
_PAUSE_SECONDS = 1.0
"""Pause after a reading that failed."""
_NEVER = float("-inf")


class KeysUnknown(Exception):
    """The keys cannot be read now, and what is known of them is too old to rely on."""


@dataclass(frozen=True, slots=True)
class _Known:
    digest: str
    principal: Principal
    ends_at: datetime | None


_NOBODY = _Known("0" * 64, Principal("", "", frozenset()), None)
"""What an unknown id is compared with, so that it takes as long as a wrong secret."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The keys as they were read at one moment.

    Args:
        read_at: of the monotonic clock, before the reading.
        until: when it is read again.
        failed: the last reading after this one failed.
    """

    known: Mapping[str, _Known]
    read_at: float = _NEVER
    until: float = _NEVER
    failed: bool = False


class KeyRing:
    """The keys of a store.

    Args:
        read: all keys that ever were, oldest first; null where they cannot be read now.
        now: the clock by which keys end.
        elapsed: a monotonic clock in seconds, by which the ring grows old.
        refresh_seconds: oldest that the ring may be while the store can be read.
        rate: requests a second for keys that name none; null for no limit.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[Key] | None],
        *,
        now: Callable[[], datetime],
        elapsed: Callable[[], float],
        refresh_seconds: float,
        rate: int | None = None,
    ) -> None:
        self._read, self._now, self._elapsed = read, now, elapsed
        self._refresh_seconds, self._rate = refresh_seconds, rate
        self._snapshot = _Snapshot({})
        self._lock = threading.Lock()

    def any_keys(self) -> bool:
        """Whether a key was ever made. Raises KeysUnknown."""
        return bool(self._current().known)

    def had_keys(self) -> bool | None:
        """`any_keys` as it was last known, without asking the store; null if it was never known."""
        snapshot = self._snapshot
        return None if snapshot.read_at == _NEVER else bool(snapshot.known)

    def principal(self, credential: str) -> Principal | None:
        """Whose key it is; null for one that is wrong or has ended.

        Raises:
            KeysUnknown: the store cannot be read, and the key is not known or was read too long ago.
        """
        id, secret = credentials.parts(credential)
        given = credentials.digest(secret)
        snapshot = self._current()
        found = self._match(snapshot, id, given)
        if found is not None:
            return found
        newer = self._newer(snapshot)
        if newer.failed:
            raise KeysUnknown
        return self._match(newer, id, given)

    def look_again(self) -> bool:
        """`any_keys`, after reading again unless that was a moment ago; for a credential while no key is known."""
        return bool(self._newer(self._current()).known)

    def _match(self, snapshot: _Snapshot, id: str, given: str) -> Principal | None:
        known = snapshot.known.get(id, _NOBODY)
        if not compare_digest(known.digest, given) or known is _NOBODY:
            return None
        if known.ends_at is not None and self._now() >= known.ends_at:
            return None
        return known.principal

    def _current(self) -> _Snapshot:
        snapshot = self._snapshot
        elapsed = self._elapsed()
        if elapsed >= snapshot.until:
            snapshot = self._newest(lambda kept: self._elapsed() >= kept.until)
            elapsed = self._elapsed()
        if snapshot.failed and elapsed - snapshot.read_at > KEPT_SECONDS:
            raise KeysUnknown
        return snapshot

    def _newer(self, snapshot: _Snapshot) -> _Snapshot:
        """The keys as they are now, or were a moment ago."""
        if snapshot.failed:
            return snapshot
        return self._newest(lambda kept: not kept.failed and self._elapsed() - kept.read_at >= _SOON_SECONDS)

    def _newest(self, is_due: Callable[[_Snapshot], bool]) -> _Snapshot:
        with self._lock:  # of those that wait here, only the first reads
            kept = self._snapshot
            if is_due(kept):
                self._snapshot = self._renewed(kept)
            return self._snapshot

    def _renewed(self, kept: _Snapshot) -> _Snapshot:
        begun = self._elapsed()
        keys = self._read()
        if keys is None:
            return _Snapshot(kept.known, kept.read_at, self._elapsed() + _PAUSE_SECONDS, failed=True)
        return _Snapshot(_known(keys, self._rate), begun, begun + self._refresh_seconds)


def _known(keys: Sequence[Key], rate: int | None) -> dict[str, _Known]:
    """Principals by key id. All keys of a name share the rate slot of its first key."""
    slots: dict[str, int] = {}
    found = {}
    for key in keys:
        slot = slots.setdefault(key.name, slot_of_key(key.number or 0))
        allowed = rate if key.rate is None else key.rate
        principal = Principal(id_of_key(key.id), key.name, frozenset(key.roles), allowed, slot)
        found[key.id] = _Known(key.digest, principal, _ends_at(key))
    return found


def _ends_at(key: Key) -> datetime | None:
    ends = [instants.moment(one) for one in (key.expires_at, key.revoked_at) if one is not None]
    return min((one for one in ends if one is not None), default=None)
