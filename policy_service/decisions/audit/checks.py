"""What the page of a case says of its proofs: each check with its finding, and what all of them do not prove."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

CheckOutcome = Literal["ok", "failed", "pending", "absent"]
CheckFinding = Literal[
    "record_fits", "record_altered", "record_unhashed", "record_unreadable",
    "sealed", "waiting", "unlogged",
    "included", "not_included",
    "head_signed", "head_refused", "head_lost",
    "receipt_fits", "receipt_differs", "receipt_refused", "receipt_of_ended_key", "receipt_lost", "no_receipt",
    "bundle_fits", "bundle_altered",
    "order_fits", "order_waiting", "order_altered", "not_ordered", "before_orders",
    "stops_kept", "stop_ignored",
    "asker_unknown",
    "nothing_private", "private_fits", "private_altered", "private_erased",
    "witnessed", "not_witnessed_yet", "cosignature_refused", "no_witness",
]  # fmt: skip
FINDINGS: tuple[CheckFinding, ...] = get_args(CheckFinding)
_OUTCOMES: Mapping[CheckOutcome, Collection[CheckFinding]] = {
    "absent": ("record_unhashed", "no_receipt", "before_orders", "private_erased", "no_witness"),
    "pending": ("waiting", "order_waiting", "not_witnessed_yet"),
    "failed": (
        "record_altered", "record_unreadable", "unlogged", "not_included", "head_refused", "head_lost",
        "receipt_differs", "receipt_refused", "receipt_of_ended_key", "receipt_lost", "bundle_altered",
        "order_altered", "not_ordered", "stop_ignored", "asker_unknown", "private_altered", "cosignature_refused",
    ),
}  # fmt: skip
"""The findings that are not `ok`."""
UNTRUSTED: Collection[CheckFinding] = (
    "record_altered", "record_unreadable", "not_included",
    "receipt_differs", "receipt_refused", "receipt_of_ended_key", "receipt_lost",
)  # fmt: skip
"""Findings after which nothing that the stored record says is shown."""

LimitKind = Literal[
    "facts", "others", "instant", "instant_witnessed", "signer", "signer_witnessed", "waiting", "legacy",
    "asked_by_key", "asked_by_token", "asked_openly", "erased",
]  # fmt: skip
LIMITS: tuple[LimitKind, ...] = get_args(LimitKind)


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the proofs of a decision, made now.

    named: the values in the text of the finding: `index`, `size`, `at`, `signer`, `digest`, `count`, `bundle`,
        `version`, `policy`, `witness`.
    """

    finding: CheckFinding
    named: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def outcome(self) -> CheckOutcome:
        return next((outcome for outcome, some in _OUTCOMES.items() if self.finding in some), "ok")


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that the checks do not prove, whatever they found.

    named: the values in its text: `at`, `witnesses`.
    """

    kind: LimitKind
    named: Mapping[str, str | int] = field(default_factory=dict)
