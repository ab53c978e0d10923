"""Every body that says no: RFC 9457 with `errors`, and nothing else makes one.

No text of an exception leaves: what a person reads here was written for a person.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from policy_service.api.schemas.problem import ProblemSchema
from policy_service.decisions.asking import NoActiveBundle
from policy_service.decisions.records import IdempotencyConflict, StoreUnavailable
from policy_service.decisions.service import BundleNotActive, NotFound
from policy_service.diagnostics import Fault, InvalidInput, fault
from policy_service.diagnostics.catalogue import NO_ACTIVE_BUNDLE, STORE_UNREACHABLE, TOO_LARGE

PROBLEM_JSON = "application/problem+json"
MOST_SHOWN = 1000
"""Faults that one problem lists; its detail tells how many there are."""
_RETRY_SECONDS = "1"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem; `name` is the stable end of its type."""

    name: str
    status: int
    title: str
    meaning: str

    @property
    def type(self) -> str:
        return f"/problems/{self.name}"


MALFORMED = Kind(
    "malformed-json", 400, "The body is not the JSON we read",
    "The body is not JSON in UTF-8, holds a key twice, NaN or Infinity, or is nested too deeply.",
)  # fmt: skip
BAD_REQUEST = Kind("bad-request", 400, "The request cannot be read", "The HTTP request itself is broken or incomplete.")
NOT_FOUND = Kind("not-found", 404, "There is no such thing", "The path names nothing that exists here.")
METHOD = Kind("method-not-allowed", 405, "The path does not know the method", "`Allow` lists the methods of the path.")
NOT_ACCEPTABLE = Kind("not-acceptable", 406, "The answer is JSON", "`Accept` excludes application/json.")
KEY_CONFLICT = Kind(
    "idempotency-conflict", 409, "The idempotency key stands for another request",
    "The `Idempotency-Key` was used before for a request that is not the same by value. Nothing was decided.",
)  # fmt: skip
BUNDLE_NOT_ACTIVE = Kind(
    "bundle-not-active", 409, "The bundle never was active",
    "Only a bundle that is or was active decides; a preview may use any stored one.",
)  # fmt: skip
BODY_TOO_LARGE = Kind("body-too-large", 413, "The body is too large", "The body is larger than POLICY_MAX_BODY allows.")
MEDIA_TYPE = Kind("unsupported-media-type", 415, "The body must be JSON", "Only uncompressed application/json is read.")
PATH_TOO_LONG = Kind("path-too-long", 414, "The path is too long", "The first line of the request is too long.")
HOST_REFUSED = Kind(
    "host-refused", 421, "Only this machine is answered",
    "Without keys the service answers requests to a loopback host: 127.0.0.1, localhost or [::1].",
)  # fmt: skip
INVALID = Kind(
    "invalid-request", 422, "The request is invalid",
    "The request is well formed but breaks its contract. `errors` lists every fault; nothing was decided or logged.",
)  # fmt: skip
HEADERS_TOO_LARGE = Kind("headers-too-large", 431, "The headers are too large", "The headers are too many or too long.")
INTERNAL = Kind(
    "internal-error", 500, "The service has a fault",
    "A fault of ours. `instance` names the entry in the service's log; no answer was given.",
)  # fmt: skip
STORE = Kind(
    "store-unavailable", 503, "The store cannot be used now", "Nothing was answered; try again, under the same key."
)
NO_BUNDLE = Kind("no-active-bundle", 503, "No bundle is active", "No rules were activated yet.")
NOT_READY = Kind("not-ready", 503, "The service is not ready", "`errors` lists what is missing.")
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        MALFORMED, BAD_REQUEST, NOT_FOUND, METHOD, NOT_ACCEPTABLE, KEY_CONFLICT, BUNDLE_NOT_ACTIVE, BODY_TOO_LARGE,
        MEDIA_TYPE, PATH_TOO_LONG, HOST_REFUSED, INVALID, HEADERS_TOO_LARGE, INTERNAL, STORE, NO_BUNDLE, NOT_READY,
    )
}  # fmt: skip
_OF_STATUS = {404: NOT_FOUND, 405: METHOD, 406: NOT_ACCEPTABLE, 413: BODY_TOO_LARGE, 415: MEDIA_TYPE}


class Refused(Exception):
    """A view refuses the request with a problem."""

    def __init__(self, kind: Kind, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.faults = kind, detail, faults


def body(kind: Kind, detail: str, faults: Iterable[Fault] = (), *, instance: str | None = None) -> bytes:
    """The problem as JSON."""
    found: dict[str, Any] = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": _sendable(detail),
        "errors": [_error(one) for one in list(faults)[:MOST_SHOWN]],
    }
    if instance is not None:
        found["instance"] = instance
    return orjson.dumps(found)


def response(
    kind: Kind, detail: str, faults: Iterable[Fault] = (), *, instance: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    answer = Response(body(kind, detail, faults, instance=instance), kind.status, content_type=PROBLEM_JSON)
    answer.headers.update(headers or {})
    return answer


def documented(*kinds: Kind) -> dict[str, Any]:
    """The problems of an operation as OpenAPI's responses; kinds of one status share an entry."""
    found: dict[str, Any] = {}
    for kind in sorted(kinds, key=lambda k: k.status):
        one = found.setdefault(str(kind.status), {"description": kind.meaning, "content": {}})
        if one["description"] != kind.meaning:
            one["description"] += f" Or: {kind.meaning}"
        one["content"] = {PROBLEM_JSON: {"schema": ProblemSchema}}
    return found


def register(app: Flask) -> None:
    """Every way out of a view but an answer ends here."""
    app.register_error_handler(Refused, lambda error: response(error.kind, error.detail, error.faults))
    app.register_error_handler(InvalidInput, _invalid)
    app.register_error_handler(NotFound, lambda error: response(NOT_FOUND, str(error)))
    app.register_error_handler(
        IdempotencyConflict, lambda error: response(KEY_CONFLICT, f"`{error.claim.key}` was used for another request")
    )
    app.register_error_handler(
        BundleNotActive, lambda error: response(BUNDLE_NOT_ACTIVE, f"`{error.id}` is not and was not active")
    )
    app.register_error_handler(NoActiveBundle, _no_bundle)
    app.register_error_handler(StoreUnavailable, _store)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, _internal)


def of_http(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse: an unknown path, a wrong method, a body that ends too soon."""
    kind = _OF_STATUS.get(error.code or 500, BAD_REQUEST if (error.code or 500) < 500 else INTERNAL)
    kept = ("allow", "retry-after")
    headers = {name: value for name, value in error.get_headers(request.environ) if name.lower() in kept}
    faults = [fault("", TOO_LARGE, "the body is larger than allowed")] if kind is BODY_TOO_LARGE else []
    return response(kind, kind.meaning, faults, headers=headers)


def _invalid(error: InvalidInput) -> Response:
    return response(INVALID, counted(len(error.faults)), error.faults)


def counted(faults: int) -> str:
    """`3 faults; nothing was decided`, and whether all are listed."""
    listed = f"; the first {MOST_SHOWN} are listed" if faults > MOST_SHOWN else ""
    return f"{faults} {'fault' if faults == 1 else 'faults'}; nothing was decided{listed}"


def _no_bundle(_error: NoActiveBundle) -> Response:
    faults = [fault("", NO_ACTIVE_BUNDLE, "no bundle was activated yet")]
    return response(NO_BUNDLE, NO_BUNDLE.meaning, faults, headers={"Retry-After": _RETRY_SECONDS})


def _store(error: StoreUnavailable) -> Response:
    _log.warning("%s %r: the store is unavailable: %s", request.method, request.path, error)
    faults = [fault("", STORE_UNREACHABLE, "the store cannot be used now")]
    return response(STORE, STORE.meaning, faults, headers={"Retry-After": _RETRY_SECONDS})


def _internal(error: Exception) -> Response:
    instance = uuid4().urn
    _log.error("%s %r failed: %s", request.method, request.path, instance, exc_info=error)
    return response(INTERNAL, INTERNAL.meaning, instance=instance)


def _error(one: Fault) -> dict[str, str]:
    found = {"pointer": _sendable(one.pointer), "code": one.code, "message": _sendable(one.message)}
    return found if one.hint is None else found | {"hint": _sendable(one.hint)}


def _sendable(text: str) -> str:
    """The text as UTF-8 can carry it: half of a character, which a caller may post, as its escape."""
    return text.encode("utf-8", "backslashreplace").decode()
