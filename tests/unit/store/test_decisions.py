"""Decisions are kept as they were given, and a key has one of them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy_service.decisions.deciding.ids import new_decision_id
from policy_service.decisions.ports.records import Appended, IdempotencyClaim, IdempotencyConflict, StoreRefused
from policy_service.store import SqlDecisionStore
from policy_service.store.decisions import PURGE_AT_ONCE

SALT = b"s" * 32
CLAIM = IdempotencyClaim("payer", "order-1", "digest-1", SALT)
JUNE = "2023-06-01T00:00:00.000Z"
JULY = "2023-07-01T00:00:00.000Z"


def test_an_appended_record_is_read_back_as_it_was(decisions: SqlDecisionStore, make_record: Any) -> None:
    record = make_record(1, body='{"城":"杭州"}'.encode())
    assert decisions.append(record, None) == Appended(record, replayed=False)
    assert decisions.decision(record.id) == record


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300))
def test_a_body_is_kept_byte_for_byte(decisions: SqlDecisionStore, make_record: Any, body: bytes) -> None:
    record = replace(make_record(1, body=body), id=new_decision_id())
    decisions.append(record, None)
    kept = decisions.decision(record.id)
    assert kept is not None
    assert kept.body == body
    assert type(kept.body) is bytes


def test_a_body_of_a_mebibyte_is_kept(decisions: SqlDecisionStore, make_record: Any) -> None:
    record = make_record(1, body=bytes(range(256)) * 4096)
    decisions.append(record, None)
    assert decisions.decision(record.id) == record


def test_a_record_may_name_no_merchant(decisions: SqlDecisionStore, make_record: Any) -> None:
    record = replace(make_record(1), merchant_id=None)
    decisions.append(record, None)
    assert decisions.decision(record.id) == record


def test_an_unknown_id_has_no_record(decisions: SqlDecisionStore, make_record: Any) -> None:
    assert decisions.decision(make_record(1).id) is None


def test_the_same_request_is_answered_by_the_first_record(decisions: SqlDecisionStore, make_record: Any) -> None:
    first = make_record(1, body=b"first")
    decisions.append(first, CLAIM)
    assert decisions.append(make_record(2, body=b"second"), CLAIM) == Appended(first, replayed=True, salt=SALT)
    assert decisions.count() == 1


def test_a_replay_is_found_before_deciding(decisions: SqlDecisionStore, make_record: Any) -> None:
    assert decisions.claimed(CLAIM) is None
    decisions.append(make_record(1), CLAIM)
    assert decisions.claimed(CLAIM) == Appended(make_record(1), replayed=True, salt=SALT)


def test_the_salt_that_is_given_back_is_that_of_the_first_request(
    decisions: SqlDecisionStore, make_record: Any
) -> None:
    decisions.append(make_record(1), CLAIM)
    assert decisions.append(make_record(2), replace(CLAIM, salt=b"t" * 32)).salt == SALT


def test_another_request_under_a_key_is_a_conflict(decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1), CLAIM)
    other = replace(CLAIM, request_digest="digest-2")
    with pytest.raises(IdempotencyConflict) as conflict:
        decisions.append(make_record(2), other)
    assert conflict.value.claim == other
    with pytest.raises(IdempotencyConflict):
        decisions.claimed(other)
    assert decisions.count() == 1


def test_callers_do_not_share_keys(decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1), CLAIM)
    other = IdempotencyClaim("auditor", CLAIM.key, "digest-2")
    assert not decisions.append(make_record(2), other).replayed
    assert decisions.count() == 2


def test_keys_that_differ_in_case_are_two(decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1), CLAIM)
    assert not decisions.append(make_record(2), replace(CLAIM, key="ORDER-1")).replayed


def test_a_taken_id_is_refused(decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1, body=b"first"), None)
    with pytest.raises(StoreRefused, match=make_record(1).id):
        decisions.append(make_record(1, body=b"second"), None)
    assert decisions.decision(make_record(1).id) == make_record(1, body=b"first")


def test_a_refused_record_leaves_its_key_free(decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1), None)
    with pytest.raises(StoreRefused):
        decisions.append(make_record(1), CLAIM)
    assert decisions.claimed(CLAIM) is None


def test_a_decision_of_a_bundle_that_is_not_stored_is_refused(decisions: SqlDecisionStore, make_record: Any) -> None:
    with pytest.raises(StoreRefused):
        decisions.append(replace(make_record(1), bundle="sha256:" + "0" * 64), None)
    assert decisions.count() == 0


def test_a_correction_of_an_unknown_decision_is_refused(decisions: SqlDecisionStore, make_record: Any) -> None:
    with pytest.raises(StoreRefused):
        decisions.append(make_record(2, supersedes=make_record(1).id), None)


def test_a_refusal_does_not_show_what_the_record_holds(decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1), None)
    with pytest.raises(StoreRefused) as refused:
        decisions.append(make_record(1, body=b"secret"), None)
    assert "secret" not in f"{refused.value} {refused.value.__cause__}"


def test_corrections_of_a_decision_are_listed_oldest_first(decisions: SqlDecisionStore, make_record: Any) -> None:
    first = make_record(1)
    decisions.append(first, None)
    decisions.append(make_record(3, supersedes=first.id), None)
    decisions.append(make_record(2, supersedes=first.id), None)
    assert decisions.superseding(first.id) == (make_record(2).id, make_record(3).id)
    assert decisions.superseding(make_record(2).id) == ()
    assert decisions.decision(make_record(2).id) == make_record(2, supersedes=first.id)


def test_a_key_is_forgotten_only_when_older_than_asked(decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1, decided_at=JUNE), CLAIM)
    assert decisions.purge_idempotency(JUNE) == 0
    assert decisions.claimed(CLAIM) is not None
    assert decisions.purge_idempotency(JULY) == 1
    assert decisions.claimed(CLAIM) is None


def test_a_forgotten_key_may_be_used_anew(decisions: SqlDecisionStore, make_record: Any) -> None:
    decisions.append(make_record(1, decided_at=JUNE), CLAIM)
    decisions.purge_idempotency(JULY)
    assert not decisions.append(make_record(2), CLAIM).replayed
    assert decisions.decision(make_record(1).id) is not None


def test_more_keys_than_fit_one_transaction_are_forgotten(decisions: SqlDecisionStore, make_record: Any) -> None:
    for n in range(PURGE_AT_ONCE + 1):
        decisions.append(make_record(n, decided_at=JUNE), replace(CLAIM, key=str(n)))
    assert decisions.purge_idempotency(JULY) == PURGE_AT_ONCE + 1
    assert decisions.count() == PURGE_AT_ONCE + 1
