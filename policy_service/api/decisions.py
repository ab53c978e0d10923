"""GET /v1/decisions/{id}, POST /v1/decisions/{id}/replay."""

import re

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import examples, problems, reading
from policy_service.api.access import needs
from policy_service.api.answers import answer
from policy_service.api.body import Posted
from policy_service.api.schemas.decisions import RecordSchema, ReplayedSchema
from policy_service.api.schemas.request import DECISION_ID, ReplayRequestSchema
from policy_service.api.shared import service
from policy_service.decisions.service import NotFound
from policy_service.diagnostics import InvalidInput

blueprint = Blueprint("decisions", __name__, url_prefix="/v1/decisions", description="What was decided, and why")
_SCHEMA = ReplayRequestSchema()
_ID = re.compile(DECISION_ID)
_ID_PARAMETER = {
    "in": "path",
    "name": "id",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
    "example": examples.DECISION,
}
_BODY = {
    "required": False,
    "content": {"application/json": {"schema": ReplayRequestSchema, "example": {"bundle": "active"}}},
}


@blueprint.route("/<id>", parameters=[_ID_PARAMETER])
@blueprint.response(200, RecordSchema, description="The full record.")
@blueprint.doc(
    operationId="decision",
    responses=problems.documented(
        problems.NOT_FOUND, problems.NOT_ACCEPTABLE, problems.HOST_REFUSED, problems.INTERNAL, problems.STORE
    ),
)
@needs("read", "audit")
def decision(id: str) -> Response:
    """The record of a decision.

    The request as it was judged, the answer, and the bundle that gave it; also the decisions that correct it.
    """
    reading.query(request)
    return answer(service().decision(_checked(id)))


@blueprint.route("/<id>/replay", methods=["POST"], parameters=[_ID_PARAMETER])
@blueprint.response(200, ReplayedSchema, description="Whether the answer is the same, and where it differs.")
@blueprint.doc(
    operationId="replay",
    requestBody=_BODY,
    responses=problems.documented(
        problems.MALFORMED,
        problems.NOT_FOUND,
        problems.NOT_ACCEPTABLE,
        problems.BODY_TOO_LARGE,
        problems.MEDIA_TYPE,
        problems.HOST_REFUSED,
        problems.INVALID,
        problems.INTERNAL,
        problems.STORE,
        problems.NO_BUNDLE,
    ),
)
@needs("audit")
def replay(id: str) -> Response:
    """Evaluate a recorded request again.

    Under the original bundle and day the answer must be the same bytes. Under another one `bundle`, `as_of` and the
    period of claim keys are not compared. Nothing is logged. Without a body: the original bundle.
    """
    found = Posted({}) if reading.is_empty(request) else reading.posted(request)
    loaded, faults = reading.loaded(_SCHEMA, found)
    if faults:
        raise InvalidInput(faults)
    replayed = service().replay(_checked(id), loaded.get("bundle", "original"), loaded.get("as_of"))
    return answer(
        {
            "identical": replayed.identical,
            "bundle": replayed.bundle,
            "differences": [
                {"pointer": d.pointer, "recorded": d.recorded, "replayed": d.replayed} for d in replayed.differences
            ],
        }
    )


def _checked(id_: str) -> str:
    if _ID.fullmatch(id_) is None:
        raise NotFound(f"there is no decision `{id_[:64]}`")
    return id_
