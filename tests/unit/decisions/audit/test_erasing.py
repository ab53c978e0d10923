"""An erasure takes the values of a person out of everything but their hashes, and leaves every proof valid."""

import json
import threading
from typing import Any

import pytest
from sqlalchemy import select

from policy_service import __version__
from policy_service.decisions.audit.searching import History, Query
from policy_service.decisions.deciding.recording import ValuesErased, parsed
from policy_service.decisions.ports.records import Appended, StoreUnavailable
from policy_service.proofs import tree
from policy_service.store.tables import idempotency, metadata, private_values, terms
from tests.unit.decisions.conftest import BEGUN

ID, OTHER = "u-MARKER-7", "u-OTHER-8"


def rows(club: Any) -> str:
    with club.engine.connect() as connection:
        return "\n".join(
            repr(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(select(table))
        )


def erase(club: Any, id_: str = ID) -> Any:
    return club.auditing.erasing.erase("member", id_, ticket="T-9", actor="op")


@pytest.fixture
def erased(club: Any) -> Any:
    """A club that has erased a member with two records, one of them not sealed before, and keeps another member."""
    club.first = club.member(700700700, id=ID, key="k-1").decision_id
    club.other = club.member(5, id=OTHER, key="k-2").decision_id
    club.seal()
    club.second = club.member(700700700, id=ID).decision_id
    club.before = {id_: club.auditing.decisions.decision(id_) for id_ in (club.first, club.other, club.second)}
    club.receipts = {id_: record.receipt for id_, record in club.before.items()}
    with club.engine.connect() as connection:
        claims = connection.execute(select(idempotency.c.decision, idempotency.c.salt)).all()
    club.salts = {decision: bytes(salt) for decision, salt in claims}
    club.told = erase(club)
    return club


def test_an_erasure_says_which_records_it_was_about_and_how_many_values(erased: Any) -> None:
    assert erased.told.records == (erased.first, erased.second)
    assert erased.told.values == sum(len(erased.before[id_].privates) for id_ in (erased.first, erased.second))


def test_no_table_has_anything_of_the_person(erased: Any) -> None:
    kept = rows(erased)
    assert ID not in kept
    assert "700700700" not in kept
    with erased.engine.connect() as connection:
        assert set(connection.scalars(select(private_values.c.record))) == {erased.other}
        assert connection.scalars(select(idempotency.c.key)).all() == ["k-2"]
        found = connection.execute(select(terms.c.index, terms.c.text).where(terms.c.private)).all()
        assert {index for index, _ in found} == {erased.auditing.log.entry(erased.other).index}


def test_the_records_and_their_proofs_stay_as_they_were(erased: Any) -> None:
    head = erased.auditing.log.head()
    for id_, before in erased.before.items():
        now = erased.auditing.decisions.decision(id_)
        assert (now.body, now.leaf, now.receipt) == (before.body, before.leaf, erased.receipts[id_])
        proof = erased.auditing.proof(id_)
        step = proof.inclusion
        assert tree.verify_inclusion(proof.leaf, step.index, step.size, step.hashes, bytes.fromhex(head.root))
    assert erased.auditing.verify().findings == ()


def test_the_log_has_a_record_of_the_erasure_that_names_no_person(erased: Any) -> None:
    entry = erased.entries()[-1]
    assert (entry.kind, entry.id) == ("act", erased.told.id)
    record = parsed(erased.auditing.log.bodies([entry])[entry.id])
    assert record == {
        "act_id": erased.told.id,
        "service_version": __version__,
        "at": entry.at,
        "actor": "op",
        "action": "decision.erase",
        "target": "member",
        "reason": "T-9",
        "detail": {},
        "erasure": {"subject": {"type": "member"}, "records": [erased.first, erased.second]},
    }
    assert ID not in json.dumps(record)


def test_an_erased_decision_is_neither_replayed_nor_found_by_the_person(erased: Any) -> None:
    with pytest.raises(ValuesErased):
        erased.assembled.service.replay(erased.first)
    assert erased.assembled.service.replay(erased.other).identical
    search = erased.auditing.searching.search
    assert search(Query((f"subject:member:{ID}",)).revealing()).decisions == ()
    assert erased.auditing.searching.claim(f"club.member/welcome@member:{ID}#once") == History()
    assert {one.id for one in search(Query(("policy:club.member",))).decisions} == set(erased.before)


def test_the_record_itself_is_still_shown_with_its_commitments(erased: Any) -> None:
    shown = erased.assembled.service.decision(erased.first)
    assert shown["request"]["facts"]["member"]["id"].keys() == {"commitment"}
    assert shown["receipt"]


def test_a_request_under_an_erased_key_is_a_new_one(erased: Any) -> None:
    again = erased.member(700700700, id=ID, key="k-1")
    assert not again.replayed
    assert again.decision_id != erased.first


def test_a_key_that_was_forgotten_brings_no_erased_value_back(erased: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one that was looked up before the erasure and is answered after it: the record has no values left."""
    before = erased.before[erased.first]
    again = erased.member(4, id="u-9", key="k-1")
    assert (again.replayed, again.decision_id == erased.first) == (False, False)
    assert "700700700" not in repr(again.answer)
    assert ID not in repr(again.answer)
    gone = erased.auditing.decisions.decision(erased.first)
    assert (gone.privates, gone.body) == ((), before.body)
    looked_up = Appended(gone, replayed=True, salt=erased.salts[erased.first])
    monkeypatch.setattr(type(erased.auditing.decisions), "claimed", lambda _self, _claim: looked_up)
    with pytest.raises(ValuesErased):
        erased.member(700700700, id=ID, key="k-1")


def test_erasing_again_does_nothing(erased: Any) -> None:
    size = erased.auditing.log.size()
    again = erase(erased)
    assert (again.id, again.records, again.values) == (None, (), 0)
    assert (erased.auditing.log.size(), erased.auditing.log.waiting()) == (size, 0)


def test_who_has_no_records_is_not_recorded_either(club: Any) -> None:
    club.merchant(5)
    assert erase(club).id is None
    assert club.auditing.erasing.erase("merchant", "m-1", ticket="T", actor="op").id is None, "nothing of it is private"
    assert [one.kind for one in club.entries()[BEGUN:]] == ["decision"]


def test_a_record_about_two_persons_loses_the_values_of_both(club: Any) -> None:
    both = club.decide(
        member={"id": ID, "points": 4, "joined_on": "2022-01-01"}, merchant={"id": "m-7", "hours": 6}
    ).decision_id
    told = club.auditing.erasing.erase("merchant", "m-7", ticket="T", actor="op")
    assert told.records == (both,)
    assert ID not in rows(club)


def test_a_decision_that_comes_while_an_erasure_is_under_way_is_not_erased(
    club: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = club.member(5, id=ID).decision_id
    late: list[str] = []
    real = club.auditing.log.erase

    def meanwhile(*given: Any) -> int:
        late.append(club.member(6, id=ID).decision_id)
        club.seal()
        found: int = real(*given)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(type(club.auditing.log), "erase", lambda _self, *given: meanwhile(*given))
        told = erase(club)
    assert told.records == (early,)
    assert club.assembled.service.replay(late[0]).identical
    assert club.auditing.verify().findings == ()
    assert erase(club).records == tuple(late)
    assert club.auditing.verify().findings == ()


def test_of_two_erasures_at_once_one_is_recorded(club: Any) -> None:
    for n in range(5):
        club.member(n, id=ID)
    club.seal()
    told: list[Any] = []
    threads = [threading.Thread(target=lambda: told.append(erase(club))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(one.id is None for one in told) == [False, True, True]
    assert [one.kind for one in club.entries()[BEGUN:]].count("act") == 1
    assert club.auditing.verify().findings == ()


def test_an_erasure_whose_record_cannot_be_sealed_at_once_is_done_all_the_same(
    club: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    club.member(5, id=ID)
    club.seal()
    calls: list[int] = []
    real = club.auditing.sealer.seal_all

    def second_fails() -> int:
        calls.append(1)
        if len(calls) == 2:
            raise StoreUnavailable("down")
        found: int = real()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(club.auditing.sealer, "seal_all", second_fails)
        assert erase(club).values
    assert ID not in rows(club)
    assert club.seal() == 1
    assert club.auditing.verify().findings == ()
