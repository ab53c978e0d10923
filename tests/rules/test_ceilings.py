"""The second lock: a reward above its ceiling is withheld, though `check` would have refused the rules."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.engines import registry
from policy_service.policies.bundle import Bundle
from policy_service.policies.model import Ceiling

DAY = date(2023, 4, 1)
FACTS = {
    "merchant": {"id": "m-1", "restricted": False},
    "live": {"campaign_best_day_hours": 5, "campaign_best_day_gmv": 100001},
}


def answered(shipped: Bundle, engine: str, most: int) -> dict[str, Any]:
    ceilings = {"traffic_coupon": Ceiling("traffic_coupon", most, 0)}
    rules = replace(shipped.rules, settings=replace(shipped.rules.settings, ceilings=ceilings))
    evaluator = Evaluator(replace(shipped, rules=rules), registry.engine(engine))
    question = Question(DAY, shown=frozenset({"chuanliu.self_live_tasks"}))
    return evaluator.evaluate(evaluator.reader.read(FACTS, DAY), question)


@pytest.mark.parametrize("engine", registry.NAMES)
@pytest.mark.parametrize(("most", "withheld"), [(200_000, []), (199_999, ["day_gmv_100k"])])
def test_only_what_is_above_the_ceiling_is_withheld(
    shipped: Bundle, engine: str, most: int, withheld: list[str]
) -> None:
    answer = answered(shipped, engine, most)
    assert [entry["id"] for entry in answer["not_granted"] if entry["reason"] == "withheld"] == withheld
    granted = {entry["id"]: entry["amount"] for entry in answer["rewards"]}
    assert granted == {"day_5_hours": 1000, "day_gmv_10k": 50000} | ({} if withheld else {"day_gmv_100k": 200_000})
