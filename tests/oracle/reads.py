"""What an expression reads: facts as `section.fact`, other policies' decisions as `decision(policy.name)`."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from tests.oracle import syntax
from tests.oracle.model import Decision, Exception_, Formula, PolicyFile, Relation, Text
from tests.oracle.syntax import nodes

Reads = frozenset[str]


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


Place = tuple[str, str | None]  # a row of a relation; without its id any row


class Dependencies:
    """What the value of an expression of a policy file depends on, through decisions and columns."""

    def __init__(self, file: PolicyFile, sections: frozenset[str]) -> None:
        self.file = file
        self.sections = sections
        self._decisions: dict[str, Reads] = {}
        self._columns: dict[tuple[str, str | None, str], Reads] = {}

    def of(self, tree: Any, places: tuple[Place, ...] = ()) -> Reads:
        """Of an expression, in the rows of relations that it stands in, the innermost first."""
        match tree:
            case syntax.Name(name):
                return self._of_name(name, places)
            case syntax.Part(base, name):
                return self._of_part(tree, base, name, places)
            case syntax.Filter(base, condition):
                relation = self._relation(base)
                return self.of(base, places) | self.of(condition, ((relation, None), *places))
            case syntax.Other():
                return direct(tree, self.sections)
            case tuple():
                return frozenset().union(*(self.of(each, places) for each in tree))
        below = fields(tree) if is_dataclass(tree) else ()
        return frozenset().union(*(self.of(getattr(tree, field.name), places) for field in below))

    def of_decision(self, name: str) -> Reads:
        """Of a decision; the rows of a relation are always the same, only their columns depend on something."""
        if name not in self._decisions:
            decision = self.file.decisions[name]
            known = isinstance(decision, Relation)
            self._decisions[name] = frozenset() if known else self.of(trees_of_decision(decision))
        return self._decisions[name]

    def of_values(self, name: str) -> Reads:
        """Of a decision with all that it holds: of a relation, every column."""
        columns = (self._of_column(name, None, column) for column in self._columns_of(name))
        return self.of_decision(name).union(*columns)

    def _of_name(self, name: str, places: tuple[Place, ...]) -> Reads:
        for relation, row in places:
            if name in self._columns_of(relation):
                return self._of_column(relation, row, name)
        return self.of_decision(name) if name in self.file.decisions else frozenset()

    def _of_part(self, part: syntax.Part, base: syntax.Node, name: str, places: tuple[Place, ...]) -> Reads:
        if read := direct(part, self.sections) if isinstance(base, syntax.Name) else None:
            return read
        if base == syntax.Name("this"):
            return self._of_column(*places[0], name)
        relation = self._relation(base)
        return self.of(base, places) | (self._of_column(relation, None, name) if relation else frozenset())

    def _relation(self, base: syntax.Node) -> str:
        """The relation whose rows, perhaps filtered, an expression is; none of any other."""
        while isinstance(base, syntax.Filter):
            base = base.base
        name = base.text if isinstance(base, syntax.Name) else ""
        return name if isinstance(self.file.decisions.get(name), Relation) else ""

    def _columns_of(self, relation: str) -> set[str]:
        decision = self.file.decisions.get(relation)
        return {column.name for column in decision.columns} if isinstance(decision, Relation) else set()

    def _of_column(self, relation: str, row: str | None, name: str) -> Reads:
        """Of a column in a row, or in all rows."""
        key = (relation, row, name)
        if key not in self._columns:
            decision = self.file.decisions[relation]
            assert isinstance(decision, Relation)
            rows = decision.rows if row is None else (row,)
            cells = ((each, decision.rows[each].get(name)) for each in rows)
            self._columns[key] = frozenset().union(*(self.of(cell, ((relation, each),)) for each, cell in cells))
        return self._columns[key]
