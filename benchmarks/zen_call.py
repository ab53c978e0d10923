"""zen-engine called in its fastest way, and what its answers come to.

The graphs are handed over when the engine is made, and zen compiles them then; a loader function, `ZenDecision` and
`ZenDecisionContent` all cost more for each call.
"""

import json
from decimal import Decimal
from typing import Any

import zen
from outcome import Outcome
from states import Facts
from zen_expressions import one_node
from zen_graph import tables

_TRAFFIC, _TASKS, _SELF = "chuanliu.traffic_hours", "chuanliu.distribution_tasks", "chuanliu.self_live_tasks"
_PUSH, _ENROLMENT, _ADVICE = "chuanliu.main_push", "chuanliu.enrolment", "chuanliu.advice"
_PRODUCT = "chuanliu.product_advice"
_REQUIREMENTS = ("kuaifenxiao_open", "distribution_orders", "goods_owner", "self_live")
_TRACED = {"trace": True}


class Zen:
    """Both graphs of the family, compiled."""

    def __init__(self) -> None:
        self.engine = zen.ZenEngine({"loader": {"type": "static", "content": {"tables": tables(), "one": one_node()}}})

    def tables(self, context: str | Facts) -> dict[str, Any]:
        """The answer of the graph of tables."""
        return self.engine.evaluate("tables", context)

    def traced(self, context: str | Facts) -> dict[str, Any]:
        """The same with zen's trace."""
        return self.engine.evaluate("tables", context, _TRACED)

    def one_node(self, context: str | Facts) -> dict[str, Any]:
        """The answer of the single node of expressions."""
        return self.engine.evaluate("one", context)


def as_text(facts: Facts, as_of: str) -> str:
    """A state as JSON text, which zen reads itself."""
    return json.dumps({"as_of": as_of} | facts, default=_float, ensure_ascii=False)


def as_dict(facts: Facts, as_of: str) -> Facts:
    """A state as a parsed dict; zen takes floats and no decimals."""
    parsed: Facts = json.loads(as_text(facts, as_of))
    return parsed


def _float(value: Any) -> float:
    assert isinstance(value, Decimal)
    return float(value)


def outcome(answer: dict[str, Any], relations: dict[str, dict[str, Any]]) -> Outcome:
    """What an answer comes to.

    Args:
        relations: by policy, decisions that zen's graph has no form for and that are therefore not compared.
    """
    found = answer["result"]
    traffic, push, audience = found["traffic"], found["push"], found["audience"]
    lines = [
        (_TRAFFIC, "chuanliu_traffic", traffic.get("hours"), traffic.get("reason")),
        (_PUSH, "main_push_coupon", push.get("coupon"), push.get("reason")),
    ]
    lines += [(_TASKS, t["id"], t.get("amount"), t.get("reason")) for t in found["tasks"]]
    lines += [(_SELF, t["id"], t.get("amount"), t.get("reason")) for t in found["self_live"]]
    unmet = sorted(_names(found["unmet"]), key=_REQUIREMENTS.index)  # the keys of zen's objects have no order
    advice = [(_TRAFFIC if id_ == "go_live_longer" else _ADVICE, id_) for id_ in _names(found["advice"])]
    advice += [(_ENROLMENT, row) for row in unmet]
    advice += [(_PRODUCT, id_) for product in found["products_advice"] for id_ in _names(product)]
    statuses = dict.fromkeys((_ENROLMENT, _SELF, _PUSH, _ADVICE, _PRODUCT), "applied")
    statuses |= {_TRAFFIC: _status(found["enrolled"]), _TASKS: _status(audience)}
    decisions: dict[str, dict[str, Any]] = {policy: {} for policy in statuses}
    decisions[_ENROLMENT] = {"unmet": unmet, "eligible": not unmet}
    decisions[_PUSH] = {"coupon": push.get("coupon")}
    if found["enrolled"]:
        decisions[_TRAFFIC] = {"granted_hours": traffic.get("hours"), "exposures": traffic.get("exposures")}
    if audience:
        decisions[_TASKS] = {"dormant": found["dormant"], "new_store": found["new_store"], "audience": True}
    return Outcome(
        statuses,
        {policy: values | relations.get(policy, {}) for policy, values in decisions.items()},
        sorted((policy, id_, amount) for policy, id_, amount, reason in lines if reason is None),
        sorted((policy, id_, reason) for policy, id_, _, reason in lines if reason is not None),
        sorted(advice),
    )


def _status(applies: bool) -> str:
    return "applied" if applies else "not_applicable"


def _names(found: dict[str, bool] | list[dict[str, str]]) -> list[str]:
    """Names that are true; or the ids that a table collected."""
    if isinstance(found, dict):
        return [name for name, holds in found.items() if holds]
    return [next(iter(row.values())) for row in found]
