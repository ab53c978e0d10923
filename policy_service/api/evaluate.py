"""POST /v1/evaluate."""

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import examples, links, problems, reading
from policy_service.api.access import caller, needs, principal
from policy_service.api.answers import answer
from policy_service.api.bodies import Content, takes
from policy_service.api.reading import JSON
from policy_service.api.schemas.answer import AnswerSchema, PreviewSchema
from policy_service.api.shared import service
from policy_service.problems import kinds
from policy_service.requests.evaluation import request_of
from policy_service.requests.reading import Read, read
from policy_service.requests.schemas import EvaluateRequestSchema
from policy_service.telemetry.traces import span

blueprint = Blueprint("evaluate", __name__, url_prefix="/v1", description="Rewards and recommendations for a state")
_KEY_PARAMETER = {
    "in": "header",
    "name": reading.KEY_HEADER,
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    "description": "The first answer again, with `Idempotent-Replayed: true`, for every request under the same key; "
    "another request under it is refused with 409. Kept for at least 35 days. A preview ignores it.",
}
_EXAMPLES = {
    "decision": {"summary": "A decision", "value": examples.REQUEST},
    "preview": {"summary": "A preview with all that failed", "value": examples.PREVIEW},
    "correction": {"summary": "A correction of an earlier decision", "value": examples.CORRECTION},
}
_HEADERS = {
    "Location": {"schema": {"type": "string"}, "description": "Path of the decision's record."},
    "Idempotent-Replayed": {
        "schema": {"const": "true"},
        "description": "An earlier request under the key was answered so.",
    },
}


def _in_json(schema: type[EvaluateRequestSchema]) -> Content:
    return {JSON: {"schema": schema, "examples": _EXAMPLES}}


def _with_its_faults(schema: EvaluateRequestSchema) -> Read:
    """The body with its faults: the service looks at the rest too, so that one answer lists every fault."""
    with span("read"):
        found = reading.posted(request)
    return read(schema, found)


@blueprint.route("/evaluate", methods=["POST"])
@blueprint.response(200, PreviewSchema, description="A preview: not logged, and nothing can be claimed.")
@blueprint.response(
    201, AnswerSchema, description="A decision: durably logged.", example=examples.ANSWER, headers=_HEADERS
)
@takes(EvaluateRequestSchema, content=_in_json, reader=_with_its_faults)
@blueprint.doc(
    operationId="evaluate",
    parameters=[_KEY_PARAMETER],
    responses={201: {"links": links.OF_A_DECISION}}
    | problems.of_body(kinds.KEY_CONFLICT, kinds.BUNDLE_NOT_ACTIVE, kinds.ANSWER_TOO_LARGE, kinds.NO_BUNDLE),
)
@needs("evaluate")
def evaluate(body: Read) -> Response:
    """Judge a merchant's state.

    Posts one state, and answers with rewards, what was not granted and why, recommendations, and the trace. A decision
    is in the log before it is answered. Every fault of a request is told at once, and then nothing is decided.
    """
    decides = body.values.get("purpose", "decide") == "decide"
    key = reading.idempotency_key(request, body.faults) if decides else None
    evaluated = service().evaluate(
        request_of(body, service()), caller=caller(), asked_by=principal().id, idempotency_key=key
    )
    if evaluated.decision_id is None:
        return answer(evaluated.answer)
    headers = {"Location": f"/v1/decisions/{evaluated.decision_id}"}
    if evaluated.replayed:
        headers["Idempotent-Replayed"] = "true"
    return answer(evaluated.answer, 201, headers)
