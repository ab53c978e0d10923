"""A receipt is of one decision of one log, and of no other."""

from base64 import b64decode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policy_service.proofs import receipts
from policy_service.proofs.keys import FileSigner
from policy_service.proofs.receipts import Receipt, ReceiptRefused
from policy_service.proofs.tree import leaf_hash

ORIGIN, ID, AT = "log.example/decisions", "01890a5d-ac96-774b-bcce-b302099a8057", "2023-04-01T08:00:00.000Z"
LEAF = leaf_hash(b'{"decision_id":"01890a5d-ac96-774b-bcce-b302099a8057"}')
OLD, NEW = (FileSigner(ORIGIN, Ed25519PrivateKey.from_private_bytes(seed * 32)) for seed in (b"1", b"2"))
KEYS = [OLD.verifier, NEW.verifier]
RECEIPT = receipts.issue(NEW, ORIGIN, ID, AT, LEAF)


def test_a_receipt_signs_the_text_that_the_design_names() -> None:
    text = f"policy-service/receipt/v1\n{ORIGIN}\n{ID}\n{AT}\nsha256:{LEAF.hex()}\n"
    assert NEW.verifier.verifies(text.encode(), b64decode(RECEIPT.signature))
    assert RECEIPT.json == {
        "digest": f"sha256:{LEAF.hex()}",
        "decided_at": AT,
        "key": NEW.verifier.label,
        "signature": RECEIPT.signature,
    }


def test_a_receipt_is_verified_by_the_key_that_it_names() -> None:
    assert receipts.verified(RECEIPT, ORIGIN, ID, KEYS) == NEW.verifier
    assert receipts.verified(Receipt.parse(RECEIPT.json), ORIGIN, ID, [NEW.verifier]) == NEW.verifier


def test_a_receipt_given_twice_is_the_same() -> None:
    assert receipts.issue(NEW, ORIGIN, ID, AT, LEAF) == RECEIPT


@pytest.mark.parametrize(
    "changed",
    [
        replace(RECEIPT, digest=receipts.digest_of(leaf_hash(b"other"))),
        replace(RECEIPT, decided_at="2023-04-01T08:00:00.001Z"),
        replace(RECEIPT, key=OLD.verifier.label),
        replace(RECEIPT, key=ORIGIN),
        replace(RECEIPT, signature=receipts.issue(OLD, ORIGIN, ID, AT, LEAF).signature),
        replace(RECEIPT, signature=RECEIPT.signature[:-4]),
        replace(RECEIPT, signature=RECEIPT.signature + "AAAA"),
        replace(RECEIPT, signature=""),
        replace(RECEIPT, signature="\udcff"),
        replace(RECEIPT, decided_at=AT + "\n"),
        replace(RECEIPT, decided_at="", digest=f"{AT}\n{RECEIPT.digest}"),
    ],
)
def test_a_changed_receipt_is_refused(changed: Receipt) -> None:
    with pytest.raises(ReceiptRefused):
        receipts.verified(changed, ORIGIN, ID, KEYS)


def test_a_receipt_of_another_decision_or_log_is_refused() -> None:
    with pytest.raises(ReceiptRefused, match="does not fit"):
        receipts.verified(RECEIPT, ORIGIN, ID[:-1] + "8", KEYS)
    with pytest.raises(ReceiptRefused, match="does not fit"):
        receipts.verified(RECEIPT, "log.example/other", ID, KEYS)


def test_a_receipt_of_no_known_key_is_refused() -> None:
    with pytest.raises(ReceiptRefused, match="no known key"):
        receipts.verified(RECEIPT, ORIGIN, ID, [OLD.verifier])
    with pytest.raises(ReceiptRefused, match="no known key"):
        receipts.verified(RECEIPT, ORIGIN, ID, [])


def test_no_part_of_a_receipt_can_reach_into_the_next() -> None:
    with pytest.raises(ValueError, match="newline"):
        receipts.issue(NEW, ORIGIN, f"{ID}\n{AT}", AT, LEAF)


def test_a_digest_is_of_a_leaf() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        receipts.issue(NEW, ORIGIN, ID, AT, b"")


@pytest.mark.parametrize("value", [None, [], "x", {}, RECEIPT.json | {"more": "x"}, RECEIPT.json | {"key": 1}])
def test_what_has_not_the_form_of_a_receipt_is_refused(value: object) -> None:
    with pytest.raises(ReceiptRefused):
        Receipt.parse(value)
