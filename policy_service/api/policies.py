"""GET /v1/policies, GET /v1/policies/{id}."""

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.answers import answer
from policy_service.api.schemas.policies import PolicyListSchema, PolicySchema
from policy_service.api.shared import service
from policy_service.problems import kinds
from policy_service.requests.schemas import AS_OF

blueprint = Blueprint("policies", __name__, url_prefix="/v1/policies", description="What the rules say")
_DAY = {
    "in": "query",
    "name": "as_of",
    "schema": {"type": "string", "pattern": f"^{AS_OF}$"},
    "example": "2023-04-01",
    "description": "The business day, or an instant with its offset; today by default.",
}


@blueprint.route("")
@blueprint.response(200, PolicyListSchema, description="The policies of the active bundle.")
@blueprint.doc(operationId="policies", parameters=[_DAY], responses=problems.of_route(kinds.NO_BUNDLE))
@needs.any_role
def policies() -> Response:
    """Every policy, and whether it is in force on a day."""
    return answer(service().policies(reading.query(request, "as_of").text("as_of")))


@blueprint.route(
    "/<id>",
    parameters=[
        {
            "in": "path",
            "name": "id",
            "required": True,
            "schema": {"type": "string"},
            "example": "chuanliu.traffic_hours",
        }
    ],
)
@blueprint.response(200, PolicySchema, description="The policy.")
@blueprint.doc(operationId="policy", parameters=[_DAY], responses=problems.of_route(kinds.NOT_FOUND, kinds.NO_BUNDLE))
@needs.any_role
def policy(id: str) -> Response:
    """All that a policy says on a day.

    Its tables, parameters with their dates, rewards with their exceptions, and the facts it reads. Where it is not in
    force on the day: as it was when it last was, or as it will be first.
    """
    return answer(service().policy(id, reading.query(request, "as_of").text("as_of")))
