"""Stacking groups: what the members for one subject get together."""

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

from tests.oracle import choices
from tests.oracle.granting import Outcome
from tests.oracle.model import Folder, Group
from tests.oracle.values import shown


def stack(outcomes: Iterable[Outcome], folder: Folder) -> None:
    """Cuts the amounts of each group's members, subject by subject."""
    for (name, _), members in _by_group(outcomes).items():
        granted = sorted((each for each in members if each.granted), key=_order)
        _combine(name, folder.groups[name], granted)
        if any(each.reason == "insufficient_facts" for each in members):
            for each in granted:
                each.provisional = True


def _by_group(outcomes: Iterable[Outcome]) -> dict[tuple[str, object], list[Outcome]]:
    found: dict[tuple[str, object], list[Outcome]] = defaultdict(list)
    for each in outcomes:
        if each.reward.group:
            found[each.reward.group, each.subject].append(each)
    return found


def _order(member: Outcome) -> tuple[float, str, str]:
    """By priority, then policy and id."""
    without = float("-inf") if choices.NO_PRIORITY_FIRST else float("inf")
    priority = member.reward.priority
    return (without if priority is None else priority, member.judged.file.policy, member.id)


def _combine(name: str, group: Group, granted: list[Outcome]) -> None:
    if not granted:
        return
    if group.combine == "sum":
        _share(name, group.cap, granted)
        return
    winner = max(granted, key=lambda each: each.amount) if group.combine == "max" else granted[0]
    for each in granted:
        if each is not winner:
            _cut(each, name, Fraction(0), group.combine)
    _share(name, group.cap, [winner])


def _share(name: str, cap: Fraction | None, members: list[Outcome]) -> None:
    """Gives each what the cap leaves."""
    left = cap
    for each in members:
        if left is not None:
            _cut(each, name, min(each.amount, left), "cap")
            left -= each.amount


def _cut(member: Outcome, group: str, amount: Fraction, reason: str) -> None:
    if amount != member.amount:
        member.cut = {"group": group, "from": shown(member.amount), "reason": reason}
        member.amount = amount
