"""The shape of an answer: plain dictionaries, as JSON shows them and as a record keeps them.

Keys that may be absent are `NotRequired`. Numbers are int or Decimal, days ISO 8601 text, ids text. An entry may be
shared between answers: whoever wants another one makes a copy.
"""

from decimal import Decimal
from typing import Any, Literal, NotRequired, TypedDict, get_args

Status = Literal["suspended", "not_in_effect", "not_applicable", "insufficient_facts", "rule_conflict", "applied"]
"""What became of a policy for a subject: the first that holds, in this order."""
STATUSES: tuple[Status, ...] = get_args(Status)
Reason = Literal[
    "suspended", "not_in_effect", "not_applicable", "insufficient_facts", "rule_conflict", "not_met", "excluded",
    "withheld",
]  # fmt: skip
"""Why a reward is not granted: the first that holds, in this order."""
REASONS: tuple[Reason, ...] = get_args(Reason)
Part = Literal["rewards", "not_granted", "recommendations", "policies"]
"""The lists of an answer."""
PARTS: tuple[Part, ...] = get_args(Part)


class Subject(TypedDict):
    """Whom an entry is about: `merchant` and its id. Without `id` where no such section or element was posted."""

    type: str
    id: NotRequired[str]


class Wording(TypedDict):
    """A text in both languages, values filled in."""

    zh: str
    en: str


class BecauseLeaf(TypedDict):
    """One entry of `because`: a comparison of a condition, or a cell of a row.

    fact: its name, or the text of an expression.
    value: what was compared; null where it is not known.
    test: in canonical print, parameters replaced by their values.
    holds: null where it is not known.
    """

    fact: str
    value: Any
    test: str
    holds: bool | None


class Row(TypedDict):
    """A row of a decision table or relation that fired, or that did not: `fired`, `not_fired`."""

    decision: str
    row: str
    because: list[BecauseLeaf]


class Claim(TypedDict):
    """Under which key a reward is paid; the amount is the entitlement to date under the key.

    key: `policy/reward@type:id#period`.
    per: how often it can be claimed.
    """

    key: str
    per: str
    on_increase: str
    on_decrease: str


Cut = TypedDict("Cut", {"group": str, "from": int | Decimal, "reason": str})
"""What a stacking group took: `from` is the amount before the first cut, in the unit of the reward."""
Validity = TypedDict("Validity", {"from": str, "to": str | None})
"""Days on which a reward can be used: `to` is the day after the last; null beyond the last day of the calendar."""


class Reward(TypedDict):
    """A reward that was granted.

    id: within its policy.
    amount: in `unit`, at the scale that the rule file declares; of a right also a text, or true.
    details: further values by name; what is null is left out.
    claim: absent from a preview, and where nothing can be claimed.
    because: of its `when`; absent with the trace `none`.
    provisional: true where another member of its stacking group lacks facts; never false.
    """

    id: str
    policy: str
    subject: Subject
    kind: str
    amount: Any
    details: dict[str, Any]
    unit: NotRequired[str]
    claim: NotRequired[Claim]
    validity: NotRequired[Validity]
    because: NotRequired[list[BecauseLeaf]]
    cut: NotRequired[Cut]
    provisional: NotRequired[bool]


class NotGranted(TypedDict):
    """A reward that was declared and not granted.

    exception, text: of the exception that excluded it.
    because: of its `when`, with the trace `full`.
    """

    id: str
    policy: str
    subject: Subject
    reason: Reason
    exception: NotRequired[str]
    text: NotRequired[Wording]
    because: NotRequired[list[BecauseLeaf]]


class Recommendation(TypedDict):
    """What would be worth doing; the priority 1 is the most urgent."""

    id: str
    policy: str
    subject: Subject
    priority: int
    text: Wording
    because: NotRequired[list[BecauseLeaf]]


class PolicyEntry(TypedDict):
    """One policy for one subject.

    decisions: every decision by name, null where there is no value; empty unless `applied`.
    missing: names of facts that are not known, sorted.
    fired: absent with the trace `none`; not_fired: present with the trace `full`.
    """

    policy: str
    subject: Subject
    status: Status
    decisions: dict[str, Any]
    missing: list[str]
    fired: NotRequired[list[Row]]
    not_fired: NotRequired[list[Row]]


class AnswerParts(TypedDict):
    """What the rules say of a state, without what was asked: each list in the order of an answer."""

    rewards: list[Reward]
    not_granted: list[NotGranted]
    recommendations: list[Recommendation]
    policies: list[PolicyEntry]


class ComparedPart(AnswerParts):
    """What a replay must give again, byte for byte; a preview is this and no more.

    ignored_facts: JSON Pointers of undeclared facts; present where `unknown_facts` is `report`.
    """

    format: int
    bundle: str
    as_of: str
    purpose: str
    ignored_facts: NotRequired[list[str]]


class ReceiptShown(TypedDict):
    """The signed word that a record with this digest is in the log."""

    digest: str
    decided_at: str
    key: str
    signature: str


class Decision(ComparedPart):
    """The answer of a decision, as it goes out: the compared part, and what makes it a decision."""

    decision_id: str
    decided_at: str
    receipt: NotRequired[ReceiptShown]
