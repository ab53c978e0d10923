"""The shape of a decision's record: the dictionary whose canonical JSON is hashed into the log.

In the bytes that are kept, `{"commitment": "hmac-sha256:..."}` stands in the place of each sensitive value; these types
say what stands there once it is revealed. Instants are RFC 3339 in UTC with milliseconds, days ISO 8601.
"""

from typing import Any, NotRequired, TypedDict

from policy_service.engines.answer import ComparedPart, ReceiptShown


class Options(TypedDict):
    """Options as they were resolved; `reach` is always false so far."""

    trace: str
    reach: bool
    unknown_facts: str


class Envelope(TypedDict):
    """A request but for `as_of` and `facts`; keys that were not posted are absent.

    policies: the patterns posted.
    """

    purpose: str
    options: Options
    merchant_id: NotRequired[str]
    bundle: NotRequired[str]
    policies: NotRequired[list[str]]
    provenance: NotRequired[dict[str, str]]
    supersedes: NotRequired[str]
    reason: NotRequired[str]


class RecordedRequest(Envelope):
    """A request as it was evaluated.

    as_of: the business day.
    facts: by section, normalised; null and undeclared ones are left out.
    """

    as_of: str
    facts: dict[str, Any]


class RecordBody(TypedDict):
    """All that a replay needs, as it is hashed.

    bundle: the id of the one that answered.
    asked_by: pseudonym of the principal that asked; see Principal.
    orders: the version of the last order that the decision was made under; absent in records from before orders.
    answer: without decision id, instant and receipt.
    idempotency: the commitment to the idempotency key, its caller and its request; absent where none was posted.
    """

    decision_id: str
    decided_at: str
    service_version: str
    language: int
    format: int
    bundle: str
    asked_by: str
    orders: NotRequired[int]
    request: RecordedRequest
    answer: ComparedPart
    idempotency: NotRequired[str]


class RecordShown(RecordBody):
    """A record with what is kept beside it.

    superseded_by: ids of the decisions that correct it, oldest first.
    receipt: absent from records older than the sealed log.
    """

    superseded_by: list[str]
    receipt: NotRequired[ReceiptShown]
