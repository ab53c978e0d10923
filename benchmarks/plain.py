"""The 川流 family as a programmer would write it by hand: no rule files, no trace, no texts, no claims.

What it answers is what the service answers, as far as `Outcome` compares.
"""

from datetime import date
from decimal import Decimal
from typing import Any

from states import Facts

_CYCLE, _CYCLE_START = 60, 45
_OVERLAP = Decimal("0.80")


def decide(facts: Facts, as_of: str) -> dict[str, Any]:
    """Statuses, decisions, rewards, refusals and recommendations of all policies of the family.

    Args:
        facts: parsed JSON, known to be valid.
        as_of: YYYY-MM-DD.
    """
    answer: dict[str, Any] = {"statuses": {}, "decisions": {}, "rewards": [], "not_granted": [], "recommendations": []}
    merchant, distribution, live = facts["merchant"], facts["distribution"], facts["live"]
    _enrolment(answer, merchant, distribution, live)
    _distribution_tasks(answer, merchant, facts["entry"], distribution)
    _self_live_tasks(answer, merchant, live)
    _main_push(answer, merchant, facts["influencer"])
    _traffic_hours(answer, merchant, distribution, live, as_of)
    _advice(answer, merchant, distribution, live, as_of)
    _product_advice(answer, facts["products"])
    return answer


def _enrolment(answer: dict[str, Any], merchant: Facts, distribution: Facts, live: Facts) -> None:
    requirements = [
        {"row": "kuaifenxiao_open", "met": merchant["kuaifenxiao_open"]},
        {"row": "distribution_orders", "met": distribution["orders_180d"] >= 1},
        {"row": "goods_owner", "met": merchant["is_goods_owner"]},
        {"row": "self_live", "met": live["active_days_30d"] >= 1},
    ]
    unmet = [r["row"] for r in requirements if not r["met"]]
    answer["statuses"]["chuanliu.enrolment"] = "applied"
    answer["decisions"]["chuanliu.enrolment"] = {"requirements": requirements, "unmet": unmet, "eligible": not unmet}
    answer["recommendations"] += [("chuanliu.enrolment", row) for row in unmet]


def _distribution_tasks(answer: dict[str, Any], merchant: Facts, entry: Facts, distribution: Facts) -> None:
    store = merchant["store_type"]
    dormant = store == "enterprise" and entry["live_active_days_30d"] >= 1 and entry["distribution_orders_180d"] == 0
    age = (date.fromisoformat(entry["entered_on"]) - date.fromisoformat(merchant["opened_on"])).days
    new_store = store != "individual" and 0 <= age <= 30
    paid = distribution["campaign_paid_orders"]
    tasks = [
        {
            "row": "open_kuaifenxiao",
            "met": merchant["kuaifenxiao_open"],
            "already": entry["kuaifenxiao_open"],
            "coupon": 1000,
        },
        {
            "row": "set_distribution_plan",
            "met": merchant["distribution_plan_set"],
            "already": entry["distribution_plan_set"],
            "coupon": 1000,
        },
        {"row": "orders_1000", "met": paid >= 1000, "already": False, "coupon": 50000},
        {"row": "orders_10000", "met": paid >= 10000, "already": False, "coupon": 100000},
    ]
    policy = "chuanliu.distribution_tasks"
    if not (dormant or new_store):
        answer["statuses"][policy], answer["decisions"][policy] = "not_applicable", {}
        answer["not_granted"] += [(policy, task["row"], "not_applicable") for task in tasks]
        return
    answer["statuses"][policy] = "applied"
    answer["decisions"][policy] = {"dormant": dormant, "new_store": new_store, "audience": True, "tasks": tasks}
    _tasks(answer, policy, tasks, merchant)


def _self_live_tasks(answer: dict[str, Any], merchant: Facts, live: Facts) -> None:
    gmv = live["campaign_best_day_gmv"]
    tasks = [
        {"row": "day_5_hours", "met": live["campaign_best_day_hours"] >= 5, "coupon": 1000},
        {"row": "day_gmv_10k", "met": gmv > 10000, "coupon": 50000},
        {"row": "day_gmv_100k", "met": gmv > 100000, "coupon": 200000},
    ]
    policy = "chuanliu.self_live_tasks"
    answer["statuses"][policy], answer["decisions"][policy] = "applied", {"tasks": tasks}
    _tasks(answer, policy, tasks, merchant)


def _tasks(answer: dict[str, Any], policy: str, tasks: list[dict[str, Any]], merchant: Facts) -> None:
    for task in tasks:
        if not task["met"]:
            answer["not_granted"].append((policy, task["row"], "not_met"))
        elif task.get("already") or merchant["restricted"]:
            answer["not_granted"].append((policy, task["row"], "excluded"))
        else:
            answer["rewards"].append((policy, task["row"], task["coupon"]))


def _main_push(answer: dict[str, Any], merchant: Facts, influencer: Facts) -> None:
    orders = influencer["main_push_settled_orders"]
    coupon = (
        50000
        if orders >= 1000
        else 15000
        if orders >= 500
        else 9000
        if orders >= 300
        else 6000
        if orders >= 100
        else 1000
        if orders >= 10
        else None
    )
    policy = "chuanliu.main_push"
    answer["statuses"][policy], answer["decisions"][policy] = "applied", {"coupon": coupon}
    _reward(answer, policy, "main_push_coupon", coupon, excluded=merchant["restricted"])


def _traffic_hours(answer: dict[str, Any], merchant: Facts, distribution: Facts, live: Facts, as_of: str) -> None:
    policy, enrolled = "chuanliu.traffic_hours", merchant["chuanliu_enrolled_on"]
    if enrolled is None or enrolled > as_of:
        answer["statuses"][policy], answer["decisions"][policy] = "not_applicable", {}
        answer["not_granted"].append((policy, "chuanliu_traffic", "not_applicable"))
        return
    hours, buyers, orders = None, distribution["buyer_hours_180d"], distribution["orders_180d"]
    if live["hours_today"] >= 4:
        hours = (
            25
            if buyers >= 30
            else 10
            if buyers >= 10
            else 6
            if buyers >= 5
            else 5
            if buyers >= 1
            else 1
            if orders >= 1
            else None
        )
    elif orders >= 1:
        answer["recommendations"].append((policy, "go_live_longer"))
    peers = live["peer_exposures_per_hour"]
    exposures = None if hours is None or peers is None else hours * peers
    answer["statuses"][policy] = "applied"
    answer["decisions"][policy] = {"granted_hours": hours, "exposures": exposures}
    _reward(answer, policy, "chuanliu_traffic", hours, excluded=merchant["live_frozen"] or merchant["restricted"])


def _reward(answer: dict[str, Any], policy: str, id_: str, amount: int | None, *, excluded: bool) -> None:
    if amount is None:
        answer["not_granted"].append((policy, id_, "not_met"))
    elif excluded:
        answer["not_granted"].append((policy, id_, "excluded"))
    else:
        answer["rewards"].append((policy, id_, amount))


def _advice(answer: dict[str, Any], merchant: Facts, distribution: Facts, live: Facts, as_of: str) -> None:
    policy, day = "chuanliu.advice", date.fromisoformat(as_of)
    answer["statuses"][policy], answer["decisions"][policy] = "applied", {}
    found, distributed, last_live = [], distribution["last_distributed_on"], live["last_live_on"]
    if 0 <= (day - date.fromisoformat(distributed)).days <= 1 and (last_live is None or last_live < distributed):
        found.append("go_live_same_day")
    if _CYCLE_START <= (day - date.fromisoformat(distribution["last_big_sale_on"])).days <= _CYCLE:
        found.append("repurchase_event")
    if distribution["assortment_overlap"] >= _OVERLAP:
        found.append("differentiate_assortment")
    if not merchant["membership_open"] and (merchant["distribution_plan_set"] or distribution["orders_180d"] >= 1000):
        found.append("open_membership")
    if distribution["buyer_hours_180d"] < 5:
        found.append("expand_distribution")
    if distribution["orders_180d"] >= 100000 or live["campaign_best_day_gmv"] > 1000000:
        found.append("showcase_merchant")
    answer["recommendations"] += [(policy, id_) for id_ in found]


def _product_advice(answer: dict[str, Any], products: list[Facts]) -> None:
    policy = "chuanliu.product_advice"
    answer["statuses"][policy], answer["decisions"][policy] = "applied", {}
    for product in products:
        if product["distribution_price"] < product["public_price"]:
            answer["recommendations"].append((policy, "price_inversion"))
        floor = product["floor_price"]
        if floor is not None and product["distribution_price"] < floor:
            answer["recommendations"].append((policy, "price_below_floor"))
