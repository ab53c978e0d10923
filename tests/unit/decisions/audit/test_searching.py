"""Decisions found by what they are about, on pages that stand still; and what became due under a claim."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from policy_service.decisions.audit.searching import History, Query, due_after
from tests.unit.decisions.conftest import BEGUN

HOURS = "club.hours"


def ids(club: Any, *terms: str, **asked: Any) -> list[str]:
    return [one.id for one in club.auditing.searching.search(Query(terms, **asked)).decisions]


@pytest.fixture
def mixed(club: Any) -> Any:
    """Five decisions: hours of two merchants, a member, products."""
    club.few = club.merchant(6).decision_id
    club.many = club.merchant(12, as_of="2023-05-01").decision_id
    club.other = club.decide(merchant={"id": "m-2", "hours": 12}).decision_id
    club.of_member = club.member(40, id="u-9").decision_id
    club.of_products = club.decide(
        products=[{"id": "p-1", "price": Decimal("9.9")}, {"id": "p-2", "price": 500}], policies=("club.prices",)
    ).decision_id
    club.seal()
    return club


def test_each_filter_finds_what_it_names(mixed: Any) -> None:
    key = "topped_kept@merchant:m-1#2023-04-01"
    assert ids(mixed, f"claim:{HOURS}/{key}") == [mixed.few]
    assert ids(mixed, "subject:merchant:m-1") == [mixed.many, mixed.few]
    assert ids(mixed, "subject:product:p-2") == [mixed.of_products]
    assert ids(mixed, "subject:member:u-9", reveal=True) == [mixed.of_member]
    assert ids(mixed, "subject:member:u-9") == [], "a person is found by those alone who may see the id"
    claim = "claim:club.member/welcome@member:u-9#once"
    assert ids(mixed, claim) == [mixed.of_member], "or by who knows a claim key"
    assert ids(mixed, "policy:club.prices")[0] == mixed.of_products
    assert ids(mixed, f"reward:{HOURS}/topped_kept") == [mixed.other, mixed.many, mixed.few]
    assert ids(mixed, "reward:club.prices/cut") == [mixed.of_products]
    assert ids(mixed, "reward:club.member/welcome") == [mixed.of_member]
    assert ids(mixed, f"row:{HOURS}.size/many") == [mixed.other, mixed.many]
    assert len(ids(mixed, f"bundle:{mixed.rules.id}")) == 5
    assert ids(mixed, "bundle:sha256:0") == []
    assert ids(mixed, "subject:merchant:m") == []


def test_filters_are_put_together(mixed: Any) -> None:
    assert ids(mixed, "subject:merchant:m-1", f"row:{HOURS}.size/many") == [mixed.many]
    assert ids(mixed, "subject:merchant:m-1", "subject:merchant:m-2") == []
    assert ids(mixed, "subject:merchant:m-1", as_of=("2023-04-01", "2023-05-01")) == [mixed.few]


def test_ranges_have_their_first_day_and_not_their_last(mixed: Any) -> None:
    assert ids(mixed, as_of=("2023-05-01", None)) == [mixed.many]
    assert mixed.many not in ids(mixed, as_of=(None, "2023-05-01"))
    one, two = (mixed.entries()[BEGUN + n].at for n in (1, 2))
    assert ids(mixed, decided=(one, two)) == [mixed.many]
    assert ids(mixed, decided=(two, None)) == [mixed.of_products, mixed.of_member, mixed.other]
    assert ids(mixed, decided=(None, one)) == [mixed.few]


def test_an_erasure_is_no_decision_that_is_found(mixed: Any) -> None:
    mixed.auditing.erasing.erase("member", "u-9", ticket="T", actor="op")
    assert len(ids(mixed)) == 5
    assert [e.kind for some in mixed.auditing.searching.records(Query()) for e, _ in some] == ["decision"] * 5


def test_a_decision_is_found_once_it_is_sealed(club: Any) -> None:
    one = club.merchant(6).decision_id
    page = club.auditing.searching.search(Query())
    assert (page.decisions, page.sealed_through) == ((), 0)
    club.seal()
    page = club.auditing.searching.search(Query())
    assert ([found.id for found in page.decisions], page.sealed_through, page.next) == ([one], BEGUN + 1, None)
    found = page.decisions[0]
    assert (found.index, found.as_of, found.bundle, found.merchant_id) == (BEGUN, "2023-04-01", club.rules.id, "m-1")


def test_pages_stand_still_while_new_decisions_are_sealed(club: Any) -> None:
    made = [club.merchant(n).decision_id for n in range(7)]
    club.seal()
    seen: list[str] = []
    before: int | None = None
    pages = 0
    while True:
        page = club.auditing.searching.search(Query(("subject:merchant:m-1",), before=before, limit=3))
        seen += [one.id for one in page.decisions]
        pages += 1
        club.merchant(9)
        club.seal()
        if page.next is None:
            break
        before = page.next
    assert seen == made[::-1]
    assert pages == 3


def test_a_last_page_that_is_full_is_the_last(club: Any) -> None:
    for n in range(4):
        club.merchant(n)
    club.seal()
    search = club.auditing.searching.search
    first = search(Query(limit=2))
    assert first.next == BEGUN + 2
    assert search(Query(limit=2, before=first.next)).next is None


def test_records_are_given_whole_in_portions_by_index_upwards(mixed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_service.store.search._PORTION", 2)
    portions = list(mixed.auditing.searching.records(Query(("policy:club.hours",))))
    assert [len(some) for some in portions] == [2, 2]
    flat = [one for some in portions for one in some]
    assert all(one.index < two.index for (one, _), (two, _) in pairwise(flat))
    assert all(body == mixed.auditing.decisions.decision(entry.id).body for entry, body in flat)


def test_corrections_are_shown_in_both_directions(club: Any) -> None:
    wrong = club.merchant(6).decision_id
    right = club.merchant(12, supersedes=wrong, reason="data_correction").decision_id
    club.seal()
    new, old = club.auditing.searching.search(Query()).decisions
    assert (new.id, new.supersedes, new.superseded_by) == (right, wrong, ())
    assert (old.id, old.supersedes, old.superseded_by) == (wrong, None, (right,))


# ---- claims


def claim(club: Any, reward: str, subject: str = "merchant:m-1", policy: str = HOURS) -> list[Any]:
    period = {"club.member": "once"}.get(policy, "2023-04-01")
    found = club.auditing.searching.claim(f"{policy}/{reward}@{subject}#{period}")
    assert found.refused == ()
    return list(found.decisions)


DUES = {
    "topped_kept": [5, 10, 10, 10, 10, 10],
    "topped_clawed": [5, 10, 5, 0, 10, 10],
    "first_kept": [5, 5, 5, 5, 5, 5],
    "first_clawed": [5, 5, 5, 0, 10, 10],
}


@pytest.mark.parametrize("reward", DUES)
def test_the_amount_due_follows_what_the_claim_says_of_increases_and_decreases(club: Any, reward: str) -> None:
    hours: list[int | None] = [6, 12, 7, 0, 11, None]
    made = [club.decide(merchant={"id": "m-1"} | ({} if of is None else {"hours": of})).decision_id for of in hours]
    club.merchant(12, as_of="2023-04-02")
    club.decide(merchant={"id": "m-2", "hours": 12})
    club.seal()
    found = claim(club, reward)
    assert [one.decision_id for one in found] == made
    assert [one.granted for one in found] == [5, 10, 5, None, 10, None]
    assert [one.reason for one in found] == [None, None, None, "not_met", None, "insufficient_facts"]
    assert [one.due for one in found] == DUES[reward]


def test_nothing_is_due_before_a_decision_could_tell(club: Any) -> None:
    club.decide(merchant={"id": "m-1"})
    club.merchant(1)
    club.seal()
    found = claim(club, "topped_kept")
    assert [(one.reason, one.due) for one in found] == [("insufficient_facts", None), ("not_met", 0)]


def test_a_correction_bears_on_the_claim_and_says_so(club: Any) -> None:
    wrong = club.merchant(12).decision_id
    club.merchant(6, supersedes=wrong, reason="appeal")
    club.seal()
    kept, clawed = claim(club, "topped_kept"), claim(club, "topped_clawed")
    assert [one.supersedes for one in kept] == [None, wrong]
    assert [one.due for one in kept] == [10, 10]
    assert [one.due for one in clawed] == [10, 5]


def test_a_claim_of_a_member_is_found_by_who_has_its_key(club: Any) -> None:
    for points in (5, 990_000_000):
        club.member(points, id="u-9")
    club.member(5, id="u-8")
    club.seal()
    found = claim(club, "welcome", "member:u-9", "club.member")
    assert [(one.granted, one.reason, one.due) for one in found] == [(5, None, 5), (None, "excluded", 5)]


def test_what_is_never_claimed_has_no_history(club: Any) -> None:
    club.merchant(12)
    club.merchant(1)
    club.seal()
    assert claim(club, "badge") == []


@pytest.mark.parametrize("key", ["", "x", "a/b", "a/b@c", "a@b#c", "no.policy/x@merchant:m-1#once"])
def test_a_key_that_is_none_has_no_history(club: Any, key: str) -> None:
    club.merchant(12)
    club.seal()
    assert club.auditing.searching.claim(key) == History()


def test_a_first_amount_under_keep_stands_until_it_was_taken_back() -> None:
    goes = {"on_increase": "keep", "on_decrease": "claw_back"}
    due = None
    told = []
    for amount in (0, 5, 9, 0, 3):
        due = due_after(due, amount, goes)
        told.append(due)
    assert told == [0, 5, 5, 0, 3]
