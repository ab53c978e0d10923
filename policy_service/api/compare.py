"""GET /v1/decisions/{a}/compare/{b}."""

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import examples, problems, reading
from policy_service.api.access import needs
from policy_service.api.answers import answer
from policy_service.api.decisions import checked
from policy_service.api.schemas.compare import ComparisonSchema
from policy_service.api.shared import auditing, settings
from policy_service.problems import kinds

blueprint = Blueprint("compare", __name__, url_prefix="/v1/decisions", description="Why two decisions differ")


def _id(name: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"}
    return {"in": "path", "name": name, "required": True, "schema": schema, "example": example}


@blueprint.route("/<a>/compare/<b>", parameters=[_id("a", examples.DECISION), _id("b", examples.DECISION[:-1] + "2")])
@blueprint.response(200, ComparisonSchema, description="The comparison.")
@blueprint.doc(
    operationId="compare",
    responses=problems.of_route(
        kinds.NOT_FOUND, kinds.ERASED, kinds.NOT_COMPARABLE, kinds.COMPARISON_TOO_COSTLY, kinds.ANSWER_TOO_LARGE
    ),
)
@needs("audit")
def compare(a: str, b: str) -> Response:
    """Why the decision `b` is another than `a`, reward by reward.

    First what `b` would have granted with the facts, the rules, the values of parameters or the day of `a`. Then the
    share of each of these four in the difference: a factor's share is the mean, over all orders in which the four could
    have changed, of what its change adds in that order (Shapley values). The shares add up to the difference exactly.
    Nothing is recorded.
    """
    reading.query(request)
    return answer(auditing().compare(checked(a), checked(b)), most=settings().max_answer)
