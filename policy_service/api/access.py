"""Which role a route needs. Every view declares it; the application does not start where one declares nothing."""

from collections.abc import Callable
from typing import Any, cast

from flask import Flask, g

from policy_service.access.needs import Need, View, any_of, marked, need_of
from policy_service.access.principals import LOCAL, ROLES, Principal, Role
from policy_service.api import problems
from policy_service.api.operation import described
from policy_service.problems import kinds
from policy_service.telemetry import logs

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


class _Needs:
    """`@needs("read", "audit")`, `@needs.any_role`, `@needs.anyone`: below the decorator that makes the route."""

    def __call__(self, *roles: Role) -> Callable[[View], View]:
        """Any of the roles is enough."""
        need = any_of(*roles)
        return lambda view: _declared(view, need)

    def any_role(self, view: View) -> View:
        """Every principal that has a role."""
        return _declared(view, Need(ROLES))

    def anyone(self, view: View) -> View:
        """Everybody, with a key or without."""
        return _declared(view, Need(anyone=True))


needs = _Needs()


def _declared(view: View, need: Need) -> View:
    """The view with what it needs noted on it, for the check and for the contract."""
    return marked(described(view, _operation(need)), need)


def _operation(need: Need) -> dict[str, Any]:
    """The part of an operation in the contract that follows from what it needs."""
    if need.anyone:
        return {"security": []}
    refusals = (kinds.UNAUTHENTICATED, kinds.FORBIDDEN, kinds.RATE_LIMITED, kinds.STORE)
    return {
        "security": [{SCHEME: []}],
        "x-roles": list(need.roles),
        "responses": problems.documented(*refusals),
    }


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
    """Who makes the request. Not for a view that is open to anyone: it has none."""
    return cast(Principal, g.principal)


def caller() -> str:
    """The name under which the idempotency keys of this caller are kept."""
    name = principal().name
    return _LOCAL_CALLER if name == LOCAL.name else name


def counting() -> Callable[[int], None]:
    """Counts items of the request under way against the rate of its caller; of each request one is counted already."""
    return cast(Callable[[int], None], g.count_items)


def request_id() -> str | None:
    """The id of the request under way, for the trail."""
    noted = logs.current()
    return None if noted is None else noted.request_id
