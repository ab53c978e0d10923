"""What is shown of policies: expressions and cells as texts, in the print that rule files are formatted to."""

from marshmallow import fields, validate

from policy_service.api.schemas.answer import SUBJECTS, Shown, TextSchema, anything
from policy_service.requests.schemas import BUNDLE_ID

BASES = ("stated", "assumed")


class PeriodSchema(Shown):
    """Days on which a file of the policy is in force; `to` is the day behind the last, null where there is none."""

    from_ = fields.String(required=True, data_key="from", metadata={"format": "date"})
    to = fields.String(required=True, allow_none=True, metadata={"format": "date"})
    campaign = fields.String(required=True, allow_none=True)
    basis = fields.String(required=True, validate=validate.OneOf(BASES))
    source = fields.Dict(required=True, allow_none=True)


class SuspensionSchema(Shown):
    """A stop of the policy, or of one of its rewards."""

    reward = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True)


class ListedPolicySchema(Shown):
    """A policy in the catalogue."""

    policy = fields.String(required=True)
    title = fields.Nested(TextSchema, required=True)
    subject = fields.String(required=True, metadata={"examples": list(SUBJECTS)})
    in_force = fields.Boolean(required=True, metadata={"description": "Whether a period holds `as_of`."})
    periods = fields.List(fields.Nested(PeriodSchema), required=True)
    suspended = fields.List(fields.Nested(SuspensionSchema), required=True)


class PolicyListSchema(Shown):
    """The policies of the active bundle, by id."""

    bundle = fields.String(required=True, validate=validate.Regexp(f"^{BUNDLE_ID}$"))
    as_of = fields.String(required=True, metadata={"format": "date"})
    policies = fields.List(fields.Nested(ListedPolicySchema), required=True)


class NeededFactsSchema(Shown):
    """What the policy reads; without a required one it answers `insufficient_facts`."""

    required = fields.List(fields.String(), required=True)
    optional = fields.List(fields.String(), required=True)


class ReadingSchema(Shown):
    """How an unclear source was read."""

    id = fields.String(required=True)
    basis = fields.String(required=True, validate=validate.OneOf(BASES))
    text = fields.Nested(TextSchema, required=True)


class DatedValueSchema(Shown):
    """A value from a day on; null ends the parameter."""

    from_ = fields.String(required=True, data_key="from", metadata={"format": "date"})
    value = anything("A number, text, date or duration.")
    basis = fields.String(required=True, validate=validate.OneOf(BASES))
    source = fields.Dict(required=True, allow_none=True)


class ParameterSchema(Shown):
    """A constant of the policy."""

    name = fields.String(required=True)
    type = fields.String(required=True, metadata={"examples": ["decimal(2)"]})
    unit = fields.String(required=True, allow_none=True)
    value = anything("On the day asked for; null before the first.")
    values = fields.List(fields.Nested(DatedValueSchema), required=True)


class TableSchema(Shown):
    """A decision table; a row has a text per column of the header."""

    hit = fields.String(required=True, metadata={"examples": ["unique", "collect sum"]})
    header = fields.List(fields.String(), required=True)
    rows = fields.List(fields.List(fields.String()), required=True)
    default = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "What answers where no row matches, a text per output; null where nothing does."},
    )


class RelationSchema(Shown):
    """Named rows whose cells are expressions."""

    header = fields.List(fields.String(), required=True)
    rows = fields.List(fields.List(fields.String()), required=True)


class DecisionSchema(Shown):
    """A decision of the policy: a table, a relation or an expression."""

    decision = fields.String(required=True)
    title = fields.Nested(TextSchema, required=True, allow_none=True)
    type = fields.String(required=True)
    table = fields.Nested(TableSchema)
    relation = fields.Nested(RelationSchema)
    expression = fields.String()


class ExceptionSchema(Shown):
    """What takes a reward away that was earned."""

    id = fields.String(required=True)
    when = fields.String(required=True)
    text = fields.Nested(TextSchema, required=True)
    basis = fields.String(required=True, validate=validate.OneOf(BASES))


class RowOfSchema(Shown):
    """The row of a relation that the reward or recommendation stands for."""

    relation = fields.String(required=True)
    row = fields.String(required=True)


class ClaimTermsSchema(Shown):
    """How often the reward can be claimed, and what happens when its amount changes."""

    per = fields.String(required=True)
    on_increase = fields.String(required=True)
    on_decrease = fields.String(required=True)


class DeclaredRewardSchema(Shown):
    """A reward that the policy may grant."""

    id = fields.String(required=True)
    title = fields.Nested(TextSchema, required=True)
    kind = fields.String(required=True)
    unit = fields.String(required=True, allow_none=True)
    row = fields.Nested(RowOfSchema, required=True, allow_none=True)
    when = fields.String(required=True, allow_none=True)
    amount = fields.String(required=True)
    details = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    claim = fields.Nested(ClaimTermsSchema, required=True)
    except_ = fields.List(fields.Nested(ExceptionSchema), required=True, data_key="except")
    stack = fields.String(required=True, allow_none=True)
    priority = fields.Integer(required=True, allow_none=True)
    validity = fields.String(required=True, allow_none=True, metadata={"examples": ["P30D"]})


class DeclaredRecommendationSchema(Shown):
    """Advice that the policy may give; `{…}` in its text is filled in."""

    id = fields.String(required=True)
    priority = fields.Integer(required=True)
    row = fields.Nested(RowOfSchema, required=True, allow_none=True)
    when = fields.String(required=True, allow_none=True)
    text = fields.Nested(TextSchema, required=True)


class PolicySchema(ListedPolicySchema):
    """All that a policy says on a day."""

    bundle = fields.String(required=True, validate=validate.Regexp(f"^{BUNDLE_ID}$"))
    as_of = fields.String(required=True, metadata={"format": "date"})
    effective = fields.Nested(PeriodSchema, required=True)
    basis = fields.String(required=True, validate=validate.OneOf(BASES))
    source = fields.Dict(required=True, allow_none=True)
    needs = fields.List(fields.String(), required=True, metadata={"description": "Sections that must be posted."})
    applies = fields.String(required=True, allow_none=True, metadata={"description": "The audience."})
    facts = fields.Nested(NeededFactsSchema, required=True)
    readings = fields.List(fields.Nested(ReadingSchema), required=True)
    parameters = fields.List(fields.Nested(ParameterSchema), required=True)
    decisions = fields.List(fields.Nested(DecisionSchema), required=True)
    rewards = fields.List(fields.Nested(DeclaredRewardSchema), required=True)
    recommendations = fields.List(fields.Nested(DeclaredRecommendationSchema), required=True)
    invariants = fields.List(fields.String(), required=True)
