"""What is known of one subject under one policy file: facts, parameters, and decisions as they are asked for."""

from collections.abc import Callable, Mapping
from datetime import date

from tests.oracle.meaning import Row, value_of
from tests.oracle.model import Formula, PolicyFile, Relation, Table
from tests.oracle.syntax import Node
from tests.oracle.tables import Answer, answered
from tests.oracle.values import Value

Facts = Mapping[str, Mapping[str, Value]]  # by section (of a list, by the name of its element), then by fact
Others = Callable[[str, str], Value]  # the value of a decision of another policy


class RelationRow(Row):
    """A row of a relation on a sheet."""

    def __init__(self, sheet: "Sheet", relation: str, id: str, cells: Mapping[str, Node]) -> None:
        self.sheet = sheet
        self.relation = relation
        self.id = id
        self.cells = cells
        self._values: dict[str, Value] = {"row": id}

    def __contains__(self, column: str) -> bool:
        return column == "row" or column in self.cells

    def value(self, column: str) -> Value:
        if column not in self._values:
            self._values[column] = value_of(self.cells[column], self.sheet, (self,))
        return self._values[column]

    def record(self) -> dict[str, Value]:
        """Its id and all its columns."""
        return {name: self.value(name) for name in ("row", *self.cells)}


class Sheet:
    """One subject under one policy file on one day."""

    def __init__(
        self,
        file: PolicyFile,
        as_of: date,
        facts: Facts,
        sections: frozenset[str],
        parameters: Mapping[str, Value],
        others: Others,
    ) -> None:
        self.file = file
        self.as_of = as_of
        self.facts = facts
        self.sections = sections
        self.parameters = parameters
        self.other = others
        self._answers: dict[str, Answer] = {}

    def fact(self, section: str, fact: str) -> Value:
        return self.facts.get(section, {}).get(fact)

    def is_section(self, name: str) -> bool:
        return name in self.sections

    def campaign_day(self, name: str) -> date | None:
        return self.file.period.first if name == "from" else self.file.period.end

    def named(self, name: str) -> Value:
        """The value of a parameter or decision; any other name is a bare member of an enumeration."""
        if name in self.parameters:
            return self.parameters[name]
        return self.answer(name).value if name in self.file.decisions else name

    def answer(self, name: str) -> Answer:
        """What a decision answers, and which of its rows did."""
        if name not in self._answers:
            self._answers[name] = self._answer(name)
        return self._answers[name]

    def _answer(self, name: str) -> Answer:
        decision = self.file.decisions[name]
        if isinstance(decision, Table):
            return answered(decision, self)
        if isinstance(decision, Relation):
            return Answer([RelationRow(self, name, id, cells) for id, cells in decision.rows.items()])
        assert isinstance(decision, Formula)
        return Answer(value_of(decision.node, self))

    def rows(self, relation: str) -> list[RelationRow]:
        rows: list[RelationRow] = self.answer(relation).value
        return rows
