"""The scores against a formula of their own, written from the domain; weights and scales are read from the answers.

So a recalibration of the rule files changes nothing here: what must hold, holds with other weights and scales too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.engines.registry import engine
from policy_service.policies.bundle import bundle
from policy_service.policies.loader import read_folder

RULES = Path(__file__).parents[2] / "rules"
DAY = date(2023, 4, 1)

Value = int | bool | Decimal | None
Facts = Mapping[str, Value]

# --- what can be posted, and which way is better -------------------------------------------------------------------


@dataclass(frozen=True)
class Metric:
    """A posted metric: its decimals, its range as posted, and whether more of it is better."""

    scale: int
    most: int
    more_is_better: bool

    def value(self, steps: int) -> Value:
        """The number that many smallest steps above zero; a yes or no has one step."""
        return bool(steps) if self.scale < 0 else Decimal(steps).scaleb(-self.scale)

    @property
    def steps(self) -> int:
        return self.most * 10 ** max(self.scale, 0)

    @property
    def best(self) -> Value:
        return self.value(self.steps if self.more_is_better else 0)

    @property
    def worst(self) -> Value:
        return self.value(0 if self.more_is_better else self.steps)


SHARE, BAD_SHARE = Metric(4, 1, more_is_better=True), Metric(4, 1, more_is_better=False)
HOURS, DAYS = Metric(2, 10_000, more_is_better=False), Metric(0, 90, more_is_better=True)
POINTS, YES = Metric(2, 5, more_is_better=True), Metric(-1, 1, more_is_better=True)
GMV, GPM = Metric(2, 10_000_000_000, more_is_better=True), Metric(2, 100_000_000, more_is_better=True)


@dataclass(frozen=True)
class Score:
    """A score policy with its metrics by dimension, as the domain lists them."""

    policy: str
    traffic: str
    section: str
    dimensions: Mapping[str, Mapping[str, Metric]]

    @property
    def metrics(self) -> dict[str, Metric]:
        return {name: metric for own in self.dimensions.values() for name, metric in own.items()}

    def state(self, facts: Facts) -> dict[str, Any]:
        posted = {name: value for name, value in facts.items() if value is not None}
        if self.section == "products":
            return {"merchant": {"id": "m-1"}, "products": [{"id": "p-1", **posted}]}
        if self.section == "influencer":
            return {"influencer": {"id": "i-1", **posted}}
        return {"merchant": {"id": "m-1"}, self.section: posted}


STORE = Score(
    "scores.store_experience",
    "scores.store_traffic",
    "store_metrics",
    {
        "product": {"quality_return_rate": BAD_SHARE, "negative_feedback_rate": BAD_SHARE},
        "logistics": {"timely_pickup_rate": SHARE, "delivery_hours": HOURS, "logistics_negative_rate": BAD_SHARE},
        "service": {
            "refund_only_hours": HOURS,
            "return_refund_hours": HOURS,
            "im_reply_3min_rate": SHARE,
            "im_dissatisfaction_rate": BAD_SHARE,
        },
        "stability": {"live_active_days_90d": DAYS, "effective_sales_days_90d": DAYS},
    },
)
INFLUENCER = Score(
    "scores.influencer_reputation",
    "scores.influencer_traffic",
    "influencer",
    {"content": {"content_score": POINTS}, "product": {"product_score": POINTS}, "service": {"service_score": POINTS}},
)
PRODUCT = Score(
    "scores.product",
    "scores.product_traffic",
    "products",
    {
        "heat": {"gmv_30d": GMV, "live_gpm": GPM, "short_video_gpm": GPM},
        "quality": {"quality_return_rate": BAD_SHARE, "positive_rate": SHARE},
        "service": {"support_score": POINTS, "after_sales_score": POINTS, "fulfilment_score": POINTS},
        "brand": {"is_known_brand": YES},
        "price": {"lowest_in_store": YES, "lowest_on_platform": YES, "lowest_on_web": YES},
    },
)
SCORES = (STORE, INFLUENCER, PRODUCT)
INFORMATION = ("has_title", "has_main_image", "has_attributes", "has_category", "has_details")
COMPLETE: Facts = dict.fromkeys(INFORMATION, True)
LEVELS = {"S": Decimal("4.80"), "A": Decimal("4.50"), "B": Decimal("4.00"), "C": Decimal("3.50"), "D": Decimal(0)}
MULTIPLIERS = {"S": "1.50", "A": "1.20", "B": "1.00", "C": "0.80", "D": "0.50"}

each_score = pytest.mark.parametrize("score", SCORES, ids=lambda s: s.policy)
each_metric = pytest.mark.parametrize(
    ("score", "name"), [(s, n) for s in SCORES for n in s.metrics], ids=lambda v: v if isinstance(v, str) else v.policy
)

# --- the service ---------------------------------------------------------------------------------------------------


@cache
def evaluators() -> dict[str, Evaluator]:
    """The scores with the dictionary, on each engine; other families are not needed."""
    sources = {path: text for path, text in read_folder(RULES).items() if "/" not in path or path.startswith("scores/")}
    found, diagnostics = bundle(sources)
    assert found is not None, diagnostics
    return {name: Evaluator(found, engine(name)) for name in ("rete", "reference")}


def answer(score: Score, facts: Facts, engine_name: str = "rete") -> dict[str, Any]:
    evaluator = evaluators()[engine_name]
    state = evaluator.reader.read(score.state(facts), DAY)
    return evaluator.evaluate(state, Question(DAY, shown=frozenset((score.policy, score.traffic))))


def decisions(score: Score, facts: Facts, engine_name: str = "rete") -> dict[str, Any]:
    """The decisions of the score; a product's information is complete unless the facts say otherwise."""
    posted = {**COMPLETE, **facts} if score is PRODUCT else facts
    return entry(answer(score, posted, engine_name), score.policy)["decisions"]


def entry(answered: Mapping[str, Any], policy: str) -> dict[str, Any]:
    return next(p for p in answered["policies"] if p["policy"] == policy)


@dataclass(frozen=True)
class Scale:
    """Weight of a metric and the values that earn 0 and 5 points, as the rule file has them."""

    weight: int
    worst: Fraction
    best: Fraction


@cache
def scales(policy: str) -> dict[str, Scale]:
    """Those of a score, by metric."""
    rows = decisions(next(score for score in SCORES if score.policy == policy), {})["metrics"]
    return {r["row"]: Scale(r["weight"], Fraction(r["worst"]), Fraction(r["best"])) for r in rows}


# --- the formula ---------------------------------------------------------------------------------------------------


def half_up(number: Fraction, decimals: int) -> Decimal:
    grown = number * 10**decimals
    return Decimal((2 * grown.numerator + grown.denominator) // (2 * grown.denominator)).scaleb(-decimals)


def weighted_mean(parts: list[tuple[int, Decimal]]) -> Decimal | None:
    """Half up to two decimals; of nothing, nothing."""
    total = sum(weight for weight, _ in parts)
    return half_up(sum(weight * Fraction(points) for weight, points in parts) / total, 2) if parts else None


def points(scale: Scale, value: Value) -> Decimal | None:
    """From 0 at the worst to 5 at the best on a straight line, held at both ends."""
    if value is None:
        return None
    share = (Fraction(value) - scale.worst) / (scale.best - scale.worst)
    return half_up(5 * min(max(share, Fraction(0)), Fraction(1)), 2)


@dataclass(frozen=True)
class Expected:
    dimensions: dict[str, Decimal | None]
    score: Decimal | None
    low: Decimal | None
    high: Decimal | None
    missing: list[str]
    coverage: Decimal

    @property
    def level(self) -> str | None:
        """Of a score without a gate."""
        if self.coverage < Decimal("0.5") or self.score is None:
            return None
        return next(level for level, border in LEVELS.items() if self.score >= border)


def expected(score: Score, facts: Facts) -> Expected:
    own = scales(score.policy)
    earned = {name: points(own[name], facts.get(name)) for name in score.metrics}
    present = sum(own[name].weight for name, got in earned.items() if got is not None)
    return Expected(
        dimensions(score, earned),
        total(score, earned),
        total(score, filled(earned, Decimal(0))),
        total(score, filled(earned, Decimal(5))),
        [name for name, got in earned.items() if got is None],
        half_up(Fraction(present, sum(s.weight for s in own.values())), 4),
    )


def filled(earned: Mapping[str, Decimal | None], instead: Decimal) -> dict[str, Decimal | None]:
    return {name: instead if got is None else got for name, got in earned.items()}


def dimensions(score: Score, earned: Mapping[str, Decimal | None]) -> dict[str, Decimal | None]:
    own = scales(score.policy)
    return {
        name: weighted_mean([(own[m].weight, got) for m in metrics if (got := earned[m]) is not None])
        for name, metrics in score.dimensions.items()
    }


def total(score: Score, earned: Mapping[str, Decimal | None], only: frozenset[str] | None = None) -> Decimal | None:
    """Weighted mean of the rounded dimensions that have points; a dimension weighs what all its metrics weigh."""
    own = scales(score.policy)
    found = dimensions(score, earned)
    return weighted_mean(
        [
            (sum(own[m].weight for m in score.dimensions[name]), got)
            for name, got in found.items()
            if got is not None and (only is None or name in only)
        ]
    )


def gate(facts: Facts) -> str:
    items = [facts.get(name) for name in INFORMATION]
    if facts.get("is_known_brand") is True:
        return "green_channel"
    return "unmet" if False in items else "unknown" if None in items else "passed"


def product_level(facts: Facts) -> str | None:
    by_points = expected(PRODUCT, facts).level
    return {"unmet": "D", "unknown": None}.get(gate(facts), by_points)


# --- strategies ----------------------------------------------------------------------------------------------------


def near(metric: Metric, scale: Scale) -> st.SearchStrategy[Value]:
    """Values all over the range, most of them where the scale is not yet at an end."""
    low, high = sorted((scale.worst, scale.best))
    size = 10 ** max(metric.scale, 0)
    inside = st.integers(max(0, int(low * size) - 2), min(metric.steps, int(high * size) + 2))
    return st.one_of(inside, inside, st.integers(0, metric.steps)).map(metric.value)


def complete_facts(score: Score) -> st.SearchStrategy[dict[str, Value]]:
    own = scales(score.policy)
    return st.fixed_dictionaries({name: near(metric, own[name]) for name, metric in score.metrics.items()})


def partial_facts(score: Score) -> st.SearchStrategy[dict[str, Value]]:
    """Complete facts of which some are dropped."""
    names = st.sets(st.sampled_from(list(score.metrics)))
    return st.tuples(complete_facts(score), names).map(lambda both: without(*both))


def without(facts: Facts, names: set[str]) -> dict[str, Value]:
    return {name: None if name in names else value for name, value in facts.items()}


def with_halves(score: Score) -> list[tuple[int, frozenset[str]]]:
    """Choices of metrics that weigh as little below half, exactly half and as little over half as there are."""
    chosen: dict[int, frozenset[str]] = {0: frozenset()}
    for name, scale in scales(score.policy).items():
        chosen |= {
            w + scale.weight: names | {name} for w, names in list(chosen.items()) if w + scale.weight not in chosen
        }
    half = Fraction(sum(s.weight for s in scales(score.policy).values()), 2)
    below, over = max(w for w in chosen if w < half), min(w for w in chosen if w > half)
    return [(w, chosen[w]) for w in (below, *([int(half)] if half in chosen else []), over)]


# --- the formula holds ---------------------------------------------------------------------------------------------


@each_score
def test_metrics_and_dimensions_are_those_of_the_domain(score: Score) -> None:
    shown = decisions(score, {})
    assert [(r["row"], r["dimension"]) for r in shown["metrics"]] == [
        (metric, name) for name, metrics in score.dimensions.items() for metric in metrics
    ]
    assert [r["row"] for r in shown["dimensions"]] == list(score.dimensions)
    assert all(
        (own.best > own.worst) is score.metrics[name].more_is_better for name, own in scales(score.policy).items()
    )


@each_score
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_answer_is_what_the_formula_says(score: Score, data: st.DataObject) -> None:
    facts = data.draw(partial_facts(score))
    want = expected(score, facts)
    for name in evaluators():
        got = decisions(score, facts, name)
        assert {r["row"]: r["points"] for r in got["dimensions"]} == want.dimensions
        assert (got["score"], got["points_low"], got["points_high"]) == (want.score, want.low, want.high)
        assert (got["missing_metrics"], got["coverage"]) == (want.missing, want.coverage)
        assert got["level"] == want.level


@settings(max_examples=60, deadline=None)
@given(facts=partial_facts(PRODUCT))
def test_good_value_is_price_quality_and_brand(facts: dict[str, Value]) -> None:
    earned = {name: points(scales(PRODUCT.policy)[name], facts[name]) for name in PRODUCT.metrics}
    got = decisions(PRODUCT, facts)
    assert got["good_value"] == total(PRODUCT, earned, frozenset(("price", "quality", "brand")))
    assert got["quality_content"] == total(PRODUCT, earned, frozenset(("heat",)))
    assert got["caring_service"] == total(PRODUCT, earned, frozenset(("service",)))


# --- what is missing -----------------------------------------------------------------------------------------------


@each_score
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_true_score_lies_between_low_and_high(score: Score, data: st.DataObject) -> None:
    facts = data.draw(complete_facts(score))
    hidden = data.draw(st.sets(st.sampled_from(list(score.metrics))))
    known, truth = decisions(score, without(facts, hidden)), decisions(score, facts)
    assert known["points_low"] <= truth["score"] <= known["points_high"]
    assert truth["points_low"] == truth["score"] == truth["points_high"]
    if known["score"] is not None:
        assert known["points_low"] <= known["score"] <= known["points_high"]


@each_score
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_low_and_high_are_reached_by_the_worst_and_the_best(score: Score, data: st.DataObject) -> None:
    facts = data.draw(partial_facts(score))
    known = decisions(score, facts)
    ends = [
        {name: getattr(score.metrics[name], end) if value is None else value for name, value in facts.items()}
        for end in ("worst", "best")
    ]
    assert [decisions(score, e)["score"] for e in ends] == [known["points_low"], known["points_high"]]


@each_score
def test_nothing_known_has_no_score_and_no_level(score: Score) -> None:
    got = decisions(score, {})
    assert got["missing_metrics"] == list(score.metrics)
    assert (got["score"], got["level"]) == (None, None)
    assert (got["coverage"], got["points_low"], got["points_high"]) == (0, 0, 5)


@each_score
def test_a_level_begins_at_half_of_the_weight(score: Score) -> None:
    whole = sum(s.weight for s in scales(score.policy).values())
    for weight, names in with_halves(score):
        for end in ("best", "worst"):
            facts = {name: getattr(metric, end) for name, metric in score.metrics.items() if name in names}
            posted = {**COMPLETE, **facts} if score is PRODUCT else facts
            answered = answer(score, posted)
            got = entry(answered, score.policy)["decisions"]
            assert got["coverage"] == half_up(Fraction(weight, whole), 4)
            assert (got["level"] is None) == (2 * weight < whole)
            assert (answered["rewards"] == []) == (2 * weight < whole)
            if 2 * weight >= whole:
                assert got["level"] == ("S" if end == "best" else "D")


@pytest.mark.parametrize("score", [STORE, PRODUCT], ids=lambda s: s.policy)
def test_the_border_of_half_of_the_weight_is_met_exactly(score: Score) -> None:
    assert len(with_halves(score)) == 3


# --- the ends of the scale, and the way ----------------------------------------------------------------------------


@each_score
def test_all_at_best_is_five_and_all_at_worst_is_zero(score: Score) -> None:
    best, worst = ({n: getattr(m, end) for n, m in score.metrics.items()} for end in ("best", "worst"))
    assert (decisions(score, best)["score"], decisions(score, best)["level"]) == (Decimal("5.00"), "S")
    assert (decisions(score, worst)["score"], decisions(score, worst)["level"]) == (Decimal("0.00"), "D")


@each_metric
def test_a_metric_alone_runs_from_zero_to_five(score: Score, name: str) -> None:
    metric, own = score.metrics[name], scales(score.policy)[name]
    size = 10 ** max(metric.scale, 0)
    ends = [metric.value(int(end * size)) for end in (own.worst, own.best)]
    assert [Fraction(e) for e in ends] == [own.worst, own.best]
    assert [decisions(score, {name: e})["score"] for e in (metric.worst, *ends, metric.best)] == [0, 0, 5, 5]


@each_metric
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_better_metric_never_lowers_the_score(score: Score, name: str, data: st.DataObject) -> None:
    others = data.draw(partial_facts(score))
    metric = score.metrics[name]
    values = data.draw(st.lists(near(metric, scales(score.policy)[name]), min_size=2, max_size=4, unique=True))
    values.sort(key=Fraction, reverse=not metric.more_is_better)
    got = [decisions(score, {**others, name: value}) for value in values]
    for worse, better in pairwise(got):
        for decision in ("score", "points_low", "points_high"):
            assert worse[decision] <= better[decision]
        if worse["level"] is not None:
            assert list(LEVELS).index(worse["level"]) >= list(LEVELS).index(better["level"])


# --- levels and what they mean -------------------------------------------------------------------------------------

HUNDREDTH = Decimal("0.01")
BORDERS = [
    (border + step, level)
    for (above, border), (below, _) in pairwise(LEVELS.items())
    for step, level in ((-HUNDREDTH, below), (Decimal(0), above), (HUNDREDTH, above))
]


def facts_worth(score: Score, worth: Decimal) -> dict[str, Value]:
    """Facts that earn so many points with every metric that can; a yes or no and whole days cannot."""
    nearest = {name: nearest_value(m, scales(score.policy)[name], worth) for name, m in score.metrics.items()}
    return {name: value for name, value in nearest.items() if points(scales(score.policy)[name], value) == worth}


def nearest_value(metric: Metric, scale: Scale, worth: Decimal) -> Value:
    wanted = scale.worst + (scale.best - scale.worst) * Fraction(worth) / 5
    return metric.value(int(half_up(wanted * 10 ** max(metric.scale, 0), 0)))


@each_score
@pytest.mark.parametrize(("worth", "level"), BORDERS, ids=str)
def test_level_borders_include_their_lower_bound(score: Score, worth: Decimal, level: str) -> None:
    answered = answer(score, {**(COMPLETE if score is PRODUCT else {}), **facts_worth(score, worth)})
    got = entry(answered, score.policy)["decisions"]
    assert (got["score"], got["level"]) == (worth, level)
    reward = score.traffic.removeprefix("scores.")
    assert [(r["id"], r["kind"], r["unit"], r["amount"]) for r in answered["rewards"]] == [
        (reward, "traffic_multiplier", "ratio", Decimal(MULTIPLIERS[level]))
    ]
    advised = {r["id"] for r in answered["recommendations"] if r["policy"] == score.traffic}
    assert len(advised) == 1
    assert ("limited_traffic" in advised) == (level == "D")


@each_score
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_level_has_its_multiplier_and_no_level_has_none(score: Score, data: st.DataObject) -> None:
    facts = data.draw(partial_facts(score))
    answered = answer(score, {**COMPLETE, **facts} if score is PRODUCT else facts)
    level = expected(score, facts).level
    reward = score.traffic.removeprefix("scores.")
    if level is None:
        assert answered["rewards"] == []
        assert [(n["id"], n["reason"]) for n in answered["not_granted"]] == [(reward, "insufficient_facts")]
        assert entry(answered, score.traffic)["missing"] == [f"decision({score.policy}.level)"]
    else:
        assert [(r["id"], r["amount"]) for r in answered["rewards"]] == [(reward, Decimal(MULTIPLIERS[level]))]
        assert "claim" not in answered["rewards"][0]


# --- the gate of the product ---------------------------------------------------------------------------------------

STOCKED: dict[str, Facts] = {
    "nothing": {},
    "best": {name: metric.best for name, metric in PRODUCT.metrics.items() if name != "is_known_brand"},
    "worst": {name: metric.worst for name, metric in PRODUCT.metrics.items() if name != "is_known_brand"},
}


@pytest.mark.parametrize("stock", STOCKED)
@pytest.mark.parametrize("brand", [True, False, None])
def test_the_gate(stock: str, brand: bool | None) -> None:
    for items in product((True, False, None), repeat=len(INFORMATION)):
        facts = {**STOCKED[stock], "is_known_brand": brand, **dict(zip(INFORMATION, items, strict=True))}
        answered = answer(PRODUCT, facts)
        got, level = entry(answered, PRODUCT.policy)["decisions"], product_level(facts)
        assert (got["gate"], got["level"]) == (gate(facts), level)
        assert got["unmet_information"] == [n for n in INFORMATION if facts[n] is False]
        assert got["unknown_information"] == [n for n in INFORMATION if facts[n] is None]
        assert [r["amount"] for r in answered["rewards"]] == ([] if level is None else [Decimal(MULTIPLIERS[level])])


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        ({"has_title": False}, "D"),  # whatever the rest: before coverage
        ({**STOCKED["best"], "has_title": False, "has_details": None}, "D"),  # unmet before unknown
        ({**STOCKED["best"], "has_title": None}, None),
        ({**STOCKED["best"], "has_title": None, "is_known_brand": True}, "S"),  # the green channel
        ({**STOCKED["best"], "has_title": False, "is_known_brand": True}, "S"),
        ({"has_title": False, "is_known_brand": True}, None),  # through the gate, and then too little is known
        ({**STOCKED["best"]}, "S"),
        ({**STOCKED["worst"]}, "D"),
        ({}, None),
    ],
    ids=str,
)
def test_the_gate_comes_before_coverage(facts: Facts, level: str | None) -> None:
    assert decisions(PRODUCT, facts)["level"] == level


@settings(max_examples=60, deadline=None)
@given(facts=partial_facts(PRODUCT), items=st.tuples(*[st.sampled_from((True, False, None))] * len(INFORMATION)))
def test_the_gate_moves_the_level_and_never_the_points(facts: dict[str, Value], items: tuple[bool | None, ...]) -> None:
    behind = {**facts, **dict(zip(INFORMATION, items, strict=True))}
    open_, gated = decisions(PRODUCT, facts), decisions(PRODUCT, behind)
    assert {k: gated[k] for k in ("score", "points_low", "points_high", "coverage", "missing_metrics")} == {
        k: open_[k] for k in ("score", "points_low", "points_high", "coverage", "missing_metrics")
    }
    assert gated["level"] == product_level(behind)
