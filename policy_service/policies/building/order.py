"""Topological order: each of several after those that it needs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import CYCLE, NAME_CLASH
from policy_service.policies.building.registry import Faulty
from policy_service.policies.drafts import Draft
from policy_service.policies.names import decision_names, prefixes


def policy_order(drafts: Sequence[Draft], faulty: Faulty, report: Report) -> list[str]:
    """Policy ids, each after those whose decisions it uses; those that need each other are faulty."""
    ids = {draft.id for draft in drafts}
    for draft in drafts:
        owner = next((id_ for id_ in prefixes(draft.id) if id_ in ids), None)
        if owner is not None:
            report.add(NAME_CLASH, draft.span, f"`{draft.id}` reads as a decision of the policy `{owner}`")
    order, loops = ordered(_needs(drafts, ids))
    for loop in loops:
        faulty.add("policy", *loop)
        first = next(draft for draft in drafts if draft.id == loop[0])
        report.add(CYCLE, first.span, f"policies need each other: {' -> '.join(loop)}")
    return order


def _needs(drafts: Iterable[Draft], ids: set[str]) -> dict[str, list[str]]:
    """For each policy, the other policies whose decisions it uses."""
    needs: dict[str, list[str]] = {id_: [] for id_ in sorted(ids)}
    for draft in drafts:
        for tree in draft.trees():
            for name, _ in decision_names(tree):
                needs[draft.id] += [owner for owner in prefixes(name) if owner in ids and owner != draft.id]
    return needs


def ordered(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """The names in topological order, and the cycles that were found."""
    done: dict[str, None] = {}
    loops: list[list[str]] = []
    for first in needs:
        trail: dict[str, Iterator[str]] = {}
        following: str | None = first
        while following is not None or trail:
            if following is not None and following in trail:
                names = list(trail)
                loops.append([*names[names.index(following) :], following])
            elif following is not None and following in needs and following not in done:
                trail[following] = iter(needs[following])
            top = next(reversed(trail), None)
            following = next(trail[top], None) if top is not None else None
            if following is None and top is not None:
                trail.popitem()
                done[top] = None
    return list(done), loops
