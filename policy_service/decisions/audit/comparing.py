"""Why two decisions differ: what each would have been with the other's facts, rules, parameters or day.

And the share of each of the four in the difference, as Shapley values: a factor's share is the mean, over all orders in
which the four could have changed, of what its change adds in that order. The shares add up exactly to the difference,
treat the factors alike, and give nothing to a factor that changes nothing. They are computed as fractions over the 16
combinations, and nothing is rounded before the end.

Where hidden values may not be seen, the policies that depend on them are not evaluated: of their rewards the recorded
amounts are shown, which are no secret, and neither counterfactuals nor shares, which are.

Source: L. S. Shapley, A Value for n-Person Games, 1953.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import Any, NotRequired, TypedDict

from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.decisions.answers.redacting import HIDDEN, Hidden, Redaction
from policy_service.decisions.bundles.evaluators import Evaluators
from policy_service.decisions.deciding.resolving import matching
from policy_service.decisions.ports.activations import BundleStore
from policy_service.diagnostics import InvalidInput
from policy_service.engines.answer import Reward
from policy_service.facts import LAST_DAY
from policy_service.policies.bundle import bundle
from policy_service.policies.model import STANDING_KINDS

FACTORS = ("facts", "rules", "parameters", "calendar")
_PLACES = 6
"""Decimals of a share as a number; `exact` is not rounded."""
Side = frozenset[str]
"""The factors that are taken from the second decision; the others are the first one's."""
_ALL = frozenset(FACTORS)
_SIDES = tuple(frozenset(some) for size in range(len(FACTORS) + 1) for some in combinations(FACTORS, size))
Key = tuple[str, str, str, str]
"""Policy, reward, type and id of the subject."""


class ComparedSide(TypedDict):
    """One of the two decisions; `as_of` is the business day."""

    decision_id: str
    bundle: str
    as_of: str


class Share(TypedDict):
    """The share of one factor in the difference: as a number with six decimals, and as the text of a fraction."""

    amount: Decimal | int
    exact: str


_FromTo = TypedDict("_FromTo", {"from": Decimal | int | None, "to": Decimal | int | None})


class ComparedReward(_FromTo):
    """A reward that either decision grants; an amount is null where it is not granted.

    with_old: by factor, the amount of the second decision if that factor had been as in the first.
    shares: by factor; null for a price, rate or right that one of the combinations does not grant.
    Both are hidden where the reward depends on hidden values, which may not be seen.
    """

    policy: str
    id: str
    subject: Mapping[str, Any]
    kind: str | None
    unit: NotRequired[str]
    difference: Decimal | int
    with_old: dict[str, Decimal | int | None] | Hidden
    shares: dict[str, Share] | Hidden | None


_Sides = TypedDict("_Sides", {"from": ComparedSide, "to": ComparedSide})


class Comparison(_Sides):
    """Why two decisions differ, reward by reward.

    hidden: ids of the policies that depend on hidden values, which were not evaluated.
    """

    factors: list[str]
    method: str
    rewards: list[ComparedReward]
    hidden: list[str]


class NotComparable(Exception):
    """A combination cannot be evaluated; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A recorded decision as the comparison needs it.

    shown: the patterns of policies that the request named; None for all.
    granted: the rewards that the record grants.
    """

    id: str
    bundle: str
    as_of: date
    facts: Mapping[str, Any]
    merchant_id: str | None
    shown: tuple[str, ...] | None
    granted: tuple[Reward, ...] = ()


@dataclass(frozen=True, slots=True)
class Granted:
    """A reward in one combination; an amount of 0 where it is not granted."""

    amount: Fraction
    granted: bool
    kind: str | None = None
    unit: str | None = None


_NONE = Granted(Fraction(0), granted=False)


def compare(
    one: Compared, two: Compared, evaluator: Callable[[str, str], Evaluator], redaction: Redaction | None = None
) -> Comparison:
    """Every reward that either decision grants: amounts, counterfactuals, and shares of the difference.

    Args:
        one, two: the earlier decision and the one to be explained.
        evaluator: of the rules of one bundle with the parameters of another; raises NotComparable.
        redaction: of both decisions under both bundles; null shows all.
    Raises:
        NotComparable: a side's facts do not fit the other's dictionary, or rules and parameters cannot be combined.
    """
    hidden = frozenset[str]() if redaction is None else redaction.policies
    rewards = _evaluated(one, two, evaluator, redaction) + _recorded(one, two, hidden)
    if redaction is not None:
        rewards = [_redacted(reward, redaction) for reward in rewards]
    return {
        "from": {"decision_id": one.id, "bundle": one.bundle, "as_of": one.as_of.isoformat()},
        "to": {"decision_id": two.id, "bundle": two.bundle, "as_of": two.as_of.isoformat()},
        "factors": list(FACTORS),
        "method": "shapley",
        "rewards": sorted(rewards, key=lambda reward: (reward["policy"], reward["id"], reward["subject"]["type"])),
        "hidden": sorted(hidden),
    }


def _evaluated(
    one: Compared, two: Compared, evaluator: Callable[[str, str], Evaluator], redaction: Redaction | None
) -> list[ComparedReward]:
    """The rewards of the policies that may be evaluated."""
    if redaction is not None:
        one, two = (replace(side, facts=redaction.facts(side.facts), merchant_id=None) for side in (one, two))
    hidden = frozenset[str]() if redaction is None else redaction.policies
    answers = _answers(one, two, evaluator)
    found = {key for side in (frozenset[str](), _ALL) for key, granted in answers[side].items() if granted.granted}
    keys = sorted(key for key in found if key[0] not in hidden)
    return [_reward(key, {side: known.get(key, _NONE) for side, known in answers.items()}) for key in keys]


def _recorded(one: Compared, two: Compared, hidden: Collection[str]) -> list[ComparedReward]:
    """The rewards of hidden policies, as they stand in the records."""
    before, after = (_by_key(reward for reward in side.granted if reward["policy"] in hidden) for side in (one, two))
    found = []
    for key in sorted({*before, *after}):
        sides = {**dict.fromkeys(_SIDES, before.get(key, _NONE)), _ALL: after.get(key, _NONE)}
        found.append(_reward(key, sides) | {"with_old": HIDDEN, "shares": HIDDEN})
    return found


def _redacted(reward: ComparedReward, redaction: Redaction) -> ComparedReward:
    return {**reward, "subject": redaction.subject(reward["subject"])}


def _answers(
    one: Compared, two: Compared, evaluator: Callable[[str, str], Evaluator]
) -> dict[Side, dict[Key, Granted]]:
    """What each of the 16 combinations grants; combinations with equal inputs are evaluated once."""
    known: dict[tuple[Any, ...], dict[Key, Granted]] = {}
    found = {}
    for side in _SIDES:
        facts = two if "facts" in side else one
        rules = (two if "rules" in side else one).bundle
        parameters = (two if "parameters" in side else one).bundle
        day = (two if "calendar" in side else one).as_of
        inputs = (facts is two, rules, parameters, day)
        if inputs not in known:
            known[inputs] = _granted(facts, evaluator(rules, parameters), day, (one.shown, two.shown))
        found[side] = known[inputs]
    return found


def _granted(
    of: Compared, evaluator: Evaluator, day: date, shown: tuple[tuple[str, ...] | None, ...]
) -> dict[Key, Granted]:
    rules = evaluator.bundle.rules
    chosen = [matching(patterns, rules) for patterns in shown]
    wanted = None if None in chosen else frozenset[str]().union(*(one for one in chosen if one is not None))
    try:
        # Read for the last day, so that a date after the day of the other decision is no fault.
        state = evaluator.reader.read(of.facts, LAST_DAY, merchant_id=of.merchant_id, report_unknown=True)
    except InvalidInput as error:
        first = error.faults[0]
        raise NotComparable(
            f"the facts of {of.id} do not fit {evaluator.bundle.id}: {first.pointer}: {first.message}"
        ) from error
    answer = evaluator.evaluate(state, Question(day, "preview", "none", wanted))
    return _by_key(answer["rewards"])


def _by_key(rewards: Iterable[Reward]) -> dict[Key, Granted]:
    return {
        (reward["policy"], reward["id"], reward["subject"]["type"], reward["subject"].get("id", "")): Granted(
            _fraction(reward["amount"]), True, reward["kind"], reward.get("unit")
        )
        for reward in rewards
    }


def _fraction(amount: Any) -> Fraction:
    """The amount as a fraction; 1 for a right, which has no number."""
    return Fraction(amount) if isinstance(amount, int | Decimal) and not isinstance(amount, bool) else Fraction(1)


def _reward(key: Key, granted: Mapping[Side, Granted]) -> ComparedReward:
    policy, reward, kind, subject = key
    before, after = granted[frozenset()], granted[_ALL]
    named = after if after.granted else before
    difference = after.amount - before.amount
    found: ComparedReward = {
        "policy": policy,
        "id": reward,
        "subject": {"type": kind, "id": subject} if subject else {"type": kind},
        "kind": named.kind,
        "from": _shown(before),
        "to": _shown(after),
        "difference": _number(difference),
        "with_old": {factor: _shown(granted[_ALL - {factor}]) for factor in FACTORS},
        "shares": _shares({side: one.amount for side, one in granted.items()}, difference),
    }
    if named.unit is not None:
        found["unit"] = named.unit
    if named.kind in STANDING_KINDS and not all(one.granted for one in granted.values()):
        found["shares"] = None  # a price that is not granted is no price of 0
    return found


def _shown(granted: Granted) -> Decimal | int | None:
    """Null where it is not granted."""
    return _number(granted.amount) if granted.granted else None


def _shares(values: Mapping[Side, Fraction], difference: Fraction) -> dict[str, Share]:
    exact = {factor: shapley(factor, values) for factor in FACTORS}
    rounded = apportioned(exact, difference)
    return {factor: {"amount": _number(rounded[factor]), "exact": str(share)} for factor, share in exact.items()}


def shapley(factor: str, values: Mapping[Side, Fraction]) -> Fraction:
    """The Shapley value of one factor.

    Args:
        values: the amount for every set of factors.
    """
    others = [one for one in FACTORS if one != factor]
    share = Fraction(0)
    for size in range(len(others) + 1):
        weight = Fraction(factorial(size) * factorial(len(others) - size), factorial(len(FACTORS)))
        for chosen in combinations(others, size):
            side = frozenset(chosen)
            share += weight * (values[side | {factor}] - values[side])
    return share


def apportioned(exact: Mapping[str, Fraction], total: Fraction) -> dict[str, Fraction]:
    """The shares with six decimals, adding up to the total, by the largest remainder method."""
    unit = Fraction(1, 10**_PLACES)
    found = {factor: (share // unit) * unit for factor, share in exact.items()}
    left = int((total - sum(found.values())) / unit)
    by_remainder = sorted(exact, key=lambda factor: (found[factor] - exact[factor], FACTORS.index(factor)))
    for factor in by_remainder[:left]:
        found[factor] += unit
    return found


def mixed(evaluators: Evaluators, bundles: BundleStore) -> Callable[[str, str], Evaluator]:
    """Evaluators of the rules of one stored bundle with the parameters of another, each made once."""
    made: dict[tuple[str, str], Evaluator] = {}

    def of(rules: str, parameters: str) -> Evaluator:
        if rules == parameters:
            return evaluators.of(rules)
        pair = rules, parameters
        if pair not in made:
            found, diagnostics = bundle(bundles.sources(rules) or {}, parameters=bundles.sources(parameters) or {})
            if found is None:
                raise NotComparable(
                    f"the rules of {rules} do not take the parameters of {parameters}: {diagnostics[0].message}"
                )
            made[pair] = evaluators.uncached(found)
        return made[pair]

    return of


def _number(value: Fraction) -> Decimal | int:
    """An exact decimal; amounts have at most six decimals, and so have apportioned shares."""
    if value.denominator == 1:
        return value.numerator
    return Decimal(value.numerator * 10**_PLACES // value.denominator).scaleb(-_PLACES).normalize()
