"""Checks before every view (authentication, roles, rates, this machine), and headers of every answer."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from flask import Flask, Request, Response, g, request

from policy_service.access.gate import Gate, Unauthenticated
from policy_service.access.issuers import IssuerUnavailable
from policy_service.access.keyring import KeyRing, KeysUnknown
from policy_service.access.keys import Key, KeyStore
from policy_service.access.needs import Need
from policy_service.access.principals import Principal
from policy_service.access.rates import SHARED, Rates
from policy_service.access.this_machine import why_not_here
from policy_service.access.tokens import tokens_of
from policy_service.api.access import declarations
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.problems import kinds
from policy_service.problems.refused import Refused
from policy_service.settings import Settings

STREAMED = ("/v1/evaluate/batch",)
"""Paths whose bodies may be larger than POLICY_MAX_BODY: a view reads them as they come, within a bound of its own."""
_FORMS: Mapping[str, Sequence[str]] = {
    "/v1/evaluate/batch": ("application/json", "application/x-ndjson"),
    "/v1/decisions/export": ("application/x-ndjson", "text/csv"),
}
"""What paths below /v1 answer with that do not answer with JSON alone."""
_CHALLENGE = 'Bearer realm="policy-service"'
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Of every page. One that loads something says so with a policy of its own."""


def gate_of(
    settings: Settings,
    keys: KeyStore,
    *,
    now: Callable[[], datetime],
    elapsed: Callable[[], float] = time.monotonic,
) -> Gate:
    """The gate before the service.

    Args:
        now: the clock by which keys end.
        elapsed: the clock by which what is known of them grows old.
    Raises:
        SettingInvalid: the issuer's settings do not fit together.
    """

    def read() -> Sequence[Key] | None:
        try:
            return keys.keys()
        except StoreUnavailable:
            return None

    rate = settings.rate_limit or None
    ring = KeyRing(read, now=now, elapsed=elapsed, refresh_seconds=settings.key_refresh_ms / 1000, rate=rate)
    return Gate(ring, tokens_of(settings), rate)


class Boundary:
    """Checks before, and headers after, every view of one application.

    Args:
        rates: where requests are counted.
        burst: requests of a principal that may come at once; 0: those of a second.
    """

    def __init__(self, gate: Gate, rates: Rates = SHARED, burst: int = 0) -> None:
        self._gate, self._rates, self._burst = gate, rates, burst
        self._needs: Mapping[str, Need] = {}

    def register(self, app: Flask) -> None:
        app.before_request(self._enter)
        app.after_request(_finish)

    def close(self, app: Flask) -> None:
        """Learns what each route needs; called when all are registered. A route added later is not answered.

        Raises:
            RuntimeError: a route declares nothing.
        """
        self._needs = declarations(app)
        with suppress(KeysUnknown):  # the first request asks again
            self._gate.is_open()  # known from the start, so that also what asks no store knows it

    def _enter(self) -> None:
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # each use of the proxy costs
        rule = asked.url_rule
        need = _ANYONE if rule is None else self._needs[rule.endpoint]
        if need.anyone:
            if self._gate.was_open():
                _check_here(asked)
        else:
            g.principal = found = self._admitted(need, asked)
            g.count_items = partial(self._count_items, found)
        accepted = asked.environ.get("HTTP_ACCEPT", "*/*")
        if accepted != "*/*" and asked.path.startswith("/v1/") and not _can_be_given(asked):
            raise Refused(kinds.NOT_ACCEPTABLE, kinds.NOT_ACCEPTABLE.meaning)

    def _admitted(self, need: Need, asked: Request) -> Principal:
        """The caller, if it has a role that the route needs and does not ask too fast."""
        try:
            found = self._gate.principal(asked.environ.get("HTTP_AUTHORIZATION"))
        except Unauthenticated as error:
            said = f'{_CHALLENGE}, error="invalid_token"' if error.given else _CHALLENGE
            headers = {"WWW-Authenticate": said}
            raise Refused(kinds.UNAUTHENTICATED, kinds.UNAUTHENTICATED.meaning, headers=headers) from None
        except KeysUnknown:
            raise StoreUnavailable("the keys cannot be read") from None
        except IssuerUnavailable as error:
            raise Refused(kinds.ISSUER, kinds.ISSUER.meaning) from error
        if found.is_local:
            _check_here(asked)
        if need.among.isdisjoint(found.roles):
            raise Refused(kinds.FORBIDDEN, f"this needs a role of: {', '.join(need.roles)}")
        if found.rate is not None:
            self._count(found, found.rate)
        return found

    def _count_items(self, asking: Principal, items: int) -> None:
        if asking.rate is not None:
            self._rates.count(asking.slot, asking.rate, items)

    def _count(self, asking: Principal, rate: int) -> None:
        wait = self._rates.wait_seconds(asking.slot, rate, self._burst or rate)
        if wait > 0:
            headers = {"Retry-After": str(max(1, math.ceil(wait)))}
            detail = f"`{asking.name}` may ask {rate} times a second"
            raise Refused(kinds.RATE_LIMITED, detail, headers=headers)


_ANYONE = Need(anyone=True)
"""Where there is no route, nothing is hidden: the answer is 404 or 405 for everybody."""


def _check_here(asked: Request) -> None:
    """Raises Refused for a request that is not of this machine."""
    why = why_not_here(asked.environ)
    if why is not None:
        raise Refused(kinds.HOST_REFUSED, f"without keys only this machine is answered: {why}")


def _can_be_given(asked: Request) -> bool:
    return any(asked.accept_mimetypes[form] for form in _FORMS.get(asked.path, ("application/json",)))


def _finish(response: Response) -> Response:
    headers = response.headers
    headers.add("X-Content-Type-Options", "nosniff")
    if request.path.startswith("/v1/"):
        headers["Cache-Control"] = "no-store"
    elif (response.content_type or "").startswith("text/html"):
        for name, value in _PAGE_HEADERS.items():
            headers.setdefault(name, value)
    return response
