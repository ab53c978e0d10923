"""Member prices of 10,000 generated price triples at every level, against the formula in plain fractions."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import floor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.engines.registry import engine
from policy_service.policies.bundle import bundle
from policy_service.policies.loader import read_folder

RULES = Path(__file__).parents[2] / "rules"
POLICY = "membership.member_price"
DAY = date(2023, 4, 1)
COUNT, POSTED_AT_ONCE, SEED = 10_000, 1_000, 20230401
MOST = 10_000_000_000
"""The highest price in fen."""
FACTORS = {0: Fraction(1), 1: Fraction(97, 100), 2: Fraction(95, 100), 3: Fraction(90, 100)}


@dataclass(frozen=True)
class Prices:
    """The prices of a product in fen; None where the merchant posts none."""

    public: int
    distribution: int | None
    floor: int | None

    def posted(self, number: int) -> dict[str, Any]:
        named = {"public_price": self.public, "distribution_price": self.distribution, "floor_price": self.floor}
        return {"id": f"p-{number}", **{name: yuan(fen) for name, fen in named.items() if fen is not None}}


@dataclass(frozen=True)
class Answer:
    price: Decimal
    saving: Decimal
    bound: str


def yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


def formula(prices: Prices, level: int) -> Answer:
    """The member price as the domain page words it, with no rounding but the last."""
    discounted = prices.public * FACTORS[level]
    wanted = discounted if prices.distribution is None else min(discounted, Fraction(prices.distribution))
    lowest = wanted if prices.floor is None else max(Fraction(prices.floor), wanted)
    price = floor(min(Fraction(prices.public), lowest) + Fraction(1, 2))
    if prices.floor is not None and prices.floor > prices.public:
        bound = "public"
    elif prices.floor is not None and prices.floor > wanted:
        bound = "floor"
    elif prices.distribution is not None and prices.distribution < discounted:
        bound = "distribution"
    else:
        bound = "discount"
    return Answer(yuan(price), yuan(prices.public - price), bound)


def generated(random: Random) -> Iterator[Prices]:
    """Prices of every magnitude; the other two are often missing, or within a fen of where the answer turns."""
    for _ in range(COUNT):
        public = random.randint(1, 10 ** random.randint(1, 10))
        turns = [public, *(floor(public * factor) for factor in FACTORS.values())]
        distribution = near(turns, random)
        below = near([*turns, distribution or public], random)
        yield Prices(public, distribution, below)


def near(turns: list[int], random: Random) -> int | None:
    """A price at, just beside or far from one of the turns, or none."""
    kind = random.randrange(10)
    if kind < 2:
        return None
    chosen = random.choice(turns)
    price = random.randint(1, 2 * chosen + 2) if kind < 5 else chosen + random.randint(-1, 1)
    return min(max(price, 1), MOST)


TRIPLES = tuple(generated(Random(SEED)))


@cache
def expected(level: int) -> list[Answer]:
    return [formula(prices, level) for prices in TRIPLES]


@pytest.fixture(scope="module")
def evaluator() -> Iterator[Evaluator]:
    built, diagnostics = bundle(read_folder(RULES))
    assert built is not None, diagnostics
    made = Evaluator(built, engine("rete"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def answers(evaluator: Evaluator) -> dict[int, list[Answer]]:
    """What the service answers for every triple, by level."""
    return {level: list(answered(evaluator, level)) for level in FACTORS}


def answered(evaluator: Evaluator, level: int) -> Iterator[Answer]:
    question = Question(DAY, trace="none", shown=frozenset((POLICY,)))
    for start in range(0, COUNT, POSTED_AT_ONCE):
        products = [p.posted(n) for n, p in enumerate(TRIPLES[start : start + POSTED_AT_ONCE])]
        facts = {
            "merchant": {"id": "m-1", "membership_open": True, "restricted": False},
            "member": {"id": "b-1", "level": level},
            "products": products,
        }
        rewards = evaluator.evaluate(evaluator.reader.read(facts, DAY), question)["rewards"]
        assert [r["subject"]["id"] for r in rewards] == [p["id"] for p in products]
        for reward in rewards:
            details = reward["details"]
            yield Answer(Decimal(reward["amount"]), Decimal(details["saving"]), details["bound"])


@pytest.mark.parametrize("level", FACTORS)
def test_price_saving_and_bound_are_those_of_the_formula(answers: dict[int, list[Answer]], level: int) -> None:
    triples = zip(TRIPLES, answers[level], expected(level), strict=True)
    wrong = [(prices, got, wanted) for prices, got, wanted in triples if got != wanted]
    assert not wrong, f"{len(wrong)} of {COUNT} differ, the first: {wrong[0]}"


@pytest.mark.parametrize("level", FACTORS)
def test_what_was_generated_reaches_every_bound_and_tie(level: int) -> None:
    bounds = Counter(answer.bound for answer in expected(level))
    assert set(bounds) == {"public", "floor", "distribution", "discount"}
    assert min(bounds.values()) > COUNT // 50
    ties = Counter[str]()
    for prices in TRIPLES:
        discounted = prices.public * FACTORS[level]
        wanted = discounted if prices.distribution is None else min(discounted, Fraction(prices.distribution))
        ties["distribution and discounted"] += prices.distribution == discounted
        ties["floor and wanted"] += prices.floor == wanted
        ties["floor and public"] += prices.floor == prices.public
        ties["neither posted"] += prices.distribution is None and prices.floor is None
        ties["half a fen"] += discounted % 1 == Fraction(1, 2) or level == 0
    assert min(ties.values()) > 0, ties
