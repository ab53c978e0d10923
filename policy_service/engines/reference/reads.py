"""What something depends on: facts, and decisions of other policies."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from policy_service.language import typed
from policy_service.language.references import Cell, Decision, Fact, Needed, Reference
from policy_service.policies.model import CellTest, Expression, Policy, RelationTable, Rules

Reads = frozenset[Needed]
NOTHING: Reads = frozenset()


def of_policy(policy: Policy) -> Reads:
    """What a file reads anywhere: in `when`, exceptions and texts too. Invariants reach no answer."""
    parts = (policy.applies, policy.decisions, policy.rewards, policy.recommendations)
    return _external(policy, (reference for tree in _trees(parts) for reference in typed.references(tree)))


def of_exclusions(rules: Rules) -> Reads:
    """Facts that the exclusions of the bundle read, in their texts too."""
    trees = _trees([(exclusion.when, exclusion.text) for exclusion in rules.settings.exclusions])
    return frozenset(one for tree in trees for one in typed.references(tree) if isinstance(one, Fact))


def behind(policy: Policy, tree: typed.Node) -> Reads:
    """What an expression of a policy depends on, through decisions and cells of its own."""
    return _behind(policy, typed.references(tree))


def behind_decision(policy: Policy, name: str) -> Reads:
    return _behind(policy, [Decision(policy.id, name)])


def _behind(policy: Policy, references: Iterable[Reference]) -> Reads:
    found: set[Reference] = set()
    todo = list(references)
    while todo:
        reference = todo.pop()
        if reference not in found:
            found.add(reference)
            todo += [inner for tree in _own(policy, reference) for inner in typed.references(tree)]
    return _external(policy, found)


def _own(policy: Policy, reference: Reference) -> Iterable[typed.Node]:
    """The trees behind a decision, or a cell, of the policy itself."""
    match reference:
        case Decision(policy.id, name):
            return _trees(policy.decisions[name].body)
        case Cell(policy.id):
            return (_cell(policy, reference),)
    return ()


def _cell(policy: Policy, cell: Cell) -> typed.Node:
    body = policy.decisions[cell.relation].body
    if not isinstance(body, RelationTable):
        raise TypeError(f"{cell.relation} is no relation")
    return body.by_id[cell.row].cells[[column.name for column in body.columns].index(cell.column)].typed


def _external(policy: Policy, references: Iterable[Reference]) -> Reads:
    """Facts, and decisions of other policies."""
    return frozenset(
        one for one in references if isinstance(one, Fact) or (isinstance(one, Decision) and one.policy != policy.id)
    )


def _trees(part: Any) -> Iterator[typed.Node]:
    """Every typed tree of a part of a policy, wherever in it it stands."""
    if isinstance(part, Expression | CellTest):
        yield part.typed
    elif isinstance(part, Mapping):
        yield from _trees(tuple(part.values()))
    elif isinstance(part, tuple | list):
        for item in part:
            yield from _trees(item)
    elif is_dataclass(part):
        for one in fields(part):
            yield from _trees(getattr(part, one.name))
