"""Records and what is made of them again."""

from dataclasses import replace
from typing import Any

import pytest

from policy_service.decisions.deciding.recording import ValuesErased, answer_of, commitments, parsed, revealed
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.proofs.commitments import CommitmentRefused, Private
from policy_service.proofs.receipts import Receipt, digest_of, verified
from policy_service.proofs.tree import leaf_hash

HEX = "0123456789abcdef" * 4


def stored(club: Any, found: Any) -> DecisionRecord:
    record = club.auditing.decisions.decision(found.decision_id)
    assert isinstance(record, DecisionRecord)
    return record


def test_an_answer_carries_the_receipt_of_its_record(local_club: Any) -> None:
    found = local_club.member(5)
    record = stored(local_club, found)
    receipt = Receipt.parse(found.answer["receipt"])
    assert record.leaf == leaf_hash(record.body).hex()
    assert receipt.digest == digest_of(leaf_hash(record.body))
    assert receipt.decided_at == found.answer["decided_at"] == parsed(record.body)["decided_at"]
    verified(receipt, local_club.settings.log_origin, found.decision_id, local_club.auditing.keys.verifiers)


def test_the_answer_made_of_a_record_is_the_one_that_went_out(local_club: Any) -> None:
    for found in (local_club.member(5), local_club.merchant(12)):
        assert answer_of(stored(local_club, found)) == parsed_again(found.answer)


def parsed_again(answer: dict[str, Any]) -> Any:
    from policy_service import canonical

    return parsed(canonical.trusted(answer))


def test_a_record_that_lacks_any_of_its_values_counts_as_erased(local_club: Any) -> None:
    record = stored(local_club, local_club.member(5))
    for privates in ((), record.privates[1:]):
        with pytest.raises(ValuesErased):
            revealed(replace(record, privates=privates))


def test_a_value_that_is_not_the_one_recorded_is_refused_and_not_told(local_club: Any) -> None:
    record = stored(local_club, local_club.member(5))
    other = replace(record.privates[0], value=b'"u-MARKER"')
    with pytest.raises(CommitmentRefused) as caught:
        revealed(replace(record, privates=(other, *record.privates[1:])))
    assert "u-MARKER" not in str(caught.value)


def test_commitments_are_told_from_texts_and_objects_that_look_like_them() -> None:
    one = f'{{"commitment":"hmac-sha256:{HEX}"}}'
    assert commitments(f'{{"a":{one},"b":[{one}]}}'.encode()) == [f"hmac-sha256:{HEX}"] * 2
    for body in (
        '{"text":"{\\"commitment\\":\\"hmac-sha256:' + HEX + '\\"}"}',
        '{"commitment":"high","row":"r1"}',
        '{"commitment":"hmac-sha256:short"}',
    ):
        assert commitments(body.encode()) == []


def test_a_record_with_an_output_named_commitment_is_read_as_it_is() -> None:
    body = b'{"answer":{"policies":[{"decisions":{"d":{"commitment":"high","rank":1}}}]}}'
    record = DecisionRecord("d", "t", "b", "2023-04-01", None, body)
    assert revealed(record) == parsed(body)


def test_equal_values_have_different_commitments(local_club: Any) -> None:
    records = [stored(local_club, local_club.member(5)) for _ in range(2)]
    found = [one for record in records for one in commitments(record.body)]
    assert len(set(found)) == len(found)
    salts = [private.salt for record in records for private in record.privates]
    assert len(set(salts)) == len(salts)
    assert all(isinstance(private, Private) for record in records for private in record.privates)
