"""Paying what decisions grant: by difference, under the claim's key, once.

A reward's amount is the entitlement to date under its key, never an increment. The payer keeps what it paid per key and
pays the difference, so that retries, rollouts, corrections and several workers cannot pay twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from typing import Literal, Protocol, TypeVar

from policy_client.shapes import Answer, Claim, Reward

ADDITIVE = frozenset({"traffic_coupon", "traffic_hours", "cash", "rebate", "coupon"})
"""Kinds that are sums. The others (traffic_multiplier, price, right) are standing answers: nothing is paid."""
_EXACT = Context(prec=60, traps=[Inexact])
Version = TypeVar("Version")


class NotPayable(Exception):
    """The answer is a preview: it was not logged, and nothing may be paid on it."""


class PayLedger(Protocol[Version]):
    """What the payer has paid per key; yours, in the database that your payments are in.

    `put` must be one transaction that compares and sets, and that also writes the order to pay (an outbox): then a
    crash behind it loses no payment, and one before it leaves nothing behind.
    """

    def get(self, key: str) -> tuple[Decimal, Version]:
        """What was paid under the key, 0 for an unknown one, and the version of that entry."""

    def put(self, key: str, paid: Decimal, version: Version) -> bool:
        """Set what was paid, if the entry still has the version; else nothing is changed, and false."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be paid for one reward.

    Args:
        key: the claim's.
        entitlement: the reward's amount.
        paid: what the ledger says was paid.
        amount: to pay now; below 0: to take back. In `unit`.
    """

    key: str
    entitlement: Decimal
    paid: Decimal
    amount: Decimal
    kind: str
    unit: str | None
    reward: Reward


def due(answer: Answer, ledger: PayLedger[Version], *, provisional: Literal["hold", "pay"] = "hold") -> list[Due]:
    """What is to be paid for an answer as the ledger stands; changes nothing.

    Args:
        provisional: a reward is provisional while another of its stacking group lacks facts, so that its cut may still
            change. `hold`: it is not paid until it is definite, for what is paid too much stays paid where the claim
            says `on_decrease: keep`. `pay`: it is paid as it stands.
    Raises:
        NotPayable: for a preview.
    """
    found = (_due(reward, claim, *ledger.get(claim["key"])[:1]) for reward, claim in _claims(answer, provisional))
    return [one for one in found if one.amount]


def settle(answer: Answer, ledger: PayLedger[Version], *, provisional: Literal["hold", "pay"] = "hold") -> list[Due]:
    """Enter in the ledger what is due, and give what was entered: exactly this is to be paid, and by nobody else.

    Each key is all or nothing, and none waits for another: of two workers that settle one key at once, one enters, and
    the other looks again. Settling the same answer again gives nothing.

    Claims that say `on_decrease: claw_back` go by the last answer settled: settle a subject's decisions in the order of
    `decided_at`. With `keep` the order does not matter. A reward that an answer no longer grants has no claim there;
    what was paid for it stays paid.

    Raises:
        NotPayable: for a preview. What the ledger raises passes; the keys before it are entered.
    """
    return [one for reward, claim in _claims(answer, provisional) if (one := _settled(reward, claim, ledger))]


def _settled(reward: Reward, claim: Claim, ledger: PayLedger[Version]) -> Due | None:
    while True:
        paid, version = ledger.get(claim["key"])
        found = _due(reward, claim, paid)
        if not found.amount:
            return None
        if ledger.put(claim["key"], _EXACT.add(paid, found.amount), version):
            return found


def _claims(answer: Answer, provisional: str) -> Iterator[tuple[Reward, Claim]]:
    if answer["purpose"] != "decide" or "decision_id" not in answer:
        raise NotPayable("a preview is never paid")
    for reward in answer["rewards"]:
        claim = reward.get("claim")
        held = provisional != "pay" and reward.get("provisional", False)
        if claim is not None and reward["kind"] in ADDITIVE and not held:
            yield reward, claim


def _due(reward: Reward, claim: Claim, paid: Decimal) -> Due:
    amount = reward["amount"]
    if isinstance(amount, bool | str):
        raise TypeError(f"the amount of {claim['key']} is no number")
    entitlement = Decimal(amount)
    difference = _EXACT.subtract(entitlement, paid)
    if (difference > 0 and paid and claim["on_increase"] == "keep") or (
        difference < 0 and claim["on_decrease"] == "keep"
    ):
        difference = Decimal(0)
    return Due(claim["key"], entitlement, paid, difference, reward["kind"], reward.get("unit"), reward)
