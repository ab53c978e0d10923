"""The bulk contract: a plan compiled to a query, run on columns. No engine keeps it yet."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from policy_service.engines.plan import Plan
from policy_service.language.references import Decision, Fact, Status

Columns = Mapping[Fact, Sequence[Any]]
"""One value per state, stored as the dictionary stores it: scaled integers, day ordinals; None is null."""
Granted = tuple[str, str]
"""Policy and reward."""


class Outcomes(Protocol):
    """What a query found, one value per state, in the order of the states."""

    def status(self, policy: Status) -> Sequence[str]: ...

    def decision(self, decision: Decision) -> Sequence[Any]:
        """The value of a decision, as stored; None where the policy is not applied."""
        ...

    def reason(self, reward: Granted) -> Sequence[str | None]:
        """Why the reward is not granted; None where it is."""
        ...

    def amount(self, reward: Granted) -> Sequence[int | None]:
        """After stacking, scaled; None where the reward is not granted."""
        ...


class Query(Protocol):
    """A plan on an engine."""

    def run(self, states: Columns, as_of: Sequence[int]) -> Outcomes:
        """Decide all states.

        Args:
            as_of: per state the day judged, an ordinal of the plan's epoch.
        """
        ...


class Bulk(Protocol):
    """An engine that decides many states at once."""

    name: str

    def compile(self, plan: Plan) -> Query:
        """The plan as a query.

        Raises:
            EngineRefused: the plan holds an operation that the engine has not.
        """
        ...
