"""A draft bundle evaluated beside the active one, and what it would change."""

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.acting import act
from policy_service.api.answers import answer
from policy_service.api.bodies import takes
from policy_service.api.bundles import ID_PARAMETER, checked
from policy_service.api.schemas.shadow import ShadowEndSchema, ShadowRequestSchema, ShadowSchema
from policy_service.api.shared import shared
from policy_service.decisions.observers.shadow import Shadowed
from policy_service.problems import kinds

blueprint = Blueprint("shadow", __name__, url_prefix="/v1/bundles", description="A draft beside the active bundle")


@blueprint.route("/<id>/shadow", methods=["POST"], parameters=[ID_PARAMETER])
@blueprint.response(200, ShadowSchema, description="It is evaluated from now on; by other workers within a second.")
@takes(ShadowRequestSchema, {"share": "0.05", "reason": "amounts of April"})
@blueprint.doc(
    operationId="startShadow",
    responses=problems.of_body(kinds.NOT_FOUND, kinds.BAD_REQUEST),
)
@needs("publish")
def start(id: str, body: dict[str, Any]) -> Response:
    """Evaluate a stored bundle beside the active one.

    On a share of the requests, after they were answered; no answer is touched, and no request waits. How the two differ
    is counted by policy. One bundle at a time: to begin ends the shadow that was there. Asking again begins anew.
    """
    shared().shadow.begin(checked(id), body["share"], act(body["reason"]))
    return _shown(id)


@blueprint.route("/<id>/shadow/end", methods=["POST"], parameters=[ID_PARAMETER])
@blueprint.response(200, ShadowSchema, description="It has ended; what was found stays.")
@takes(ShadowEndSchema, {"reason": "seen enough"})
@blueprint.doc(
    operationId="endShadow",
    responses=problems.of_body(kinds.NOT_FOUND, kinds.BAD_REQUEST),
)
@needs("publish")
def end(id: str, body: dict[str, Any]) -> Response:
    """Evaluate the bundle no more."""
    shared().shadow.end(checked(id), act(body["reason"]))
    return _shown(id)


@blueprint.route("/<id>/shadow", parameters=[ID_PARAMETER])
@blueprint.response(200, ShadowSchema, description="What was found, at most a second ago.")
@blueprint.doc(operationId="shadow", responses=problems.of_route(kinds.NOT_FOUND))
@needs("publish")
def shown(id: str) -> Response:
    """What the bundle would change.

    Of its last shadow: by policy how many answers were compared and how many differ, and examples.
    """
    reading.query(request)
    return _shown(checked(id))


def _shown(id_: str) -> Response:
    return answer(_shadow_json(shared().shadow.shown(id_)))


def _shadow_json(found: Shadowed) -> dict[str, Any]:
    order, findings = found.order, found.findings
    return {
        "bundle": order.bundle,
        "share": order.share,
        "started_at": order.at,
        "ended_at": found.ended_at,
        "actor": order.actor,
        "reason": order.reason,
        "policies": [{"policy": policy, **counts._asdict()} for policy, counts in findings.counts.items()],
        "examples": [
            {"policy": one.policy, "decision": one.decision, "at": one.at, "pointers": list(one.pointers)}
            for one in findings.examples
        ],
    }
