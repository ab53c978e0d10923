"""Hit policies as data: how the rows of a table that matched become its answer.

`running` runs a choice; `lowered` writes it as typed trees, for engines that do not run Python. The two are compared
on generated tables. The reference has hit policies of its own.
"""

from dataclasses import dataclass
from datetime import date

from policy_service.language import types
from policy_service.policies.model import Table, gives_list


@dataclass(frozen=True, slots=True)
class Ranking:
    """The order of one output's members, best first; a member of another day ranks below all of them."""

    output: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """How the rows that matched become the table's answer.

    hit, aggregation: as the rule file names them.
    outputs: names of the output columns.
    ranks: for PRIORITY and OUTPUT ORDER, the first that differs decides; ties in table order.
    has_default: whether rows that all miss give the default, whose place is `DEFAULT`.
    """

    hit: str
    aggregation: str | None
    outputs: tuple[str, ...]
    ranks: tuple[Ranking, ...]
    has_default: bool

    @property
    def is_multiple(self) -> bool:
        """Whether the answer is a list of the rows' outputs."""
        return gives_list(self.hit, self.aggregation)


def choice(table: Table, day: date) -> Choice:
    """The choice of a table on a day, and on all days that have the same members."""
    ranked = table.hit in ("priority", "output order")
    ranks = [Ranking(i, o.type.at(day)) for i, o in enumerate(table.outputs) if isinstance(o.type, types.Enum)]
    names = tuple(o.name for o in table.outputs)
    return Choice(table.hit, table.aggregation, names, tuple(ranks) if ranked else (), table.default is not None)
