"""The response of a view: canonical JSON, so that the same answer is always the same bytes."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from policy_service import canonical


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    found = Response(canonical.trusted(value), status, content_type="application/json")
    found.headers.update(headers or {})
    return found
