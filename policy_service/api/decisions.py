"""GET /v1/decisions/{id}, POST /v1/decisions/{id}/replay."""

import re
from dataclasses import asdict
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import examples, links, problems, reading
from policy_service.api.access import needs
from policy_service.api.answers import answer
from policy_service.api.bodies import takes
from policy_service.api.revealing import may_reveal, note
from policy_service.api.schemas.decisions import RecordSchema, ReplayedSchema
from policy_service.api.shared import auditing, service, settings
from policy_service.decisions.audit.sealed_replay import SealedReplay
from policy_service.decisions.deciding.chains import Chain
from policy_service.decisions.ports.records import NotFound
from policy_service.problems import kinds
from policy_service.requests.reading import read
from policy_service.requests.schemas import DECISION_ID, ReplayRequestSchema

blueprint = Blueprint("decisions", __name__, url_prefix="/v1/decisions", description="What was decided, and why")
_ID = re.compile(DECISION_ID)
ID_PARAMETER = {
    "in": "path",
    "name": "id",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
    "example": examples.DECISION,
}
_REVEAL = {
    "in": "query",
    "name": "reveal",
    "schema": {"type": "boolean", "default": False},
    "description": "Show the values that stand as commitments: for the role audit, and noted in the audit trail.",
}


@blueprint.route("/<id>", parameters=[ID_PARAMETER])
@blueprint.response(200, RecordSchema, description="The full record.")
@blueprint.doc(
    operationId="decision",
    parameters=[_REVEAL],
    responses={200: {"links": links.OF_A_RECORD}} | problems.of_route(kinds.NOT_FOUND, kinds.ERASED),
)
@needs("read", "audit")
def decision(id: str) -> Response:
    """The record of a decision.

    The request as it was judged, the answer, and the bundle that gave it; its place in the log, and the decisions that
    it corrects and that correct it. A sensitive value stands as `{"commitment": …}` unless it is revealed.
    """
    params = reading.query(request, "reveal")
    reveal = params.flag("reveal")
    params.check()
    if reveal:
        may_reveal()
    known = service()
    found = known.revealed(checked(id)) if reveal else known.decision(checked(id))
    place = auditing().place(id)
    log = {"state": place.state} if place.index is None else {"state": place.state, "index": place.index}
    shown = {**found, "log": log, "chain": _chain(known.chain(id))}
    if reveal:
        note(id, "record")
    return answer(shown)


def _chain(chain: Chain) -> dict[str, Any]:
    links = [{key: value for key, value in asdict(link).items() if value is not None} for link in chain.links]
    return {"decisions": links, "complete": chain.complete}


def _body_if_any(schema: ReplayRequestSchema) -> dict[str, Any]:
    """The values of the body. Unlike elsewhere, a query is ignored."""
    return read(schema, reading.posted_if_any(request)).checked()


@blueprint.route("/<id>/replay", methods=["POST"], parameters=[ID_PARAMETER])
@blueprint.response(200, ReplayedSchema, description="Whether the answer is the same, and where it differs.")
@takes(ReplayRequestSchema, {"bundle": "active"}, required=False, reader=_body_if_any)
@blueprint.doc(
    operationId="replay",
    responses=problems.of_body(
        kinds.NOT_FOUND, kinds.ERASED, kinds.NOT_REPLAYABLE, kinds.ANSWER_TOO_LARGE, kinds.NO_BUNDLE
    ),
)
@needs("audit")
def replay(id: str, body: dict[str, Any]) -> Response:
    """Evaluate a recorded request again.

    Under the original bundle and day the answer must be the same bytes. Under another one `bundle`, `as_of` and the
    period of claim keys are not compared. Nothing is logged. Without a body: the original bundle. A record that is not
    the one that was sealed, or of a version that this program does not know, is refused.
    """
    replayed = SealedReplay(service(), auditing()).one(checked(id), body.get("bundle", "original"), body.get("as_of"))
    return answer(
        {
            "identical": replayed.identical,
            "bundle": replayed.bundle,
            "differences": [
                {"pointer": d.pointer, "recorded": d.recorded, "replayed": d.replayed} for d in replayed.differences
            ],
        },
        most=settings().max_answer,
    )


def checked(id_: str) -> str:
    """The id in a path. Raises NotFound where it has not the form of one."""
    if _ID.fullmatch(id_) is None:
        raise NotFound(f"there is no decision `{id_[:64]}`")
    return id_
