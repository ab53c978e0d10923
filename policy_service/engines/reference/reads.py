"""What something depends on: facts, and decisions of other policies."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from policy_service.language import typed
from policy_service.policies.model import CellTest, Expression, Policy, RelationTable, Rules


class Reads(NamedTuple):
    """Names of facts, and other policies' decisions as policy and name."""

    facts: frozenset[str]
    decisions: frozenset[tuple[str, str]]


NOTHING = Reads(frozenset(), frozenset())


def of_policy(policy: Policy) -> Reads:
    """What a file reads anywhere: in `when`, exceptions and texts too. Invariants reach no answer."""
    parts = (policy.applies, policy.decisions, policy.rewards, policy.recommendations)
    return _external(policy, (symbol for tree in _trees(parts) for symbol in typed.symbols(tree)))


def optional(policy: Policy) -> Reads:
    """What a file may read though it is null."""
    return _external(policy, policy.optional)


def of_exclusions(rules: Rules) -> frozenset[str]:
    """Facts that the exclusions of the bundle read, in their texts too."""
    trees = _trees([(exclusion.when, exclusion.text) for exclusion in rules.settings.exclusions])
    return frozenset(symbol.name for tree in trees for symbol in typed.symbols(tree) if symbol.kind == "fact")


def behind(policy: Policy, tree: typed.Node) -> Reads:
    """What an expression of a policy depends on, through decisions and cells of its own."""
    found: set[typed.Symbol] = set()
    todo = list(typed.symbols(tree))
    while todo:
        symbol = todo.pop()
        if symbol not in found:
            found.add(symbol)
            todo += [inner for part in _own(policy, symbol) for inner in typed.symbols(part)]
    return _external(policy, found)


def behind_decision(policy: Policy, name: str) -> Reads:
    return behind(policy, typed.Load(policy.decisions[name].type, typed.Symbol("decision", f"{policy.id}.{name}")))


def _own(policy: Policy, symbol: typed.Symbol) -> Iterable[typed.Node]:
    """The trees behind a decision, or a cell, of the policy itself."""
    if not symbol.name.startswith(f"{policy.id}."):
        return ()
    name = symbol.name.removeprefix(f"{policy.id}.")
    if symbol.kind == "decision":
        return _trees(policy.decisions[name].body)
    return (_cell(policy, name),) if symbol.kind == "cell" else ()


def _cell(policy: Policy, name: str) -> typed.Node:
    """The tree of the cell `relation[row].column`."""
    relation, _, place = name.partition("[")
    row, _, column = place.partition("].")
    body = policy.decisions[relation].body
    if not isinstance(body, RelationTable):
        raise TypeError(f"{relation} is no relation")
    return body.by_id[row].cells[[c.name for c in body.columns].index(column)].typed


def _external(policy: Policy, symbols: Iterable[typed.Symbol]) -> Reads:
    found = frozenset(symbols)
    decisions = (s.name.rpartition(".") for s in found if s.kind == "decision")
    return Reads(
        frozenset(s.name for s in found if s.kind == "fact"),
        frozenset((owner, name) for owner, _, name in decisions if owner != policy.id),
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
