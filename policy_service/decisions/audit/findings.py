"""The results of a verification of the log: what does not fit, and how far it came."""

from dataclasses import dataclass
from typing import Literal

from policy_service.proofs import receipts

Kind = Literal[
    "index-gap", "record-lost", "record-altered", "record-not-logged", "entry-altered", "root-differs", "tree-altered",
    "head-refused", "head-lost", "log-truncated", "receipt-refused", "receipt-unmet", "bundle-altered", "bundle-lost",
    "private-value-altered", "private-value-lost", "record-malformed", "record-not-receipted", "record-refused",
    "order-refused", "decision-not-ordered", "term-altered", "claim-altered", "claim-lost", "clock-regressed",
    "store-altered", "witness-quorum", "cosignature-refused",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit.

    index, id: of the record; null where it is about none.
    """

    kind: Kind
    message: str
    index: int | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a verification came.

    root: over those records, hexadecimal.
    receipts: a digest of their receipts, hexadecimal.
    """

    records: int = 0
    root: str = ""
    receipts: str = ""


START = Progress()


@dataclass(frozen=True, slots=True)
class Verified:
    """What was checked and what did not fit, in the order it was found.

    further: findings beyond the first MOST_FINDINGS, which are only counted.
    witnessed: size of the largest head that a quorum of witnesses cosigned; null where none did, or none was demanded.
    """

    records: int
    heads: int
    bundles: int
    waiting: int
    findings: tuple[Finding, ...]
    progress: Progress
    further: int = 0
    witnessed: int | None = None


@dataclass(frozen=True, slots=True)
class GivenReceipt:
    """A receipt that somebody kept, and the decision it was given for."""

    decision_id: str
    receipt: receipts.Receipt
