"""What POST /v1/evaluate answers. An object here may grow keys only with a new option or a new `format`."""

from marshmallow import RAISE, Schema, fields, validate

from policy_service.api.schemas.request import BUNDLE_ID, DECISION_ID, PURPOSES
from policy_service.policies.model import ADDITIVE_KINDS, STANDING_KINDS

STATUSES = ("suspended", "not_in_effect", "not_applicable", "insufficient_facts", "rule_conflict", "applied")
REASONS = (
    "suspended", "not_in_effect", "not_applicable", "insufficient_facts", "rule_conflict", "not_met", "excluded",
    "withheld",
)  # fmt: skip
SUBJECTS = ("merchant", "influencer", "member", "service_provider", "product")


class Shown(Schema):
    """Has the declared keys and no other."""

    class Meta:
        unknown = RAISE


def anything(description: str) -> fields.Raw:
    return fields.Raw(required=True, metadata={"description": description})


class SubjectSchema(Shown):
    """Whom the entry is about; without `id` where no such section or element was posted."""

    type = fields.String(required=True, metadata={"examples": list(SUBJECTS)})
    id = fields.String()


class TextSchema(Shown):
    """A text in both tongues."""

    zh = fields.String(required=True)
    en = fields.String(required=True)


class LeafSchema(Shown):
    """One comparison: a fact, its value, the test, and whether it held."""

    fact = fields.String(required=True, metadata={"description": "The fact, or the text of an expression."})
    value = anything("The value compared; null where it is not known.")
    test = fields.String(required=True, metadata={"examples": [">= 4"]})
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
    per = fields.String(required=True, validate=validate.OneOf(["once", "campaign", "day", "month"]))
    on_increase = fields.String(required=True, validate=validate.OneOf(["top_up", "keep"]))
    on_decrease = fields.String(required=True, validate=validate.OneOf(["keep", "claw_back"]))


class CutSchema(Shown):
    """That a stacking group has cut the amount."""

    group = fields.String(required=True)
    from_ = fields.Raw(
        required=True, data_key="from", metadata={"type": "number", "description": "The amount before the first cut."}
    )
    reason = fields.String(required=True, validate=validate.OneOf(["cap", "max", "first"]))


class ValiditySchema(Shown):
    """Days on which the reward can be used; `to` is the day behind the last."""

    from_ = fields.String(required=True, data_key="from", metadata={"format": "date"})
    to = fields.String(required=True, metadata={"format": "date"})


class RewardSchema(Shown):
    """A reward that was earned."""

    id = fields.String(required=True)
    policy = fields.String(required=True)
    subject = fields.Nested(SubjectSchema, required=True)
    kind = fields.String(required=True, validate=validate.OneOf([*ADDITIVE_KINDS, *STANDING_KINDS]))
    amount = fields.Raw(
        required=True,
        metadata={
            "type": ["number", "string", "boolean"],
            "description": "In `unit`; an exact decimal of at most 15 digits. Of a `right` also a text, or true.",
        },
    )
    unit = fields.String()
    details = fields.Dict(metadata={"description": "Further values of the reward; null ones are left out."})
    claim = fields.Nested(ClaimSchema, metadata={"description": "Not in a preview, nor where nothing can be claimed."})
    because = fields.List(fields.Nested(LeafSchema), metadata={"description": "Why; not with trace `none`."})
    validity = fields.Nested(ValiditySchema)
    cut = fields.Nested(CutSchema)
    provisional = fields.Boolean(
        metadata={"description": "Another reward of its stacking group lacks facts, so the cut may still change."}
    )


class NotGrantedSchema(Shown):
    """A declared reward that was not earned, and the first reason."""

    id = fields.String(required=True)
    policy = fields.String(required=True)
    subject = fields.Nested(SubjectSchema, required=True)
    reason = fields.String(required=True, validate=validate.OneOf(REASONS))
    exception = fields.String(metadata={"description": "Id of the exception, with reason `excluded`."})
    text = fields.Nested(TextSchema, metadata={"description": "The exception's text."})
    because = fields.List(fields.Nested(LeafSchema), metadata={"description": "With trace `full`."})


class RecommendationSchema(Shown):
    """What would be worth doing; 1 is the most urgent."""

    id = fields.String(required=True)
    policy = fields.String(required=True)
    subject = fields.Nested(SubjectSchema, required=True)
    priority = fields.Integer(required=True)
    text = fields.Nested(TextSchema, required=True)
    because = fields.List(fields.Nested(LeafSchema))


class RowSchema(Shown):
    """A row of a table or relation, with every cell that is not `-`."""

    decision = fields.String(required=True)
    row = fields.String(required=True)
    because = fields.List(fields.Nested(LeafSchema), required=True)


class PolicyEntrySchema(Shown):
    """One policy for one subject."""

    policy = fields.String(required=True)
    subject = fields.Nested(SubjectSchema, required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
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

    format = fields.Integer(required=True, metadata={"const": 1})
    bundle = fields.String(required=True, validate=validate.Regexp(f"^{BUNDLE_ID}$"))
    as_of = fields.String(required=True, metadata={"format": "date"})
    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))
    rewards = fields.List(fields.Nested(RewardSchema), required=True)
    not_granted = fields.List(fields.Nested(NotGrantedSchema), required=True)
    recommendations = fields.List(fields.Nested(RecommendationSchema), required=True)
    policies = fields.List(fields.Nested(PolicyEntrySchema), required=True)
    ignored_facts = fields.List(
        fields.String(), metadata={"description": "Pointers to undeclared facts, with `unknown_facts` `report`."}
    )


class AnswerSchema(PreviewSchema):
    """A decision: it was logged before it was answered."""

    decision_id = fields.String(required=True, validate=validate.Regexp(f"^{DECISION_ID}$"))
    decided_at = fields.String(required=True, metadata={"format": "date-time"})
