"""What an expression reads: facts as `section.fact`, other policies' decisions as `decision(policy.name)`."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from tests.oracle import syntax
from tests.oracle.model import Decision, Exception_, Formula, PolicyFile, Relation, Text

Reads = frozenset[str]


def nodes(tree: Any) -> Iterator[Any]:
    """A tree's node and all that stand below it; of several trees, those of each."""
    if isinstance(tree, tuple):
        for each in tree:
            yield from nodes(each)
    elif is_dataclass(tree):
        yield tree
        for field in fields(tree):
            yield from nodes(getattr(tree, field.name))


def direct(trees: Any, sections: frozenset[str]) -> Reads:
    """The facts and other decisions that are named in trees."""
    return frozenset(name for node in nodes(trees) if (name := _read(node, sections)))


def _read(node: Any, sections: frozenset[str]) -> str | None:
    if isinstance(node, syntax.Other):
        return f"decision({node.policy}.{node.decision})"
    if isinstance(node, syntax.Part) and isinstance(node.base, syntax.Name) and node.base.text in sections:
        return f"{node.base.text}.{node.name}"
    return None


# -- the trees of what is declared -----------------------------------------------------------------------------------


def trees_of_decision(decision: Decision) -> tuple[Any, ...]:
    """All expressions and cells of a decision."""
    if isinstance(decision, Formula):
        return (decision.node,)
    if isinstance(decision, Relation):
        return tuple(cell for row in decision.rows.values() for cell in row.values())
    cells = tuple(part for row in decision.rows for part in (*row.tests, *row.outputs))
    return (*decision.headers, *cells, *(decision.default or {}).values())


def trees_of_file(file: PolicyFile) -> tuple[Any, ...]:
    """All expressions of a policy file."""
    found: list[Any] = [file.applies]
    for decision in file.decisions.values():
        found += trees_of_decision(decision)
    for reward in file.rewards:
        found += [reward.when, reward.amount, *reward.details.values(), *trees_of_exceptions(reward.exceptions)]
    for recommendation in file.recommendations:
        found += [recommendation.when, *(tree for text in recommendation.texts.values() for tree in _in_text(text))]
    return tuple(found)


def trees_of_exceptions(exceptions: Iterable[Exception_]) -> tuple[Any, ...]:
    return tuple(tree for each in exceptions for tree in (each.when, *_in_text(each.text)))


def _in_text(text: Text) -> tuple[Any, ...]:
    return tuple(piece for pieces in text.values() for piece in pieces)


# -- what lies behind own decisions and columns ----------------------------------------------------------------------


class Dependencies:
    """What the value of an expression of a policy file depends on, through decisions and columns."""

    def __init__(self, file: PolicyFile, sections: frozenset[str]) -> None:
        self.file = file
        self.sections = sections
        self._decisions: dict[str, Reads] = {}

    def of(self, tree: Any, relation: str | None = None, row: str | None = None) -> Reads:
        """Of an expression, in a row of a relation if it stands in one."""
        names = {node.text for node in nodes(tree) if isinstance(node, syntax.Name)}
        below = [self.of_decision(name) for name in names if name in self.file.decisions]
        if relation and row:
            below += [self.of(cell, relation, row) for cell in self._cells(tree, names, relation, row)]
        return direct(tree, self.sections).union(*below)

    def of_decision(self, name: str) -> Reads:
        """Of a decision, with all of its rows."""
        if name not in self._decisions:
            self._decisions[name] = self.of(trees_of_decision(self.file.decisions[name]))
        return self._decisions[name]

    def _cells(self, tree: Any, names: set[str], relation: str, row: str) -> Iterator[syntax.Node]:
        """The cells of the row whose columns the expression names."""
        decision = self.file.decisions[relation]
        assert isinstance(decision, Relation)
        this = {node.name for node in nodes(tree) if isinstance(node, syntax.Part) and node.base == syntax.Name("this")}
        return (cell for column, cell in decision.rows[row].items() if column in names | this)
