"""What POST /v1/evaluate/batch answers, item by item."""

from typing import Any

from marshmallow import fields, validate

from policy_service.api.schemas.answer import AnswerSchema, PreviewSchema, Shown
from policy_service.api.schemas.problem import ProblemSchema


class BatchDecisionSchema(AnswerSchema):
    """The decision; or the preview, which lacks what makes it one: id, instant and receipt."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        for name in self.fields.keys() - PreviewSchema().fields.keys():
            self.fields[name].required = False


class BatchAnswerSchema(Shown):
    """What became of an item: a decision or preview, or the problem that it alone would have been refused with."""

    index = fields.Integer(required=True, metadata={"description": "Place of the item, from 0."})
    status = fields.Integer(
        required=True,
        validate=validate.OneOf([200, 201, 400, 409, 413, 422, 500, 503]),
        metadata={"description": "What POST /v1/evaluate would have answered."},
    )
    decision = fields.Nested(BatchDecisionSchema, metadata={"description": "With status 201 and 200."})
    replayed = fields.Boolean(
        metadata={"const": True, "description": "An earlier request under the key was answered so."}
    )
    problem = fields.Nested(ProblemSchema, metadata={"description": "With every other status."})
