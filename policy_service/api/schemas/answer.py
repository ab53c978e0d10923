"""What POST /v1/evaluate answers. An object here may grow keys only with a new option or a new `format`."""

from collections.abc import Iterable
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from policy_service.engines.answer import REASONS, STATUSES
from policy_service.policies.model import ADDITIVE_KINDS, STANDING_KINDS
from policy_service.requests.schemas import BUNDLE_ID, DECISION_ID, PURPOSES

SUBJECTS = ("merchant", "influencer", "member", "service_provider", "product")


class Shown(Schema):
    """Has the declared keys and no other."""

    class Meta:
        unknown = RAISE


def anything(description: str) -> fields.Raw:
    return fields.Raw(required=True, metadata={"description": description})


def text_field(description: str, *, required: bool = True, **more: Any) -> fields.String:
    """A text that says one thing."""
    return fields.String(required=required, metadata={"description": description, **more})


def one_of(description: str, members: Iterable[str]) -> fields.String:
    return fields.String(required=True, validate=validate.OneOf(list(members)), metadata={"description": description})


def listed(schema: type[Schema], description: str, *, required: bool = True) -> fields.List[Any]:
    return fields.List(fields.Nested(schema), required=required, metadata={"description": description})


def bundle_id() -> fields.String:
    return fields.String(
        required=True,
        validate=validate.Regexp(f"^{BUNDLE_ID}$"),
        metadata={"description": "The rules that answered: the digest of their content."},
    )


def _words(kinds: Iterable[str]) -> str:
    return ", ".join(f"`{kind}`" for kind in kinds)


class SubjectSchema(Shown):
    """Whom the entry is about; without `id` where no such section or element was posted."""

    type = text_field("What is judged.", examples=list(SUBJECTS))
    id = text_field("As it was posted.", required=False)


class TextSchema(Shown):
    """A text in both tongues."""

    zh = text_field("In Chinese.")
    en = text_field("In English.")


class LeafSchema(Shown):
    """One comparison: a fact, its value, the test, and whether it held."""

    fact = text_field("The fact, or the text of an expression.")
    value = anything("The value compared; null where it is not known.")
    test = text_field("What it was compared with; parameters stand as their values.", examples=[">= 4"])
    holds = fields.Boolean(required=True, allow_none=True, metadata={"description": "null: not known."})


class ClaimSchema(Shown):
    """Under which key the reward is paid. The amount is the entitlement to date under the key, never an increment."""

    key = fields.String(
        required=True,
        metadata={
            "examples": ["chuanliu.traffic_hours/chuanliu_traffic@merchant:m-1#2023-04-01"],
            "description": "policy/reward@type:id#period. The payer keeps what it paid per key and pays the "
            "difference.",
        },
    )
    per = one_of("How often it can be claimed; the key names the period.", ["once", "campaign", "day", "month"])
    on_increase = one_of(
        "What to do when the amount exceeds what was paid: `top_up` pays the difference, `keep` nothing once paid.",
        ["top_up", "keep"],
    )
    on_decrease = one_of(
        "What to do when the amount falls below what was paid: `keep` leaves it, `claw_back` takes the difference.",
        ["keep", "claw_back"],
    )


class CutSchema(Shown):
    """That a stacking group has cut the amount."""

    group = text_field("Id of the stacking group.")
    from_ = fields.Raw(
        required=True, data_key="from", metadata={"type": "number", "description": "The amount before the first cut."}
    )
    reason = one_of(
        "`cap`: the sum of the group is capped. `max`, `first`: another reward of it counts.", ["cap", "max", "first"]
    )


class ValiditySchema(Shown):
    """Days on which the reward can be used; `to` is the day behind the last."""

    from_ = fields.String(required=True, data_key="from", metadata={"format": "date", "description": "The first day."})
    to = text_field("The day behind the last.", format="date")


class RewardSchema(Shown):
    """A reward that was earned."""

    id = text_field("Id of the reward within its policy; of one per row, the row's.")
    policy = text_field("Id of the policy.")
    subject = fields.Nested(SubjectSchema, required=True)
    kind = one_of(
        f"{_words(ADDITIVE_KINDS)} are amounts that add up; {_words(STANDING_KINDS)} stand for themselves.",
        [*ADDITIVE_KINDS, *STANDING_KINDS],
    )
    amount = fields.Raw(
        required=True,
        metadata={
            "type": ["number", "string", "boolean"],
            "description": "In `unit`; an exact decimal of at most 15 digits. Of a `right` also a text, or true.",
        },
    )
    unit = text_field("Of the amount.", required=False, examples=["hour"])
    details = fields.Dict(metadata={"description": "Further values of the reward; null ones are left out."})
    claim = fields.Nested(ClaimSchema, metadata={"description": "Not in a preview, nor where nothing can be claimed."})
    because = fields.List(fields.Nested(LeafSchema), metadata={"description": "Why; not with trace `none`."})
    validity = fields.Nested(ValiditySchema, metadata={"description": "Absent where it has no end."})
    cut = fields.Nested(CutSchema, metadata={"description": "Absent where nothing was cut."})
    provisional = fields.Boolean(
        metadata={"description": "Another reward of its stacking group lacks facts, so the cut may still change."}
    )


class NotGrantedSchema(Shown):
    """A declared reward that was not earned, and the first reason."""

    id = text_field("Id of the reward within its policy.")
    policy = text_field("Id of the policy.")
    subject = fields.Nested(SubjectSchema, required=True)
    reason = one_of("The first that holds, in this order.", REASONS)
    exception = text_field("Id of the exception, with reason `excluded`.", required=False)
    text = fields.Nested(TextSchema, metadata={"description": "The exception's text."})
    because = fields.List(fields.Nested(LeafSchema), metadata={"description": "With trace `full`."})


class RecommendationSchema(Shown):
    """What would be worth doing; 1 is the most urgent."""

    id = text_field("Id of the recommendation within its policy.")
    policy = text_field("Id of the policy.")
    subject = fields.Nested(SubjectSchema, required=True)
    priority = fields.Integer(required=True, metadata={"description": "1 is the most urgent."})
    text = fields.Nested(TextSchema, required=True, metadata={"description": "With values filled in."})
    because = listed(LeafSchema, "Why; not with trace `none`.", required=False)


class RowSchema(Shown):
    """A row of a table or relation, with every cell that is not `-`."""

    decision = text_field("Name of the decision.")
    row = text_field("Id of the row.")
    because = listed(LeafSchema, "Its cells, from left to right.")


class PolicyEntrySchema(Shown):
    """One policy for one subject."""

    policy = text_field("Id of the policy.")
    subject = fields.Nested(SubjectSchema, required=True)
    status = one_of("The first that holds, in this order; only `applied` yields rewards and recommendations.", STATUSES)
    decisions = fields.Dict(required=True, metadata={"description": "Every decision; empty unless `applied`."})
    missing = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "Facts that are not known: the required ones with `insufficient_facts`, the optional ones "
            "with `applied`."
        },
    )
    fired = fields.List(fields.Nested(RowSchema), metadata={"description": "Not with trace `none`."})
    not_fired = fields.List(fields.Nested(RowSchema), metadata={"description": "With trace `full`."})


class PreviewSchema(Shown):
    """What the rules say of a state. Nothing was logged, nothing can be claimed."""

    format = fields.Integer(
        required=True, metadata={"const": 1, "description": "Within a format the same request gets the same keys."}
    )
    bundle = bundle_id()
    as_of = text_field("The business day judged.", format="date")
    purpose = one_of("As asked.", PURPOSES)
    rewards = listed(RewardSchema, "What was earned, by policy, id and subject.")
    not_granted = listed(NotGrantedSchema, "Every other reward of the policies shown, with the reason.")
    recommendations = listed(RecommendationSchema, "The most urgent first.")
    policies = listed(PolicyEntrySchema, "Every policy shown, for each of its subjects.")
    ignored_facts = fields.List(
        fields.String(), metadata={"description": "Pointers to undeclared facts, with `unknown_facts` `report`."}
    )


class ReceiptSchema(Shown):
    """The service's signed word that a record with this digest is in its log: keep it to show what is missing."""

    digest = fields.String(
        required=True,
        validate=validate.Regexp("^sha256:[0-9a-f]{64}$"),
        metadata={"description": "RFC 9162 leaf hash of the record: SHA-256 of a zero byte and its bytes."},
    )
    decided_at = text_field("As in the answer.", format="date-time")
    key = text_field("Name and hash of the key that signed; `GET /v1/log/head` lists the keys.")
    signature = text_field("Ed25519, in base64.")


class AnswerSchema(PreviewSchema):
    """A decision: it was logged before it was answered."""

    decision_id = fields.String(
        required=True,
        validate=validate.Regexp(f"^{DECISION_ID}$"),
        metadata={"description": "A UUIDv7: GET /v1/decisions/{id} gives the record."},
    )
    decided_at = text_field("When it was decided, in UTC.", format="date-time")
    receipt = fields.Nested(ReceiptSchema, metadata={"description": "Absent from decisions older than the sealed log."})
