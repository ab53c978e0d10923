"""What HTTP adds to a request: its media type and size, its query, its headers. Every fault is kept."""

import re

from flask import Request

from policy_service.api.shared import settings
from policy_service.diagnostics import Fault, InvalidInput, fault
from policy_service.diagnostics.catalogue import BAD_HEADER, BAD_OPTION, UNKNOWN_KEY
from policy_service.problems import kinds
from policy_service.problems.refused import Refused, too_large
from policy_service.requests.posted import Posted, parse
from policy_service.requests.query import Parameters
from policy_service.requests.schemas import IDEMPOTENCY_KEY

JSON, NDJSON = "application/json", "application/x-ndjson"
KEY_HEADER = "Idempotency-Key"


def posted(request: Request) -> Posted:
    """The JSON of a request within the limits of the settings.

    Raises:
        Refused: 413, 415, or 400 with every fault of the text.
    """
    known = settings()
    check_type(request, JSON)
    return parse(whole(request, known.max_body), known.max_depth)


def posted_if_any(request: Request) -> Posted:
    """As `posted`; a request without a body posts the empty object."""
    return posted(request) if request.content_length or "Transfer-Encoding" in request.headers else Posted({})


def check_type(request: Request, *known: str) -> None:
    """Raises Refused with 415 for a body that is none of some media types, in UTF-8, or is compressed."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype not in known or charset != "utf-8":
        raise Refused(kinds.MEDIA_TYPE, f"`Content-Type` must be {' or '.join(known)}, in UTF-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(kinds.MEDIA_TYPE, "the body must not be compressed: leave `Content-Encoding` out")


def whole(request: Request, most: int) -> bytes:
    """The body, whether its length was announced or it came in chunks. Raises Refused with 400 or 413."""
    if (request.content_length or 0) > most:
        raise too_large("body", most)
    # A limit cuts a body that came in chunks: one byte more than allowed tells a long body from a full one.
    request.max_content_length = most + 1
    data = request.get_data(cache=False)
    if len(data) > most:
        raise too_large("body", most)
    if request.content_length is not None and len(data) < request.content_length:
        raise Refused(kinds.BAD_REQUEST, "the body ends before its announced length")
    return data


def idempotency_key(request: Request, faults: list[Fault]) -> str | None:
    """The key that the header names; what is wrong with it is added to the faults."""
    key = request.headers.get(KEY_HEADER)
    if key is not None and re.fullmatch(IDEMPOTENCY_KEY, key) is None:
        faults.append(fault("", BAD_HEADER, f"`{KEY_HEADER}` is 1 to 255 visible ASCII characters without spaces"))
    return key


def query(request: Request, *known: str) -> Parameters:
    """The query of a request, each parameter at most once. Raises InvalidInput for any other."""
    faults = []
    for name, values in request.args.lists():
        if name not in known:
            hint = f"known are {', '.join(known)}" if known else None
            faults.append(fault(f"/{name}", UNKNOWN_KEY, f"there is no parameter `{name[:64]}` here", hint))
        elif len(values) > 1:
            faults.append(fault(f"/{name}", BAD_OPTION, f"`{name}` stands {len(values)} times"))
    if faults:
        raise InvalidInput(faults)
    return Parameters(request.args.to_dict())
