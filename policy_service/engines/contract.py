"""What an engine must do, and nothing of how: nobody outside `engines` knows which one ran."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from policy_service.engines.plan import Formula, Plan, PolicyPlan
from policy_service.facts import State


@dataclass(frozen=True, slots=True)
class Firing:
    """Rows of one decision that fired, by their place in the table, ascending."""

    decision: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """What the decisions of one policy came to.

    values: by decision name, as an answer shows them; None is null.
    firings: one per decision table, in file order.
    conflicts: tables where UNIQUE matched several rows or ANY different outputs; their value is null.
    """

    values: Mapping[str, Any]
    firings: tuple[Firing, ...]
    conflicts: tuple[str, ...]


class View(Protocol):
    """One state as one subject element sees it."""

    def decide(self, policy: PolicyPlan) -> Decided:
        """All decisions of a policy; later formulas may read them."""
        ...

    def skip(self, policy: PolicyPlan) -> None:
        """The policy is not applied: its decisions are null for those that read them."""
        ...

    def truth(self, formula: Formula) -> bool | None:
        """A condition: true, false or unknown."""
        ...

    def shown(self, formula: Formula) -> Any:
        """A value as an answer shows it; None is null."""
        ...

    def is_null(self, fact: int) -> bool:
        """Whether the fact with this place in the dictionary is null here."""
        ...


class Run(Protocol):
    """One request under way."""

    def single(self) -> View:
        """The view of the single subjects."""
        ...

    def element(self, section: str, index: int) -> View:
        """The view of one element of a list section; asked for when the single subjects are decided."""
        ...


class Prepared(Protocol):
    """An engine ready for one epoch of one bundle."""

    def run(self, state: State, as_of: int) -> Run:
        """Start a request.

        Args:
            as_of: the day judged, as an ordinal.
        """
        ...

    def close(self) -> None:
        """Free what the engine holds."""
        ...


class Engine(Protocol):
    """Compiles a plan."""

    name: str

    def prepare(self, plan: Plan) -> Prepared: ...
