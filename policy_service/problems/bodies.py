"""The body of a problem: RFC 9457 with `errors`. Nothing else makes one."""

from collections.abc import Iterable
from typing import NotRequired, TypedDict

import orjson

from policy_service.diagnostics import Fault
from policy_service.problems.kinds import Kind

PROBLEM_JSON = "application/problem+json"
MOST_SHOWN = 1000
"""Faults that one problem lists; its detail tells how many there are."""


class Error(TypedDict):
    """One fault.

    pointer: JSON Pointer into the body, or into the query as an object; empty where the fault is in no one place.
    code: a letter and three digits.
    """

    pointer: str
    code: str
    message: str
    hint: NotRequired[str]


class Problem(TypedDict):
    """A refusal.

    type: the path that tells what it means.
    errors: the first MOST_SHOWN faults; empty where there is no place to name.
    instance: names the entry in the service's log, for a fault of ours.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[Error]
    instance: NotRequired[str]


def body(kind: Kind, detail: str, faults: Iterable[Fault] = (), *, instance: str | None = None) -> bytes:
    """The problem as JSON."""
    found: Problem = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": _sendable(detail),
        "errors": [_error(one) for one in list(faults)[:MOST_SHOWN]],
    }
    if instance is not None:
        found["instance"] = instance
    return orjson.dumps(found)


def counted(faults: int) -> str:
    """`3 faults; nothing was decided`, and whether all are listed."""
    listed = f"; the first {MOST_SHOWN} are listed" if faults > MOST_SHOWN else ""
    return f"{faults} {'fault' if faults == 1 else 'faults'}; nothing was decided{listed}"


def _error(one: Fault) -> Error:
    found: Error = {"pointer": _sendable(one.pointer), "code": one.code, "message": _sendable(one.message)}
    if one.hint is not None:
        found["hint"] = _sendable(one.hint)
    return found


def _sendable(text: str) -> str:
    """The text in a form that UTF-8 can carry: half of a surrogate pair becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()
