"""What the routes of bundles take and show."""

from marshmallow import fields, validate

from policy_service.api.schemas.answer import Shown
from policy_service.decisions.answers.days import moment_of
from policy_service.diagnostics.catalogue import BAD_TEXT, NOT_A_DATE
from policy_service.requests.fields import LABEL, Object, Pattern, Strict, Text, reason, refuse
from policy_service.requests.schemas import BUNDLE_ID

NOW = "now"
KINDS = ("folder", "activate", "rollback", "stop", "resume")
AT = (
    f"({NOW}|[0-9]{{4}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    "([.][0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))"
)
"""Shown, not judged by: what judges knows which days there are."""


def _is_instant(text: str) -> None:
    if text != NOW and moment_of(text) is None:
        raise refuse(NOT_A_DATE, "`at` is `now` or an instant with its offset", "2023-04-01T00:00:00+08:00")


class BundleUploadSchema(Strict):
    """A rules folder: the text of each file by its path in the folder."""

    files = Object(
        required=True,
        metadata={
            "description": "bundle.yaml, facts.yaml, campaigns.yaml, types.yaml, and every policy with its cases.",
            "additionalProperties": {"type": "string"},
        },
    )
    label = Text(
        allow_none=True,
        validate=Pattern(LABEL, BAD_TEXT, "a label is one line of 1 to 100 characters"),
        metadata={"description": "Instead of the one in bundle.yaml. It is no part of the id."},
    )


class ActivateSchema(Strict):
    """From when the bundle is to be the active one, and why."""

    reason = reason()
    at = Text(
        allow_none=True,
        validate=_is_instant,
        metadata={
            "default": NOW,
            "pattern": f"^{AT}$",
            "description": "`now`, or an RFC 3339 instant with offset, not in the past and at most a year ahead. Of "
            "two orders for one instant the later wins: so an order is taken back by one for what is active now.",
            "examples": ["2023-04-01T00:00:00+08:00"],
        },
    )


class RollbackSchema(Strict):
    """Why the present bundle is taken back."""

    reason = reason()


def bundle_id(description: str, *, allow_none: bool = False) -> fields.String:
    return fields.String(
        required=True,
        allow_none=allow_none,
        validate=validate.Regexp(f"^{BUNDLE_ID}$"),
        metadata={"description": description},
    )


def _instant(description: str) -> fields.String:
    return fields.String(required=True, metadata={"format": "date-time", "description": description})


class WarningSchema(Shown):
    """What `policyctl check` warns of."""

    pointer = fields.String(required=True, metadata={"description": "JSON Pointer to the file in a posted body."})
    code = fields.String(required=True)
    message = fields.String(required=True, metadata={"description": "Begins with file, line and column."})
    hint = fields.String()


class UploadedSchema(Shown):
    """A bundle that is stored; it is active only when it is activated."""

    id = bundle_id("The digest of all that can reach an answer.")
    label = fields.String(required=True, allow_none=True)
    new = fields.Boolean(required=True, metadata={"description": "Whether it was not stored before."})
    files = fields.List(fields.String(), required=True, metadata={"description": "Paths of the files."})
    warnings = fields.List(fields.Nested(WarningSchema), required=True)


class OrderSchema(Shown):
    """An order that a bundle be the active one."""

    sequence = fields.Integer(required=True, metadata={"description": "Grows with the orders; may have holes."})
    bundle = bundle_id("What evaluates: the published bundle with the stops in force.")
    published = bundle_id("What a person published.")
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    at = _instant("When it was given.")
    effective_at = _instant("From when it holds.")
    actor = fields.String(required=True)
    reason = fields.String(required=True)


class TouchedSchema(Shown):
    """What was decided already on days of which the two bundles say something else."""

    decisions = fields.Integer(required=True, metadata={"description": "Decisions that judged such a day."})
    policies = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The policies that differ; `bundle` where what holds for all of them does."},
    )


class OrderedSchema(Shown):
    """An order that was given."""

    bundle = bundle_id("What evaluates: the published bundle with the stops in force.")
    published = bundle_id("What was published.")
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    at = _instant("When it was given.")
    effective_at = _instant("From when it holds.")
    actor = fields.String(required=True)
    reason = fields.String(required=True)
    replaces = bundle_id("The published bundle that was active; null where none was.", allow_none=True)
    touched = fields.Nested(TouchedSchema, required=True)
    warnings = fields.List(fields.String(), required=True)


class ListedBundleSchema(Shown):
    """A stored bundle."""

    id = bundle_id("The digest of all that can reach an answer.")
    label = fields.String(required=True, allow_none=True)
    seen_at = _instant("When it was first stored.")
    active = fields.Boolean(required=True, metadata={"description": "Whether it answers now."})
    published = fields.Boolean(
        required=True, metadata={"description": "Whether the bundle that answers is this one with the stops in force."}
    )
    pending = fields.List(fields.String(), required=True, metadata={"description": "Instants at which it begins."})


class BundleListSchema(Shown):
    """Stored bundles, newest first."""

    bundles = fields.List(fields.Nested(ListedBundleSchema), required=True)
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "`cursor` of the next page; null on the last one."}
    )


class BundleFileSchema(Shown):
    """A file of a bundle."""

    path = fields.String(required=True)
    bytes = fields.Integer(required=True)
    text = fields.String(metadata={"description": "With `sources=true`."})


class BundleSchema(ListedBundleSchema):
    """A stored bundle with its files and the newest hundred orders that named it."""

    files = fields.List(fields.Nested(BundleFileSchema), required=True)
    activations = fields.List(fields.Nested(OrderSchema), required=True)


class ActivationListSchema(Shown):
    """Orders, newest first."""

    activations = fields.List(fields.Nested(OrderSchema), required=True)
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "`cursor` of the next page; null on the last one."}
    )
