"""Whether a record is the service's own: whether it has a receipt, for these bytes, of a key that signs the log."""

import json
from collections.abc import Sequence

from policy_service.canonical import dumps
from policy_service.proofs.keys import Verifier
from policy_service.proofs.receipts import Receipt, ReceiptRefused, digest_of, verified
from policy_service.proofs.tree import leaf_hash


class NotReceipted(Exception):
    """A record has no valid receipt, so it counts for nothing; the message says what is wrong with it."""


def receipt_in(text: str | None) -> Receipt:
    """The receipt in the text that is kept with a record: canonical JSON, which others do not read differently.

    Raises:
        NotReceipted.
    """
    if text is None:
        raise NotReceipted("it has no receipt")
    try:
        found = Receipt.parse(json.loads(text))
        canonical = dumps(found.json).decode()
    except (ReceiptRefused, ValueError, RecursionError) as error:
        raise NotReceipted(f"its receipt is none: {error}") from error
    if text != canonical:
        raise NotReceipted("its receipt is not written as the service writes it")
    return found


def check_receipt(
    text: str | None, id_: str, at: str, body: bytes, origin: str, verifiers: Sequence[Verifier]
) -> Verifier:
    """The key that receipted a record.

    Args:
        text: the kept receipt.
        id_, at: as the record's body says them.
        verifiers: the keys in force at the record's place in the log.
    Raises:
        NotReceipted.
    """
    receipt = receipt_in(text)
    if receipt.digest != digest_of(leaf_hash(body)):
        raise NotReceipted("its receipt is for other bytes")
    if receipt.decided_at != at:
        raise NotReceipted("its receipt names another instant")
    try:
        return verified(receipt, origin, id_, verifiers)
    except ReceiptRefused as error:
        raise NotReceipted(str(error)) from error
