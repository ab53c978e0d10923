"""Stacking groups: what each of several rewards keeps of its amount where they share a cap, or only one counts."""

from dataclasses import dataclass
from decimal import Decimal

from policy_service.engines.answer import Reward
from policy_service.engines.plan import StackingPlan

Amount = int | Decimal


@dataclass(frozen=True, slots=True)
class Member:
    """A granted reward of a group: its answer entry, and its place among the group's members."""

    entry: Reward
    place: int


def apply(group: StackingPlan, members: list[Member], *, provisional: bool) -> None:
    """Cut the amounts of the entries, in place, to what the group allows; a cut entry gets `cut`.

    `sum` pays in the order of the plan up to the cap; `max` pays the highest amount alone; `first` the first alone.

    Args:
        provisional: whether another member is not granted because facts are missing: the amounts may still change.
    """
    ordered = sorted(members, key=lambda member: member.place)
    if group.combine != "sum" and ordered:
        chosen = ordered[0] if group.combine == "first" else max(ordered, key=lambda m: m.entry["amount"])
        for member in ordered:
            if member is not chosen:
                _cut(member.entry, 0, group.id, group.combine)
    left: Amount | None = group.cap
    for member in ordered:
        amount = member.entry["amount"]
        if left is not None:
            if amount > left:
                _cut(member.entry, left, group.id, "cap")
            left -= member.entry["amount"]
        if provisional:
            member.entry["provisional"] = True


def _cut(entry: Reward, amount: Amount, group: str, reason: str) -> None:
    if amount != entry["amount"]:
        entry["cut"] = {"group": group, "from": entry["amount"], "reason": reason}
        entry["amount"] = whole(amount)


def whole(amount: Amount) -> Amount:
    """An amount as answers show it: an int when it is whole."""
    return int(amount) if isinstance(amount, Decimal) and amount == amount.to_integral_value() else amount
