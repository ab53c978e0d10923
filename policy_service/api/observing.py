"""What is recorded of every request for operators: a log line, metrics, a trace span."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import perf_counter
from typing import Any
from uuid import uuid4

from flask import Flask, Response, g, request

from policy_service.telemetry import logs, metrics, traces

HEADER = "X-Request-Id"
ID = "^[A-Za-z0-9._-]{1,64}$"
_ID = re.compile(ID)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_ROUTE = "unknown"
_log = logging.getLogger(logs.ACCESS)
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def register(app: Flask) -> None:
    """Observe what comes after; registered first, so that what the boundary refuses has its route too."""
    app.before_request(_routed)
    app.after_request(_asked_by)
    app.wsgi_app = _observed(app.wsgi_app)  # type: ignore[method-assign,assignment]  # Flask's way


def _routed() -> None:
    noted = logs.current()
    if noted is not None and request.url_rule is not None:
        noted.route = request.url_rule.rule


def _asked_by(response: Response) -> Response:
    if (principal := g.get("principal")) is not None:
        logs.note(principal=principal.name)
    return response


def _observed(wsgi: Wsgi) -> Wsgi:
    def called(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        began = perf_counter()
        asked = environ.get("HTTP_X_REQUEST_ID", "")
        method = environ["REQUEST_METHOD"]
        noted = logs.Noted(
            asked if _ID.fullmatch(asked) else str(uuid4()), method if method in _METHODS else metrics.OTHER
        )
        span = traces.server_span(noted.method, lambda: _headers(environ))

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            noted.status = int(status[:3])
            return start_response(status, [*headers, (HEADER, noted.request_id)], *more)

        if span is None:
            with logs.noting(noted):
                body = wsgi(environ, started)
        else:
            with logs.noting(noted), span.current():
                body = wsgi(environ, started)
        return _Body(body, noted, began, span)

    return called


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    names = {"traceparent": "HTTP_TRACEPARENT", "tracestate": "HTTP_TRACESTATE"}
    return {name: environ[variable] for name, variable in names.items() if variable in environ}


class _Body:
    """The body of a response; when it is closed, the request is logged and counted."""

    def __init__(self, body: Iterable[bytes], noted: logs.Noted, began: float, span: traces.ServerSpan | None) -> None:
        self._body, self._noted, self._began, self._span = body, noted, began, span

    def __iter__(self) -> Iterator[bytes]:
        parts = iter(self._body)
        while True:
            with logs.noting(self._noted):  # what a streamed answer logs belongs to its request
                try:
                    part = next(parts)
                except StopIteration:
                    return
            yield part

    def close(self) -> None:
        noted = self._noted
        with logs.noting(noted):
            try:
                if hasattr(self._body, "close"):
                    self._body.close()
            finally:
                self._tell(noted)

    def _tell(self, noted: logs.Noted) -> None:
        seconds = perf_counter() - self._began
        route, status = noted.route or _NO_ROUTE, noted.status or 500
        noted.milliseconds = round(seconds * 1000, 3)
        metrics.requested(route, noted.method, status, seconds)
        if self._span is not None:
            self._span.end(noted.method, route, status, noted.decision_id)
        if _log.isEnabledFor(logging.INFO):
            _log.info("%s %s %s in %s ms", noted.method, route, status, noted.milliseconds)
