"""Requests to what the service takes: bodies through their schema, queries and headers by hand; every fault is kept."""

import re
from typing import Any

from flask import Request
from marshmallow import Schema, ValidationError

from policy_service.api import body
from policy_service.api.body import Posted
from policy_service.api.schemas import refusals
from policy_service.api.schemas.request import EvaluateRequestSchema, is_plain
from policy_service.api.shared import settings
from policy_service.diagnostics import Fault, InvalidInput, fault
from policy_service.diagnostics.catalogue import BAD_HEADER, BAD_OPTION, UNKNOWN_KEY

KEY_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def posted(request: Request) -> Posted:
    """The JSON of a request within the limits of the settings. Raises Refused."""
    return body.read(request, settings().max_body, settings().max_depth)


def loaded(schema: Schema, found: Posted) -> tuple[dict[str, Any], list[Fault]]:
    """What of a body its schema accepts, nulls left out, and the faults of the rest."""
    if not found.faults and isinstance(schema, EvaluateRequestSchema) and is_plain(found.value):
        return dict(found.value), []
    faults = list(found.faults)
    try:
        accepted = schema.load(found.value)
    except ValidationError as error:
        faults += refusals.faults(schema, error)
        accepted = error.valid_data
    known = accepted if isinstance(accepted, dict) else {}
    return {key: value for key, value in known.items() if value is not None}, faults


def idempotency_key(request: Request, faults: list[Fault]) -> str | None:
    key = request.headers.get(KEY_HEADER)
    if key is not None and _KEY.fullmatch(key) is None:
        faults.append(fault("", BAD_HEADER, f"`{KEY_HEADER}` is 1 to 255 visible ASCII characters without spaces"))
    return key


def query(request: Request, *known: str) -> dict[str, str]:
    """The query of a GET, each parameter at most once. Raises InvalidInput for any other."""
    faults = []
    for name, values in request.args.lists():
        if name not in known:
            hint = f"known are {', '.join(known)}" if known else None
            faults.append(fault(f"/{name}", UNKNOWN_KEY, f"there is no parameter `{name[:64]}` here", hint))
        elif len(values) > 1:
            faults.append(fault(f"/{name}", BAD_OPTION, f"`{name}` stands {len(values)} times"))
    if faults:
        raise InvalidInput(faults)
    return request.args.to_dict()


def is_empty(request: Request) -> bool:
    """Whether a request has no body."""
    return not request.content_length and "Transfer-Encoding" not in request.headers
