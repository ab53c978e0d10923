"""What depends on what: asked by the plan, the catalogue, the filter of policies, explanations and redaction."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from policy_service.language import typed
from policy_service.language.references import Cell, Decision, Fact, Needed, Reference
from policy_service.policies import model
from policy_service.policies.model import Policy, RelationTable, Rules, Table, body_expressions


@dataclass(frozen=True, slots=True)
class Reads:
    """What a policy file reads: facts, and decisions of other policies.

    required: without these it has no answer.
    optional: it does without these; facts that only an exclusion of the bundle reads, in its text too, are among these.
    """

    required: frozenset[Needed]
    optional: frozenset[Needed]


class Dependencies:
    """What the expressions of one policy file depend on."""

    def __init__(self, rules: Rules, policy: Policy) -> None:
        self._rules, self.policy = rules, policy

    @cached_property
    def reads(self) -> Reads:
        """All that the file reads anywhere, directly."""
        read, policy = self.policy.reads, self.policy
        only_excluding = exclusion_facts(self._rules) - read if policy.rewards else frozenset()
        return Reads(read - policy.optional, (read & policy.optional) | only_excluding)

    def behind(self, node: typed.Node) -> frozenset[Needed]:
        """All that a tree of the file depends on, through the decisions of the file."""
        return _resolved(node, self._behind)

    def behind_decision(self, name: str) -> frozenset[Needed]:
        """All that a decision of the file depends on, through the others of the file."""
        return self._behind[Decision(self.policy.id, name)]

    @cached_property
    def _behind(self) -> Mapping[Reference, frozenset[Needed]]:
        """Per decision of the file, and per cell of its relations; each needs only earlier ones."""
        found: dict[Reference, frozenset[Needed]] = {}
        for decision in self.policy.decisions.values():
            for cell, node in cells_of(self.policy.id, decision):
                found[cell] = _resolved(node, found)
            nodes = (_resolved(node, found) for node in decision_nodes(decision))
            found[Decision(self.policy.id, decision.name)] = frozenset().union(*nodes)
        return found


def exclusion_facts(rules: Rules) -> frozenset[Fact]:
    """Facts that the exclusions of the bundle read, in conditions and texts."""
    found: set[Fact] = set()
    for exclusion in rules.settings.exclusions:
        texts = [e for template in exclusion.text.values() for e in template.expressions]
        for expression in (exclusion.when, *texts):
            found |= {one for one in typed.references(expression.typed) if isinstance(one, Fact)}
    return frozenset(found)


def _resolved(node: typed.Node, behind: Mapping[Reference, frozenset[Needed]]) -> frozenset[Needed]:
    found: set[Needed] = set()
    for reference in typed.references(node):
        if reference in behind:
            found |= behind[reference]
        elif isinstance(reference, Fact | Decision):
            found.add(reference)
    return frozenset(found)


def decision_nodes(decision: model.Decision) -> Iterator[typed.Node]:
    """Every tree of a decision, the tests of its table's cells too."""
    yield from (expression.typed for expression in body_expressions(decision.body))
    if isinstance(decision.body, Table):
        yield from (cell.typed for row in decision.body.rows for cell in row.cells)


def cells_of(policy: str, decision: model.Decision) -> Iterator[tuple[Cell, typed.Node]]:
    """The cells of a relation; none of another decision."""
    if isinstance(decision.body, RelationTable):
        for row in decision.body.rows:
            for column, cell in zip(decision.body.columns, row.cells, strict=True):
                yield Cell(policy, decision.name, row.id, column.name), cell.typed


def needed_policies(policies: Iterable[Policy], chosen: Collection[str]) -> frozenset[str]:
    """The policies to evaluate so as to show some: also those whose decisions they use, and their groups' members.

    Args:
        policies: the files to look at; those of one day, or of every period.
    """
    needs: dict[str, set[str]] = {}
    groups: dict[str, set[str]] = {}
    for policy in policies:
        needs.setdefault(policy.id, set()).update(one.policy for one in policy.reads if isinstance(one, Decision))
        for group in {reward.stack for reward in policy.rewards if reward.stack is not None}:
            groups.setdefault(group, set()).add(policy.id)
    for members in groups.values():
        for id_ in members:
            needs[id_] |= members
    return frozenset(reachable(needs, chosen) & needs.keys())


def reachable(needs: Mapping[str, Iterable[str]], wanted: Iterable[str]) -> set[str]:
    """Some names and all that they need, directly or not."""
    found: set[str] = set()
    todo = list(wanted)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs.get(name, ())
    return found
