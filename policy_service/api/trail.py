"""GET /v1/audit-trail."""

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.access.trail import MOST_ON_A_PAGE, PAGE, page
from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.answers import answer
from policy_service.api.parameters import limit_parameter
from policy_service.api.schemas.keys import TrailPageSchema
from policy_service.api.shared import shared

blueprint = Blueprint("trail", __name__, url_prefix="/v1/audit-trail", description="Who did what")
_LAST = 2**31 - 1
_PARAMETERS = [
    {
        "in": "query",
        "name": "before",
        "schema": {"type": "integer", "minimum": 1, "maximum": _LAST},
        "description": "Only acts of a smaller sequence: `next` of the page before.",
    },
    limit_parameter("Acts on a page.", most=MOST_ON_A_PAGE, usual=PAGE),
]


@blueprint.route("")
@blueprint.response(200, TrailPageSchema, description="A page of acts.")
@blueprint.doc(
    operationId="auditTrail",
    parameters=_PARAMETERS,
    responses=problems.of_route(),
)
@needs("audit")
def trail() -> Response:
    """Who did what, newest first: every act of the log.

    What was ordered, from `log.begin` on: bundles, activations, stops, keys and shadows. And what was noted: hidden
    values that were shown or looked for, erasures, disagreements that were acknowledged, records that went missing.
    An act is signed and sealed as a decision is; one that cannot be read is told as `unreadable`. Pages go by sequence
    downwards, so that they stay as they are while acts arrive.
    """
    params = reading.query(request, "before", "limit")
    before, limit = params.number_to("before", _LAST), params.limit(most=MOST_ON_A_PAGE, usual=PAGE)
    params.check()
    return answer(page(shared().trail.trail(before, limit + 1), limit))
