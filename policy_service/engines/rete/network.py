"""The network that the engine builds of rules: what it shares, and how much of its stack can be in use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from policy_service.engines.rete.conditions import All, Condition, Either, PenRule, Present, identity

SENTINEL = "~w"  # the field, and the rule, that the warm-up of a ruleset uses


@dataclass(slots=True)
class _Node:
    """A condition in its place. Rules that begin alike share nodes; an `Either` adds one that its branches lead to."""

    branches: dict[object, int] = field(default_factory=dict)  # next condition -> node
    joins: list[int] = field(default_factory=list)  # the `Either`s of which this node ends a branch
    ends: int = 0  # rules that fire here


class Network:
    """The nodes that the C code would make for ordered rules; `nodes[0]` is the root, edges lead to later nodes."""

    def __init__(self, rules: Iterable[PenRule]) -> None:
        self.nodes = [_Node()]
        self._add(Present(SENTINEL), 0)
        for rule in rules:
            self.nodes[self._add(rule.condition, 0)].ends += 1

    def _add(self, condition: Condition, parent: int) -> int:
        """The node where the condition ends that begins under `parent`."""
        if isinstance(condition, All):
            for item in condition.items:
                parent = self._add(item, parent)
            return parent
        if isinstance(condition, Either):
            lasts = [self._add(item, parent) for item in condition.items]
            join = self._new()  # never shared, not even by two equal groups
            for last in lasts:
                self.nodes[last].joins.append(join)
            return join
        branches = self.nodes[parent].branches
        key = identity(condition)
        if key not in branches:
            branches[key] = self._new()
        return branches[key]

    def _new(self) -> int:
        self.nodes.append(_Node())
        return len(self.nodes) - 1

    def stack(self) -> int:
        """The most conditions that can wait on the engine's stack, whatever the fact; never too low.

        The walk is depth first: a node is popped, and all its children that hold are pushed. While one of them is
        walked the others wait. Children that hold together are at most all, but of equalities on one field only one.
        The sentinel's field is in no fact.
        """
        need = [0] * len(self.nodes)
        for number in reversed(range(len(self.nodes))):  # children first
            node = self.nodes[number]
            below = [need[child] for child in (*node.branches.values(), *node.joins)]
            if below:
                width = len({_exclusive(key) for key in node.branches}) + len(node.joins) - (number == 0)
                need[number] = max(width, width - 1 + max(below))
        return need[0]


def _exclusive(key: object) -> object:
    """Equal for branches that cannot hold together: equalities on one field."""
    match key:
        case (name, "eq", kind, _):
            return name, kind
    return key
