"""The schemas of requests to evaluate and to replay, and the patterns of what they name."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from policy_service.decisions.deciding.resolving import CORRECTIONS
from policy_service.decisions.explaining.catalogue import DAY_PATTERN
from policy_service.diagnostics.catalogue import (
    BAD_ID,
    BAD_OPTION,
    BAD_TEXT,
    TOO_MANY,
    UNKNOWN_BUNDLE,
    UNKNOWN_DECISION,
)
from policy_service.requests.fields import (
    Flag,
    Object,
    OneOf,
    Part,
    Pattern,
    Size,
    Strict,
    Text,
    Texts,
    refuse,
)

PURPOSES = ("decide", "preview")
TRACES = ("none", "fired", "full")
UNKNOWN_FACTS = ("refuse", "report")
MOST_PATTERNS, LONGEST_PATTERN = 100, 200
LONGEST_PROVENANCE = 2048
BUNDLE_ID = "sha256:[0-9a-f]{64}"
DECISION_ID = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
MERCHANT_ID = "[A-Za-z0-9._:-]{1,64}"
IDEMPOTENCY_KEY = r"[\x21-\x7e]{1,255}"
_HOUR = "(?:[01][0-9]|2[0-3])"
AS_OF = f"{DAY_PATTERN}(?:[Tt]{_HOUR}(?::[0-5][0-9]){{2}}(?:[.][0-9]+)?(?:[Zz]|[+-]{_HOUR}:[0-5][0-9]))?"
"""A day, or an instant with its offset. Shown, not judged by: what judges knows leap seconds, and days in a zone."""
DECLARED = "x-declared"
"""Marks the posted state in the contract: each bundle puts its own dictionary there."""
PREVIEWS = {"properties": {"purpose": {"const": "preview"}}, "required": ["purpose"]}
NAMES_A_MERCHANT = {"properties": {"merchant_id": {"type": "string"}}, "required": ["merchant_id"]}
CORRECTS = {"properties": {"supersedes": {"type": "string"}}, "required": ["supersedes"]}
REQUEST_CONDITIONS: tuple[dict[str, Any], ...] = (
    {
        "if": PREVIEWS,
        "then": {"properties": {"supersedes": {"type": "null"}}},
        "else": {"properties": {"as_of": {"type": "string"}}, "required": ["as_of"]},
    },
    {
        "if": CORRECTS,
        "then": {"properties": {"reason": {"type": "string"}}, "required": ["reason"]},
        "else": {"properties": {"reason": {"type": "null"}}},
    },
    {
        "if": NAMES_A_MERCHANT,
        "else": {"properties": {"facts": {"properties": {"merchant": {"required": ["id"]}}}}},
    },
)
"""What the keys of a request demand of each other; the service judges it, the contract shows it."""
_NO_BUNDLE = "a bundle id is `sha256:` and 64 digits from 0 to f"


def _no_reach(value: bool) -> None:
    if value:
        raise refuse(BAD_OPTION, "`reach` is not available yet", "leave it out, or false")


def _is_small(provenance: dict[str, str | None]) -> None:
    size = sum(len((text or "").encode("utf-8", "surrogatepass")) for text in provenance.values())
    if size > LONGEST_PROVENANCE:
        raise refuse(BAD_TEXT, f"the texts of `provenance` have {size} bytes; {LONGEST_PROVENANCE} are allowed")


def _filters(patterns: list[str]) -> None:
    if not patterns:
        raise refuse(BAD_OPTION, "a filter that names nothing", "leave `policies` out for all of them")
    if len(patterns) > MOST_PATTERNS:
        raise refuse(TOO_MANY, f"more than {MOST_PATTERNS} patterns")


class OptionsSchema(Strict):
    """How much is told, and what is done about facts that are not declared."""

    trace = Text(
        allow_none=True,
        validate=OneOf(TRACES),
        metadata={
            "default": "fired",
            "description": "`fired`: the rows that fired, with each cell's fact, value and test. `full`: also the "
            "others, and what failed. `none`: neither.",
        },
    )
    reach = Flag(
        allow_none=True,
        validate=_no_reach,
        metadata={"default": False, "description": "Not available yet: only false is accepted."},
    )
    unknown_facts = Text(
        allow_none=True,
        validate=OneOf(UNKNOWN_FACTS),
        metadata={
            "default": "refuse",
            "description": "`refuse`: an undeclared fact is an error, so that a typo loses no reward. `report`: it is "
            "left out and listed in `ignored_facts`; for rollouts.",
        },
    )


class ProvenanceSchema(Strict):
    """Where the facts are from. Recorded with the decision, never read by a rule; 2 KiB in all."""

    source = Text(
        allow_none=True,
        metadata={
            "maxLength": LONGEST_PROVENANCE,
            "description": "The system that the facts are from.",
            "examples": ["warehouse"],
        },
    )
    snapshot = Text(
        allow_none=True,
        metadata={
            "maxLength": LONGEST_PROVENANCE,
            "description": "Which state of it.",
            "examples": ["2023-04-02T01:00:00+08:00"],
        },
    )
    observed_at = Text(
        allow_none=True, metadata={"maxLength": LONGEST_PROVENANCE, "description": "When they were read."}
    )
    ticket = Text(
        allow_none=True,
        metadata={
            "maxLength": LONGEST_PROVENANCE,
            "description": "The case that they belong to.",
            "examples": ["T-1042"],
        },
    )


class EvaluateRequestSchema(Strict):
    """One merchant's state, and how to judge it."""

    merchant_id = Text(
        allow_none=True,
        validate=Pattern(MERCHANT_ID, BAD_ID, "an id is 1 to 64 of A-Z a-z 0-9 . _ : -"),
        metadata={"description": "Stands in for `facts.merchant.id`, and must equal it where both are given."},
    )
    as_of = Text(
        allow_none=True,
        metadata={
            "pattern": f"^{AS_OF}$",
            "examples": ["2023-04-01"],
            "description": "The business day judged, or an RFC 3339 instant with offset, which becomes the date in the "
            "bundle's zone. A decision needs it; a preview takes today.",
        },
    )
    purpose = Text(
        allow_none=True,
        validate=OneOf(PURPOSES),
        metadata={
            "default": "decide",
            "description": "`decide` is logged and may be paid. `preview` is neither, and carries no claim.",
        },
    )
    facts = Object(
        required=True,
        metadata={
            DECLARED: True,
            "description": "The state by section. GET /v1/facts?policies= gives the smallest one for some policies. A "
            "fact left out, or null, is not known. Numbers are exact: one with more decimals than declared is refused, "
            "never rounded. With `unknown_facts` `report` there may be undeclared facts too.",
        },
    )
    policies = Texts(
        Text(validate=Size(1, LONGEST_PATTERN, BAD_TEXT, f"a pattern is 1 to {LONGEST_PATTERN} characters")),
        allow_none=True,
        validate=_filters,
        metadata={
            "minItems": 1,
            "maxItems": MOST_PATTERNS,
            "examples": [["chuanliu.*"]],
            "description": "Ids of the policies to show, or patterns of them with `*` and `?`; all by default.",
        },
    )
    bundle = Text(
        allow_none=True,
        validate=Pattern(BUNDLE_ID, UNKNOWN_BUNDLE, _NO_BUNDLE),
        metadata={
            "description": "The rules to judge by; the active ones by default. A decision takes only a bundle that is "
            "or was active."
        },
    )
    options = Part(OptionsSchema, allow_none=True)
    provenance = Part(ProvenanceSchema, allow_none=True, validate=_is_small)
    supersedes = Text(
        allow_none=True,
        validate=Pattern(DECISION_ID, UNKNOWN_DECISION, "that is no id of a decision"),
        metadata={"description": "The decision that this one corrects; needs a `reason`."},
    )
    reason = Text(
        allow_none=True, validate=OneOf(CORRECTIONS), metadata={"description": "Why an earlier decision is corrected."}
    )


class BatchItemSchema(EvaluateRequestSchema):
    """One state and how to judge it, with the key under which it may be repeated."""

    idempotency_key = Text(
        allow_none=True,
        validate=Pattern(IDEMPOTENCY_KEY, BAD_TEXT, "a key is 1 to 255 visible ASCII characters without spaces"),
        metadata={
            "description": "As the header `Idempotency-Key` of POST /v1/evaluate, whose keys are the same ones. A "
            "preview ignores it."
        },
    )


def _is_text(value: Any) -> bool:
    return type(value) is str


def _are_patterns(value: Any) -> bool:
    if type(value) is not list or not 1 <= len(value) <= MOST_PATTERNS:
        return False
    return all(type(one) is str and 1 <= len(one) <= LONGEST_PATTERN for one in value)


_MERCHANT_ID = re.compile(MERCHANT_ID)
_PLAIN: Mapping[str, Callable[[Any], bool]] = {
    "facts": lambda value: type(value) is dict,
    "as_of": _is_text,
    "policies": _are_patterns,
    "purpose": lambda value: _is_text(value) and value in PURPOSES,
    "merchant_id": lambda value: _is_text(value) and _MERCHANT_ID.fullmatch(value) is not None,
}


def is_plain(value: Any) -> bool:
    """Whether a body is one that EvaluateRequestSchema surely accepts, and leaves as it is.

    Most are: they hold nothing but the commonest keys, none of them null. It is asked first because marshmallow takes
    twenty times as long to say so; False says nothing, then the schema judges.
    """
    if type(value) is not dict or "facts" not in value:
        return False
    return all((check := _PLAIN.get(key)) is not None and check(inner) for key, inner in value.items())


class ReplayRequestSchema(Strict):
    """Under which rules and for which day to evaluate a recorded request again."""

    bundle = Text(
        allow_none=True,
        validate=Pattern(f"(original|active|{BUNDLE_ID})", UNKNOWN_BUNDLE, _NO_BUNDLE + ", or original, or active"),
        metadata={"default": "original"},
    )
    as_of = Text(
        allow_none=True,
        metadata={"pattern": f"^{AS_OF}$", "description": "Another business day; the recorded one by default."},
    )
