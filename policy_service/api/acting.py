"""Who acts in the request under way, for the trail."""

from flask import g

from policy_service.access.principals import LOCAL, Principal
from policy_service.decisions.publishing import Act
from policy_service.telemetry import logs


def act(reason: str = "") -> Act:
    """The principal of the request, with a reason, and the request's id."""
    principal: Principal = g.get("principal", LOCAL)
    noted = logs.current()
    return Act(principal.name, reason, noted.request_id if noted is not None else None)
