"""Who asks, and what they may do."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

Role = Literal["evaluate", "read", "audit", "reveal", "publish", "operate", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose credential was accepted.

    Args:
        id: a pseudonym, of which records and receipts can speak: it holds no name, and neither key nor subject.
        name: the actor in trails and the caller of idempotency keys; stays when a key is rotated.
        roles: roles do not contain each other; a key names all it needs.
        rate: requests a second, or null for no limit.
        slot: where the rate is counted; the same for all keys of one name.
        is_local: the principal of every request while no credential is needed.
    """

    id: str
    name: str
    roles: frozenset[Role]
    rate: int | None = None
    slot: int = 0
    is_local: bool = False


def id_of_key(key: str) -> str:
    """The pseudonym of an API key, by the visible part of it. A rotated key is another one."""
    return f"key:{key}"


def id_of_token(issuer: str, subject: str) -> str:
    """The pseudonym of a subject of an issuer: whoever knows both can tell it, nobody reads them from it."""
    digest = sha256(f"{issuer}\n{subject}".encode()).hexdigest()
    return f"token:{digest[:16]}"


CLI_ID = "cli"
"""The pseudonym of whoever works at a terminal of a host, with the store in their hands and without a credential."""
LOCAL = Principal("local", "local", frozenset(ROLES), is_local=True)
"""Everybody, where the service has no keys and answers its own machine only."""
