"""What a policy answers: rewards with their claims and exceptions, and recommendations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from policy_service.diagnostics import NOWHERE, Span
from policy_service.facts import Labels
from policy_service.policies.model.expressions import Expression, Texts
from policy_service.policies.model.periods import Basis

Per = Literal["once", "campaign", "day", "month", "none"]
ADDITIVE_KINDS = ("traffic_coupon", "traffic_hours", "cash", "rebate", "coupon")
STANDING_KINDS = ("traffic_multiplier", "price", "right")


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
        """What follows `#` in a key: of a day, a month or the campaign of the policy; null without claims."""
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


def reward_expressions(reward: Reward) -> Iterator[Expression]:
    if reward.when is not None:
        yield reward.when
    yield reward.amount
    yield from reward.details.values()
    for exception in reward.exceptions:
        yield exception.when
        for template in exception.text.values():
            yield from template.expressions
