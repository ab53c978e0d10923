"""What answers hold, for type checkers. A number is an int, or a Decimal where it has decimals: both are exact."""

from decimal import Decimal
from typing import Any, Literal, NotRequired, TypedDict

Number = int | Decimal


class Subject(TypedDict):
    """Whom an entry is about; without `id` where no such section or element was posted."""

    type: str
    id: NotRequired[str]


class Claim(TypedDict):
    """Under which key a reward is paid."""

    key: str
    per: Literal["once", "campaign", "day", "month"]
    on_increase: Literal["top_up", "keep"]
    on_decrease: Literal["keep", "claw_back"]


class Reward(TypedDict):
    """A reward that was earned; `amount` is the entitlement to date under the claim's key."""

    id: str
    policy: str
    subject: Subject
    kind: str
    amount: Number | str | bool
    details: NotRequired[dict[str, Any]]
    unit: NotRequired[str]
    claim: NotRequired[Claim]
    because: NotRequired[list[dict[str, Any]]]
    validity: NotRequired[dict[str, str]]
    cut: NotRequired[dict[str, Any]]
    provisional: NotRequired[bool]


class NotGranted(TypedDict):
    """A reward that was not earned, and the first reason."""

    id: str
    policy: str
    subject: Subject
    reason: str
    exception: NotRequired[str]
    text: NotRequired[dict[str, str]]
    because: NotRequired[list[dict[str, Any]]]


class Recommendation(TypedDict):
    """What would be worth doing; priority 1 is the most urgent."""

    id: str
    policy: str
    subject: Subject
    priority: int
    text: dict[str, str]
    because: NotRequired[list[dict[str, Any]]]


class Answer(TypedDict):
    """A decision, or a preview, which has neither `decision_id` nor `decided_at` nor claims."""

    format: int
    bundle: str
    as_of: str
    purpose: Literal["decide", "preview"]
    rewards: list[Reward]
    not_granted: list[NotGranted]
    recommendations: list[Recommendation]
    policies: list[dict[str, Any]]
    decision_id: NotRequired[str]
    decided_at: NotRequired[str]
    ignored_facts: NotRequired[list[str]]
