"""What is shown of decisions that were found, and of what became due under a claim."""

from marshmallow import fields, validate

from policy_service.api.schemas.answer import Shown, bundle_id, listed, text_field
from policy_service.requests.schemas import DECISION_ID


def decision_id(description: str = "A UUIDv7.") -> fields.String:
    return fields.String(
        required=True, validate=validate.Regexp(f"^{DECISION_ID}$"), metadata={"description": description}
    )


def index() -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": "Its place in the log, from 0.", "minimum": 0})


class FoundSchema(Shown):
    """A decision in a list; nothing that is sensitive."""

    decision_id = decision_id()
    index = index()
    decided_at = text_field("When it was decided, in UTC.", format="date-time")
    as_of = text_field("The business day judged.", format="date")
    bundle = bundle_id()
    merchant_id = text_field("The merchant; absent where none was posted.", required=False)
    supersedes = text_field("The decision that it corrects.", required=False)
    superseded_by = fields.List(
        fields.String(), required=True, metadata={"description": "Decisions that correct it, oldest first."}
    )


class PageSchema(Shown):
    """A page of decisions."""

    decisions = listed(FoundSchema, "Newest index first.")
    next = text_field("`cursor` of the next page; absent on the last.", required=False)
    sealed_through = fields.Integer(
        required=True,
        metadata={
            "description": "Size of the log when the page was read. What was decided since is found by its id at once, "
            "and here when it is sealed."
        },
    )


class BearingSchema(Shown):
    """A decision that bears on a claim."""

    decision_id = decision_id()
    index = index()
    decided_at = text_field("When it was decided, in UTC.", format="date-time")
    as_of = text_field("The business day judged.", format="date")
    bundle = bundle_id()
    granted = fields.Raw(
        required=True,
        metadata={
            "type": ["number", "string", "boolean", "null"],
            "description": "The amount granted to date; null where the reward was not granted.",
        },
    )
    reason = text_field("Why it was not granted; absent where it was.", required=False)
    due = fields.Raw(
        required=True,
        metadata={
            "type": ["number", "null"],
            "description": "What is due to date after this decision: what a payer who followed every answer has paid "
            "in all. Null for a price, a rate or a right, of which nothing is paid.",
        },
    )
    supersedes = text_field("The decision that it corrects.", required=False)


class RefusedSchema(Shown):
    """A record that is not believed."""

    kind = text_field("What is wrong with it, as `policyctl audit verify` names it.")
    decision_id = text_field("As the store says it.")
    index = index()


class ClaimHistorySchema(Shown):
    """All decisions that bear on a claim."""

    key = text_field("As asked.")
    decisions = listed(BearingSchema, "In the order of the log.")
    refused = listed(RefusedSchema, "Records that were found for the claim, and left out as they are not believed.")
    sealed_through = fields.Integer(required=True, metadata={"description": "Size of the log when it was read."})


class ExportedSchema(Shown):
    """A line of the export."""

    index = index()
    leaf = text_field("`sha256:` and the leaf hash of the record.")
    record = fields.Dict(
        required=True,
        allow_none=True,
        metadata={
            "description": "As it was hashed, byte for byte, sensitive values as commitments. Null where it is lost."
        },
    )
