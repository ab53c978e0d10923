"""What is taken and shown of API keys."""

from typing import Any

from marshmallow import fields

from policy_service.access.credentials import ID
from policy_service.access.instants import LONGEST, moment
from policy_service.access.issuing import GRACE, LONGEST_GRACE, MOST_A_SECOND, MOST_ROLES, NAME, RESERVED
from policy_service.access.principals import ROLES
from policy_service.api.schemas.answer import Shown, listed, one_of, text_field
from policy_service.diagnostics.catalogue import NOT_A_DATE, TOO_MANY
from policy_service.requests.fields import REASON, Count, OneOf, Strict, Text, Texts, refuse

_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"


def _is_instant(text: str) -> None:
    if moment(text) is None:
        raise refuse(NOT_A_DATE, "an instant is RFC 3339 with an offset, as 2026-01-31T00:00:00Z")


def _few(roles: list[str]) -> None:
    if len(roles) > MOST_ROLES:
        raise refuse(TOO_MANY, f"more than {MOST_ROLES} roles")


def _expires(default: str) -> Text:
    return Text(
        allow_none=True,
        validate=_is_instant,
        metadata={
            "pattern": _INSTANT,
            "examples": ["2027-01-31T00:00:00Z"],
            "description": f"When the key ends: in the future, within {LONGEST.days} days. {default}",
        },
    )


class NewKeySchema(Strict):
    """A key to be made."""

    name = Text(
        required=True,
        metadata={
            "pattern": f"^{NAME}$",
            "not": {"enum": sorted(RESERVED)},
            "examples": ["payments"],
            "description": "Of the principal: the actor in the trail, and the caller of idempotency keys. No key of "
            "this name may be in force; to replace one, rotate it.",
        },
    )
    roles = Texts(
        Text(validate=OneOf(ROLES)),
        required=True,
        validate=_few,
        metadata={
            "minItems": 1,
            "maxItems": MOST_ROLES,
            "examples": [["evaluate", "read"]],
            "description": "What it may do. Roles do not contain each other.",
        },
    )
    rate = Count(
        allow_none=True,
        metadata={
            "minimum": 1,
            "maximum": MOST_A_SECOND,
            "description": "Requests a second; by default that of POLICY_RATE_LIMIT.",
        },
    )
    expires_at = _expires("Never by default.")


class RotationSchema(Strict):
    """How a key is replaced."""

    grace_seconds = Count(
        allow_none=True,
        metadata={
            "minimum": 0,
            "maximum": int(LONGEST_GRACE.total_seconds()),
            "default": int(GRACE.total_seconds()),
            "description": "How long the old key still holds.",
        },
    )
    expires_at = _expires("By default the new key lives as long as the old one was made to.")


class RevocationSchema(Strict):
    """Why a key is revoked."""

    reason = Text(
        required=True,
        validate=REASON,
        metadata={"examples": ["found in a log"], "description": "One line; it stands in the audit trail."},
    )


class KeySchema(Shown):
    """A key as it is kept; its secret is not."""

    id = text_field("The part of the key that may be seen: `psk_<id>_…`.", pattern=f"^{ID}$")
    name = text_field("Of the principal.")
    roles = fields.List(fields.String(metadata={"enum": list(ROLES)}), required=True)
    rate = fields.Integer(metadata={"description": "Requests a second; absent: that of POLICY_RATE_LIMIT."})
    state = one_of("Whether it holds now.", ("active", "expired", "revoked"))
    created_at = text_field("When it was made, in UTC.", format="date-time")
    created_by = text_field("Who made it.")
    expires_at = text_field("When it ends by itself; absent: never.", required=False, format="date-time")
    revoked_at = text_field("When it was revoked.", required=False, format="date-time")


class MadeKeySchema(KeySchema):
    """A key just made."""

    key = text_field("The key. It is shown this once: only a digest of it is kept.", examples=["psk_…"])


class KeyListSchema(Shown):
    """All keys that ever were."""

    keys = listed(KeySchema, "Oldest first.")


class ActSchema(Shown):
    """One act: who did what, when and why."""

    sequence = fields.Integer(required=True, metadata={"description": "Grows with every act."})
    at = text_field("When, in UTC.", format="date-time")
    actor = text_field("The principal, or the command that acted.")
    action = text_field("What was done.", examples=["key.revoke"])
    target = text_field("What it was done to: a bundle, policy, key or decision, or the log.")
    reason = text_field("What the actor said; empty where nothing is asked for.")
    detail: Any = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "Further words on the act."},
    )
    request_id = text_field("Of the HTTP request; absent for a command.", required=False)


class TrailPageSchema(Shown):
    """Acts, newest first."""

    entries = listed(ActSchema, "Newest first.")
    next = fields.Integer(metadata={"description": "`before` of the next page; absent on the last."})
