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

from policy_service.access.issuing import KeyEnded, NameInForce, UnknownKey
from policy_service.api.schemas.problem import ProblemSchema
from policy_service.decisions.answers.evaluate import TookTooLong
from policy_service.decisions.audit.auditing import NoDecision, NotSealed
from policy_service.decisions.audit.comparing import NotComparable
from policy_service.decisions.bundles.evaluators import NoActiveBundle
from policy_service.decisions.deciding.recording import ValuesErased
from policy_service.decisions.deciding.replayable import NotReplayable
from policy_service.decisions.deciding.service import BundleNotActive, BundleWithdrawn, NotFound
from policy_service.decisions.ports.records import IdempotencyConflict, StoreUnavailable
from policy_service.diagnostics import Fault, InvalidInput, fault
from policy_service.diagnostics.catalogue import NO_ACTIVE_BUNDLE, STORE_UNREACHABLE, TOO_LARGE
from policy_service.telemetry import metrics

PROBLEM_JSON = "application/problem+json"
MOST_SHOWN = 1000
"""Faults that one problem lists; its detail tells how many there are."""
_RETRY_SECONDS = "1"
_RETRY = {
    "Retry-After": {
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "description": "Seconds after which to try again. A decision is tried again under the same `Idempotency-Key`.",
    }
}
_HEADERS: Mapping[int, Any] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "How to say who asks."}},
    429: _RETRY,
    503: _RETRY,
}
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

    @property
    def retry(self) -> str:
        """`never`: the same request fails again. `later`: nothing was done; after a pause, any time. `same key`: it may
        have been done; after a pause, and a decision under the same idempotency key."""
        if self.name in ("store-unavailable", "internal-error", "request-timeout"):
            return "same key"
        return "later" if self.status in (429, 503) or self.name == "not-sealed" else "never"


MALFORMED = Kind(
    "malformed-json", 400, "The body is not the JSON we read",
    "The body is not JSON in UTF-8, holds a key twice, NaN or Infinity, or is nested too deeply.",
)  # fmt: skip
BAD_REQUEST = Kind("bad-request", 400, "The request cannot be read", "The HTTP request itself is broken or incomplete.")
UNAUTHENTICATED = Kind(
    "unauthenticated", 401, "Who asks is not known",
    "`Authorization: Bearer` needs an API key or a token that is valid now. What is wrong with one is not told.",
)  # fmt: skip
FORBIDDEN = Kind(
    "forbidden", 403, "The role is missing",
    "The key or token has none of the roles that may do this; `detail` names them.",
)  # fmt: skip
NOT_FOUND = Kind("not-found", 404, "There is no such thing", "The path names nothing that exists here.")
METHOD = Kind("method-not-allowed", 405, "The path does not know the method", "`Allow` lists the methods of the path.")
NOT_ACCEPTABLE = Kind(
    "not-acceptable", 406, "The answer has no form that is accepted",
    "`Accept` excludes every form of the answer: application/json, and where a path has others, those too.",
)  # fmt: skip
KEY_CONFLICT = Kind(
    "idempotency-conflict", 409, "The idempotency key stands for another request",
    "The `Idempotency-Key` was used before for a request that is not the same by value. Nothing was decided.",
)  # fmt: skip
BUNDLE_NOT_ACTIVE = Kind(
    "bundle-not-active", 409, "The bundle never was active",
    "Only a bundle that is or was active decides; a preview may use any stored one.",
)  # fmt: skip
REQUEST_TIMEOUT = Kind(
    "request-timeout", 408, "The request took too long to arrive",
    "The request was not whole after POLICY_READ_SECONDS. Of a single request nothing was decided.",
)  # fmt: skip
TOO_MANY_ITEMS = Kind(
    "too-many-items", 413, "The batch has too many items",
    "A batch has at most POLICY_MAX_ITEMS items. Of a body that streams those before were answered.",
)  # fmt: skip
BUNDLE_WITHDRAWN = Kind(
    "bundle-withdrawn", 409, "The bundle grants what is stopped",
    "A policy or reward was stopped, and the bundle still grants it: only a preview may use it. Nothing was decided.",
)  # fmt: skip
NOT_STOPPED = Kind(
    "not-stopped", 409, "Nothing is stopped there", "Only what is stopped can be resumed. Nothing was changed."
)
NOTHING_BEFORE = Kind(
    "nothing-before", 409, "No other bundle was published before",
    "A rollback activates the bundle that was published before the present one, and there is none.",
)  # fmt: skip
BUNDLE_INVALID = Kind(
    "bundle-invalid", 422, "The bundle has errors",
    "The rule files have errors: `errors` lists every one with its file, line and column. Nothing was stored.",
)  # fmt: skip
BUSY = Kind(
    "busy", 503, "Others act at the same time",
    "A worker checks one bundle at a time, and a change of the active bundle waits for others only so long. "
    "Nothing was changed: try again after `Retry-After` seconds.",
)  # fmt: skip
KEY_ENDED = Kind("key-ended", 409, "The key has ended", "An expired or revoked key is not rotated: make a new one.")
NAME_IN_FORCE = Kind(
    "name-in-force", 409, "A key of the name is in force", "Rotate it, or revoke it first. Nothing was made."
)
BODY_TOO_LARGE = Kind(
    "body-too-large", 413, "The body is too large",
    "A body is larger than POLICY_MAX_BODY, a batch than POLICY_MAX_BATCH_BODY, or a bundle than POLICY_MAX_BUNDLE.",
)  # fmt: skip
MEDIA_TYPE = Kind(
    "unsupported-media-type", 415, "The body has another form",
    "The path does not read this `Content-Type`, or the body is compressed.",
)  # fmt: skip
PATH_TOO_LONG = Kind("path-too-long", 414, "The path is too long", "The first line of the request is too long.")
HOST_REFUSED = Kind(
    "host-refused", 421, "Only this machine is answered",
    "Without keys the service answers requests to a loopback host: 127.0.0.1, localhost or [::1].",
)  # fmt: skip
INVALID = Kind(
    "invalid-request", 422, "The request is invalid",
    "The request is well formed but breaks its contract. `errors` lists every fault; nothing was decided or logged.",
)  # fmt: skip
RATE_LIMITED = Kind(
    "rate-limited", 429, "Too many requests at once",
    "The key or token asks faster than its rate allows. Nothing was done: try again after `Retry-After` seconds.",
)  # fmt: skip
HEADERS_TOO_LARGE = Kind("headers-too-large", 431, "The headers are too large", "The headers are too many or too long.")
OVERLOADED = Kind(
    "overloaded", 503, "Too much is under way",
    "A worker takes POLICY_MAX_BATCHES batches at a time, and lets POLICY_MAX_WAITING requests wait. Nothing was "
    "decided: try again after `Retry-After` seconds.",
)  # fmt: skip
TOOK_TOO_LONG = Kind(
    "took-too-long", 503, "The evaluation took too long",
    "It was given up after POLICY_REQUEST_SECONDS, or POLICY_BATCH_SECONDS for a batch. Nothing was decided.",
)  # fmt: skip
NOT_SEALED = Kind(
    "not-sealed", 409, "The record waits for its index",
    "The decision is recorded, and is sealed a moment after: ask again after `Retry-After` seconds.",
)  # fmt: skip
ERASED = Kind(
    "erased", 410, "Values of the decision were erased",
    "The record and its proofs stay; what needs the values, as a replay does, cannot be answered any more.",
)  # fmt: skip
NOT_COMPARABLE = Kind(
    "not-comparable", 422, "The decisions cannot be compared",
    "The facts of one do not fit the rules of the other, or its rules do not take the other's parameters.",
)  # fmt: skip
NOT_REPLAYABLE = Kind(
    "not-replayable", 422, "The record cannot be replayed",
    "Its bytes do not fit its digest, its bundle is not as it was, or this program does not know its version of the "
    "rule language or of answers; `detail` says which.",
)  # fmt: skip
INTERNAL = Kind(
    "internal-error", 500, "The service has a fault",
    "A fault of ours. `instance` names the entry in the service's log; no answer was given.",
)  # fmt: skip
STORE = Kind(
    "store-unavailable", 503, "The store cannot be used now", "Nothing was answered; try again, under the same key."
)
ISSUER = Kind(
    "issuer-unavailable", 503, "The issuer of tokens cannot be asked",
    "The signing keys of the issuer cannot be read now, so no token can be judged. Nothing was answered; try again.",
)  # fmt: skip
NO_BUNDLE = Kind("no-active-bundle", 503, "No bundle is active", "No rules were activated yet.")
NOT_READY = Kind("not-ready", 503, "The service is not ready", "`errors` lists what is missing.")
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        MALFORMED, BAD_REQUEST, UNAUTHENTICATED, FORBIDDEN, KEY_ENDED, NAME_IN_FORCE, RATE_LIMITED, ISSUER, NOT_FOUND,
        METHOD, NOT_ACCEPTABLE, REQUEST_TIMEOUT, KEY_CONFLICT, BUNDLE_NOT_ACTIVE, BUNDLE_WITHDRAWN, NOT_STOPPED,
        NOTHING_BEFORE, BUNDLE_INVALID, BUSY, NOT_SEALED, ERASED, NOT_COMPARABLE, NOT_REPLAYABLE, TOO_MANY_ITEMS,
        BODY_TOO_LARGE,
        OVERLOADED, TOOK_TOO_LONG, MEDIA_TYPE, PATH_TOO_LONG, HOST_REFUSED, INVALID, HEADERS_TOO_LARGE, INTERNAL,
        STORE, NO_BUNDLE, NOT_READY,
    )
}  # fmt: skip
_OF_STATUS = {
    404: NOT_FOUND, 405: METHOD, 406: NOT_ACCEPTABLE, 408: REQUEST_TIMEOUT, 413: BODY_TOO_LARGE, 415: MEDIA_TYPE,
}  # fmt: skip


class Refused(Exception):
    """A view refuses the request with a problem."""

    def __init__(
        self, kind: Kind, detail: str, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.faults, self.headers = kind, detail, faults, headers or {}


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
    metrics.refused(kind.name)
    answer = Response(body(kind, detail, faults, instance=instance), kind.status, content_type=PROBLEM_JSON)
    answer.headers.update(headers or {})
    return answer


def documented(*kinds: Kind) -> dict[str, Any]:
    """The problems of an operation as OpenAPI's responses: each status with the types it can have there.

    What needs the store needs first to know who asks.
    """
    kinds += (ISSUER,) if STORE in kinds else ()
    return {str(status): _documented([k for k in kinds if k.status == status]) for status in sorted(_statuses(kinds))}


def _statuses(kinds: Iterable[Kind]) -> set[int]:
    return {kind.status for kind in kinds}


def _documented(kinds: Sequence[Kind]) -> dict[str, Any]:
    """The response of one status. The order of kinds is that of the catalogue, however they were listed."""
    status, names = kinds[0].status, {kind.name for kind in kinds}
    ordered = [kind for kind in KINDS.values() if kind.name in names]
    types = [kind.type for kind in ordered]
    here = {
        "properties": {
            "type": {"const": types[0]} if len(types) == 1 else {"enum": types},
            "status": {"const": status},
        }
    }
    found: dict[str, Any] = {
        "description": " Or: ".join(kind.meaning for kind in ordered),
        "content": {PROBLEM_JSON: {"schema": {"allOf": [ProblemSchema, here]}}},
    }
    if status in _HEADERS:
        found["headers"] = _HEADERS[status]
    elif NOT_SEALED in kinds:
        found["headers"] = _RETRY
    return found


def register(app: Flask) -> None:
    """Every way out of a view but an answer ends here."""
    for known in _KNOWN:
        app.register_error_handler(known, lambda error: response(*of(error), headers=_headers_with(error)))
    app.register_error_handler(StoreUnavailable, _store)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, _internal)


_KNOWN = (
    Refused, InvalidInput, NotFound, IdempotencyConflict, BundleNotActive, BundleWithdrawn, NoActiveBundle, TookTooLong,
    UnknownKey, KeyEnded, NameInForce, NoDecision, NotSealed, ValuesErased, NotComparable, NotReplayable,
)  # fmt: skip


def of(error: Exception) -> tuple[Kind, str, Sequence[Fault]]:
    """The kind, detail and faults of what a request, or an item of a batch, is refused with."""
    match error:
        case Refused():
            return error.kind, error.detail, error.faults
        case InvalidInput():
            return INVALID, counted(len(error.faults)), error.faults
        case NotFound() | UnknownKey():
            return NOT_FOUND, str(error), ()
        case KeyEnded():
            return KEY_ENDED, str(error), ()
        case NameInForce():
            return NAME_IN_FORCE, str(error), ()
        case IdempotencyConflict():
            return KEY_CONFLICT, f"`{error.claim.key}` was used for another request", ()
        case BundleNotActive():
            return BUNDLE_NOT_ACTIVE, f"`{error.id}` is not and was not active", ()
        case BundleWithdrawn():
            stopped = ", ".join(
                f"`{s.policy}`" if s.reward is None else f"`{s.policy}/{s.reward}`" for s in error.stops
            )
            return BUNDLE_WITHDRAWN, f"`{error.id}` grants what is stopped: {stopped}", ()
        case NoActiveBundle():
            return NO_BUNDLE, NO_BUNDLE.meaning, [fault("", NO_ACTIVE_BUNDLE, "no bundle was activated yet")]
        case TookTooLong():
            return TOOK_TOO_LONG, TOOK_TOO_LONG.meaning, ()
        case NoDecision():
            return NOT_FOUND, str(error), ()
        case NotSealed():
            return NOT_SEALED, str(error), ()
        case ValuesErased():
            return ERASED, str(error), ()
        case NotComparable():
            return NOT_COMPARABLE, str(error), ()
        case NotReplayable():
            return NOT_REPLAYABLE, str(error), ()
        case StoreUnavailable():
            return STORE, STORE.meaning, [fault("", STORE_UNREACHABLE, "the store cannot be used now")]
    return INTERNAL, INTERNAL.meaning, ()


def _headers_with(error: Exception) -> Mapping[str, str]:
    return error.headers or _again(error.kind) if isinstance(error, Refused) else _again(of(error)[0])


def _again(kind: Kind) -> Mapping[str, str]:
    return (
        {"Retry-After": _RETRY_SECONDS}
        if kind in (ISSUER, OVERLOADED, BUSY, TOOK_TOO_LONG, NO_BUNDLE, NOT_SEALED, STORE)
        else {}
    )


def of_http(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse: an unknown path, a wrong method, a body that ends too soon."""
    kind = _OF_STATUS.get(error.code or 500, BAD_REQUEST if (error.code or 500) < 500 else INTERNAL)
    kept = ("allow", "retry-after")
    headers = {name: value for name, value in error.get_headers(request.environ) if name.lower() in kept}
    faults = [fault("", TOO_LARGE, "the body is larger than allowed")] if kind is BODY_TOO_LARGE else []
    return response(kind, kind.meaning, faults, headers=headers)


def counted(faults: int) -> str:
    """`3 faults; nothing was decided`, and whether all are listed."""
    listed = f"; the first {MOST_SHOWN} are listed" if faults > MOST_SHOWN else ""
    return f"{faults} {'fault' if faults == 1 else 'faults'}; nothing was decided{listed}"


def _store(error: StoreUnavailable) -> Response:
    _log.warning("%s %r: the store is unavailable: %s", request.method, request.path, error)
    return response(*of(error), headers=_again(STORE))


def _internal(error: Exception) -> Response:
    return response(INTERNAL, INTERNAL.meaning, instance=logged(error, f"{request.method} {request.path!r}"))


def logged(error: Exception, what: str) -> str:
    """A fault of ours, put into the log; the name of its entry."""
    instance = uuid4().urn
    _log.error("%s failed: %s", what, instance, exc_info=error)
    return instance


def _error(one: Fault) -> dict[str, str]:
    found = {"pointer": _sendable(one.pointer), "code": one.code, "message": _sendable(one.message)}
    return found if one.hint is None else found | {"hint": _sendable(one.hint)}


def _sendable(text: str) -> str:
    """The text as UTF-8 can carry it: half of a character, which a caller may post, as its escape."""
    return text.encode("utf-8", "backslashreplace").decode()
