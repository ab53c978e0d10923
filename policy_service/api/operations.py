"""GET /healthz, GET /readyz, GET /metrics, GET /problems/{name}."""

import logging

from flask import Response, request
from flask_smorest import Blueprint

from policy_service import __version__
from policy_service.access import instants
from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.answers import answer
from policy_service.api.schemas.operations import HealthSchema, KindSchema, ReadinessSchema
from policy_service.api.shared import is_stopping, service, shared
from policy_service.decisions.ports.records import NotFound, StoreUnavailable
from policy_service.decisions.sealed.agents import SigningUnavailable
from policy_service.decisions.sealed.guard import Held
from policy_service.diagnostics import Code, fault
from policy_service.diagnostics.catalogue import (
    KEY_UNAVAILABLE,
    LOG_HELD,
    NO_ACTIVE_BUNDLE,
    STORE_UNREACHABLE,
    WORKER_ENDS,
)
from policy_service.problems import kinds
from policy_service.problems.refused import Refused
from policy_service.telemetry import metrics

_LOG = logging.getLogger(__name__)
LAG_SECONDS = 60
"""What is usually a second."""
blueprint = Blueprint("operations", __name__, description="How the service is")


@blueprint.route("/healthz")
@blueprint.response(200, HealthSchema, description="The process answers.")
@blueprint.doc(operationId="healthz", responses=problems.documented(kinds.HOST_REFUSED))
@needs.anyone
def healthz() -> Response:
    """Whether the process answers. Asks nothing of the store."""
    return answer({"status": "ok", "version": __version__})


@blueprint.route("/readyz")
@blueprint.response(200, ReadinessSchema, description="The service can decide; `degraded`: somebody should look at it.")
@blueprint.doc(operationId="readyz", responses=problems.documented(kinds.HOST_REFUSED, kinds.NOT_READY))
@needs.anyone
def readyz() -> Response:
    """Whether the service can decide: its store answers and was not set back, its key signs, a bundle is active, the
    worker does not end.

    What casts doubt on it without stopping it is `degraded`, with reasons: the active bundle cannot be taken over, so
    that the one before answers; an order in the store was not signed, and is not followed; the judge found answers
    that differ; decisions wait long for their place in the log; a witness or the folder of heads has seen another log
    than the store has.
    It is 200, so that no one takes all hosts out at once for what a person has to judge.
    """
    if is_stopping():
        raise _not_ready("/worker", WORKER_ENDS, "the worker finishes what is under way, and ends")
    evaluators, recorded = service().evaluators, shared().recorded
    try:
        if recorded is not None:
            recorded.sealer.guard.check()
        active = service().bundles.activation_state(instants.text(service().now())).active
        reasons = [] if evaluators.fault is None else [evaluators.fault]
        if shared().judge.store.disagreements(limit=1):
            reasons.append("the reference engine disagreed with an answer, and nobody has acknowledged it yet")
        if recorded is not None and recorded.waiting_seconds() > LAG_SECONDS:
            reasons.append(f"a decision has waited for its place in the log for more than {LAG_SECONDS} seconds")
        if recorded is not None:
            if recorded.sealer.orders.fault is not None:
                reasons.append(recorded.sealer.orders.fault)
            reasons += [f"the log is contradicted by {alarm}" for alarm in recorded.pusher.alarms]
            recorded.sealer.orders.may_sign()
            recorded.keys.try_now()
    except SigningUnavailable as error:
        _LOG.warning("not ready: %s", error)
        raise _not_ready("/key", KEY_UNAVAILABLE, "a key that signs the log cannot sign") from None
    except Held as error:
        _LOG.warning("not ready: %s", error)
        raise _not_ready("/log", LOG_HELD, "nothing is signed on this log") from None
    except StoreUnavailable:
        raise _not_ready("/store", STORE_UNREACHABLE, "the store cannot be read") from None
    if active is None:
        raise _not_ready("/bundle", NO_ACTIVE_BUNDLE, "no bundle was activated yet")
    seen = evaluators.seconds_since_look
    return answer(
        {
            "status": "degraded" if reasons else "ready",
            "bundle": active.bundle,
            "looked_seconds_ago": None if seen is None else int(seen),
            "reasons": reasons,
        }
    )


def _not_ready(pointer: str, code: Code, message: str) -> Refused:
    return Refused(kinds.NOT_READY, message, [fault(pointer, code, message)])


@blueprint.route("/metrics")
@blueprint.response(200, content_type="text/plain", description="All metrics of all workers of this host.")
@blueprint.doc(operationId="metrics", responses=problems.documented(kinds.HOST_REFUSED, kinds.INVALID))
@needs("operate")
def scraped() -> Response:
    """How the service is, in Prometheus' text format. What other workers counted is at most a second old."""
    reading.query(request)
    return Response(metrics.text(), content_type=metrics.CONTENT_TYPE)


@blueprint.route("/problems/<name>")
@blueprint.response(200, KindSchema, description="What the type of a problem means.")
@blueprint.doc(operationId="problem", responses=problems.documented(kinds.NOT_FOUND, kinds.HOST_REFUSED, kinds.INVALID))
@needs.anyone
def problem(name: str) -> Response:
    """What a type of problem means. The path is the problem's `type`."""
    reading.query(request)
    kind = kinds.KINDS.get(name)
    if kind is None:
        raise NotFound(f"there is no problem `{name[:64]}`")
    found = {"type": kind.type, "title": kind.title, "status": kind.status, "meaning": kind.meaning}
    return answer(found | {"retry": kind.retry})
