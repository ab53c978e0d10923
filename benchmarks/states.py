"""The states that are measured: a fixed list, varied, many of their values on the borders of the rules.

All sections that the 川流 family reads are posted, with one product each. Every required fact is there, so that
each policy decides; some optional ones are null.
"""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

AS_OF = date(2023, 4, 1)
_SEED = 20230401

Facts = dict[str, Any]


def states(count: int = 200) -> list[Facts]:
    """Facts as a JSON parser gives them: numbers are int or Decimal, dates are texts."""
    draw = random.Random(_SEED)
    return [_state(draw, number) for number in range(count)]


def _state(draw: random.Random, number: int) -> Facts:
    opened = draw.choice([1, 2, 10, 29, 30, 31, 32, 200, 900, 2000])
    entered = draw.choice([0, 1, 2])
    return {
        "merchant": {
            "id": f"m-{number}",
            "store_type": draw.choice(["enterprise", "enterprise", "flagship", "individual", "other"]),
            "opened_on": _days_ago(opened + entered - 1),
            "is_goods_owner": draw.random() < 0.85,
            "tier": draw.randint(1, 5),
            "category": draw.choice(["食品", "日用百货", "服饰", "美妆"]),
            "kuaifenxiao_open": draw.random() < 0.7,
            "distribution_plan_set": draw.random() < 0.6,
            "membership_open": draw.random() < 0.4,
            "chuanliu_enrolled_on": draw.choice(
                [None, _days_ago(-1), _days_ago(0), _days_ago(1), _days_ago(40), _days_ago(60), _days_ago(80)]
            ),
            "industrial_belt": draw.random() < 0.3,
            "restricted": draw.random() < 0.05,
            "live_frozen": draw.random() < 0.08,
        },
        "entry": {
            "entered_on": _days_ago(entered),
            "live_active_days_30d": draw.choice([0, 1, 2, 7, 22]),
            "distribution_orders_180d": draw.choice([0, 0, 0, 1, 350]),
            "kuaifenxiao_open": draw.random() < 0.3,
            "distribution_plan_set": draw.random() < 0.3,
        },
        "distribution": {
            "orders_180d": draw.choice([0, 1, 2, 40, 999, 1000, 1001, 5200, 99999, 100000, 250000]),
            "buyers_180d": draw.randint(0, 60000),
            "buyer_hours_180d": _decimal(draw, "0 0.5 0.99 1 1.01 4.99 5 5.01 7.25 9.99 10 12.5 29.99 30 30.01 120"),
            "campaign_paid_orders": draw.choice([0, 12, 999, 1000, 1001, 4300, 9999, 10000, 10001, 60000]),
            "last_distributed_on": _days_ago(draw.choice([0, 1, 2, 9])),
            "last_big_sale_on": _days_ago(draw.choice([3, 44, 45, 46, 59, 60, 61])),
            "assortment_overlap": _decimal(draw, "0.1 0.35 0.79 0.8 0.81 1"),
        },
        "live": {
            "active_days_30d": draw.choice([0, 1, 2, 12, 30]),
            "hours_today": _decimal(draw, "0 2.5 3.99 4 4.01 4.75 6 9.5"),
            "campaign_best_day_hours": _decimal(draw, "1.5 4.99 5 5.01 7 11.25"),
            "campaign_best_day_gmv": _decimal(draw, "350 9999.99 10000 10000.01 48200.5 100000 100000.01 1000000.01"),
            "last_live_on": draw.choice([None, _days_ago(0), _days_ago(1), _days_ago(2), _days_ago(15)]),
            "peer_exposures_per_hour": draw.choice([None, 800, 5200, 5200, 26000]),
        },
        "influencer": {
            "id": f"i-{number}",
            "tier": draw.choice(["head", "waist", "tail", "new"]),
            "type": draw.choice(["persona", "vertical", "seeding", "entertainment"]),
            "main_push_settled_orders": draw.choice([0, 9, 10, 11, 99, 100, 299, 300, 499, 500, 999, 1000, 4000]),
            "content_score": _decimal(draw, "3.2 4.15 4.9"),
            "product_score": _decimal(draw, "3.2 4.15 4.9"),
            "service_score": _decimal(draw, "3.2 4.15 4.9"),
        },
        "products": [
            {
                "id": f"p-{number}",
                "category": "食品",
                "public_price": _decimal(draw, "59.9 89.9 99"),
                "distribution_price": _decimal(draw, "49.9 89.89 89.9 99 109"),
                "floor_price": draw.choice([None, Decimal("49.9"), Decimal("89.9"), 99]),
            }
        ],
    }


def _days_ago(days: int) -> str:
    return (AS_OF - timedelta(days=days)).isoformat()


def _decimal(draw: random.Random, choices: str) -> int | Decimal:
    text = draw.choice(choices.split())
    return Decimal(text) if "." in text else int(text)
