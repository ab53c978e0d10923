"""The red button: policies and rewards stopped and resumed."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.access.trail import Act
from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.acting import act
from policy_service.api.answers import answer
from policy_service.api.bodies import takes
from policy_service.api.schemas.stops import StopListSchema, StoppedSchema, StopRequestSchema
from policy_service.api.shared import publishing
from policy_service.decisions.bundles.results import Stopped, UnknownPolicy, UnknownReward
from policy_service.decisions.ports.records import NotFound
from policy_service.diagnostics import InvalidInput, fault
from policy_service.diagnostics.catalogue import UNKNOWN_POLICY
from policy_service.problems import kinds

blueprint = Blueprint("stops", __name__, url_prefix="/v1", description="Stop a policy at once")
_ID_PARAMETER = {
    "in": "path",
    "name": "id",
    "required": True,
    "schema": {"type": "string"},
    "example": "chuanliu.traffic_hours",
}
_takes_stop = takes(StopRequestSchema, {"reward": "chuanliu_traffic", "reason": "pays twice the hours"})


@blueprint.route("/policies/<id>/stop", methods=["POST"], parameters=[_ID_PARAMETER])
@blueprint.response(200, StoppedSchema, description="It is stopped; as it was already, where `new` is false.")
@_takes_stop
@blueprint.doc(
    operationId="stopPolicy",
    responses=problems.of_body(kinds.BAD_REQUEST, kinds.NOT_FOUND, kinds.NO_BUNDLE, kinds.BUSY),
)
@needs("operate", "publish")
def stop(id: str, body: dict[str, Any]) -> Response:
    """Stop a policy, or one reward of it, at once.

    A bundle that differs in `suspended` only is derived and activated, and so it is for each bundle that is to be
    activated later, until the stop is resumed. From the answer on no decision is taken by a pinned bundle that grants
    what is stopped. Asking again changes nothing.
    """
    return _answered(id, body, publishing().stop)


@blueprint.route("/policies/<id>/resume", methods=["POST"], parameters=[_ID_PARAMETER])
@blueprint.response(200, StoppedSchema, description="It is no longer stopped.")
@_takes_stop
@blueprint.doc(
    operationId="resumePolicy",
    responses=problems.of_body(kinds.NOT_STOPPED, kinds.BAD_REQUEST, kinds.NOT_FOUND, kinds.NO_BUNDLE, kinds.BUSY),
)
@needs("operate", "publish")
def resume(id: str, body: dict[str, Any]) -> Response:
    """End a stop of a policy, or of one reward of it.

    The same `reward` as the stop: to resume a policy leaves the stops of single rewards of it in force. What is not
    stopped is refused with 409, so that a slip in the name is seen.
    """
    return _answered(id, body, publishing().resume)


@blueprint.route("/stops")
@blueprint.response(200, StopListSchema, description="The stops.")
@blueprint.doc(operationId="stops", responses=problems.of_route())
@needs("operate", "publish", "audit")
def stops() -> Response:
    """What is stopped now, and every stop and resumption there was, newest first."""
    reading.query(request)
    known = publishing()
    return answer(
        {
            "in_force": [asdict(one) for one in known.activation_state().stops],
            "history": [asdict(one) for one in reversed(known.bundles.stop_events())],
        }
    )


def _answered(id_: str, body: dict[str, Any], operation: Callable[[str, str | None, Act], Stopped]) -> Response:
    try:
        done = operation(id_, body.get("reward"), act(body["reason"]))
    except UnknownPolicy as error:
        raise NotFound(f"the active bundle has no policy `{id_[:200]}`") from error
    except UnknownReward as error:
        raise InvalidInput([fault("/reward", UNKNOWN_POLICY, "the policy has no such reward")]) from error
    return answer(done.json)
