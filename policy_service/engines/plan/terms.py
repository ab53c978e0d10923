"""What a plan says, as frozen values: how every value comes about, and every outcome.

Outcomes are ordered guards over typed nodes, so that each engine compiles them and none writes them again. The
first guard that is true gives the outcome; none of them is ever null.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Literal, TypeVar

from policy_service.engines.answer import Reason, Status
from policy_service.engines.choices import Choice
from policy_service.language import ast, typed, types
from policy_service.language.references import Decision, Fact, Lacking, Reference
from policy_service.policies import model
from policy_service.policies.model import Period, Policy, Rules

OutcomeT = TypeVar("OutcomeT", Status, Reason)


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """Something an engine evaluates. `index` is its place in the plan; `tree` is what the author wrote."""

    index: int
    tree: ast.Node
    typed: typed.Node


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One comparison or boolean operand of a condition, or one cell of a row.

    subject: what is compared. `fact` is its text.
    asked: what is asked of it, parameters replaced by their values. `test` is its text.
    reads: all that the two read, as the author named it; a column of a row stands for itself.
    """

    subject: ast.Node
    asked: ast.Node
    fact: str
    test: str
    operand: Formula
    holds: Formula
    reads: frozenset[Reference]


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A formula that is true, false or unknown, and its leaves.

    all_hold: a true condition means that every leaf holds: there is no `or` and no `not` above a leaf.
    """

    formula: Formula
    leaves: tuple[Leaf, ...]
    all_hold: bool


@dataclass(frozen=True, slots=True, eq=False)
class TemplatePlan:
    """A text in each of zh and en; formulas between plain parts."""

    parts: Mapping[str, tuple[str | Formula, ...]]


# ---- decisions


@dataclass(frozen=True, slots=True, eq=False)
class RowPlan:
    """`cells` has None for `-`; `leaves` are the other cells."""

    id: str
    cells: tuple[Formula | None, ...]
    outputs: tuple[Formula, ...]
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TablePlan:
    """A decision table; `default` is as that of the model's table."""

    choice: Choice
    inputs: tuple[Formula, ...]
    rows: tuple[RowPlan, ...]
    default: tuple[Formula, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class RelationPlan:
    """`cells[row][column]`."""

    columns: tuple[model.Column, ...]
    rows: tuple[str, ...]
    cells: tuple[tuple[Formula, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class DecisionPlan:
    name: str
    reference: Decision
    type: types.Type
    body: TablePlan | RelationPlan | Formula


@dataclass(frozen=True, slots=True, eq=False)
class RelationFiring:
    """A relation's row fires when the `when` of an `each` on it holds."""

    decision: str
    row: str
    condition: Condition | None
    leaves: tuple[Leaf, ...]


# ---- outcomes


@dataclass(frozen=True, slots=True, eq=False)
class ExclusionPlan:
    id: str
    condition: Condition
    text: TemplatePlan


@dataclass(frozen=True, slots=True, eq=False)
class Guard(Generic[OutcomeT]):
    """The outcome that holds where `when` is true.

    outcome: a status, or the reason why a reward is not granted.
    exclusion: of `excluded`, which one.
    """

    outcome: OutcomeT
    when: typed.Node
    exclusion: ExclusionPlan | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Missing:
    """A name that `missing` lists where `when` is true: a fact, or `decision(policy.name)`."""

    name: str
    when: typed.Node


@dataclass(frozen=True, slots=True)
class ClaimPlan:
    """What a payer keeps its payments under.

    stem: `policy/reward@type:`, before the subject's id.
    period: what follows `#`: the day judged, its month, or a text that is the same on all days.
    """

    per: str
    on_increase: str
    on_decrease: str
    stem: str
    period: Literal["day", "month"] | tuple[str]

    def key(self, id_: str, as_of: date) -> str:
        """`policy/reward@type:id#period`."""
        day = as_of.isoformat()
        period = day if self.period == "day" else day[:7] if self.period == "month" else self.period[0]
        return f"{self.stem}{id_}#{period}"


@dataclass(frozen=True, slots=True)
class StackingPlan:
    """A stacking group.

    cap: in the group's unit; null where there is none.
    order: policy and reward of its members, in the order in which they are served.
    """

    id: str
    combine: Literal["sum", "max", "first"]
    cap: Any
    order: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True, eq=False)
class RewardPlan:
    """One reward.

    refusals: why it is not granted; where none is true it is.
    claim: null where no payment is kept under a key.
    stack: the group it belongs to.
    """

    reward: model.Reward
    when: Condition | None
    amount: Formula
    details: tuple[tuple[str, Formula], ...]
    refusals: tuple[Guard[Reason], ...]
    claim: ClaimPlan | None
    stack: str | None


@dataclass(frozen=True, slots=True, eq=False)
class RecommendationPlan:
    recommendation: model.Recommendation
    when: Condition | None
    text: TemplatePlan


@dataclass(frozen=True, slots=True, eq=False)
class InvariantPlan:
    """A claim about a policy, to be proved.

    argument: of `monotone`, the fact it is monotone in.
    low, high: of `bounded`.
    """

    name: str
    form: Literal["monotone", "bounded"]
    target: typed.Node
    argument: Fact | None
    low: typed.Node | None
    high: typed.Node | None


@dataclass(frozen=True, slots=True, eq=False)
class PolicyPlan:
    """One policy id on the epoch.

    status: guards; where none is true it is `applied`.
    required, optional: what `missing` lists with `insufficient_facts`, and with `applied`, sorted by name.
    """

    policy: Policy
    section: str
    is_list: bool
    status: tuple[Guard[Status], ...]
    required: tuple[Missing, ...]
    optional: tuple[Missing, ...]
    decisions: tuple[DecisionPlan, ...]
    rewards: tuple[RewardPlan, ...]
    applies: Condition | None
    recommendations: tuple[RecommendationPlan, ...]
    relation_firings: tuple[RelationFiring, ...]
    invariants: tuple[InvariantPlan, ...]

    @property
    def id(self) -> str:
        return self.policy.id

    @property
    def can_apply(self) -> bool:
        """Whether the policy is in force and not suspended: whether its decisions are ever asked for."""
        return all(guard.when != typed.TRUE for guard in self.status)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Policies in an order in which each needs only earlier ones; every formula by its index.

    definitions: what each `Lacking` means; each needs only earlier ones.
    facts: the place of each fact in the dictionary.
    """

    rules: Rules
    epoch: Period
    policies: tuple[PolicyPlan, ...]
    formulas: tuple[Formula, ...]
    facts: Mapping[Fact, int]
    definitions: Mapping[Lacking, typed.Node]
    stacking: Mapping[str, StackingPlan]
