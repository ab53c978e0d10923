"""The response of a view: canonical JSON, so that the same answer is always the same bytes."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from policy_service import canonical
from policy_service.problems.refused import answer_too_large


def answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None, *, most: int | None = None
) -> Response:
    """The value as JSON. Raises Refused where it has more than `most` bytes."""
    data = canonical.trusted(value)
    if most is not None and len(data) > most:
        raise answer_too_large(most)
    found = Response(data, status, content_type="application/json")
    found.headers.update(headers or {})
    return found
