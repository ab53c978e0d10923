"""What is shown of recorded decisions."""

from typing import Any

from marshmallow import fields, validate

from policy_service.api.schemas.answer import ReceiptSchema, Shown, anything, bundle_id, listed, one_of, text_field
from policy_service.decisions.deciding.chains import MOST_LINKS
from policy_service.requests.schemas import DECISION_ID


class RecordedRequestSchema(Shown):
    """The request as it was judged: options resolved, facts normalised, null and undeclared ones left out."""

    as_of = text_field("The business day judged.", format="date")
    purpose = text_field("Previews are not recorded.", const="decide")
    facts = fields.Dict(required=True, metadata={"description": "By section, as the bundle of then declared them."})
    options = fields.Dict(required=True, metadata={"description": "Those posted, and the defaults of the others."})
    merchant_id = text_field("As posted.", required=False)
    bundle = text_field("The bundle that the request named; absent where it named none.", required=False)
    policies = fields.List(fields.String(), metadata={"description": "The patterns posted; absent: all."})
    provenance = fields.Dict(metadata={"description": "As posted; `ticket` and `snapshot` as commitments."})
    supersedes = text_field("The decision that this one corrects.", required=False)
    reason = text_field("Why it does.", required=False)


class StandingSchema(Shown):
    """Where the record stands in the log."""

    state = one_of(
        "`waiting` for its index, a second at most; then `sealed`. `missing` is a fault of the store.",
        ["sealed", "waiting", "missing"],
    )
    index = fields.Integer(metadata={"description": "Its place in the log, from 0; absent unless `sealed`."})


class LinkSchema(Shown):
    """One decision of a chain of corrections."""

    decision_id = text_field("A UUIDv7.")
    decided_at = text_field("When it was decided, in UTC.", format="date-time")
    supersedes = text_field("The decision that it corrects; absent in the first.", required=False)
    reason = text_field("Why it does.", required=False)


class ChainSchema(Shown):
    """The decisions that this one corrects, itself, and those that correct any of them."""

    decisions = listed(LinkSchema, "Oldest first.")
    complete = fields.Boolean(required=True, metadata={"description": f"false: there are more than {MOST_LINKS}."})


class RecordSchema(Shown):
    """The full record of a decision: all that a replay needs."""

    decision_id = fields.String(
        required=True, validate=validate.Regexp(f"^{DECISION_ID}$"), metadata={"description": "A UUIDv7."}
    )
    decided_at = text_field("When it was decided, in UTC.", format="date-time")
    bundle = bundle_id()
    format = fields.Integer(required=True, metadata={"description": "Of the answer."})
    language = fields.Integer(required=True, metadata={"description": "Version of the rule language."})
    service_version = text_field("Version of the service that decided.")
    asked_by = text_field(
        "Pseudonym of who asked: `key:` and the id of the API key, `token:` and 16 hexadecimal digits, `local`, `cli`. "
        "Absent from records older than the orders of the log.",
        required=False,
    )
    orders = fields.Integer(
        metadata={
            "description": "Version of the last order in the log that it was decided under. Absent as `asked_by` is."
        }
    )
    idempotency = text_field(
        "The commitment to the idempotency key, its caller and its request; absent where no key was posted.",
        required=False,
        pattern="^hmac-sha256:[0-9a-f]{64}$",
    )
    request = fields.Nested(RecordedRequestSchema, required=True)
    answer = fields.Dict(
        required=True,
        metadata={
            "description": "The part of the answer that a replay must give again: the keys of `Preview`, with "
            '`{"commitment": …}` in the place of each sensitive value.'
        },
    )
    log = fields.Nested(StandingSchema, required=True)
    chain = fields.Nested(ChainSchema, required=True)
    receipt = fields.Nested(ReceiptSchema, metadata={"description": "As it was answered."})
    superseded_by = fields.List(
        fields.String(), required=True, metadata={"description": "Decisions that correct this one, oldest first."}
    )


def hidden_policies(consequence: str) -> fields.List[Any]:
    return fields.List(
        fields.String(),
        required=True,
        metadata={"description": f"Ids of the policies that depend on hidden values, not revealed: {consequence}"},
    )


class DifferenceSchema(Shown):
    """One place where the answers differ; null on the side that has nothing there. A hidden value that is not revealed
    reads `{"hidden": true}`."""

    pointer = text_field(
        "JSON Pointer into the answer, without the policies in `hidden`.", examples=["/rewards/0/amount"]
    )
    recorded = anything("In the record.")
    replayed = anything("In the answer of now.")


class ReplayedSchema(Shown):
    """A recorded request evaluated again."""

    identical = fields.Boolean(
        required=True,
        metadata={
            "description": "Under the original bundle and day: the same bytes, all of them. Else: no "
            "difference that counts in what was compared."
        },
    )
    bundle = bundle_id()
    differences = listed(DifferenceSchema, "Every place where they differ; empty where they do not.")
    hidden = hidden_policies("where they differ is not shown.")
