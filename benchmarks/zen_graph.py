"""The 川流 family as a decision graph of zen-engine: its tables as tables, the gates as expressions."""

from typing import Any

Node = dict[str, Any]
Row = tuple[list[str], list[str]]

ENROLLED = "merchant.chuanliu_enrolled_on != null and d(merchant.chuanliu_enrolled_on) <= d(as_of)"
DORMANT = (
    'merchant.store_type == "enterprise" and entry.live_active_days_30d >= 1 and entry.distribution_orders_180d == 0'
)
NEW_STORE = 'merchant.store_type != "individual" and d(entry.entered_on).diff(d(merchant.opened_on), "day") in [0..30]'
GO_LIVE_LONGER = "live.hours_today < 4 and distribution.orders_180d >= 1"
ADVICE = {
    "go_live_same_day": 'd(as_of).diff(d(distribution.last_distributed_on), "day") in [0..1] '
    "and (live.last_live_on == null or d(live.last_live_on) < d(distribution.last_distributed_on))",
    "repurchase_event": 'd(as_of).diff(d(distribution.last_big_sale_on), "day") in [45..60]',
    "differentiate_assortment": "distribution.assortment_overlap >= 0.80",
    "open_membership": "merchant.membership_open == false "
    "and (merchant.distribution_plan_set or distribution.orders_180d >= 1000)",
    "expand_distribution": "distribution.buyer_hours_180d < 5",
    "showcase_merchant": "distribution.orders_180d >= 100000 or live.campaign_best_day_gmv > 1000000",
}
_EXCLUDED = '{} ? "excluded" : null'


def expressions(name: str, *, passes: bool, **expressions: str) -> Node:
    """A node of expressions; one may read those before it as `$.name`.

    Args:
        passes: its input is part of its output.
    """
    content = {
        "expressions": [{"id": key, "key": key, "value": value} for key, value in expressions.items()],
        "passThrough": passes,
        "inputField": None,
        "outputPath": None,
        "executionMode": "single",
    }
    return {"id": name, "name": name, "type": "expressionNode", "position": {"x": 0, "y": 0}, "content": content}


def _table(
    name: str,
    inputs: list[str | None],
    outputs: list[str],
    rows: list[Row],
    *,
    hit: str = "first",
    each: str | None = None,
) -> Node:
    """A table; an input of None has whole conditions for cells.

    Args:
        each: the list whose elements are evaluated one after the other.
    """
    names = [f"i{n}" for n in range(len(inputs))], [f"o{n}" for n in range(len(outputs))]
    content = {
        "hitPolicy": hit,
        "passThrough": False,
        "inputField": each,
        "outputPath": name,
        "executionMode": "loop" if each else "single",
        "inputs": [
            {"id": id_, "name": id_} | ({"field": field} if field else {})
            for id_, field in zip(names[0], inputs, strict=True)
        ],
        "outputs": [{"id": id_, "name": field, "field": field} for id_, field in zip(names[1], outputs, strict=True)],
        "rules": [
            {"_id": f"{name}-{place}"} | dict(zip((*names[0], *names[1]), (*tests, *values), strict=True))
            for place, (tests, values) in enumerate(rows)
        ],
    }
    return {"id": name, "name": name, "type": "decisionTableNode", "position": {"x": 0, "y": 0}, "content": content}


def _task(columns: int, at: int, test: str, unmet: str, id_: str, amount: str, granted: str, refused: str) -> list[Row]:
    """A task's two rows: met and not met."""

    def cells(cell: str) -> list[str]:
        return [cell if column == at else "" for column in range(columns)]

    return [(cells(test), [f'"{id_}"', amount, granted]), (cells(unmet), [f'"{id_}"', "", refused])]


def _traffic() -> Node:
    excluded = "merchant.live_frozen or merchant.restricted"
    peers = "live.peer_exposures_per_hour"
    steps = [("", ">= 30", 25), ("", "[10..30)", 10), ("", "[5..10)", 6), ("", "[1..5)", 5), (">= 1", "[0..1)", 1)]
    rows: list[Row] = [(["false", "", "", ""], ["", "", '"not_applicable"'])]
    rows += [
        (
            ["", ">= 4", orders, buyers],
            [str(hours), f"{peers} == null ? null : {hours} * {peers}", _EXCLUDED.format(excluded)],
        )
        for orders, buyers, hours in steps
    ]
    rows.append((["", "", "", ""], ["", "", '"not_met"']))
    inputs: list[str | None] = [
        "enrolled",
        "live.hours_today",
        "distribution.orders_180d",
        "distribution.buyer_hours_180d",
    ]
    return _table("traffic", inputs, ["hours", "exposures", "reason"], rows)


def _push() -> Node:
    steps = [
        (">= 1000", 50000),
        ("[500..1000)", 15000),
        ("[300..500)", 9000),
        ("[100..300)", 6000),
        ("[10..100)", 1000),
    ]
    rows: list[Row] = [([cell], [str(coupon), _EXCLUDED.format("merchant.restricted")]) for cell, coupon in steps]
    rows.append(([""], ["", '"not_met"']))
    return _table("push", ["influencer.main_push_settled_orders"], ["coupon", "reason"], rows)


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
    inputs: list[str | None] = [
        "merchant.kuaifenxiao_open",
        "merchant.distribution_plan_set",
        "distribution.campaign_paid_orders",
    ]
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
    inputs: list[str | None] = [
        "merchant.kuaifenxiao_open",
        "distribution.orders_180d",
        "merchant.is_goods_owner",
        "live.active_days_30d",
    ]
    rows: list[Row] = [
        (["false", "", "", ""], ['"kuaifenxiao_open"']),
        (["", "< 1", "", ""], ['"distribution_orders"']),
        (["", "", "false", ""], ['"goods_owner"']),
        (["", "", "", "< 1"], ['"self_live"']),
    ]
    return _table("unmet", inputs, ["row"], rows, hit="collect")


def _advice() -> Node:
    rows: list[Row] = [([test], [f'"{id_}"']) for id_, test in ADVICE.items()]
    rows.append((["enrolled and " + GO_LIVE_LONGER], ['"go_live_longer"']))
    return _table("advice", [None], ["id"], rows, hit="collect")


def _product_advice() -> Node:
    rows: list[Row] = [
        (["distribution_price < public_price"], ['"price_inversion"']),
        (["floor_price != null and distribution_price < floor_price"], ['"price_below_floor"']),
    ]
    return _table("products_advice", [None], ["id"], rows, hit="collect", each="products")


def tables() -> dict[str, Any]:
    """The family: the request, then the gates, then all tables side by side, then the answer."""
    gates = expressions(
        "gates",
        passes=True,
        enrolled=ENROLLED,
        dormant=DORMANT,
        new_store=NEW_STORE,
        audience="$.dormant or $.new_store",
    )
    kept = expressions(
        "kept", passes=False, enrolled="enrolled", dormant="dormant", new_store="new_store", audience="audience"
    )
    sides = [
        _traffic(),
        _push(),
        _distribution_tasks(),
        _self_live_tasks(),
        _enrolment(),
        _advice(),
        _product_advice(),
        kept,
    ]
    pairs = [("input", "gates")]
    for node in sides:
        pairs += [("gates", node["id"]), (node["id"], "output")]
    return graph([gates, *sides], pairs)


def graph(nodes: list[Node], pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """A decision graph with an `input` and an `output` beside the nodes.

    Args:
        pairs: ids of the nodes that data flows between.
    """
    first, last = (
        {"id": name, "name": name, "type": f"{name}Node", "position": {"x": 0, "y": 0}, "content": {}}
        for name in ("input", "output")
    )
    edges = [{"id": f"{a}-{b}", "type": "edge", "sourceId": a, "targetId": b} for a, b in pairs]
    return {"nodes": [first, *nodes, last], "edges": edges}
