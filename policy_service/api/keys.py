"""GET, POST /v1/keys; POST /v1/keys/{id}/rotate, /revoke."""

import re
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint

from policy_service.access import instants
from policy_service.access.credentials import ID
from policy_service.access.first_key import HEADER
from policy_service.access.issuing import GRACE, Issuing, Made, State, UnknownKey, shown, state
from policy_service.access.keys import Key
from policy_service.api import links, problems, reading
from policy_service.api.access import needs, principal, request_id
from policy_service.api.answers import answer
from policy_service.api.bodies import takes
from policy_service.api.schemas.keys import (
    KeyListSchema,
    KeySchema,
    MadeKeySchema,
    NewKeySchema,
    RevocationSchema,
    RotationSchema,
)
from policy_service.api.shared import service, shared
from policy_service.problems import kinds

blueprint = Blueprint("keys", __name__, url_prefix="/v1/keys", description="Who may ask")
_ID = re.compile(ID)
_ID_PARAMETER = {
    "in": "path",
    "name": "id",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{ID}$"},
    "example": "0123456789abcdef",
    "description": "The visible part of the key: `psk_<id>_…`.",
}

_TOKEN_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "schema": {"type": "string"},
    "description": "For the first key only: the token that the service printed when it started. Later it is not read.",
}


@blueprint.route("")
@blueprint.response(200, KeyListSchema, description="All keys that ever were; none of their secrets.")
@blueprint.doc(operationId="keys", responses=problems.of_route())
@needs("admin")
def keys() -> Response:
    """The keys, oldest first."""
    reading.query(request)
    return answer({"keys": [shown(key, now) for key, now in _issuing().listed()]})


@blueprint.route("", methods=["POST"])
@blueprint.response(201, MadeKeySchema, description="The key, shown this once.")
@takes(NewKeySchema, {"name": "payments", "roles": ["evaluate", "read"]})
@blueprint.doc(
    operationId="createKey",
    parameters=[_TOKEN_PARAMETER],
    responses={201: {"links": links.OF_A_KEY}}
    | problems.of_body(kinds.NAME_IN_FORCE, kinds.FORBIDDEN, kinds.FIRST_KEY),
)
@needs("admin")
def create(body: dict[str, Any]) -> Response:
    """Make a key.

    From the first one on, nobody is answered without; the first needs the token of the service's start. An admin may
    make keys of any roles; who made which is in the audit trail.
    """
    with _spending():
        made = _issuing().create(
            body["name"],
            body["roles"],
            rate=body.get("rate"),
            expires_at=_instant(body.get("expires_at")),
            actor=principal().name,
            request_id=request_id(),
        )
    return _answered(made)


@blueprint.route("/<id>/rotate", methods=["POST"], parameters=[_ID_PARAMETER])
@blueprint.response(201, MadeKeySchema, description="The new key, shown this once.")
@takes(RotationSchema, {"grace_seconds": 86400}, required=False)
@blueprint.doc(
    operationId="rotateKey",
    responses=problems.of_body(kinds.NOT_FOUND, kinds.KEY_ENDED),
)
@needs("admin")
def rotate(id: str, body: dict[str, Any]) -> Response:
    """Replace a key.

    The new one has the name, roles and rate of the old one, which ends after a grace: a day by default. Without a body:
    the defaults.
    """
    seconds = body.get("grace_seconds", int(GRACE.total_seconds()))
    made = _issuing().rotate(
        _checked(id),
        grace=timedelta(seconds=max(-1, min(seconds, 10**9))),
        expires_at=_instant(body.get("expires_at")),
        actor=principal().name,
        request_id=request_id(),
    )
    return _answered(made)


@blueprint.route("/<id>/revoke", methods=["POST"], parameters=[_ID_PARAMETER])
@blueprint.response(200, KeySchema, description="The key, ended.")
@takes(RevocationSchema, {"reason": "found in a log"})
@blueprint.doc(
    operationId="revokeKey",
    responses=problems.of_body(kinds.NOT_FOUND),
)
@needs("admin")
def revoke(id: str, body: dict[str, Any]) -> Response:
    """End a key at once.

    Every worker on every host refuses it within POLICY_KEY_REFRESH_MS. When the last key is revoked the service stays
    closed: `policyctl keys create` makes a new one.
    """
    ended = _issuing().revoke(_checked(id), body["reason"], actor=principal().name, request_id=request_id())
    return answer(shown(ended, _state(ended)))


def _spending() -> AbstractContextManager[None]:
    """The token of the first key, spent on what follows; nothing once there are keys. Raises TokenRefused."""
    token = request.headers.get(HEADER)
    return shared().first_key.spending(token) if principal().is_local else nullcontext()


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
