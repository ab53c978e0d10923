"""The terms of a record, and which of them are private."""

from typing import Any

from policy_service.decisions.sealed.terms import terms_of

RECORD: dict[str, Any] = {
    "bundle": "sha256:b",
    "request": {"merchant_id": "m-0", "facts": {"member": {"id": "u-1"}, "shops": [{"id": "s-1"}], "live": {"id": 7}}},
    "answer": {
        "rewards": [
            {"policy": "p", "id": "r", "claim": {"key": "p/r@member:u-1#once"}},
            {"policy": "p", "id": "free"},
        ],
        "policies": [
            {"policy": "p", "subject": {"type": "member", "id": "u-1"}, "fired": [{"decision": "d", "row": "x"}]},
            {"policy": "q", "subject": {"type": "shop"}},
        ],
    },
}


def test_a_record_has_a_term_of_each_kind_once() -> None:
    assert terms_of(RECORD, RECORD) == dict.fromkeys(
        [
            "bundle:sha256:b", "subject:merchant:m-0", "subject:member:u-1", "reward:p/r", "claim:p/r@member:u-1#once",
            "reward:p/free", "policy:p", "row:p.d/x", "policy:q",
        ],
        False,
    )  # fmt: skip


def test_what_a_commitment_hides_gives_private_terms() -> None:
    hidden = {"commitment": "hmac-sha256:" + "0" * 64}
    answer = RECORD["answer"]
    record = RECORD | {
        "request": {"facts": {"member": {"id": hidden}}},
        "answer": {
            "rewards": [{"policy": "p", "id": "r", "claim": {"key": hidden}}],
            "policies": [answer["policies"][0] | {"subject": {"type": "member", "id": hidden}}],
        },
    }
    found = terms_of(record, RECORD)
    assert {text for text, private in found.items() if private} == {
        "subject:merchant:m-0", "subject:member:u-1", "claim:p/r@member:u-1#once", "reward:p/free", "policy:q",
    }  # fmt: skip
    assert terms_of(record, record) == dict.fromkeys(["bundle:sha256:b", "reward:p/r", "policy:p", "row:p.d/x"], False)
