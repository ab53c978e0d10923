"""GET /v1/facts."""

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.answers import answer
from policy_service.api.shared import service
from policy_service.problems import kinds
from policy_service.requests.filters import patterns_of
from policy_service.requests.schemas import LONGEST_PATTERN, MOST_PATTERNS

blueprint = Blueprint("facts", __name__, url_prefix="/v1/facts", description="What can be posted")
_POLICIES = {
    "in": "query",
    "name": "policies",
    "explode": False,
    "style": "form",
    "schema": {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_PATTERN, "pattern": "^[^,]+$"},
        "minItems": 1,
        "maxItems": MOST_PATTERNS,
    },
    "example": ["chuanliu.traffic_hours"],
    "description": "Ids of policies, or patterns with `*` and `?`, parted by commas.",
}


@blueprint.route("")
@blueprint.response(
    200,
    {
        "type": "object",
        "description": "A JSON Schema (draft 2020-12).",
        "required": ["$schema", "type", "properties", "additionalProperties"],
    },
    description="JSON Schema of `facts`. Bounds are exact decimals; `x-scale` is how many decimals a number may have.",
)
@blueprint.doc(
    operationId="facts",
    parameters=[_POLICIES],
    responses=problems.of_route(kinds.PATH_TOO_LONG, kinds.NO_BUNDLE),
)
@needs.any_role
def facts() -> Response:
    """JSON Schema of the state to post.

    With `policies`, the smallest state that these policies and those they depend on read.
    """
    params = reading.query(request, "policies")
    patterns = patterns_of(params)
    params.check()
    return answer(service().facts_schema(patterns))
