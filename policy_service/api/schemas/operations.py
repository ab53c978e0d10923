"""What the service says of itself."""

from marshmallow import fields

from policy_service.api.schemas.answer import Shown


class HealthSchema(Shown):
    """The process answers."""

    status = fields.String(required=True, metadata={"const": "ok"})
    version = fields.String(required=True)


class ReadinessSchema(Shown):
    """The service can decide."""

    status = fields.String(required=True, metadata={"const": "ready"})
    bundle = fields.String(required=True)


class KindSchema(Shown):
    """What a type of problem means."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    meaning = fields.String(required=True)
