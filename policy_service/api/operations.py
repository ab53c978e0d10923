"""GET /healthz, GET /readyz, GET /problems/{name}."""

from flask import Response, request
from flask_smorest import Blueprint

from policy_service import __version__
from policy_service.api import problems, reading
from policy_service.api.answers import answer
from policy_service.api.problems import Refused
from policy_service.api.schemas.operations import HealthSchema, KindSchema, ReadinessSchema
from policy_service.api.shared import service
from policy_service.decisions.days import instant
from policy_service.decisions.records import StoreUnavailable
from policy_service.decisions.service import NotFound
from policy_service.diagnostics import fault
from policy_service.diagnostics.catalogue import NO_ACTIVE_BUNDLE, STORE_UNREACHABLE

blueprint = Blueprint("operations", __name__, description="How the service is")


@blueprint.route("/healthz")
@blueprint.response(200, HealthSchema, description="The process answers.")
@blueprint.doc(operationId="healthz", responses=problems.documented(problems.HOST_REFUSED))
def healthz() -> Response:
    """Whether the process answers. Asks nothing of the store."""
    return answer({"status": "ok", "version": __version__})


@blueprint.route("/readyz")
@blueprint.response(200, ReadinessSchema, description="The service can decide.")
@blueprint.doc(operationId="readyz", responses=problems.documented(problems.HOST_REFUSED, problems.NOT_READY))
def readyz() -> Response:
    """Whether the service can decide: its store answers, and a bundle is active."""
    try:
        active = service().bundles.standing(instant(service().now())).active
    except StoreUnavailable:
        missing = fault("/store", STORE_UNREACHABLE, "the store cannot be read")
    else:
        if active is not None:
            return answer({"status": "ready", "bundle": active.bundle})
        missing = fault("/bundle", NO_ACTIVE_BUNDLE, "no bundle was activated yet")
    raise Refused(problems.NOT_READY, missing.message, [missing])


@blueprint.route("/problems/<name>")
@blueprint.response(200, KindSchema, description="What the type of a problem means.")
@blueprint.doc(operationId="problem", responses=problems.documented(problems.NOT_FOUND, problems.HOST_REFUSED))
def problem(name: str) -> Response:
    """What a type of problem means. The path is the problem's `type`."""
    reading.query(request)
    kind = problems.KINDS.get(name)
    if kind is None:
        raise NotFound(f"there is no problem `{name[:64]}`")
    return answer({"type": kind.type, "title": kind.title, "status": kind.status, "meaning": kind.meaning})
