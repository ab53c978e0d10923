"""POST /v1/evaluate."""

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import examples, links, problems, reading
from policy_service.api.access import caller, needs
from policy_service.api.answers import answer
from policy_service.api.body import Posted
from policy_service.api.schemas.answer import AnswerSchema, PreviewSchema
from policy_service.api.schemas.request import EvaluateRequestSchema
from policy_service.api.shared import service
from policy_service.decisions.bundles.evaluators import NoActiveBundle
from policy_service.decisions.deciding.asking import EvaluateRequest
from policy_service.decisions.deciding.service import PolicyService
from policy_service.diagnostics import Fault, InvalidInput
from policy_service.diagnostics.catalogue import ID_MISSING
from policy_service.telemetry.traces import span

blueprint = Blueprint("evaluate", __name__, url_prefix="/v1", description="Rewards and recommendations for a state")
_SCHEMA = EvaluateRequestSchema()
_ANY = "*"
_KEY_PARAMETER = {
    "in": "header",
    "name": reading.KEY_HEADER,
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    "description": "The first answer again, with `Idempotent-Replayed: true`, for every request under the same key; "
    "another request under it is refused with 409. Kept for at least 35 days. A preview ignores it.",
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": EvaluateRequestSchema,
            "examples": {
                "decision": {"summary": "A decision", "value": examples.REQUEST},
                "preview": {"summary": "A preview with all that failed", "value": examples.PREVIEW},
                "correction": {"summary": "A correction of an earlier decision", "value": examples.CORRECTION},
            },
        }
    },
}
_HEADERS = {
    "Location": {"schema": {"type": "string"}, "description": "Path of the decision's record."},
    "Idempotent-Replayed": {
        "schema": {"const": "true"},
        "description": "An earlier request under the key was answered so.",
    },
}


@blueprint.route("/evaluate", methods=["POST"])
@blueprint.response(200, PreviewSchema, description="A preview: not logged, and nothing can be claimed.")
@blueprint.response(
    201, AnswerSchema, description="A decision: durably logged.", example=examples.ANSWER, headers=_HEADERS
)
@blueprint.doc(
    operationId="evaluate",
    parameters=[_KEY_PARAMETER],
    requestBody=_BODY,
    responses={201: {"links": links.OF_A_DECISION}}
    | problems.documented(
        problems.MALFORMED,
        problems.NOT_ACCEPTABLE,
        problems.KEY_CONFLICT,
        problems.BUNDLE_NOT_ACTIVE,
        problems.BODY_TOO_LARGE,
        problems.MEDIA_TYPE,
        problems.HOST_REFUSED,
        problems.INVALID,
        problems.INTERNAL,
        problems.STORE,
        problems.NO_BUNDLE,
    ),
)
@needs("evaluate")
def evaluate() -> Response:
    """Judge a merchant's state.

    Posts one state, and answers with rewards, what was not granted and why, recommendations, and the trace. A decision
    is in the log before it is answered. Every fault of a request is told at once, and then nothing is decided.
    """
    with span("read"):
        found = reading.posted(request)
    loaded, faults = reading.loaded(_SCHEMA, found)
    decides = loaded.get("purpose", "decide") == "decide"
    key = reading.idempotency_key(request, faults) if decides else None
    evaluated = service().evaluate(_whole(loaded, found.value, faults, service()), caller=caller(), idempotency_key=key)
    if evaluated.decision_id is None:
        return answer(evaluated.answer)
    headers = {"Location": f"/v1/decisions/{evaluated.decision_id}"}
    if evaluated.replayed:
        headers["Idempotent-Replayed"] = "true"
    return answer(evaluated.answer, 201, headers)


def request_of(found: Posted, served: PolicyService) -> EvaluateRequest:
    """A body as a request to the service; also for bodies that come another way than by HTTP.

    Raises:
        InvalidInput: with every fault, those included that the service finds.
    """
    return item_of(found, served, _SCHEMA)[0]


def item_of(found: Posted, served: PolicyService, schema: EvaluateRequestSchema) -> tuple[EvaluateRequest, str | None]:
    """As `request_of`, by a schema that may take an `idempotency_key` too."""
    loaded, faults = reading.loaded(schema, found)
    key = loaded.pop("idempotency_key", None)
    return _whole(loaded, found.value, faults, served), key


def _whole(loaded: dict[str, Any], posted: Any, faults: list[Fault], served: PolicyService) -> EvaluateRequest:
    if faults:
        raise InvalidInput(faults + _further(loaded, posted, faults, served))
    return _request(loaded)


def _request(loaded: dict[str, Any]) -> EvaluateRequest:
    options = loaded.get("options", {})
    provenance = {k: v for k, v in loaded.get("provenance", {}).items() if v is not None}
    return EvaluateRequest(
        facts=loaded.get("facts", {}),
        as_of=loaded.get("as_of"),
        purpose=loaded.get("purpose") or "decide",
        merchant_id=loaded.get("merchant_id"),
        policies=tuple(loaded["policies"]) if "policies" in loaded else None,
        bundle=loaded.get("bundle"),
        trace=options.get("trace") or "fired",
        unknown_facts=options.get("unknown_facts") or "refuse",
        provenance=provenance or None,
        supersedes=loaded.get("supersedes"),
        reason=loaded.get("reason"),
    )


def _further(loaded: dict[str, Any], posted: Any, faults: list[Fault], served: PolicyService) -> list[Fault]:
    """Faults that the service finds in what is left of a faulty request; none that follow from those known."""
    faulty = {one.pointer for one in faults}
    if not isinstance(posted, dict):
        return []
    if "/purpose" in faulty or "/supersedes" in faulty:
        loaded = {key: value for key, value in loaded.items() if key not in ("supersedes", "reason")}
    if "/purpose" in faulty:
        loaded["purpose"] = "preview"  # asks for the least
    if isinstance(posted.get("policies"), list) and "/policies" not in faulty:
        places = enumerate(posted["policies"])
        loaded["policies"] = [_ANY if f"/policies/{at}" in faulty else pattern for at, pattern in places]
    try:
        found = served.asking.faults(_request(loaded))
    except NoActiveBundle:
        return []
    return [one for one in found if not _follows(one, faulty)]


def _follows(one: Fault, faulty: set[str]) -> bool:
    if one.code == ID_MISSING.code and one.pointer == "/facts/merchant/id" and "/merchant_id" in faulty:
        return True
    steps = one.pointer.split("/")
    return any("/".join(steps[:end]) in faulty for end in range(2, len(steps) + 1))
