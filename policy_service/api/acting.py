"""Who makes the present request, for the audit trail."""

from policy_service.access.trail import Act
from policy_service.api.access import principal, request_id


def act(reason: str = "") -> Act:
    """The principal, its reason, and the id of the request."""
    return Act(principal().name, reason, request_id())
