"""durable-rules driven bare on the same tables: its C module, facts ready as text, no answer built.

What is left out, and so not in its time: reading and checking facts, dates and decimals to integers, the differences
that conditions compare, hit policies, rewards and texts. What remains is the match alone, all of a state's rows.
"""

from datetime import date
from typing import Any

import durable_rules_engine as dre
import orjson
from states import AS_OF, Facts

Condition = dict[str, Any]
_SID = "1"
_HEAD, _RETRACT = '{"sid":"1","id":"1",', '{"sid":"1","id":"1"}'
_WARM = "~w"

_TRAFFIC, _TASKS, _SELF = "chuanliu.traffic_hours", "chuanliu.distribution_tasks", "chuanliu.self_live_tasks"
_PUSH, _ENROLMENT, _ADVICE = "chuanliu.main_push", "chuanliu.enrolment", "chuanliu.advice"
_PRODUCT = "chuanliu.product_advice"


def _at_least(field: str, value: int) -> Condition:
    return {"$gte": {field: value}}


def _below(field: str, value: int) -> Condition:
    return {"$lt": {field: value}}


def _above(field: str, value: int) -> Condition:
    return {"$gt": {field: value}}


def _all(*conditions: Condition) -> Condition:
    return {"$and": list(conditions)}


def _any(*conditions: Condition) -> Condition:
    return {"$or": list(conditions)}


def _between(field: str, low: int, high: int) -> tuple[Condition, Condition]:
    """low <= field < high."""
    return _at_least(field, low), _below(field, high)


_LONG_ENOUGH = _at_least("hours_today", 400)
_MERCHANT: dict[str, Condition] = {
    f"{_TRAFFIC}.enrolled": _at_least("days_enrolled", 0),
    f"{_TRAFFIC}.h25": _all(_LONG_ENOUGH, _at_least("buyer_hours", 3000)),
    f"{_TRAFFIC}.h10": _all(_LONG_ENOUGH, *_between("buyer_hours", 1000, 3000)),
    f"{_TRAFFIC}.h6": _all(_LONG_ENOUGH, *_between("buyer_hours", 500, 1000)),
    f"{_TRAFFIC}.h5": _all(_LONG_ENOUGH, *_between("buyer_hours", 100, 500)),
    f"{_TRAFFIC}.h1": _all(_LONG_ENOUGH, _at_least("orders", 1), *_between("buyer_hours", 0, 100)),
    f"{_TRAFFIC}.frozen": {"live_frozen": True},
    f"{_TRAFFIC}.go_live_longer": _all(_below("hours_today", 400), _at_least("orders", 1)),
    f"{_TASKS}.dormant": _all({"store_type": "enterprise"}, {"entry_orders": 0}, _at_least("entry_live_days", 1)),
    f"{_TASKS}.new_store": _all({"$neq": {"store_type": "individual"}}, *_between("age_at_entry", 0, 31)),
    f"{_TASKS}.open_kuaifenxiao": {"kuaifenxiao": True},
    f"{_TASKS}.open_kuaifenxiao_already": {"entry_kuaifenxiao": True},
    f"{_TASKS}.set_distribution_plan": {"plan": True},
    f"{_TASKS}.set_distribution_plan_already": {"entry_plan": True},
    f"{_TASKS}.orders_1000": _at_least("paid", 1000),
    f"{_TASKS}.orders_10000": _at_least("paid", 10000),
    f"{_SELF}.day_5_hours": _at_least("best_hours", 500),
    f"{_SELF}.day_gmv_10k": _above("best_gmv", 1000000),
    f"{_SELF}.day_gmv_100k": _above("best_gmv", 10000000),
    f"{_PUSH}.orders_1000": _at_least("settled", 1000),
    f"{_PUSH}.orders_500": _all(*_between("settled", 500, 1000)),
    f"{_PUSH}.orders_300": _all(*_between("settled", 300, 500)),
    f"{_PUSH}.orders_100": _all(*_between("settled", 100, 300)),
    f"{_PUSH}.orders_10": _all(*_between("settled", 10, 100)),
    f"{_ENROLMENT}.kuaifenxiao_open": {"kuaifenxiao": False},
    f"{_ENROLMENT}.distribution_orders": _below("orders", 1),
    f"{_ENROLMENT}.goods_owner": {"goods_owner": False},
    f"{_ENROLMENT}.self_live": _below("live_days", 1),
    f"{_ADVICE}.go_live_same_day": _all({"no_live_since": True}, *_between("days_since_distributed", 0, 2)),
    f"{_ADVICE}.repurchase_event": _all(*_between("days_since_sale", 45, 61)),
    f"{_ADVICE}.differentiate_assortment": _at_least("overlap", 80),
    f"{_ADVICE}.open_membership": _all({"membership": False}, _any({"plan": True}, _at_least("orders", 1000))),
    f"{_ADVICE}.expand_distribution": _below("buyer_hours", 500),
    f"{_ADVICE}.showcase_merchant": _any(_at_least("orders", 100000), _above("best_gmv", 100000000)),
    "restricted": {"restricted": True},
}
_ELEMENT: dict[str, Condition] = {
    f"{_PRODUCT}.price_inversion": _below("over_public", 0),
    f"{_PRODUCT}.price_below_floor": _below("over_floor", 0),
}
_GATES = {_TRAFFIC: (f"{_TRAFFIC}.enrolled",), _TASKS: (f"{_TASKS}.dormant", f"{_TASKS}.new_store")}
_NOT_ROWS = {
    f"{_TRAFFIC}.enrolled",
    f"{_TRAFFIC}.frozen",
    f"{_TASKS}.dormant",
    f"{_TASKS}.new_store",
    "restricted",
    f"{_TASKS}.open_kuaifenxiao_already",
    f"{_TASKS}.set_distribution_plan_already",
}


class Ruleset:
    """One ruleset in one reused state, warmed up as the engine needs it."""

    def __init__(self, rules: dict[str, Condition]) -> None:
        self.names = {f"{number:03x}": name for number, name in enumerate(rules)}
        emitted = {code: {"all": [{"m": rules[name]}], "pri": 0} for code, name in self.names.items()}
        emitted[_WARM] = {"all": [{"m": {"$ex": {_WARM: 1}}}], "pri": 0}
        self.handle = dre.create_ruleset("p", orjson.dumps(emitted).decode())
        _, state = dre.assert_fact(self.handle, f'{_HEAD}"{_WARM}":1}}')
        dre.start_action_for_state(self.handle, state)
        dre.complete_and_start_action(self.handle, state)
        dre.delete_state(self.handle, _SID)

    def match(self, text: str) -> list[str]:
        """Codes of the rules that fired; one with two true branches comes twice."""
        fired: list[str] = []
        handle = self.handle
        outcome, state = dre.assert_fact(handle, text)
        if outcome == 0:
            message = dre.start_action_for_state(handle, state)[1]
            while message is not None:
                fired.append(message[2:5])
                message = dre.complete_and_start_action(handle, state)
            dre.retract_fact(handle, _RETRACT)
        return fired


class BareRete:
    """Both rulesets: what is asked once of a state, and what is asked of each product."""

    def __init__(self) -> None:
        self.merchant, self.element = Ruleset(_MERCHANT), Ruleset(_ELEMENT)

    def match(self, texts: tuple[str, ...]) -> list[list[str]]:
        """Fired codes, of the state and then of each product."""
        return [self.merchant.match(texts[0]), *[self.element.match(text) for text in texts[1:]]]

    def rows(self, texts: tuple[str, ...]) -> set[str]:
        """Rows that fired and recommendations given, without those of policies that do not apply."""
        first, *rest = self.match(texts)
        fired = {self.merchant.names[code] for code in first}
        closed = {policy for policy, gates in _GATES.items() if fired.isdisjoint(gates)}
        fired = {name for name in fired - _NOT_ROWS if name.rpartition(".")[0] not in closed}
        return fired | {self.element.names[code] for codes in rest for code in codes}


def texts(facts: Facts) -> tuple[str, ...]:
    """The facts as the rulesets take them: flat, numbers scaled to integers, dates as differences, no nulls."""
    merchant, entry, distribution, live = facts["merchant"], facts["entry"], facts["distribution"], facts["live"]
    last_live, distributed = live["last_live_on"], distribution["last_distributed_on"]
    fact = {
        "store_type": merchant["store_type"],
        "kuaifenxiao": merchant["kuaifenxiao_open"],
        "plan": merchant["distribution_plan_set"],
        "goods_owner": merchant["is_goods_owner"],
        "membership": merchant["membership_open"],
        "restricted": merchant["restricted"],
        "live_frozen": merchant["live_frozen"],
        "days_enrolled": _days(merchant["chuanliu_enrolled_on"]),
        "entry_orders": entry["distribution_orders_180d"],
        "entry_live_days": entry["live_active_days_30d"],
        "entry_kuaifenxiao": entry["kuaifenxiao_open"],
        "entry_plan": entry["distribution_plan_set"],
        "age_at_entry": _days(merchant["opened_on"], date.fromisoformat(entry["entered_on"])),
        "orders": distribution["orders_180d"],
        "paid": distribution["campaign_paid_orders"],
        "buyer_hours": _hundredths(distribution["buyer_hours_180d"]),
        "overlap": _hundredths(distribution["assortment_overlap"]),
        "days_since_distributed": _days(distributed),
        "days_since_sale": _days(distribution["last_big_sale_on"]),
        "live_days": live["active_days_30d"],
        "hours_today": _hundredths(live["hours_today"]),
        "best_hours": _hundredths(live["campaign_best_day_hours"]),
        "best_gmv": _hundredths(live["campaign_best_day_gmv"]),
        "no_live_since": last_live is None or last_live < distributed,
        "settled": facts["influencer"]["main_push_settled_orders"],
    }
    return (_text(fact), *[_text(_product(product)) for product in facts["products"]])


def _product(product: Facts) -> dict[str, Any]:
    price, floor = product["distribution_price"], product["floor_price"]
    return {
        "over_public": _hundredths(price - product["public_price"]),
        "over_floor": None if floor is None else _hundredths(price - floor),
    }


def _days(text: str | None, until: date = AS_OF) -> int | None:
    return None if text is None else (until - date.fromisoformat(text)).days


def _hundredths(value: Any) -> int:
    return int(value * 100)


def _text(fact: dict[str, Any]) -> str:
    return _HEAD + orjson.dumps({name: value for name, value in fact.items() if value is not None}).decode()[1:]
