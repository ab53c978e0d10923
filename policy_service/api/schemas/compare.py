"""What is shown of two decisions compared."""

from typing import Any

from marshmallow import fields

from policy_service.api.schemas.answer import Shown, bundle_id, listed, one_of, text_field
from policy_service.api.schemas.decisions import hidden_policies
from policy_service.api.schemas.search import decision_id

_AMOUNT: dict[str, Any] = {"type": ["number", "null"]}


def _amount(description: str, *, required: bool = True, **more: Any) -> fields.Raw:
    return fields.Raw(required=required, metadata={**_AMOUNT, "description": description}, **more)


class ComparedSchema(Shown):
    """One of the two decisions."""

    decision_id = decision_id()
    bundle = bundle_id()
    as_of = text_field("The business day judged.", format="date")


class ShareSchema(Shown):
    """What one factor has in the difference."""

    amount = fields.Raw(
        required=True,
        metadata={"type": "number", "description": "With six decimals; the four add up to the difference exactly."},
    )
    exact = text_field("The same as a fraction, not rounded.", examples=["-7/12"])


def _hidden() -> fields.Boolean:
    return fields.Boolean(
        metadata={"const": True, "description": "In the place of all else, where it tells a hidden value."}
    )


class SharesSchema(Shown):
    """The shares of the four factors; or `hidden` alone."""

    facts = fields.Nested(ShareSchema)
    rules = fields.Nested(ShareSchema)
    parameters = fields.Nested(ShareSchema)
    calendar = fields.Nested(ShareSchema)
    hidden = _hidden()


class CounterfactualsSchema(Shown):
    """What the second decision would have granted with one thing of the first; null: nothing. Or `hidden` alone."""

    facts = _amount("With the old facts.", required=False)
    rules = _amount("With the old rules: all of them but the values of parameters.", required=False)
    parameters = _amount("With the old values of parameters.", required=False)
    calendar = _amount("For the old business day.", required=False)
    hidden = _hidden()


class ComparedSubjectSchema(Shown):
    """Whom a reward is for."""

    type = text_field("Of the subject.")
    id = fields.Raw(metadata={"description": 'As it was posted; `{"hidden": true}` where it is hidden.'})


class ComparedRewardSchema(Shown):
    """A reward that either decision grants."""

    policy = text_field("Id of the policy.")
    id = text_field("Id of the reward within its policy.")
    subject = fields.Nested(ComparedSubjectSchema, required=True)
    kind = text_field("Of the reward.")
    unit = text_field("Of the amounts.", required=False)
    from_ = _amount("Amount of the first decision; null where it did not grant it.", data_key="from")
    to = _amount("Amount of the second; null where it did not grant it.")
    difference = fields.Raw(
        required=True,
        metadata={"type": "number", "description": "What is not granted counts as 0, a right as 1."},
    )
    with_old = fields.Nested(CounterfactualsSchema, required=True)
    shares = fields.Nested(
        SharesSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null for a price, rate or right that one of the combinations does not grant."},
    )


class ComparisonSchema(Shown):
    """Why two decisions differ."""

    from_ = fields.Nested(ComparedSchema, required=True, data_key="from")
    to = fields.Nested(ComparedSchema, required=True)
    factors = fields.List(fields.String(), required=True, metadata={"description": "What the difference is shared by."})
    method = one_of("Shapley values over the 16 combinations of the factors.", ["shapley"])
    rewards = listed(ComparedRewardSchema, "By policy, id and subject; equal ones too.")
    hidden = hidden_policies("of their rewards only the recorded amounts are shown.")
