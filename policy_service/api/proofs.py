"""GET /v1/log/head, GET /v1/log/consistency, GET /v1/decisions/{id}/proof, GET /v1/decisions/{id}/evidence."""

from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.api import problems, reading
from policy_service.api.access import needs
from policy_service.api.answers import answer
from policy_service.api.decisions import ID_PARAMETER, checked
from policy_service.api.revealing import may_reveal, note
from policy_service.api.schemas.proofs import ConsistencySchema, EvidenceSchema, HeadSchema, ProofSchema
from policy_service.api.shared import auditing
from policy_service.problems import kinds
from policy_service.proofs.keys import base64
from policy_service.proofs.receipts import digest_of

blueprint = Blueprint("log", __name__, url_prefix="/v1", description="That the log is whole")


def _size(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 0}
    return {"in": "query", "name": name, "schema": schema, "description": description, "required": required}


_AT = _size("size", "Of an earlier head; the last one by default.")
_PRIVATE = {
    "in": "query",
    "name": "private",
    "schema": {"type": "boolean", "default": False},
    "description": "With the values that stand as commitments in the record. For the role reveal, and noted in the "
    "audit trail.",
}


@blueprint.route("/log/head")
@blueprint.response(200, HeadSchema, description="The signed head.")
@blueprint.doc(operationId="head", parameters=[_AT], responses=problems.of_route(kinds.NOT_SEALED))
@needs("audit")
def head() -> Response:
    """The signed head of the log, and the keys that verify it.

    Keep heads: a log that was cut short, or changed from end to end, does not fit them any more.
    """
    params = reading.query(request, "size")
    size = params.whole_number("size")
    params.check()
    known = auditing()
    return answer(known.shown(known.head(size)))


@blueprint.route("/log/consistency")
@blueprint.response(200, ConsistencySchema, description="The consistency proof.")
@blueprint.doc(
    operationId="consistency",
    parameters=[
        _size("from", "Size of the earlier tree.", required=True),
        _size("to", "Size of the later head; the last one by default."),
    ],
    responses=problems.of_route(kinds.NOT_SEALED),
)
@needs("audit")
def consistency() -> Response:
    """That an earlier log is the beginning of a later one: nothing was taken out or changed between two heads."""
    params = reading.query(request, "from", "to")
    first, new = params.whole_number("from"), params.whole_number("to")
    old = params.needed("from", first, "the size of the earlier tree is needed")
    later, hashes = auditing().consistency(old, new)
    return answer({"from": old, "to": later.size, "hashes": [base64(one) for one in hashes], "head": later.note})


@blueprint.route("/decisions/<id>/proof", parameters=[ID_PARAMETER])
@blueprint.response(200, ProofSchema, description="The inclusion proof.")
@blueprint.doc(operationId="proof", parameters=[_AT], responses=problems.of_route(kinds.NOT_FOUND, kinds.NOT_SEALED))
@needs("audit")
def proof(id: str) -> Response:
    """That a decision is in the log: the hashes from its record to the root of a signed head."""
    params = reading.query(request, "size")
    size = params.whole_number("size")
    params.check()
    found = auditing().proof(checked(id), size)
    return answer(
        {
            "index": found.inclusion.index,
            "size": found.inclusion.size,
            "leaf": digest_of(found.leaf),
            "hashes": [base64(one) for one in found.inclusion.hashes],
            "root": base64(bytes.fromhex(found.head.root)),
            "head": found.head.note,
        }
    )


@blueprint.route("/decisions/<id>/evidence", parameters=[ID_PARAMETER])
@blueprint.response(200, EvidenceSchema, description="One file that proves the decision.")
@blueprint.doc(
    operationId="evidence",
    parameters=[_PRIVATE],
    responses=problems.of_route(kinds.NOT_FOUND, kinds.NOT_SEALED, kinds.NOT_PROVABLE),
)
@needs("audit")
def evidence(id: str) -> Response:
    """All that proves one decision, in one file, to who has neither the service nor its store.

    The record with its receipt; the rules that decided, as model and as texts, and the act that stored them; the acts
    that say which keys sign the log; the inclusion proof of each, and the signed head. Verify it with
    `tools/verify_decision.py`, which shares no code with the service.
    """
    params = reading.query(request, "private")
    private = params.flag("private")
    params.check()
    if private:
        may_reveal()
    found = auditing().export(checked(id), private=private)
    if private:
        note(id, "evidence")
    headers = {"Content-Disposition": f'attachment; filename="decision-{id}.json"'}
    return Response(found.dumps(), content_type="application/json", headers=headers)
