"""GET, POST /v1/keys; POST /v1/keys/{id}/rotate, /revoke."""

import re
from datetime import timedelta
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.access import instants
from policy_service.access.credentials import ID
from policy_service.access.issuing import GRACE, Issuing, Made, State, UnknownKey, state
from policy_service.access.keys import Key
from policy_service.api import links, problems, reading
from policy_service.api.access import needs, principal, request_id
from policy_service.api.answers import answer
from policy_service.api.body import Posted
from policy_service.api.schemas.keys import (
    KeyListSchema,
    KeySchema,
    MadeKeySchema,
    NewKeySchema,
    RevocationSchema,
    RotationSchema,
)
from policy_service.api.shared import service, shared
from policy_service.diagnostics import InvalidInput

blueprint = Blueprint("keys", __name__, url_prefix="/v1/keys", description="Who may ask")
_NEW, _ROTATION, _REVOCATION = NewKeySchema(), RotationSchema(), RevocationSchema()
_ID = re.compile(ID)
_ID_PARAMETER = {
    "in": "path",
    "name": "id",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{ID}$"},
    "example": "0123456789abcdef",
    "description": "The visible part of the key: `psk_<id>_…`.",
}
_REFUSALS = (problems.NOT_ACCEPTABLE, problems.HOST_REFUSED, problems.INVALID, problems.INTERNAL, problems.STORE)
_OF_BODY = (*_REFUSALS, problems.MALFORMED, problems.BODY_TOO_LARGE, problems.MEDIA_TYPE)


def _body(schema: type, example: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": schema, "example": example}}}


@blueprint.route("")
@blueprint.response(200, KeyListSchema, description="All keys that ever were; none of their secrets.")
@blueprint.doc(operationId="keys", responses=problems.documented(*_REFUSALS))
@needs("admin")
def keys() -> Response:
    """The keys, oldest first."""
    reading.query(request)
    return answer({"keys": [shown(key, now) for key, now in _issuing().listed()]})


@blueprint.route("", methods=["POST"])
@blueprint.response(201, MadeKeySchema, description="The key, shown this once.")
@blueprint.doc(
    operationId="createKey",
    requestBody=_body(NewKeySchema, {"name": "payments", "roles": ["evaluate", "read"]}),
    responses={201: {"links": links.OF_A_KEY}} | problems.documented(*_OF_BODY, problems.NAME_IN_FORCE),
)
@needs("admin")
def create() -> Response:
    """Make a key.

    From the first one on, nobody is answered without. An admin may make keys of any roles; who made which is in the
    audit trail.
    """
    reading.query(request)
    found = reading.posted(request)
    loaded, faults = reading.loaded(_NEW, found)
    if faults:
        raise InvalidInput(faults)
    made = _issuing().create(
        loaded["name"],
        loaded["roles"],
        rate=loaded.get("rate"),
        expires_at=_instant(loaded.get("expires_at")),
        actor=principal().name,
        request_id=request_id(),
    )
    return _answered(made)


@blueprint.route("/<id>/rotate", methods=["POST"], parameters=[_ID_PARAMETER])
@blueprint.response(201, MadeKeySchema, description="The new key, shown this once.")
@blueprint.doc(
    operationId="rotateKey",
    requestBody=_body(RotationSchema, {"grace_seconds": 86400}, required=False),
    responses=problems.documented(*_OF_BODY, problems.NOT_FOUND, problems.KEY_ENDED),
)
@needs("admin")
def rotate(id: str) -> Response:
    """Replace a key.

    The new one has the name, roles and rate of the old one, which ends after a grace: a day by default. Without a body:
    the defaults.
    """
    reading.query(request)
    found = Posted({}) if reading.is_empty(request) else reading.posted(request)
    loaded, faults = reading.loaded(_ROTATION, found)
    if faults:
        raise InvalidInput(faults)
    seconds = loaded.get("grace_seconds", int(GRACE.total_seconds()))
    made = _issuing().rotate(
        _checked(id),
        grace=timedelta(seconds=max(-1, min(seconds, 10**9))),
        expires_at=_instant(loaded.get("expires_at")),
        actor=principal().name,
        request_id=request_id(),
    )
    return _answered(made)


@blueprint.route("/<id>/revoke", methods=["POST"], parameters=[_ID_PARAMETER])
@blueprint.response(200, KeySchema, description="The key, ended.")
@blueprint.doc(
    operationId="revokeKey",
    requestBody=_body(RevocationSchema, {"reason": "found in a log"}),
    responses=problems.documented(*_OF_BODY, problems.NOT_FOUND),
)
@needs("admin")
def revoke(id: str) -> Response:
    """End a key at once.

    Every worker on every host refuses it within POLICY_KEY_REFRESH_MS. When the last key is revoked the service stays
    closed: `policyctl keys create` makes a new one.
    """
    reading.query(request)
    found = reading.posted(request)
    loaded, faults = reading.loaded(_REVOCATION, found)
    if faults:
        raise InvalidInput(faults)
    ended = _issuing().revoke(_checked(id), loaded["reason"], actor=principal().name, request_id=request_id())
    return answer(shown(ended, _state(ended)))


def shown(key: Key, now: State) -> dict[str, Any]:
    """A key as JSON; its digest is not shown."""
    found: dict[str, Any] = {
        "id": key.id,
        "name": key.name,
        "roles": list(key.roles),
        "state": now,
        "created_at": key.created_at,
        "created_by": key.created_by,
    }
    further = {"rate": key.rate, "expires_at": key.expires_at, "revoked_at": key.revoked_at}
    return found | {name: value for name, value in further.items() if value is not None}


def _issuing() -> Issuing:
    return Issuing(shared().keys, now=service().now)


def _answered(made: Made) -> Response:
    return answer({**shown(made.key, _state(made.key)), "key": made.text}, 201)


def _state(key: Key) -> State:
    return state(key, instants.text(service().now()))


def _instant(text: str | None) -> Any:
    return None if text is None else instants.moment(text)


def _checked(id_: str) -> str:
    if _ID.fullmatch(id_) is None:
        raise UnknownKey(id_)
    return id_
