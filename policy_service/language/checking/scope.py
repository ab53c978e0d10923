"""The names that an expression may use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from policy_service.language.references import Cell
from policy_service.language.typed import Const, Load, Node
from policy_service.language.types import Null, Relation, Text, Type

FAULTY: Node = Const(Null(), "faulty")
"""Stands for a name whose declaration has a fault: what reads it is not checked, so that one fault is told once."""


@dataclass(slots=True, eq=False)
class Scope:
    """The names that may be used: bare, or dotted as `section.fact`. The scope of a row extends that of its policy.

    hidden: declared names that may not be used here, each with the reason.
    undeclared: names already reported as not declared; a row's scope keeps them in that of its policy.
    """

    names: Mapping[str, Node]
    decision: Callable[[str], Node | None] = lambda _name: None
    outer: "Scope | None" = None
    hidden: Mapping[str, str] = field(default_factory=dict)
    undeclared: set[str] = field(default_factory=set)

    def find(self, name: str) -> Node | None:
        found = self.names.get(name)
        if found is not None or self.outer is None:
            return found
        # `this` is one row: what a row inside another lacks is not looked for in the outer one.
        return None if name.startswith("this.") and "this.row" in self.names else self.outer.find(name)

    def all_names(self) -> list[str]:
        return [*self.names, *(self.outer.all_names() if self.outer else ())]


def row_scope(relation: Relation, row: str, columns: tuple[tuple[str, Type], ...], outer: Scope) -> Scope:
    """Scope of one row: its columns by bare name and as `this.column`; `row` is the row's id."""
    names: dict[str, Node] = {}
    for name, type_ in columns:
        reference = Cell(relation.policy, relation.decision, row, name)
        names[name] = names[f"this.{name}"] = Load(type_, reference)
    names["this.row"] = names["row"] = Const(Text(), row)
    return Scope(names, outer.decision, outer, outer.hidden, outer.undeclared)
