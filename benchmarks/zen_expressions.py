"""The same family for zen-engine without a table: one node of expressions, its steps nested conditions.

Nobody keeps rules in this form; it shows how much of zen's time its tables and its graph take.
"""

from typing import Any

from zen_graph import ADVICE, DORMANT, ENROLLED, GO_LIVE_LONGER, NEW_STORE, expressions, graph

_RESTRICTED = "merchant.restricted"


def one_node() -> dict[str, Any]:
    """The request, one node of expressions, the answer."""
    tasks = [
        _task("open_kuaifenxiao", 1000, "not merchant.kuaifenxiao_open", f"entry.kuaifenxiao_open or {_RESTRICTED}"),
        _task(
            "set_distribution_plan",
            1000,
            "not merchant.distribution_plan_set",
            f"entry.distribution_plan_set or {_RESTRICTED}",
        ),
        _task("orders_1000", 50000, "distribution.campaign_paid_orders < 1000"),
        _task("orders_10000", 100000, "distribution.campaign_paid_orders < 10000"),
    ]
    self_live = [
        _task("day_5_hours", 1000, "live.campaign_best_day_hours < 5"),
        _task("day_gmv_10k", 50000, "live.campaign_best_day_gmv <= 10000"),
        _task("day_gmv_100k", 200000, "live.campaign_best_day_gmv <= 100000"),
    ]
    node = expressions(
        "all",
        passes=False,
        enrolled=ENROLLED,
        dormant=DORMANT,
        new_store=NEW_STORE,
        audience="$.dormant or $.new_store",
        hours=f"live.hours_today < 4 ? null : {_HOURS}",
        traffic="{hours: $.hours, exposures: live.peer_exposures_per_hour == null or $.hours == null ? null : "
        '$.hours * live.peer_exposures_per_hour, reason: not $.enrolled ? "not_applicable" : '
        f'$.hours == null ? "not_met" : merchant.live_frozen or {_RESTRICTED} ? "excluded" : null}}',
        coupon=_COUPON,
        push=f'{{coupon: $.coupon, reason: $.coupon == null ? "not_met" : {_RESTRICTED} ? "excluded" : null}}',
        tasks=f'$.audience ? [{", ".join(tasks)}] : map(["open_kuaifenxiao", "set_distribution_plan", "orders_1000", '
        '"orders_10000"], {id: #, reason: "not_applicable"})',
        self_live=f"[{', '.join(self_live)}]",
        unmet=_flags(
            {
                "kuaifenxiao_open": "not merchant.kuaifenxiao_open",
                "distribution_orders": "distribution.orders_180d < 1",
                "goods_owner": "not merchant.is_goods_owner",
                "self_live": "live.active_days_30d < 1",
            }
        ),
        advice=_flags(ADVICE | {"go_live_longer": f"$.enrolled and {GO_LIVE_LONGER}"}),
        products_advice="map(products, "
        + _flags(
            {
                "price_inversion": "#.distribution_price < #.public_price",
                "price_below_floor": "#.floor_price != null and #.distribution_price < #.floor_price",
            }
        )
        + ")",
    )
    return graph([node], [("input", "all"), ("all", "output")])


_BUYERS, _ORDERS = "distribution.buyer_hours_180d", "influencer.main_push_settled_orders"
_HOURS = (
    f"({_BUYERS} >= 30 ? 25 : {_BUYERS} >= 10 ? 10 : {_BUYERS} >= 5 ? 6 : {_BUYERS} >= 1 ? 5 : "
    "distribution.orders_180d >= 1 ? 1 : null)"
)
_COUPON = (
    f"{_ORDERS} >= 1000 ? 50000 : {_ORDERS} >= 500 ? 15000 : {_ORDERS} >= 300 ? 9000 : "
    f"{_ORDERS} >= 100 ? 6000 : {_ORDERS} >= 10 ? 1000 : null"
)


def _task(id_: str, amount: int, unmet: str, excluded: str = _RESTRICTED) -> str:
    return f'{{id: "{id_}", amount: {amount}, reason: {unmet} ? "not_met" : {excluded} ? "excluded" : null}}'


def _flags(conditions: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {condition}" for name, condition in conditions.items()) + "}"
