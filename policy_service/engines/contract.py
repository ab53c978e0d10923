"""What an engine must do, and nothing of how: nobody outside `engines` knows which one ran.

An engine settles everything it can when it prepares a plan: what it hands out are functions on a view.
A view is the engine's own form of one state as one subject element sees it; nobody else looks inside.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol, runtime_checkable

from policy_service.engines.asked import Wanted
from policy_service.engines.plan import Formula, Plan, PolicyPlan, RewardPlan
from policy_service.facts import State
from policy_service.policies.model import Rules

View = Any


class EngineRefused(Exception):
    """The engine cannot hold a bundle that has no error; the message says what is beyond it."""


class Decided(NamedTuple):
    """What a policy came to for one subject.

    status: see design.md §3; `applied` where nothing stands against it.
    values: by decision name, as an answer shows them; None is null. Empty where nothing had to be decided.
    fired: by name of each decision table, the places of the rows that fired, ascending.
    missing: names of what is null, sorted: the required ones with `insufficient_facts`, the optional with `applied`.
    """

    status: str
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


class Engine(Protocol):
    """Compiles a plan."""

    name: str

    def prepare(self, plan: Plan) -> Prepared: ...


class WholeAnswers(Protocol):
    """A bundle, ready to be asked."""

    def answer(self, state: State, as_of: date, wanted: Wanted) -> dict[str, Any]:
        """`rewards`, `not_granted`, `recommendations` and `policies`, each in its order."""
        ...


@runtime_checkable
class Oracle(Protocol):
    """An engine that decides whole answers by itself, from the rules: it needs no plan and compiles nothing."""

    name: str

    def answers(self, rules: Rules) -> WholeAnswers: ...


AnyEngine = Engine | Oracle
