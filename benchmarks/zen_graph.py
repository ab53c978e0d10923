"""The 川流 family as a decision graph of zen-engine: its tables as tables, the rest as expressions.

One graph and one `evaluate` for the whole family. The graph is handed over when the engine is made, so that zen
compiles it then; of its ways to be called this is the fastest (`fastest` measures them).
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import zen
from outcome import Outcome
from states import Facts

Node = dict[str, Any]
Row = tuple[list[str], list[str]]
_KEY = "chuanliu"
_TRAFFIC, _TASKS, _SELF = "chuanliu.traffic_hours", "chuanliu.distribution_tasks", "chuanliu.self_live_tasks"
_PUSH, _ENROLMENT, _ADVICE = "chuanliu.main_push", "chuanliu.enrolment", "chuanliu.advice"
_PRODUCT = "chuanliu.product_advice"

_ENROLLED = "merchant.chuanliu_enrolled_on != null and d(merchant.chuanliu_enrolled_on) <= d(as_of)"
_DORMANT = ('merchant.store_type == "enterprise" and entry.live_active_days_30d >= 1 '
            "and entry.distribution_orders_180d == 0")
_NEW_STORE = ('merchant.store_type != "individual" '
              'and d(entry.entered_on).diff(d(merchant.opened_on), "day") in [0..30]')
_EXCLUDED = '{} ? "excluded" : null'


def _expressions(name: str, **expressions: str) -> Node:
    content = {"expressions": [{"id": key, "key": key, "value": value} for key, value in expressions.items()],
               "passThrough": True, "inputField": None, "outputPath": None, "executionMode": "single"}
    return {"id": name, "name": name, "type": "expressionNode", "position": {"x": 0, "y": 0}, "content": content}


def _table(name: str, inputs: list[str | None], outputs: list[str], rows: list[Row], *, hit: str = "first",
           each: str | None = None) -> Node:
    """A table; an input of None has whole conditions for cells.

    Args:
        each: the list whose elements are evaluated one after the other.
    """
    names = [f"i{n}" for n in range(len(inputs))], [f"o{n}" for n in range(len(outputs))]
    content = {
        "hitPolicy": hit, "passThrough": False, "inputField": each, "outputPath": name,
        "executionMode": "loop" if each else "single",
        "inputs": [{"id": id_, "name": id_} | ({"field": field} if field else {})
                   for id_, field in zip(names[0], inputs, strict=True)],
        "outputs": [{"id": id_, "name": field, "field": field} for id_, field in zip(names[1], outputs, strict=True)],
        "rules": [{"_id": f"{name}-{place}"} | dict(zip((*names[0], *names[1]), (*tests, *values), strict=True))
                  for place, (tests, values) in enumerate(rows)],
    }
    return {"id": name, "name": name, "type": "decisionTableNode", "position": {"x": 0, "y": 0}, "content": content}


def _task(columns: int, at: int, test: str, unmet: str, id_: str, amount: str, granted: str, refused: str) -> list[Row]:
    """A task's two rows: met and not met."""
    def cells(cell: str) -> list[str]:
        return [cell if column == at else "" for column in range(columns)]

    return [(cells(test), [f'"{id_}"', amount, granted]), (cells(unmet), [f'"{id_}"', "", refused])]


def _traffic() -> Node:
    granted = "merchant.live_frozen or merchant.restricted"
    peers = "live.peer_exposures_per_hour"
    steps = [("h25", "", ">= 30", 25), ("h10", "", "[10..30)", 10), ("h6", "", "[5..10)", 6), ("h5", "", "[1..5)", 5),
             ("h1", ">= 1", "[0..1)", 1)]
    rows: list[Row] = [(["false", "", "", ""], ["", "", '"not_applicable"'])]
    rows += [(["", ">= 4", orders, buyers], [str(hours), f"{peers} == null ? null : {hours} * {peers}",
                                             _EXCLUDED.format(granted)]) for _, orders, buyers, hours in steps]
    rows.append((["", "", "", ""], ["", "", '"not_met"']))
    inputs: list[str | None] = ["enrolled", "live.hours_today", "distribution.orders_180d", "distribution.buyer_hours_180d"]
    return _table("traffic", inputs, ["hours", "exposures", "reason"], rows)


def _push() -> Node:
    steps = [(">= 1000", 50000), ("[500..1000)", 15000), ("[300..500)", 9000), ("[100..300)", 6000), ("[10..100)", 1000)]
    rows: list[Row] = [([cell], [str(coupon), _EXCLUDED.format("merchant.restricted")]) for cell, coupon in steps]
    return _table("push", ["influencer.main_push_settled_orders"], ["coupon", "reason"], [*rows, ([""], ["", '"not_met"'])])


def _distribution_tasks() -> Node:
    refused = 'audience ? "not_met" : "not_applicable"'
    plain = 'audience ? (merchant.restricted ? "excluded" : null) : "not_applicable"'
    once = 'audience ? (entry.{} or merchant.restricted ? "excluded" : null) : "not_applicable"'
    rows = [
        *_task(3, 0, "true", "false", "open_kuaifenxiao", "1000", once.format("kuaifenxiao_open"), refused),
        *_task(3, 1, "true", "false", "set_distribution_plan", "1000", once.format("distribution_plan_set"), refused),
        *_task(3, 2, ">= 1000", "< 1000", "orders_1000", "50000", plain, refused),
        *_task(3, 2, ">= 10000", "< 10000", "orders_10000", "100000", plain, refused),
    ]
    inputs: list[str | None] = ["merchant.kuaifenxiao_open", "merchant.distribution_plan_set",
                                "distribution.campaign_paid_orders"]
    return _table("tasks", inputs, ["id", "amount", "reason"], rows, hit="collect")


def _self_live_tasks() -> Node:
    granted, refused = _EXCLUDED.format("merchant.restricted"), '"not_met"'
    rows = [
        *_task(2, 0, ">= 5", "< 5", "day_5_hours", "1000", granted, refused),
        *_task(2, 1, "> 10000", "<= 10000", "day_gmv_10k", "50000", granted, refused),
        *_task(2, 1, "> 100000", "<= 100000", "day_gmv_100k", "200000", granted, refused),
    ]
    inputs: list[str | None] = ["live.campaign_best_day_hours", "live.campaign_best_day_gmv"]
    return _table("self_live", inputs, ["id", "amount", "reason"], rows, hit="collect")


def _enrolment() -> Node:
    inputs: list[str | None] = ["merchant.kuaifenxiao_open", "distribution.orders_180d", "merchant.is_goods_owner",
                                "live.active_days_30d"]
    rows: list[Row] = [
        (["false", "", "", ""], ['"kuaifenxiao_open"']), (["", "< 1", "", ""], ['"distribution_orders"']),
        (["", "", "false", ""], ['"goods_owner"']), (["", "", "", "< 1"], ['"self_live"']),
    ]
    return _table("unmet", inputs, ["row"], rows, hit="collect")


def _advice() -> Node:
    conditions = {
        "go_live_same_day": 'd(as_of).diff(d(distribution.last_distributed_on), "day") in [0..1] '
                            "and (live.last_live_on == null or d(live.last_live_on) < d(distribution.last_distributed_on))",
        "repurchase_event": 'd(as_of).diff(d(distribution.last_big_sale_on), "day") in [45..60]',
        "differentiate_assortment": "distribution.assortment_overlap >= 0.80",
        "open_membership": "merchant.membership_open == false "
                           "and (merchant.distribution_plan_set or distribution.orders_180d >= 1000)",
        "expand_distribution": "distribution.buyer_hours_180d < 5",
        "showcase_merchant": "distribution.orders_180d >= 100000 or live.campaign_best_day_gmv > 1000000",
        "go_live_longer": "enrolled and live.hours_today < 4 and distribution.orders_180d >= 1",
    }
    return _table("advice", [None], ["id"], [([test], [f'"{id_}"']) for id_, test in conditions.items()], hit="collect")


def _product_advice() -> Node:
    rows: list[Row] = [(["distribution_price < public_price"], ['"price_inversion"']),
                       (["floor_price != null and distribution_price < floor_price"], ['"price_below_floor"'])]
    return _table("products_advice", [None], ["id"], rows, hit="collect", each="products")


def graph() -> dict[str, Any]:
    """The family: the request, then the gates, then all tables side by side, then the answer."""
    gates = _expressions("gates", enrolled=_ENROLLED, dormant=_DORMANT, new_store=_NEW_STORE,
                         audience="$.dormant or $.new_store")
    tables = [_traffic(), _push(), _distribution_tasks(), _self_live_tasks(), _enrolment(), _advice(), _product_advice()]
    ends = [{"id": name, "name": name, "type": f"{name}Node", "position": {"x": 0, "y": 0}, "content": {}}
            for name in ("input", "output")]
    kept = _expressions("kept", enrolled="enrolled", dormant="dormant", new_store="new_store", audience="audience")
    kept["content"]["passThrough"] = False
    pairs = [("input", "gates")]
    for node in (*tables, kept):
        pairs += [("gates", node["id"]), (node["id"], "output")]
    edges = [{"id": f"{a}-{b}", "type": "edge", "sourceId": a, "targetId": b} for a, b in pairs]
    return {"nodes": [ends[0], gates, *tables, kept, ends[1]], "edges": edges}


class Zen:
    """The family's graph in an engine that has compiled it."""

    def __init__(self) -> None:
        self.engine = zen.ZenEngine({"loader": {"type": "static", "content": {_KEY: graph()}}})

    def evaluate(self, context: str | Facts) -> dict[str, Any]:
        """zen's answer, without its trace."""
        return self.engine.evaluate(_KEY, context)

    def traced(self, context: str | Facts) -> dict[str, Any]:
        """zen's answer with its trace."""
        return self.engine.evaluate(_KEY, context, {"trace": True})


def as_dict(facts: Facts, as_of: str) -> Facts:
    """The state as a dict for zen, which takes floats and no decimals."""
    return json.loads(as_text(facts, as_of))


def as_text(facts: Facts, as_of: str) -> str:
    """The state as JSON text."""
    return json.dumps({"as_of": as_of} | facts, default=_number, ensure_ascii=False)


def _number(value: Any) -> float:
    assert isinstance(value, Decimal)
    return float(value)
