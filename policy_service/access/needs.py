"""The roles that a view requires of its caller: a mark on the function, set by any HTTP face and read in one place."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from policy_service.access.principals import ROLES, Role

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_policy_needs"


@dataclass(frozen=True, slots=True)
class Need:
    """Who may ask.

    Args:
        roles: any of them is enough; in the order of ROLES.
        anyone: no key is asked for; `roles` is empty.
    """

    roles: tuple[Role, ...] = ()
    anyone: bool = False
    among: frozenset[Role] = field(init=False, repr=False, compare=False)
    """The roles again, to be looked up."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "among", frozenset(self.roles))


def any_of(*roles: Role) -> Need:
    """Any of the roles is enough. Raises ValueError for what is no role, and for none."""
    unknown = set(roles) - set(ROLES)
    if unknown or not roles:
        raise ValueError(f"a route needs roles of {', '.join(ROLES)}; not {', '.join(sorted(unknown)) or 'none'}")
    return Need(tuple(role for role in ROLES if role in roles))


def marked(view: View, need: Need) -> View:
    """The view, marked. What wraps it later takes the mark over (functools.wraps)."""
    setattr(view, _MARK, need)
    return view


def need_of(view: Callable[..., Any]) -> Need | None:
    """What a view declared; null where it declared nothing."""
    return getattr(view, _MARK, None)
