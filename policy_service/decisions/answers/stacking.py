"""Groups of rewards that share one ceiling: what each keeps, and why it was cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from policy_service.language.values import exact
from policy_service.policies.model import StackingGroup

Amount = int | Decimal


@dataclass(frozen=True, slots=True)
class Member:
    """A granted reward of a group: its answer entry, and its place among the others."""

    entry: dict[str, Any]
    priority: int


def apply(group: StackingGroup, members: list[Member], *, provisional: bool) -> None:
    """Cut the entries' amounts in place to what the group allows; a cut entry says so.

    Order is by priority, policy and id. `sum` pays in that order up to the cap; `max` pays the highest
    amount alone; `first` the first alone. A member that lacks facts makes the others provisional.
    """
    ordered = sorted(members, key=lambda m: (m.priority, m.entry["policy"], m.entry["id"]))
    if group.combine != "sum" and ordered:
        chosen = ordered[0] if group.combine == "first" else max(ordered, key=lambda m: m.entry["amount"])
        for member in ordered:
            if member is not chosen:
                _cut(member.entry, 0, group.id, group.combine)
    left: Amount | None = None if group.cap is None else exact(group.cap, group.scale)
    for member in ordered:
        amount = member.entry["amount"]
        if left is not None:
            if amount > left:
                _cut(member.entry, left, group.id, "cap")
            left -= member.entry["amount"]
        if provisional:
            member.entry["provisional"] = True


def _cut(entry: dict[str, Any], amount: Amount, group: str, reason: str) -> None:
    before: Mapping[str, Any] = entry.get("cut") or {"from": entry["amount"]}
    if amount != entry["amount"]:
        entry["cut"] = {"group": group, "from": before["from"], "reason": reason}
        entry["amount"] = whole(amount)


def whole(amount: Amount) -> Amount:
    """An amount as answers show it: an int when it is whole."""
    return int(amount) if isinstance(amount, Decimal) and amount == amount.to_integral_value() else amount
