"""Hidden values shown: only to the role `reveal`, and noted in the audit trail before anybody sees them."""

from typing import Any

from policy_service.access import instants
from policy_service.access.trail import REVEAL, TrailEntry
from policy_service.api.access import principal, request_id
from policy_service.api.shared import service, shared
from policy_service.decisions.audit.searching import Query
from policy_service.problems import kinds
from policy_service.problems.refused import Refused
from policy_service.requests import filters


def reveal_parameter(description: str) -> dict[str, Any]:
    """`reveal` in a query, as the contract shows it."""
    described = f"{description} For the role reveal, and noted in the audit trail."
    schema = {"type": "boolean", "default": False}
    return {"in": "query", "name": "reveal", "schema": schema, "description": described}


def may_reveal() -> None:
    """Raises Refused where the caller has not the role `reveal`."""
    if "reveal" not in principal().roles:
        raise Refused(kinds.FORBIDDEN, "to see hidden values needs a role of: reveal")


def note(id_: str, shown_in: str) -> None:
    """Puts into the trail that hidden values of a decision are shown. Raises StoreUnavailable.

    Args:
        shown_in: `record`, `evidence`, `replay`, `comparison`, or `search` with the kind of subject in the place of id.
    """
    at = instants.text(service().now())
    detail = {"shown_in": shown_in}
    shared().trail.note(TrailEntry(at, principal().name, REVEAL, id_, detail=detail, request_id=request_id()))


def noted(query: Query) -> Query:
    """The query, allowed to look for hidden values where it does; that it does is noted, and for what kind of subject.

    Raises:
        Refused: the caller may not.
    """
    active = service().evaluators.active()
    sought = () if active is None else filters.hidden_in(query, active.sensitivity)
    if not sought:
        return query
    may_reveal()
    for kind in sought:
        note(kind, "search")
    return query.revealing()
