"""A posted body turned into a request to evaluate: one over HTTP, an item of a batch, or a file."""

from typing import Any

from policy_service.decisions.bundles.evaluators import NoActiveBundle
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.deciding.service import PolicyService
from policy_service.diagnostics import Fault, InvalidInput
from policy_service.diagnostics.catalogue import ID_MISSING
from policy_service.requests.posted import Posted
from policy_service.requests.reading import Read, read
from policy_service.requests.schemas import BatchItemSchema, EvaluateRequestSchema

_SCHEMA = EvaluateRequestSchema()
_ANY = "*"


def posted_request(found: Posted, service: PolicyService) -> EvaluateRequest:
    """The request of posted JSON that was not checked against its schema yet; else as `request_of`."""
    return request_of(read(_SCHEMA, found), service)


def item_of(found: Posted, schema: BatchItemSchema, service: PolicyService) -> tuple[EvaluateRequest, str | None]:
    """An item of a batch as a request, and its idempotency key. Raises InvalidInput, as `request_of`."""
    body = read(schema, found)
    key = body.values.pop("idempotency_key", None)
    return request_of(body, service), key


def request_of(body: Read, service: PolicyService) -> EvaluateRequest:
    """The request that a body makes.

    Raises:
        InvalidInput: with every fault, those included that the service finds.
    """
    if body.faults:
        raise InvalidInput(body.faults + _further(body, service))
    return _request(body.values)


def _request(loaded: dict[str, Any]) -> EvaluateRequest:
    options = loaded.get("options", {})
    provenance = {k: v for k, v in loaded.get("provenance", {}).items() if v is not None}
    return EvaluateRequest(
        facts=loaded.get("facts", {}),
        as_of=loaded.get("as_of"),
        purpose=loaded.get("purpose") or "decide",
        merchant_id=loaded.get("merchant_id"),
        policies=tuple(loaded["policies"]) if "policies" in loaded else None,
        bundle=loaded.get("bundle"),
        trace=options.get("trace") or "fired",
        unknown_facts=options.get("unknown_facts") or "refuse",
        provenance=provenance or None,
        supersedes=loaded.get("supersedes"),
        reason=loaded.get("reason"),
    )


def _further(body: Read, service: PolicyService) -> list[Fault]:
    """Faults that the service finds in what is left of a faulty request; none that follow from those known."""
    posted, loaded, faults = body
    faulty = {one.pointer for one in faults}
    if not isinstance(posted, dict):
        return []
    if "/purpose" in faulty or "/supersedes" in faulty:
        loaded = {key: value for key, value in loaded.items() if key not in ("supersedes", "reason")}
    if "/purpose" in faulty:
        loaded["purpose"] = "preview"  # asks for the least
    if isinstance(posted.get("policies"), list) and "/policies" not in faulty:
        places = enumerate(posted["policies"])
        loaded["policies"] = [_ANY if f"/policies/{at}" in faulty else pattern for at, pattern in places]
    try:
        found = service.resolver.faults(_request(loaded))
    except NoActiveBundle:
        return []
    return [one for one in found if not _follows(one, faulty)]


def _follows(one: Fault, faulty: set[str]) -> bool:
    if one.code == ID_MISSING.code and one.pointer == "/facts/merchant/id" and "/merchant_id" in faulty:
        return True
    steps = one.pointer.split("/")
    return any("/".join(steps[:end]) in faulty for end in range(2, len(steps) + 1))
