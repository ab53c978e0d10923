"""The red button: policies and rewards stopped and resumed."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.acting import act
from policy_service.api.answers import answer
from policy_service.api.problems import Refused
from policy_service.api.schemas.stops import StopListSchema, StoppedSchema, StopRequestSchema
from policy_service.api.shared import publishing
from policy_service.decisions.bundles.publishing import Busy, NotStopped, Stopped, UnknownPolicy, UnknownReward
from policy_service.decisions.deciding.service import NotFound
from policy_service.diagnostics import InvalidInput, fault
from policy_service.diagnostics.catalogue import UNKNOWN_POLICY

blueprint = Blueprint("stops", __name__, url_prefix="/v1", description="Stop a policy at once")
_SCHEMA = StopRequestSchema()
_ID_PARAMETER = {
    "in": "path",
    "name": "id",
    "required": True,
    "schema": {"type": "string"},
    "example": "chuanliu.traffic_hours",
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": StopRequestSchema,
            "example": {"reward": "chuanliu_traffic", "reason": "pays twice the hours"},
        }
    },
}
_READING = (problems.NOT_ACCEPTABLE, problems.HOST_REFUSED, problems.INVALID, problems.INTERNAL, problems.STORE)
_WRITING = (
    *_READING,
    problems.MALFORMED,
    problems.BAD_REQUEST,
    problems.NOT_FOUND,
    problems.BODY_TOO_LARGE,
    problems.MEDIA_TYPE,
    problems.NO_BUNDLE,
    problems.BUSY,
)


@blueprint.route("/policies/<id>/stop", methods=["POST"], parameters=[_ID_PARAMETER])
@blueprint.response(200, StoppedSchema, description="It is stopped; as it was already, where `new` is false.")
@blueprint.doc(operationId="stopPolicy", requestBody=_BODY, responses=problems.documented(*_WRITING))
@needs("operate", "publish")
def stop(id: str) -> Response:
    """Stop a policy, or one reward of it, at once.

    A bundle that differs in `suspended` only is derived and activated, and so it is for each bundle that is to be
    activated later, until the stop is resumed. From the answer on no decision is taken by a pinned bundle that grants
    what is stopped. Asking again changes nothing.
    """
    return _answered(id, stops=True)


@blueprint.route("/policies/<id>/resume", methods=["POST"], parameters=[_ID_PARAMETER])
@blueprint.response(200, StoppedSchema, description="It is no longer stopped.")
@blueprint.doc(
    operationId="resumePolicy", requestBody=_BODY, responses=problems.documented(problems.NOT_STOPPED, *_WRITING)
)
@needs("operate", "publish")
def resume(id: str) -> Response:
    """End a stop of a policy, or of one reward of it.

    The same `reward` as the stop: to resume a policy leaves the stops of single rewards of it in force. What is not
    stopped is refused with 409, so that a slip in the name is seen.
    """
    return _answered(id, stops=False)


@blueprint.route("/stops")
@blueprint.response(200, StopListSchema, description="The stops.")
@blueprint.doc(operationId="stops", responses=problems.documented(*_READING))
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


def _answered(id_: str, *, stops: bool) -> Response:
    reading.query(request)
    loaded, faults = reading.loaded(_SCHEMA, reading.posted(request))
    if faults:
        raise InvalidInput(faults)
    operation = publishing().stop if stops else publishing().resume
    try:
        done = operation(id_, loaded.get("reward"), act(loaded["reason"]))
    except UnknownPolicy as error:
        raise NotFound(f"the active bundle has no policy `{id_[:200]}`") from error
    except UnknownReward as error:
        raise InvalidInput([fault("/reward", UNKNOWN_POLICY, "the policy has no such reward")]) from error
    except NotStopped as error:
        raise Refused(problems.NOT_STOPPED, str(error)) from error
    except Busy as error:
        raise Refused(problems.BUSY, str(error)) from error
    return answer(_shown(done))


def _shown(done: Stopped) -> dict[str, Any]:
    return {
        "event": asdict(done.event),
        "new": done.new,
        "bundle": done.bundle,
        "warnings": list(warnings(done)),
    }


def warnings(done: Stopped) -> Iterable[str]:
    """What whoever stops or resumes should know."""
    if done.suspended_by_file and done.event.action == "resume":
        yield "bundle.yaml of the published bundle suspends it too: it stays so until another bundle is activated"
