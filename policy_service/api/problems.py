"""Refusals as HTTP answers, and as the contract documents them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from policy_service.api.schemas.problem import ProblemSchema
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.diagnostics import Fault, fault
from policy_service.diagnostics.catalogue import TOO_LARGE
from policy_service.problems import kinds
from policy_service.problems.bodies import PROBLEM_JSON, body
from policy_service.problems.kinds import KINDS, Kind
from policy_service.problems.refused import KNOWN, logged, refusal_of
from policy_service.telemetry import metrics

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
_AGAIN = (
    kinds.ISSUER, kinds.OVERLOADED, kinds.BUSY, kinds.TOOK_TOO_LONG, kinds.NO_BUNDLE, kinds.NOT_SEALED, kinds.STORE,
)  # fmt: skip
"""Answered with Retry-After."""
_OF_STATUS = {
    404: kinds.NOT_FOUND, 405: kinds.METHOD, 406: kinds.NOT_ACCEPTABLE, 408: kinds.REQUEST_TIMEOUT,
    413: kinds.BODY_TOO_LARGE, 415: kinds.MEDIA_TYPE,
}  # fmt: skip
_LOG = logging.getLogger(__name__)


# ---- answered


def register(app: Flask) -> None:
    """Every exception that leaves a view becomes a problem here."""
    for known in KNOWN:
        app.register_error_handler(known, _refused)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, _internal)


def _refused(error: Exception) -> Response:
    if isinstance(error, StoreUnavailable):
        _LOG.warning("%s %r: the store is unavailable: %s", request.method, request.path, error)
    found = refusal_of(error)
    return _response(found.kind, found.detail, found.faults, headers=found.headers or _again(found.kind))


def _again(kind: Kind) -> Mapping[str, str]:
    return {"Retry-After": _RETRY_SECONDS} if kind in _AGAIN else {}


def of_http(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse: an unknown path, a wrong method, a body that ends too soon."""
    status = error.code or 500
    kind = _OF_STATUS.get(status, kinds.BAD_REQUEST if status < 500 else kinds.INTERNAL)
    kept = ("allow", "retry-after")
    headers = {name: value for name, value in error.get_headers(request.environ) if name.lower() in kept}
    faults = [fault("", TOO_LARGE, "the body is larger than allowed")] if kind is kinds.BODY_TOO_LARGE else []
    return _response(kind, kind.meaning, faults, headers=headers)


def _internal(error: Exception) -> Response:
    instance = logged(error, f"{request.method} {request.path!r}")
    return _response(kinds.INTERNAL, kinds.INTERNAL.meaning, instance=instance)


def _response(
    kind: Kind, detail: str, faults: Sequence[Fault] = (), *, instance: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    metrics.refused(kind.name)
    found = Response(body(kind, detail, faults, instance=instance), kind.status, content_type=PROBLEM_JSON)
    found.headers.update(headers or {})
    return found


# ---- documented


_OF_ROUTE = (kinds.NOT_ACCEPTABLE, kinds.HOST_REFUSED, kinds.INVALID, kinds.INTERNAL, kinds.STORE)
_OF_BODY = (kinds.MALFORMED, kinds.BODY_TOO_LARGE, kinds.MEDIA_TYPE)


def of_route(*further: Kind) -> dict[str, Any]:
    """What nearly every route may be refused with, and further kinds; as `documented`."""
    return documented(*_OF_ROUTE, *further)


def of_body(*further: Kind) -> dict[str, Any]:
    """As `of_route`, of one that takes a body in JSON."""
    return of_route(*_OF_BODY, *further)


def documented(*found: Kind) -> dict[str, Any]:
    """The problems of an operation as OpenAPI's responses: each status with the types it can have there.

    Where the store may fail, the issuer of tokens may too: it is asked first, for who the caller is.
    """
    found += (kinds.ISSUER,) if kinds.STORE in found else ()
    return {str(status): _documented([k for k in found if k.status == status]) for status in sorted(_statuses(found))}


def _statuses(found: Iterable[Kind]) -> set[int]:
    return {kind.status for kind in found}


def _documented(found: Sequence[Kind]) -> dict[str, Any]:
    """The response of one status. The order of kinds is that of the catalogue, however they were listed."""
    status, names = found[0].status, {kind.name for kind in found}
    ordered = [kind for kind in KINDS.values() if kind.name in names]
    types = [kind.type for kind in ordered]
    here = {
        "properties": {
            "type": {"const": types[0]} if len(types) == 1 else {"enum": types},
            "status": {"const": status},
        }
    }
    shown: dict[str, Any] = {
        "description": " Or: ".join(kind.meaning for kind in ordered),
        "content": {PROBLEM_JSON: {"schema": {"allOf": [ProblemSchema, here]}}},
    }
    if status in _HEADERS:
        shown["headers"] = _HEADERS[status]
    elif kinds.NOT_SEALED in found:
        shown["headers"] = _RETRY
    return shown
