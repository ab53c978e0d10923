"""Why there is no answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RETRYABLE = frozenset({429, 502, 503, 504})
"""Statuses with which nothing was answered yet: too many requests, or something on the way or behind is down."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a request; `pointer` is a JSON Pointer into its body."""

    pointer: str
    code: str
    message: str
    hint: str | None = None


class PolicyServiceError(Exception):
    """There is no answer.

    `idempotency_key` is the key that a decision was posted under: whoever asks again, even much later, does so under
    it and gets the decision that may have been made after all. Null for anything but a decision.
    """

    idempotency_key: str | None = None


class Unreachable(PolicyServiceError):
    """No whole answer came before the deadline; whether something was decided is not known."""


class Problem(PolicyServiceError):
    """The service refuses (RFC 9457).

    Args:
        status: the HTTP status.
        type: stable, such as `/problems/invalid-request`; `about:blank` for an answer that is no problem document.
        errors: every fault, each with its place.
        instance: names the entry in the service's log, for a fault of the service.
        retry_after: seconds to wait before trying again, where the service says so.
    """

    def __init__(
        self,
        status: int,
        type: str,
        title: str,
        detail: str = "",
        errors: tuple[Fault, ...] = (),
        instance: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        places = "".join(f"\n  {e.pointer or '/'}: {e.code} {e.message}" for e in errors)
        super().__init__(f"{status} {title}: {detail}{places}")
        self.status, self.type, self.title, self.detail = status, type, title, detail
        self.errors, self.instance, self.retry_after = errors, instance, retry_after

    @property
    def retryable(self) -> bool:
        """Whether the same request, under the same key, may be answered later."""
        return self.status in RETRYABLE


def problem_of(status: int, body: Any, retry_after: str | None = None) -> Problem:
    """The problem in a parsed body; anything may stand there, for a proxy may have written it."""
    found: Mapping[str, Any] = body if isinstance(body, dict) else {}
    listed = found.get("errors")
    errors = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    instance = found.get("instance")
    return Problem(
        status,
        str(found.get("type", "about:blank")),
        str(found.get("title", "not answered")),
        str(found.get("detail", "")),
        tuple(
            Fault(str(e.get("pointer", "")), str(e.get("code", "")), str(e.get("message", "")), _text(e.get("hint")))
            for e in errors
        ),
        _text(instance),
        float(retry_after) if retry_after is not None and retry_after.isdecimal() else None,
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
