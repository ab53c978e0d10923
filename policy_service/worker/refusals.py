"""What the main loop answers itself, in the shape of every other refusal."""

import logging

from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from werkzeug.exceptions import RequestTimeout

from policy_service.problems import kinds
from policy_service.problems.bodies import PROBLEM_JSON
from policy_service.problems.bodies import body as problem
from policy_service.telemetry import metrics
from policy_service.worker.connection import BrokenBody

_RETRY_SECONDS = 1
_LOG = logging.getLogger(__name__)


def refusal(kind: kinds.Kind) -> bytes:
    """A whole answer, after which the connection is closed. It is counted."""
    metrics.refused(kind.name)
    body = problem(kind, kind.meaning)
    retry = f"Retry-After: {_RETRY_SECONDS}\r\n" if kind is kinds.OVERLOADED else ""
    head = (
        f"HTTP/1.1 {kind.status} {kind.title}\r\nConnection: close\r\n{retry}"
        f"Content-Type: {PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def kind_of(error: Exception) -> kinds.Kind:
    """What a request is refused with that cannot be read, or whose answer fails; it is logged."""
    if isinstance(error, RequestTimeout):  # while an answer was written that had not begun
        return kinds.REQUEST_TIMEOUT
    if isinstance(error, BrokenBody):
        return kinds.BAD_REQUEST
    if not isinstance(error, ParseException):
        _LOG.error("a request failed", exc_info=error)
        return kinds.INTERNAL
    _LOG.info("a request cannot be read: %s", type(error).__name__)  # its text quotes the request
    if isinstance(error, LimitRequestLine):
        return kinds.PATH_TOO_LONG
    return kinds.HEADERS_TOO_LARGE if isinstance(error, LimitRequestHeaders) else kinds.BAD_REQUEST
