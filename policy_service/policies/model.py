"""What rule files say, as frozen values; expressions hold both their tree and their typed tree."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from policy_service.diagnostics import NOWHERE, Span
from policy_service.facts import Dictionary, Labels, NamedType
from policy_service.language import ast, typed, types
from policy_service.language.format import print_node
from policy_service.language.references import Decision as DecisionOf
from policy_service.language.references import Fact, Needed, Reference
from policy_service.language.typecheck import Scope
from policy_service.language.values import exact

Basis = Literal["stated", "assumed"]
Per = Literal["once", "campaign", "day", "month", "none"]
HIT_POLICIES = ("unique", "any", "first", "priority", "rule order", "output order", "collect")
AGGREGATIONS = ("sum", "min", "max", "count")
ADDITIVE_KINDS = ("traffic_coupon", "traffic_hours", "cash", "rebate", "coupon")
STANDING_KINDS = ("traffic_multiplier", "price", "right")
LANGUAGE_VERSION = 1
_NO_SCOPE = Scope({})


@dataclass(frozen=True, slots=True)
class Expression:
    """A tree with its typed tree, and the scope it was typed in, so that its parts can be typed alike."""

    tree: ast.Node
    typed: typed.Node
    span: Span = field(default=NOWHERE, compare=False)
    scope: Scope = field(default=_NO_SCOPE, compare=False, repr=False)

    @property
    def text(self) -> str:
        return print_node(self.tree)

    @property
    def type(self) -> types.Type:
        return self.typed.type


@dataclass(frozen=True, slots=True)
class Template:
    """A text with `{expression}` in it: plain parts and expressions in turn."""

    parts: tuple[str | Expression, ...]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        return tuple(p for p in self.parts if isinstance(p, Expression))

    @property
    def text(self) -> str:
        return "".join(p if isinstance(p, str) else "{" + p.text + "}" for p in self.parts)


Texts = Mapping[str, Template]
"""A template in each of zh and en."""
Source = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` up to, not including, `end`; open when `end` is None."""

    start: date
    end: date | None

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class Effective:
    """When a policy is in force, and where that is from."""

    period: Period
    campaign: str | None
    basis: Basis
    source: Source | None


@dataclass(frozen=True, slots=True)
class Campaign:
    id: str
    title: Labels
    period: Period
    basis: Basis
    source: Source | None


@dataclass(frozen=True, slots=True)
class Reading:
    """How an unclear source was read; listed for confirmation."""

    id: str
    basis: Basis
    text: Labels


@dataclass(frozen=True, slots=True)
class DatedValue:
    """A value from a day on; None ends the parameter. Numbers are scaled integers."""

    start: date
    value: Any
    basis: Basis
    source: Source | None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: types.Type
    unit: str | None
    values: tuple[DatedValue, ...]
    declared: str
    """The type as written."""

    def at(self, day: date) -> Any:
        """The value of the newest entry begun by the day; None before the first. The entries ascend."""
        begun = bisect_right(self.values, day, key=lambda entry: entry.start)
        return self.values[begun - 1].value if begun else None


@dataclass(frozen=True, slots=True)
class CellTest:
    """An input cell; `typed` is the condition it puts on its header's value."""

    tree: ast.Cell
    typed: typed.Node
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    cells: tuple[CellTest, ...]
    outputs: tuple[Expression, ...]
    notes: Mapping[str, str]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Output:
    name: str
    type: types.Type
    declared: str


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table.

    default: one expression per output; `null` alone where no answer is meant; None where none is declared.
    """

    hit: str
    aggregation: str | None
    inputs: tuple[Expression, ...]
    outputs: tuple[Output, ...]
    rows: tuple[Row, ...]
    default: tuple[Expression, ...] | None

    @property
    def is_multiple(self) -> bool:
        """Whether the answer is a list of rows' outputs."""
        return self.hit in ("rule order", "output order") or (self.hit == "collect" and not self.aggregation)


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: types.Type
    declared: str


@dataclass(frozen=True, slots=True)
class RelationRow:
    id: str
    cells: tuple[Expression, ...]
    notes: Mapping[str, str]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class RelationTable:
    """A boxed relation: every cell an expression."""

    columns: tuple[Column, ...]
    rows: tuple[RelationRow, ...]

    @cached_property
    def by_id(self) -> Mapping[str, RelationRow]:
        return {row.id: row for row in self.rows}


@dataclass(frozen=True, slots=True)
class Decision:
    name: str
    title: Labels | None
    body: Table | RelationTable | Expression
    type: types.Type
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An exception of a reward, or of all rewards of the bundle; counts only when true."""

    id: str
    when: Expression
    text: Texts
    basis: Basis = "assumed"


@dataclass(frozen=True, slots=True)
class RowOf:
    """The relation row that an `each` stands on."""

    relation: str
    row: str


@dataclass(frozen=True, slots=True)
class Claim:
    per: Per
    on_increase: str = "top_up"
    on_decrease: str = "keep"

    def period(self, as_of: str, campaign: str | None) -> str | None:
        """What stands behind `#` in a key: of a day, a month or the campaign of the policy; null without claims."""
        match self.per:
            case "day":
                return as_of
            case "month":
                return as_of[:7]
            case "campaign":
                return campaign
            case "once":
                return "once"
        return None


@dataclass(frozen=True, slots=True)
class Reward:
    """One answer id; an `each` has given one of these per row, of one declaration."""

    id: str
    declaration: str
    row: RowOf | None
    title: Labels
    kind: str
    when: Expression | None
    amount: Expression
    unit: str | None
    details: Mapping[str, Expression]
    claim: Claim
    exceptions: tuple[Exclusion, ...]
    stack: str | None
    priority: int | None
    validity: str | None
    """The duration of `validity: {from: as_of, for: …}`."""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Recommendation:
    id: str
    declaration: str
    row: RowOf | None
    when: Expression | None
    priority: int
    text: Texts
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Invariant:
    """A claim to be proved: `monotone` in a fact, or `bounded`; typed here, proved by the symbolic engine."""

    name: str
    form: Literal["monotone", "bounded"]
    target: Expression
    argument: str | None
    low: Expression | None
    high: Expression | None


@dataclass(frozen=True)
class Policy:
    """One file of a policy id, with the period it is in force."""

    id: str
    file: str
    title: Labels
    subject: str
    effective: Effective
    basis: Basis
    source: Source | None
    owner: str | None
    needs: tuple[str, ...]
    applies: Expression | None
    optional: frozenset[Needed]
    readings: tuple[Reading, ...]
    parameters: Mapping[str, Parameter]
    decisions: Mapping[str, Decision]
    """In an order in which each needs only earlier ones."""
    rewards: tuple[Reward, ...]
    recommendations: tuple[Recommendation, ...]
    invariants: tuple[Invariant, ...]
    span: Span = field(default=NOWHERE, compare=False)

    def expressions(self) -> Iterator[Expression]:
        """Every expression that can reach an answer."""
        if self.applies is not None:
            yield self.applies
        for decision in self.decisions.values():
            yield from body_expressions(decision.body)
        for reward in self.rewards:
            yield from reward_expressions(reward)
        for recommendation in self.recommendations:
            if recommendation.when is not None:
                yield recommendation.when
            for template in recommendation.text.values():
                yield from template.expressions

    def reads(self) -> frozenset[Needed]:
        """Facts and other policies' decisions that the file reads anywhere."""
        found: set[Reference] = set()
        for node in self.typed_nodes():
            found |= typed.references(node)
        return frozenset(r for r in found if isinstance(r, Fact) or (isinstance(r, DecisionOf) and r.policy != self.id))

    def typed_nodes(self) -> Iterator[typed.Node]:
        for expression in self.expressions():
            yield expression.typed
        for decision in self.decisions.values():
            if isinstance(decision.body, Table):
                for row in decision.body.rows:
                    yield from (cell.typed for cell in row.cells)


def body_expressions(body: Table | RelationTable | Expression) -> Iterator[Expression]:
    """Headers, outputs, defaults and cells of a decision; input cells of a table are tests, not expressions."""
    match body:
        case Expression():
            yield body
        case Table():
            yield from body.inputs
            for row in body.rows:
                yield from row.outputs
            yield from body.default or ()
        case RelationTable():
            for relation_row in body.rows:
                yield from relation_row.cells


def reward_expressions(reward: Reward) -> Iterator[Expression]:
    if reward.when is not None:
        yield reward.when
    yield reward.amount
    yield from reward.details.values()
    for exception in reward.exceptions:
        yield exception.when
        for template in exception.text.values():
            yield from template.expressions


@dataclass(frozen=True, slots=True)
class StackingGroup:
    id: str
    combine: Literal["sum", "max", "first"]
    cap: int | None
    """Scaled by `scale`."""
    scale: int
    unit: str | None


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that one reward of a kind may grant; owned by finance. `per_reward` is scaled by `scale`."""

    kind: str
    per_reward: int
    scale: int

    @property
    def amount(self) -> int | Decimal:
        return exact(self.per_reward, self.scale)


@dataclass(frozen=True, slots=True)
class Suspension:
    policy: str
    reward: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class BundleSettings:
    """bundle.yaml: what holds for all policies."""

    label: str | None
    time_zone: str
    day_starts: str
    stacking: Mapping[str, StackingGroup]
    exclusions: tuple[Exclusion, ...]
    suspended: tuple[Suspension, ...]
    ceilings: Mapping[str, Ceiling] = field(default_factory=dict)
    """By kind of reward."""


@dataclass(frozen=True)
class Rules:
    """A folder of rule files, loaded and checked; policies by id, then period."""

    settings: BundleSettings
    dictionary: Dictionary
    campaigns: Mapping[str, Campaign]
    policies: tuple[Policy, ...]
    order: tuple[str, ...]
    """Policy ids in an order in which each needs only earlier ones."""
    types: Mapping[str, NamedType] = field(default_factory=dict)

    @cached_property
    def _versions(self) -> dict[str, tuple[Policy, ...]]:
        found: dict[str, tuple[Policy, ...]] = {}
        for policy in self.policies:
            found[policy.id] = (*found.get(policy.id, ()), policy)
        return found

    def versions(self, policy: str) -> tuple[Policy, ...]:
        return self._versions.get(policy, ())

    def answering(self, policy: str, day: date) -> Policy:
        """The file of a policy that answers for a day: the one in force, else the one begun last, else the first."""
        versions = self.versions(policy)
        begun = [p for p in versions if p.effective.period.start <= day]
        return next((p for p in versions if day in p.effective.period), begun[-1] if begun else versions[0])
