"""GET /v1/decisions, GET /v1/claims."""

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.answers import answer
from policy_service.api.parameters import PAGING, filter_parameters
from policy_service.api.revealing import noted
from policy_service.api.schemas.search import ClaimHistorySchema, PageSchema
from policy_service.api.shared import auditing
from policy_service.requests import filters

blueprint = Blueprint("search", __name__, url_prefix="/v1", description="Past decisions, found by what they are about")
_REFUSALS = problems.of_route()
_KEY = {
    "in": "query",
    "name": "key",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{filters.CLAIM}$"},
    "description": "The key of the claim, its `#` as `%23`.",
    "example": "chuanliu.traffic_hours/chuanliu_traffic@merchant:m-1#2023-04-01",
}


@blueprint.route("/decisions")
@blueprint.response(200, PageSchema, description="A page of decisions.")
@blueprint.doc(operationId="search", parameters=filter_parameters(*PAGING), responses=_REFUSALS)
@needs("read", "audit")
def search() -> Response:
    """Find decisions; every filter that is given must hold.

    Newest first, by their place in the log, so that pages stay as they are while new decisions arrive. What was decided
    in the last second may not be sealed yet: it is found by its id alone. Sensitive values are not shown. To look for a
    `subject` whose id is one, or for a `row` that tells one, needs the role reveal and is noted in the audit trail; to
    look for a `claim`, whose key the caller must know, does not.
    """
    params = reading.query(request, *filters.NAMES, "limit", "cursor")
    query = filters.query_of(params)
    params.check()
    return answer(auditing().searching.search(noted(query)).json)


@blueprint.route("/claims")
@blueprint.response(200, ClaimHistorySchema, description="The decisions that bear on the claim.")
@blueprint.doc(operationId="claim", parameters=[_KEY], responses=_REFUSALS)
@needs("read", "audit")
def claim() -> Response:
    """All decisions that bear on a claim, and what was due after each.

    Those that granted it, and those that judged the same reward of the same subject for the same period and did not. A
    key that nobody was ever granted has none. A record that the service did not sign, or that is not in its log as it
    stands there, counts for nothing: it is left out, and named in `refused`. Pay nothing by a history that has one,
    until `policyctl audit verify` has told what was done to the store.
    """
    params = reading.query(request, "key")
    hint = f"as `{_KEY['example']}`, its `#` written `%23`"
    posted = params.matching(
        "key", filters.CLAIM, "`key` is `policy/reward@type:id#period`", hint, longest=filters.LONGEST
    )
    key = params.needed("key", posted, "the key of the claim is needed")
    known = auditing()
    through = known.log.size()
    return answer({"key": key, **known.searching.claim(key).json, "sealed_through": through})
