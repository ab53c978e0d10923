"""What is shown of recorded decisions."""

from marshmallow import fields, validate

from policy_service.api.schemas.answer import PreviewSchema, Shown, anything
from policy_service.api.schemas.request import BUNDLE_ID, DECISION_ID


class RecordedRequestSchema(Shown):
    """The request as it was judged: options resolved, facts normalised, null and undeclared ones left out."""

    as_of = fields.String(required=True, metadata={"format": "date"})
    purpose = fields.String(required=True, metadata={"const": "decide"})
    facts = fields.Dict(required=True)
    options = fields.Dict(required=True)
    merchant_id = fields.String()
    bundle = fields.String()
    policies = fields.List(fields.String())
    provenance = fields.Dict()
    supersedes = fields.String()
    reason = fields.String()


class RecordSchema(Shown):
    """The full record of a decision: all that a replay needs."""

    decision_id = fields.String(required=True, validate=validate.Regexp(f"^{DECISION_ID}$"))
    decided_at = fields.String(required=True, metadata={"format": "date-time"})
    bundle = fields.String(required=True, validate=validate.Regexp(f"^{BUNDLE_ID}$"))
    format = fields.Integer(required=True)
    language = fields.Integer(required=True, metadata={"description": "Version of the rule language."})
    service_version = fields.String(required=True)
    request = fields.Nested(RecordedRequestSchema, required=True)
    answer = fields.Nested(PreviewSchema, required=True)
    idempotency_key = fields.String()
    superseded_by = fields.List(
        fields.String(), required=True, metadata={"description": "Decisions that correct this one, oldest first."}
    )


class DifferenceSchema(Shown):
    """One place where the answers differ; null on the side that has nothing there."""

    pointer = fields.String(required=True)
    recorded = anything("In the record.")
    replayed = anything("In the answer of now.")


class ReplayedSchema(Shown):
    """A recorded request evaluated again."""

    identical = fields.Boolean(
        required=True,
        metadata={"description": "Under the original bundle and day: the same bytes. Else: no difference that counts."},
    )
    bundle = fields.String(required=True, validate=validate.Regexp(f"^{BUNDLE_ID}$"))
    differences = fields.List(fields.Nested(DifferenceSchema), required=True)
