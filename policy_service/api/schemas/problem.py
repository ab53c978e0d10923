"""The one shape of every refusal."""

from marshmallow import RAISE, Schema, fields


class ErrorSchema(Schema):
    """One fault."""

    class Meta:
        unknown = RAISE

    pointer = fields.String(
        required=True,
        metadata={
            "description": "JSON Pointer (RFC 6901) into the body; of a GET, into its query as an object. "
            "Empty where the fault is in no one place.",
            "examples": ["/facts/live/hours_today"],
        },
    )
    code = fields.String(
        required=True,
        metadata={"description": "A letter and three digits; never reused.", "examples": ["A103"]},
    )
    message = fields.String(
        required=True, metadata={"description": "For a person.", "examples": ["the number is not from 0 to 24"]}
    )
    hint = fields.String(metadata={"description": "What to do about it."})


class ProblemSchema(Schema):
    """RFC 9457, with every fault at once."""

    class Meta:
        unknown = RAISE

    type = fields.String(
        required=True,
        metadata={
            "format": "uri-reference",
            "description": "Stable; a GET on it tells what it means.",
            "examples": ["/problems/invalid-request"],
        },
    )
    title = fields.String(required=True, metadata={"description": "What the type means, in short."})
    status = fields.Integer(required=True, metadata={"description": "The HTTP status."})
    detail = fields.String(required=True, metadata={"description": "What is wrong here, for a person."})
    instance = fields.String(
        metadata={"format": "uri", "description": "Names the entry in the service's log, for a fault of ours."}
    )
    errors = fields.List(
        fields.Nested(ErrorSchema),
        required=True,
        metadata={"description": "Every fault; empty where there is no place to name."},
    )
