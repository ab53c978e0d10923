"""What the service says of itself."""

from marshmallow import fields

from policy_service.api.schemas.answer import Shown


class HealthSchema(Shown):
    """The process answers."""

    status = fields.String(required=True, metadata={"const": "ok"})
    version = fields.String(required=True)


class ReadinessSchema(Shown):
    """The service can decide."""

    status = fields.String(required=True, metadata={"enum": ["ready", "degraded"]})
    bundle = fields.String(required=True)
    looked_seconds_ago = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Since the worker last saw which bundle is active; null before it did."},
    )
    reasons = fields.List(fields.String(), required=True, metadata={"description": "Why it is degraded."})


class KindSchema(Shown):
    """What a type of problem means."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    meaning = fields.String(required=True)
    retry = fields.String(
        required=True,
        metadata={
            "enum": ["never", "later", "same key"],
            "description": "`never`: the same request fails again. `later`: nothing was done, try again after a pause. "
            "`same key`: it may have been done; try again after a pause, a decision under the same key.",
        },
    )
