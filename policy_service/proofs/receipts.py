"""Receipts: the service's signed word, given with the answer, that a record with this digest is in its log.

With answer and receipt anyone can show that the record is missing or differs.
Source: docs/design/0006-log.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy_service.proofs.keys import SIGNATURE_SIZE, Signer, Verifier, base64, unbase64
from policy_service.proofs.tree import HASH_SIZE

_DIGEST = "sha256:"
_NAMES = ("digest", "decided_at", "key", "signature")


class ReceiptRefused(ValueError):
    """A receipt has not the form of one, is of no known key, or its signature does not fit; the message says which."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an answer carries as `receipt`.

    Args:
        digest: `sha256:` and the leaf hash of the record, hexadecimal.
        decided_at: as in the record.
        key: the label `name+hash` of the key that signed.
        signature: base64.
    """

    digest: str
    decided_at: str
    key: str
    signature: str

    @property
    def json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def parse(cls, value: Any) -> "Receipt":
        """The receipt in JSON. Raises ReceiptRefused."""
        if not isinstance(value, Mapping) or set(value) != set(_NAMES):
            raise ReceiptRefused("a receipt has digest, decided_at, key and signature")
        if not all(isinstance(value[name], str) for name in _NAMES):
            raise ReceiptRefused("the parts of a receipt are texts")
        return cls(**{name: value[name] for name in _NAMES})


def digest_of(leaf: bytes) -> str:
    """A leaf hash as receipts write it. Raises ValueError for what is none."""
    if len(leaf) != HASH_SIZE:
        raise ValueError(f"a leaf hash has {HASH_SIZE} bytes")
    return _DIGEST + leaf.hex()


def issue(signer: Signer, origin: str, decision_id: str, decided_at: str, leaf: bytes) -> Receipt:
    """The receipt for a record, by one key.

    Raises:
        ValueError: a part holds a newline, or the leaf is none.
    """
    digest = digest_of(leaf)
    signature = signer.sign(_signed(origin, decision_id, decided_at, digest))
    return Receipt(digest, decided_at, signer.verifier.label, base64(signature))


def verified(receipt: Receipt, origin: str, decision_id: str, verifiers: Sequence[Verifier]) -> Verifier:
    """The key that signed a receipt for this decision of this log.

    That the digest is the leaf hash of the record is for the caller to compare.

    Raises:
        ReceiptRefused: none of these keys has the receipt's label, or the signature does not fit.
    """
    signature = unbase64(receipt.signature)
    if signature is None or len(signature) != SIGNATURE_SIZE:
        raise ReceiptRefused("the receipt's signature is none")
    try:
        message = _signed(origin, decision_id, receipt.decided_at, receipt.digest)
    except ValueError as error:
        raise ReceiptRefused("a part of the receipt holds a newline") from error
    known = [verifier for verifier in verifiers if verifier.label == receipt.key]
    if not known:
        raise ReceiptRefused("no known key signed the receipt")
    for verifier in known:
        if verifier.verifies(message, signature):
            return verifier
    raise ReceiptRefused("the receipt's signature does not fit")


def _signed(*parts: str) -> bytes:
    if any("\n" in part for part in parts):
        raise ValueError("a part of a receipt holds a newline")
    return "\n".join(("policy-service/receipt/v1", *parts, "")).encode()
