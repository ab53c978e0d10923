"""Groups of rewards: what each keeps of its amount, and why it was cut."""

from decimal import Decimal

from policy_service.engines.answer import Reward as Entry
from policy_service.engines.reference.values import shown
from policy_service.policies.model import Reward, StackingGroup

Member = tuple[Reward, Entry]
"""A granted reward of a group with its entry."""


def stack(group: StackingGroup, members: list[Member], *, provisional: bool) -> None:
    """Cut the amounts of the entries, in place, to what the group allows.

    They are paid by priority, policy and id; `max` pays the highest alone, `first` the first; then all of them together
    no more than the cap.

    Args:
        provisional: whether a member lacks facts, so that the others are not the last word.
    """
    ordered = [entry for _, entry in sorted(members, key=_place)]
    paid = {"sum": ordered, "max": _highest(ordered), "first": ordered[:1]}[group.combine]
    for entry in ordered:
        if not any(entry is one for one in paid):
            _cut(entry, Decimal(0), group, group.combine)
    if group.cap is not None:
        _share(group, ordered, Decimal(group.cap).scaleb(-group.scale))
    for entry in ordered if provisional else ():
        entry["provisional"] = True


def _place(member: Member) -> tuple[int, str, str]:
    reward, entry = member
    return reward.priority or 0, entry["policy"], entry["id"]


def _highest(ordered: list[Entry]) -> list[Entry]:
    """The first of those with the highest amount."""
    most = max((entry["amount"] for entry in ordered), default=None)
    return [entry for entry in ordered if entry["amount"] == most][:1]


def _share(group: StackingGroup, ordered: list[Entry], cap: Decimal) -> None:
    """Pay in order until the cap is spent."""
    left = cap
    for entry in ordered:
        if entry["amount"] > left:
            _cut(entry, left, group, "cap")
        left -= entry["amount"]


def _cut(entry: Entry, amount: Decimal, group: StackingGroup, reason: str) -> None:
    """Lower an amount; one that is 0 already is not cut."""
    if entry["amount"] != amount:
        entry["cut"] = {"group": group.id, "from": entry["amount"], "reason": reason}
        entry["amount"] = shown(amount)
