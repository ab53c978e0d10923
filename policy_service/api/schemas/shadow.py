"""What the routes of shadows take and show."""

from marshmallow import fields

from policy_service.api.schemas.answer import Shown
from policy_service.api.schemas.bundles import bundle_id
from policy_service.diagnostics.catalogue import OUT_OF_RANGE
from policy_service.requests.fields import Pattern, Strict, Text, reason

SHARE = r"(0\.[0-9]{0,5}[1-9]|1)"


class ShadowRequestSchema(Strict):
    """On how many requests to evaluate the bundle, and why."""

    share = Text(
        required=True,
        validate=Pattern(SHARE, OUT_OF_RANGE, "a share is a decimal above 0, at most 1, as text"),
        metadata={"description": "Of the requests that name no bundle.", "examples": ["0.05"]},
    )
    reason = reason()


class ShadowEndSchema(Strict):
    """Why the shadow ends."""

    reason = reason()


class ShadowCountSchema(Shown):
    """How often an entry of the policy was compared, and how often the bundle changes it."""

    policy = fields.String(
        required=True, metadata={"description": "`*` where the bundle refuses the facts of a request altogether."}
    )
    evaluated = fields.Integer(required=True, metadata={"description": "Answers that show the policy."})
    changed = fields.Integer(required=True, metadata={"description": "Those in which its entries differ."})


class ShadowExampleSchema(Shown):
    """An answer that the bundle changes."""

    policy = fields.String(required=True, metadata={"description": "As in `policies`."})
    decision = fields.String(
        required=True, allow_none=True, metadata={"description": "Its record has the facts; null for a preview."}
    )
    at = fields.String(required=True, metadata={"format": "date-time", "description": "When it was compared."})
    pointers = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Places that differ, in the policy's own entries; empty text: all of them."},
    )


class ShadowSchema(Shown):
    """The last shadow of a bundle."""

    bundle = bundle_id("The bundle that is evaluated beside the active one.")
    share = fields.String(required=True, metadata={"description": "Of the requests that name no bundle."})
    started_at = fields.String(required=True, metadata={"format": "date-time", "description": "When it began."})
    ended_at = fields.String(
        required=True, allow_none=True, metadata={"format": "date-time", "description": "Null while it goes on."}
    )
    actor = fields.String(required=True, metadata={"description": "Who began it."})
    reason = fields.String(required=True, metadata={"description": "Why."})
    policies = fields.List(fields.Nested(ShadowCountSchema), required=True)
    examples = fields.List(
        fields.Nested(ShadowExampleSchema), required=True, metadata={"description": "At most 20 of a policy."}
    )
