"""The online contract: prepare an epoch, decide one state.

An engine settles everything it can when it prepares a plan: what it hands out are functions on a view.
A view is the engine's own form of one state as one subject element sees it; nobody else looks inside.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from policy_service.engines.answer import Status
from policy_service.engines.plan import Formula, Plan, PolicyPlan, RewardPlan
from policy_service.facts import State

View = Any


class Decided(NamedTuple):
    """The result of a policy for one subject.

    status: `applied` where no other status holds.
    values: by decision name, as an answer shows them; None is null. Empty where nothing had to be decided.
    fired: by name of each decision table, the places of the rows that fired, ascending.
    missing: names of what is null, sorted: the required ones with `insufficient_facts`, the optional with `applied`.
    """

    status: Status
    values: dict[str, Any]
    fired: Mapping[str, Sequence[int]]
    missing: list[str]


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

    def truth(self, formula: Formula) -> Callable[[View], bool | None]:
        """A condition on a view: true, false or unknown."""
        ...

    def shown(self, formula: Formula) -> Callable[[View], Any]:
        """A value on a view, as an answer shows it; None is null."""
        ...

    def decide(self, policy: PolicyPlan) -> Callable[[View], Decided]:
        """All decisions of a policy and its status; formulas and policies asked for later may read them."""
        ...

    def refusal(self, policy: PolicyPlan, reward: RewardPlan) -> Callable[[View], int | None]:
        """The place of the first of the reward's refusals that is true; None where it is granted."""
        ...

    def close(self) -> None:
        """Free what the engine holds."""
        ...


class Online(Protocol):
    """An engine that compiles a plan, then decides one state at a time."""

    name: str

    def prepare(self, plan: Plan) -> Prepared:
        """The engine ready for the epoch.

        Raises:
            EngineRefused: E101, the plan goes beyond what the engine can hold.
        """
        ...
