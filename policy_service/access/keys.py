"""API keys: shown once, kept as a digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from policy_service.access.principals import Role
from policy_service.access.trail import TrailEntry


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept: what is here is not enough to make a request.

    Args:
        id: the visible part of the key, by which people tell keys apart.
        name: of the principal; several keys may have one name while a rotation is under way.
        digest: SHA-256 of the secret part, hexadecimal. The secret has 256 random bits, so no slow hash is needed.
        roles: sorted.
        rate: requests a second; null: the service's default.
        created_at, expires_at, revoked_at: instants; null: never.
        number: counts the keys; null before it is kept.
    """

    id: str
    name: str
    digest: str
    roles: tuple[Role, ...]
    rate: int | None
    created_at: str
    created_by: str
    expires_at: str | None = None
    revoked_at: str | None = None
    number: int | None = None


class KeyStore(Protocol):
    """The keys; none is ever taken out. Every operation may raise StoreUnavailable."""

    def add(self, key: Key, trail: TrailEntry) -> Key:
        """The key as kept, with its number, and the trail's entry, in one commit."""

    def end(self, id: str, *, expires_at: str | None, revoked_at: str | None, trail: TrailEntry) -> Key | None:
        """The key with an earlier end; null for an unknown one. An end that is set already is only made earlier."""

    def key(self, id: str) -> Key | None:
        """The key with this id, whether it is in force or not."""

    def keys(self) -> Sequence[Key]:
        """All keys that ever were, oldest first."""

    def any_keys(self) -> bool:
        """Whether a key was ever made: from then on the service asks for one."""
