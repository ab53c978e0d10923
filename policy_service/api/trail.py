"""GET /v1/audit-trail."""

import re
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.access.trail import Trailed
from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.answers import answer
from policy_service.api.paging import limit_parameter
from policy_service.api.schemas.keys import TrailPageSchema
from policy_service.api.shared import shared
from policy_service.diagnostics import Fault, InvalidInput, fault
from policy_service.diagnostics.catalogue import BAD_OPTION

blueprint = Blueprint("trail", __name__, url_prefix="/v1/audit-trail", description="Who did what")
MOST, USUAL = 1000, 100
_LAST = 2**31 - 1
_NUMBER = re.compile("[1-9][0-9]{0,9}")
_PARAMETERS = [
    {
        "in": "query",
        "name": "before",
        "schema": {"type": "integer", "minimum": 1, "maximum": _LAST},
        "description": "Only acts of a smaller sequence: `next` of the page before.",
    },
    limit_parameter("Acts on a page.", most=MOST, usual=USUAL),
]


@blueprint.route("")
@blueprint.response(200, TrailPageSchema, description="A page of acts.")
@blueprint.doc(
    operationId="auditTrail",
    parameters=_PARAMETERS,
    responses=problems.documented(
        problems.NOT_ACCEPTABLE, problems.HOST_REFUSED, problems.INVALID, problems.INTERNAL, problems.STORE
    ),
)
@needs("audit")
def trail() -> Response:
    """Who did what on bundles, stops and keys, newest first.

    Pages go by sequence downwards, so that they stay as they are while acts arrive.
    """
    asked = reading.query(request, "before", "limit")
    faults: list[Fault] = []
    before = _number(asked, "before", _LAST, faults)
    limit = _number(asked, "limit", MOST, faults)
    if faults:
        raise InvalidInput(faults)
    return answer(page(shared().trail.trail(before, (limit or USUAL) + 1), limit or USUAL))


def page(found: list[Trailed], limit: int) -> dict[str, Any]:
    """The acts of a page.

    Args:
        found: one more than the limit, if there are more.
    """
    shown: dict[str, Any] = {"entries": [_shown(one) for one in found[:limit]]}
    return shown if len(found) <= limit else shown | {"next": found[limit - 1].sequence}


def _shown(one: Trailed) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "sequence": one.sequence,
        "at": one.at,
        "actor": one.actor,
        "action": one.action,
        "target": one.target,
        "reason": one.reason,
        "detail": dict(one.detail),
    }
    return shown if one.request_id is None else shown | {"request_id": one.request_id}


def _number(asked: dict[str, str], name: str, most: int, faults: list[Fault]) -> int | None:
    text = asked.get(name)
    if text is None:
        return None
    if _NUMBER.fullmatch(text) is None or int(text) > most:
        faults.append(fault(f"/{name}", BAD_OPTION, f"`{name}` is a whole number from 1 to {most}"))
        return None
    return int(text)
