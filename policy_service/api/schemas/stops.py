"""What the routes of stops take and show."""

from marshmallow import fields, validate

from policy_service.api.schemas.answer import Shown
from policy_service.api.schemas.bundles import bundle_id
from policy_service.diagnostics.catalogue import BAD_TEXT
from policy_service.requests.fields import Size, Strict, Text, reason

ACTIONS = ("stop", "resume")


class StopRequestSchema(Strict):
    """What of a policy, and why."""

    reward = Text(
        allow_none=True,
        validate=Size(1, 200, BAD_TEXT, "an id of a reward is 1 to 200 characters"),
        metadata={"description": "One reward of it; the whole policy by default.", "examples": ["chuanliu_traffic"]},
    )
    reason = reason()


class StopEventSchema(Shown):
    """A stop, or the end of one."""

    action = fields.String(required=True, validate=validate.OneOf(ACTIONS))
    policy = fields.String(required=True)
    reward = fields.String(required=True, allow_none=True, metadata={"description": "Null: the whole policy."})
    at = fields.String(required=True, metadata={"format": "date-time"})
    actor = fields.String(required=True)
    reason = fields.String(required=True)


class StoppedSchema(Shown):
    """What was done."""

    event = fields.Nested(StopEventSchema, required=True)
    new = fields.Boolean(
        required=True, metadata={"description": "False where it was stopped already: then `event` is that stop."}
    )
    bundle = bundle_id("The bundle that answers from now on.")
    warnings = fields.List(fields.String(), required=True)


class StopListSchema(Shown):
    """Stops in force by policy, and all there ever were, newest first."""

    in_force = fields.List(fields.Nested(StopEventSchema), required=True)
    history = fields.List(fields.Nested(StopEventSchema), required=True)
