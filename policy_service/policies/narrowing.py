"""Rules with some of their policies alone: those asked about, and those that their answers rest on."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from policy_service.language.references import Decision
from policy_service.policies.model import Rules


def narrowed(rules: Rules, wanted: Iterable[str]) -> Rules:
    """The rules with the policies that answers of some policies rest on. These policies answer as in all of them."""
    return only(rules, closure(_needs(rules), wanted))


def only(rules: Rules, ids: Collection[str]) -> Rules:
    """The rules with these policies and no others."""
    return replace(
        rules,
        policies=tuple(policy for policy in rules.policies if policy.id in ids),
        order=tuple(id_ for id_ in rules.order if id_ in ids),
    )


def closure(needs: Mapping[str, Iterable[str]], wanted: Iterable[str]) -> set[str]:
    """Some names and all that they need, directly or not."""
    found: set[str] = set()
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs.get(name, ())
    return found


def _needs(rules: Rules) -> dict[str, set[str]]:
    """By policy those whose decisions one of its files reads, and the other members of its stacking groups."""
    needs: dict[str, set[str]] = {id_: set() for id_ in rules.order}
    groups: dict[str, set[str]] = {}
    for policy in rules.policies:
        needs[policy.id] |= {read.policy for read in policy.reads() if isinstance(read, Decision)}
        for reward in policy.rewards:
            if reward.stack is not None:
                groups.setdefault(reward.stack, set()).add(policy.id)
    for members in groups.values():
        for id_ in members:
            needs[id_] |= members
    return needs
