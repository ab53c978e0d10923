"""What a route asks of a caller: every view declares it, and the application does not start where one does not."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from flask import Flask, g
from flask_smorest.utils import deepupdate

from policy_service.access.principals import LOCAL, ROLES, Principal, Role
from policy_service.api import problems
from policy_service.telemetry import logs

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_policy_needs"
SCHEME = "bearer"
"""Name of the security scheme in the contract."""
SECURITY_SCHEMES = {
    SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key (`psk_…`), or a token of the issuer that POLICY_OIDC_ISSUER names. Without keys and "
        "issuer nothing is asked for, and only requests from this machine are answered.",
    }
}
_LOCAL_CALLER = "-"
"""Claims of idempotency keys were kept under this name before there were keys: a repeated request must find them."""


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


class _Needs:
    """`@needs("read", "audit")`, `@needs.any_role`, `@needs.anyone`: below the decorator that makes the route."""

    def __call__(self, *roles: Role) -> Callable[[View], View]:
        """Any of the roles is enough."""
        unknown = set(roles) - set(ROLES)
        if unknown or not roles:
            raise ValueError(f"a route needs roles of {', '.join(ROLES)}; not {', '.join(sorted(unknown)) or 'none'}")
        need = Need(tuple(role for role in ROLES if role in roles))
        return lambda view: _declared(view, need)

    def any_role(self, view: View) -> View:
        """Every principal that has a role."""
        return _declared(view, Need(ROLES))

    def anyone(self, view: View) -> View:
        """Everybody, with a key or without."""
        return _declared(view, Need(anyone=True))


needs = _Needs()


def _declared(view: View, need: Need) -> View:
    """The view, marked, and its contract told. What wraps the view later takes both over (functools.wraps)."""
    setattr(view, _MARK, need)
    known: dict[str, Any] = deepcopy(getattr(view, "_apidoc", {}))
    known["manual_doc"] = deepupdate(_described(need), known.get("manual_doc", {}))
    view._apidoc = known  # type: ignore[attr-defined]
    return view


def _described(need: Need) -> dict[str, Any]:
    """The part of an operation in the contract that follows from what it needs."""
    if need.anyone:
        return {"security": []}
    refusals = (problems.UNAUTHENTICATED, problems.FORBIDDEN, problems.RATE_LIMITED, problems.STORE)
    return {
        "security": [{SCHEME: []}],
        "x-roles": list(need.roles),
        "responses": problems.documented(*refusals),
    }


def need_of(view: Callable[..., Any]) -> Need | None:
    """What a view declared; null where it declared nothing."""
    return getattr(view, _MARK, None)


def declarations(app: Flask) -> dict[str, Need]:
    """What every route of the application needs, by endpoint.

    Raises:
        RuntimeError: a route declares nothing.
    """
    found: dict[str, Need] = {}
    for rule in app.url_map.iter_rules():
        need = need_of(app.view_functions[rule.endpoint])
        if need is None:
            raise RuntimeError(f"the route {rule.rule} does not declare who may ask: `@needs(...)` is missing")
        found[rule.endpoint] = need
    return found


# ---- for views


def principal() -> Principal:
    """Who asks; of a route that anyone may ask there is none."""
    return cast(Principal, g.principal)


def caller() -> str:
    """Under whose name idempotency keys are kept."""
    name = principal().name
    return _LOCAL_CALLER if name == LOCAL.name else name


def request_id() -> str | None:
    """The id of the request under way, for the trail."""
    noted = logs.current()
    return None if noted is None else noted.request_id
