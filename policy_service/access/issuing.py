"""Keys made, rotated and revoked; each act is in the trail."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from policy_service.access import credentials, instants
from policy_service.access.keys import Key, KeyStore
from policy_service.access.principals import ROLES, Role
from policy_service.access.trail import TrailEntry
from policy_service.diagnostics import Fault, InvalidInput, fault
from policy_service.diagnostics.catalogue import BAD_OPTION, BAD_TEXT, NOT_A_DATE

NAME = "[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
RESERVED = frozenset({"local", "policyctl", "serve", "service"})
"""Actors of the trail that are no keys. Those of an issuer begin with `oidc:`, which no name can."""
MOST_A_SECOND = 1_000_000
LONGEST_REASON = 500
GRACE = timedelta(hours=24)
LONGEST_GRACE = timedelta(days=30)
_NAME = re.compile(NAME)
_REASON = re.compile(rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{LONGEST_REASON}}}")
State = Literal["active", "expired", "revoked"]


class UnknownKey(Exception):
    """There is no key with this id."""

    def __init__(self, id: str) -> None:
        super().__init__(f"there is no key `{id[:64]}`")


class KeyEnded(Exception):
    """The key is revoked or expired; it cannot be rotated."""

    def __init__(self, id: str) -> None:
        super().__init__(f"the key `{id[:64]}` has ended: make a new one")


class NameInForce(Exception):
    """A key of this name is in force."""

    def __init__(self, name: str) -> None:
        super().__init__(f"a key of the name `{name[:64]}` is in force: rotate it, or revoke it")


@dataclass(frozen=True, slots=True)
class Made:
    """A key, and its text, which is nowhere kept."""

    key: Key
    text: str


def state(key: Key, now: str) -> State:
    if key.revoked_at is not None and key.revoked_at <= now:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"


def shown(key: Key, now: State) -> dict[str, Any]:
    """A key as JSON, without its digest; what it does not have is left out."""
    found: dict[str, Any] = {
        "id": key.id,
        "name": key.name,
        "roles": list(key.roles),
        "state": now,
        "created_at": key.created_at,
        "created_by": key.created_by,
    }
    further = {"rate": key.rate, "expires_at": key.expires_at, "revoked_at": key.revoked_at}
    return found | {name: value for name, value in further.items() if value is not None}


class Issuing:
    """The operations on keys. Every one may raise what the store raises.

    Args:
        now: the clock, in UTC.
    """

    def __init__(self, store: KeyStore, *, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now

    def listed(self) -> list[tuple[Key, State]]:
        """All keys that ever were, oldest first."""
        now = instants.text(self._now())
        found = self._store.keys()
        return [(key, state(key, now)) for key in found]

    def create(
        self,
        name: str,
        roles: Sequence[str],
        *,
        rate: int | None = None,
        expires_at: datetime | None = None,
        actor: str,
        request_id: str | None = None,
    ) -> Made:
        """A key of a new name, or of one whose keys have all ended.

        Raises:
            NameInForce; InvalidInput: with every fault.
        """
        faults = [*_faults_of_name(name), *_faults_of_roles(roles), *_faults_of_rate(rate)]
        faults += self._faults_of_end(expires_at)
        if faults:
            raise InvalidInput(faults)
        if any(key.name == name and one == "active" for key, one in self.listed()):
            raise NameInForce(name)
        listed = cast(tuple[Role, ...], tuple(sorted(set(roles))))
        return self._made(name, listed, rate, expires_at, "key.create", None, actor, request_id)

    def rotate(
        self,
        id: str,
        *,
        grace: timedelta = GRACE,
        expires_at: datetime | None = None,
        actor: str,
        request_id: str | None = None,
    ) -> Made:
        """A key that takes another's place, with its name, roles and rate; the old one ends after the grace.

        Args:
            expires_at: by default the new key lives as long as the old one was made to.
        Raises:
            UnknownKey, KeyEnded; InvalidInput: with every fault.
        """
        old = self._known(id)
        if state(old, instants.text(self._now())) != "active":
            raise KeyEnded(id)
        faults = self._faults_of_end(expires_at)
        if not timedelta(0) <= grace <= LONGEST_GRACE:
            faults.append(fault("/grace_seconds", BAD_OPTION, f"a grace is at most {LONGEST_GRACE.days} days"))
        if faults:
            raise InvalidInput(faults)
        end = self._same_length(old) if expires_at is None else expires_at
        made = self._made(old.name, old.roles, old.rate, end, "key.rotate", old.id, actor, request_id)
        ends = instants.text(self._now() + grace)
        entry = self._entry("key.expire", old.id, actor, request_id, detail={"name": old.name, "expires_at": ends})
        self._store.end(old.id, expires_at=ends, revoked_at=None, trail=entry)
        return made

    def revoke(self, id: str, reason: str, *, actor: str, request_id: str | None = None) -> Key:
        """The key, ended now. One that was revoked before stays as it is, and the act is in the trail again.

        Raises:
            UnknownKey; InvalidInput: no reason that can be shown.
        """
        if _REASON.fullmatch(reason) is None or not reason.strip():
            message = f"a reason is a line of 1 to {LONGEST_REASON} characters"
            raise InvalidInput([fault("/reason", BAD_TEXT, message)])
        now = instants.text(self._now())
        old = self._known(id)
        entry = self._entry("key.revoke", id, actor, request_id, reason, {"name": old.name})
        ended = self._store.end(id, expires_at=None, revoked_at=now, trail=entry)
        if ended is None:
            raise UnknownKey(id)
        return ended

    def _known(self, id: str) -> Key:
        found = self._store.key(id)
        if found is None:
            raise UnknownKey(id)
        return found

    def _made(
        self, name: str, roles: tuple[Role, ...], rate: int | None, expires_at: datetime | None,
        action: str, replaced: str | None, actor: str, request_id: str | None,
    ) -> Made:  # fmt: skip
        id, secret = credentials.new_id(), credentials.new_secret()
        end = None if expires_at is None else instants.text(expires_at)
        now = instants.text(self._now())
        key = Key(id, name, credentials.digest(secret), roles, rate, now, actor, end)
        detail = {"name": name, "roles": " ".join(roles)}
        detail |= {} if rate is None else {"rate": str(rate)}
        detail |= {} if end is None else {"expires_at": end}
        detail |= {} if replaced is None else {"replaces": replaced}
        kept = self._store.add(key, self._entry(action, id, actor, request_id, detail=detail))
        return Made(kept, credentials.written(id, secret))

    def _entry(
        self, action: str, target: str, actor: str, request_id: str | None, reason: str = "",
        detail: dict[str, str] | None = None,
    ) -> TrailEntry:  # fmt: skip
        return TrailEntry(instants.text(self._now()), actor, action, target, reason, detail or {}, request_id)

    def _same_length(self, old: Key) -> datetime | None:
        if old.expires_at is None:
            return None
        made, ends = instants.moment(old.created_at), instants.moment(old.expires_at)
        return None if made is None or ends is None else self._now() + (ends - made)

    def _faults_of_end(self, expires_at: datetime | None) -> list[Fault]:
        if expires_at is None or self._now() < expires_at <= self._now() + instants.LONGEST:
            return []
        message = f"a key expires in the future, within {instants.LONGEST.days} days"
        return [fault("/expires_at", NOT_A_DATE, message)]


def _faults_of_name(name: str) -> list[Fault]:
    if _NAME.fullmatch(name) is None:
        message = "a name is 1 to 64 of A-Z a-z 0-9 . _ @ - and begins with a letter or digit"
        return [fault("/name", BAD_TEXT, message)]
    if name in RESERVED:
        return [fault("/name", BAD_OPTION, f"the name `{name}` is the service's own")]
    return []


def _faults_of_roles(roles: Sequence[str]) -> list[Fault]:
    if not roles:
        return [fault("/roles", BAD_OPTION, "a key needs a role", f"roles are {', '.join(ROLES)}")]
    unknown = [at for at, role in enumerate(roles) if role not in ROLES]
    hint = f"roles are {', '.join(ROLES)}"
    return [fault(f"/roles/{at}", BAD_OPTION, "there is no such role", hint) for at in unknown[:MOST_ROLES]]


def _faults_of_rate(rate: int | None) -> list[Fault]:
    if rate is None or 1 <= rate <= MOST_A_SECOND:
        return []
    return [fault("/rate", BAD_OPTION, f"a rate is 1 to {MOST_A_SECOND} requests a second")]


MOST_ROLES = len(ROLES)
