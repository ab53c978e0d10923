"""Who asks, and what they may do."""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["evaluate", "read", "audit", "reveal", "publish", "operate", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose credential was accepted.

    Args:
        name: the actor in trails and the caller of idempotency keys; stays when a key is rotated.
        roles: roles do not contain each other; a key names all it needs.
        rate: requests a second, or null for no limit.
        slot: where the rate is counted; the same for all keys of one name.
        is_local: the principal of every request while no credential is needed.
    """

    name: str
    roles: frozenset[Role]
    rate: int | None = None
    slot: int = 0
    is_local: bool = False


LOCAL = Principal("local", frozenset(ROLES), is_local=True)
"""Everybody, where the service has no keys and answers its own machine only."""
