"""Logs: one JSON object a line on standard error, or lines of text for a terminal.

A line says which request it belongs to, never what was posted. Of an exception inside a request it has only
the type and the place: its message may quote what was posted.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from pythonjsonlogger.orjson import OrjsonFormatter

FORMATS = ("auto", "text", "json")
LEVELS = ("debug", "info", "warning", "error", "critical")
ACCESS = "policy_service.access_log"
"""The logger of the line that each request ends with."""
_NAMES = ("request_id", "principal", "decision_id", "method", "route", "status", "milliseconds")


@dataclass(slots=True)
class Noted:
    """What is known of the request under way; None until it is known. `route` is the template, not the path."""

    request_id: str
    method: str
    route: str | None = None
    principal: str | None = None
    decision_id: str | None = None
    status: int | None = None
    milliseconds: float | None = None


_current: ContextVar[Noted | None] = ContextVar("request", default=None)


def current() -> Noted | None:
    """The request that this thread answers; None outside one."""
    return _current.get()


@contextmanager
def noting(noted: Noted | None) -> Iterator[None]:
    """A context in which log lines belong to the request."""
    token = _current.set(noted)
    try:
        yield
    finally:
        _current.reset(token)


def note(*, principal: str | None = None, decision_id: str | None = None) -> None:
    """Add to the request's log lines who asks, or what was decided, once it is known; outside a request, nothing."""
    noted = _current.get()
    if noted is None:
        return
    if principal is not None:
        noted.principal = principal
    if decision_id is not None:
        noted.decision_id = decision_id


def configure(form: str, level: str, stream: TextIO | None = None) -> None:
    """Let every logger of the process, gunicorn's and warnings included, write so.

    Args:
        form: `auto` is `text` where the stream is a terminal, else `json`.
    """
    found = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(found)
    handler.setFormatter(Json() if form == "json" or (form == "auto" and not found.isatty()) else Text())
    root = logging.getLogger()
    for old in [h for h in root.handlers if getattr(h, "_policy_service", False)]:
        root.removeHandler(old)
    handler._policy_service = True  # type: ignore[attr-defined]  # our mark, so that a second call replaces it
    root.addHandler(handler)
    root.setLevel(level.upper())
    for chatty in ("alembic", "sqlalchemy", "urllib3", "opentelemetry"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)


class Json(OrjsonFormatter):
    """A line of JSON: time, level, logger, message, and what is known of the request."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["time"] = _time(record)
        log_data["level"] = record.levelname.lower()
        log_data["logger"] = record.name
        log_data["message"] = record.message
        noted = _current.get()
        if noted is not None:
            for name in _NAMES:
                if (value := getattr(noted, name)) is not None:
                    log_data[name] = value
        if (text := message_dict.get("exc_info")) is not None:
            log_data["exception"] = text

    def formatException(self, ei: Any) -> str:
        return _exception_text(ei)


class Text(logging.Formatter):
    """A line for a person."""

    def format(self, record: logging.LogRecord) -> str:
        noted = _current.get()
        request = "" if noted is None else f" [{noted.request_id}]"
        line = f"{_time(record)} {record.levelname.lower()} {record.name}: {record.getMessage()}{request}"
        return (
            f"{line}\n{_exception_text(record.exc_info)}"
            if record.exc_info and record.exc_info[0] is not None
            else line
        )


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _exception_text(found: Any) -> str:
    """An exception with those that led to it. Within a request each by type and place alone."""
    error: BaseException | None = found[1]
    if _current.get() is None or error is None:
        return "".join(traceback.format_exception(error)).rstrip()
    parts: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        places = "".join(traceback.format_tb(error.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{places}{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nafter\n".join(parts)
