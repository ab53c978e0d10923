"""Diagnostics as values of JSON, and back. They come from another process, so their shape is checked."""

from typing import Any

from policy_service.diagnostics.catalogue import BY_CODE
from policy_service.diagnostics.diagnostic import Diagnostic
from policy_service.diagnostics.location import Span


def as_plain(one: Diagnostic) -> dict[str, Any]:
    return {
        "code": one.code.code,
        "severity": one.severity,
        "span": _plain_span(one.span),
        "message": one.message,
        "hint": one.hint,
        "related": [[_plain_span(span), text] for span, text in one.related],
    }


def from_plain(value: Any) -> Diagnostic:
    """Raises ValueError where the value is of another shape, or its code is not known."""
    match value:
        case {
            "code": str(code),
            "severity": "error" | "warning" as severity,
            "span": span,
            "message": str(message),
            "hint": str() | None as hint,
            "related": list(related),
        } if code in BY_CODE:
            found = tuple(map(_related, related))
            return Diagnostic(BY_CODE[code], severity, _span(span), message, hint, found)
    raise ValueError("this is no diagnostic")


def _plain_span(span: Span) -> list[Any]:
    return [span.file, span.line, span.column, span.end]


def _span(value: Any) -> Span:
    match value:
        case [str(file), int(line), int(column), int(end)]:
            return Span(file, line, column, end)
    raise ValueError("this is no place in a file")


def _related(value: Any) -> tuple[Span, str]:
    match value:
        case [span, str(text)]:
            return _span(span), text
    raise ValueError("this is no place with its text")
