"""Sensitive values shown: only to auditors, and noted in the audit trail before anybody sees them."""

from policy_service.access import instants
from policy_service.access.trail import REVEAL, TrailEntry
from policy_service.api.access import principal, request_id
from policy_service.api.shared import service, shared
from policy_service.problems import kinds
from policy_service.problems.refused import Refused


def may_reveal() -> None:
    """Raises Refused where the caller has not the role `audit`."""
    if "audit" not in principal().roles:
        raise Refused(kinds.FORBIDDEN, "to reveal sensitive values needs a role of: audit")


def note(id_: str, shown_in: str) -> None:
    """Puts into the trail that the sensitive values of a decision are shown. Raises StoreUnavailable.

    Args:
        shown_in: `record` or `evidence`.
    """
    at = instants.text(service().now())
    detail = {"shown_in": shown_in}
    shared().trail.note(TrailEntry(at, principal().name, REVEAL, id_, detail=detail, request_id=request_id()))
