"""Who acts in the request under way, for the trail."""

from policy_service.api.access import principal, request_id
from policy_service.decisions.bundles.publishing import Act


def act(reason: str = "") -> Act:
    """The principal of the request, with a reason, and the request's id."""
    return Act(principal().name, reason, request_id())
