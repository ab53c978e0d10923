"""The arithmetic of claims: whatever comes twice, late or out of order, nothing is paid twice."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier, Lock
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_client import Answer, PolicyClient
from policy_client.claims import NotPayable, due, settle

from policy_service.api import examples
from policy_service.policies.model import ADDITIVE_KINDS, STANDING_KINDS

KEY = "p/r@merchant:m-1#once"


class Ledger:
    """A payer's table: a row per key, with a version. `payments` are the orders to pay, entered with the row."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[Decimal, int]] = {}
        self.payments: list[tuple[str, Decimal]] = []
        self._lock = Lock()

    def get(self, key: str) -> tuple[Decimal, int]:
        return self.rows.get(key, (Decimal(0), 0))

    def put(self, key: str, paid: Decimal, version: int) -> bool:
        with self._lock:
            before, now = self.get(key)
            if now != version:
                return False
            self.rows[key] = paid, version + 1
            self.payments.append((key, paid - before))
            return True

    def paid(self, key: str = KEY) -> Decimal:
        found = sum((amount for of, amount in self.payments if of == key), Decimal(0))
        assert found == self.get(key)[0]
        return found


class Outrun(Ledger):
    """Before the first `put`, another worker settles an answer."""

    def __init__(self, other: Answer) -> None:
        super().__init__()
        self._other: Answer | None = other

    def put(self, key: str, paid: Decimal, version: int) -> bool:
        if self._other is not None:
            other, self._other = self._other, None
            assert settle(other, self)
        return super().put(key, paid, version)


def reward(
    amount: Any, *, key: str | None = KEY, kind: str = "cash", up: str = "top_up", down: str = "keep", **more: Any
) -> Any:
    claim = {"key": key, "per": "once", "on_increase": up, "on_decrease": down}
    return {"id": "r", "policy": "p", "kind": kind, "amount": amount, **({"claim": claim} if key else {}), **more}


def answer(*rewards: Any, purpose: str = "decide") -> Answer:
    found: Any = {"purpose": purpose, "rewards": list(rewards)}
    return found | ({"decision_id": "d-1"} if purpose == "decide" else {})


def amounts(least: str = "0") -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(least), Decimal("999999999.999999"), places=6)


def paid_for(entitlements: Iterable[Decimal], up: str, down: str) -> tuple[Ledger, list[Decimal]]:
    ledger, found = Ledger(), []
    for one in entitlements:
        found += [payment.amount for payment in settle(answer(reward(one, up=up, down=down)), ledger)]
    return ledger, found


@given(st.lists(amounts(), min_size=1, max_size=12))
def test_topped_up_and_kept_the_greatest_entitlement_is_paid_in_any_order(entitlements: list[Decimal]) -> None:
    ledger, found = paid_for(entitlements, "top_up", "keep")
    assert ledger.paid() == max(entitlements)
    assert all(amount > 0 for amount in found)
    assert sum(found, Decimal(0)) == max(entitlements)


@given(st.lists(amounts("0.000001"), min_size=1, max_size=12))
def test_kept_both_ways_the_first_entitlement_is_paid(entitlements: list[Decimal]) -> None:
    assert paid_for(entitlements, "keep", "keep")[1] == entitlements[:1]


@given(st.lists(amounts(), min_size=1, max_size=12))
def test_topped_up_and_clawed_back_the_last_entitlement_is_paid(entitlements: list[Decimal]) -> None:
    assert paid_for(entitlements, "top_up", "claw_back")[0].paid() == entitlements[-1]


@given(st.lists(amounts("0.000001"), min_size=1, max_size=12))
def test_kept_when_it_rises_and_clawed_back_when_it_falls_the_least_stays(entitlements: list[Decimal]) -> None:
    assert paid_for(entitlements, "keep", "claw_back")[0].paid() == min(entitlements)


@given(
    st.lists(amounts(), min_size=1, max_size=8),
    st.sampled_from(["top_up", "keep"]),
    st.sampled_from(["keep", "claw_back"]),
    st.data(),
)
def test_duplicates_pay_nothing_and_no_more_than_the_greatest_is_ever_paid(
    entitlements: list[Decimal], up: str, down: str, data: st.DataObject
) -> None:
    ledger = Ledger()
    for one in data.draw(st.lists(st.sampled_from(entitlements), min_size=1, max_size=20)):
        posted = answer(reward(one, up=up, down=down))
        settle(posted, ledger)
        assert settle(posted, ledger) == []
        assert due(posted, ledger) == []
        assert 0 <= ledger.paid() <= max(entitlements)


@given(st.lists(amounts("0.000001"), min_size=2, max_size=2))
def test_a_worker_that_is_outrun_looks_again(entitlements: list[Decimal]) -> None:
    mine, other = entitlements
    ledger = Outrun(answer(reward(other)))
    found = settle(answer(reward(mine)), ledger)
    assert ledger.paid() == max(mine, other)
    assert sum((one.amount for one in found), Decimal(0)) == max(mine - other, Decimal(0))


@settings(max_examples=20)
@given(st.lists(amounts("0.01"), min_size=8, max_size=8))
def test_workers_that_settle_one_claim_at_once_pay_it_once(entitlements: list[Decimal]) -> None:
    ledger, begin = Ledger(), Barrier(8)

    def work(entitlement: Decimal) -> Decimal:
        begin.wait(60)
        return sum((one.amount for one in settle(answer(reward(entitlement)), ledger)), Decimal(0))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, entitlements), Decimal(0)) == max(entitlements) == ledger.paid()


def test_differences_are_exact() -> None:
    _, found = paid_for([Decimal("0.1"), Decimal("0.3"), 10, Decimal("999999999.999999")], "top_up", "keep")
    assert found == [Decimal("0.1"), Decimal("0.2"), Decimal("9.7"), Decimal("999999989.999999")]


def test_each_key_has_its_own_account() -> None:
    ledger = Ledger()
    found = settle(answer(reward(5, key="a"), reward(7, key="b")), ledger)
    assert [(one.key, one.amount) for one in found] == [("a", 5), ("b", 7)]
    assert [(one.key, one.amount) for one in settle(answer(reward(6, key="a"), reward(7, key="b")), ledger)] == [
        ("a", 1)
    ]


def test_due_changes_nothing() -> None:
    ledger = Ledger()
    (one,) = due(answer(reward(5, unit="CNY")), ledger)
    assert (one.amount, one.entitlement, one.paid, one.unit) == (5, 5, 0, "CNY")
    assert ledger.payments == []


def test_kinds_are_paid_as_the_rules_sort_them() -> None:
    rewards = [reward(5, key=kind, kind=kind) for kind in (*ADDITIVE_KINDS, *STANDING_KINDS)]
    assert {one.key for one in settle(answer(*rewards), Ledger())} == set(ADDITIVE_KINDS)


def test_what_has_no_claim_is_not_paid() -> None:
    assert settle(answer(reward(5, key=None)), Ledger()) == []


@pytest.mark.parametrize("operation", [due, settle])
def test_a_preview_is_never_paid_even_with_a_claim(operation: Any) -> None:
    with pytest.raises(NotPayable):
        operation(answer(reward(5), purpose="preview"), Ledger())
    without_id: Any = {"purpose": "decide", "rewards": [reward(5)]}
    with pytest.raises(NotPayable):
        operation(without_id, Ledger())


def test_a_provisional_reward_is_held_until_it_is_definite_or_as_the_payer_wants() -> None:
    ledger = Ledger()
    posted = answer(reward(5, provisional=True))
    assert settle(posted, ledger) == []
    assert [one.amount for one in settle(posted, ledger, provisional="pay")] == [5]
    assert [one.amount for one in settle(answer(reward(7)), ledger)] == [2]


def test_a_kind_that_is_a_sum_must_have_a_number() -> None:
    with pytest.raises(TypeError):
        settle(answer(reward(True)), Ledger())


def test_a_decision_of_the_service_is_paid_once(client: PolicyClient) -> None:
    ledger, paid = Ledger(), []
    facts = {**examples.REQUEST["facts"], "distribution": {"orders_180d": 1200, "buyer_hours_180d": Decimal("12.5")}}
    for _ in range(2):
        decided = client.decide(facts, "2023-04-01", policies=["chuanliu.traffic_hours"])
        paid += settle(decided.answer, ledger)
    (one,) = paid
    assert (one.key, one.amount) == ("chuanliu.traffic_hours/chuanliu_traffic@merchant:m-1#2023-04-01", 10)
