"""One request and its parts, for OpenAPI and for the person who has just started the service."""

from typing import Any

BUNDLE = "sha256:" + "5d" * 32
DECISION = "01873a5e-8400-7c3e-9f6b-2b1d6c0a4e11"
REQUEST: dict[str, Any] = {
    "as_of": "2023-04-01",
    "facts": {
        "merchant": {
            "id": "m-1",
            "chuanliu_enrolled_on": "2023-03-01",
            "live_frozen": False,
            "restricted": False,
        },
        "distribution": {"orders_180d": 1200, "buyer_hours_180d": 12.5},
        "live": {"hours_today": 5, "peer_exposures_per_hour": 5200},
    },
    "policies": ["chuanliu.traffic_hours"],
}
"""On the rules that come with the service it earns ten hours of traffic."""
PREVIEW: dict[str, Any] = {
    **REQUEST,
    "purpose": "preview",
    "options": {"trace": "full", "unknown_facts": "report"},
}
CORRECTION: dict[str, Any] = {
    **REQUEST,
    "provenance": {"source": "warehouse", "snapshot": "2023-04-02T01:00:00+08:00", "ticket": "T-1042"},
    "supersedes": DECISION,
    "reason": "data_correction",
}
SOURCES: dict[str, str] = {
    "bundle.yaml": "label: spring\ntime_zone: Asia/Shanghai\n",
    "facts.yaml": (
        "basis: assumed\n"
        "sections:\n"
        "  merchant:\n"
        "    label: {zh: 商家, en: Merchant}\n"
        "    facts:\n"
        "      id: {type: id, label: {zh: 商家编号, en: Merchant id}}\n"
        "  live:\n"
        "    label: {zh: 自播, en: Self-live}\n"
        "    facts:\n"
        "      hours: {type: decimal(2), unit: hour, range: [0, 24], label: {zh: 开播小时数, en: Hours broadcast}}\n"
    ),
    "shop/hours.yaml": (
        "policy: shop.hours\n"
        "title: {zh: 开播流量, en: Traffic for going live}\n"
        "subject: merchant\n"
        "effective: {from: 2023-01-01, to: 2024-01-01}\n"
        "basis: assumed\n"
        "decisions:\n"
        "  granted:\n"
        "    title: {zh: 授予小时数, en: Hours granted}\n"
        "    expression: 2 * live.hours\n"
        "rewards:\n"
        "  traffic:\n"
        "    title: {zh: 流量, en: Traffic}\n"
        "    kind: traffic_hours\n"
        "    when: live.hours >= 4\n"
        "    amount: granted\n"
        "    unit: hour\n"
        "    claim: {per: day}\n"
    ),
}
"""A rules folder as small as one can be."""
ANSWER: dict[str, Any] = {
    "format": 1,
    "decision_id": DECISION,
    "decided_at": "2023-04-01T12:00:00.000Z",
    "bundle": BUNDLE,
    "as_of": "2023-04-01",
    "purpose": "decide",
    "rewards": [
        {
            "id": "chuanliu_traffic",
            "policy": "chuanliu.traffic_hours",
            "subject": {"type": "merchant", "id": "m-1"},
            "kind": "traffic_hours",
            "amount": 10,
            "unit": "hour",
            "details": {"exposures": 52000},
            "claim": {
                "key": "chuanliu.traffic_hours/chuanliu_traffic@merchant:m-1#2023-04-01",
                "per": "day",
                "on_increase": "top_up",
                "on_decrease": "keep",
            },
            "because": [{"fact": "granted_hours", "value": 10, "test": "> 0", "holds": True}],
        }
    ],
    "not_granted": [],
    "recommendations": [],
    "receipt": {
        "digest": "sha256:" + "9c" * 32,
        "decided_at": "2023-04-01T12:00:00.000Z",
        "key": "policy-service+2f6a91c4",
        "signature": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urqw==",
    },
    "policies": [
        {
            "policy": "chuanliu.traffic_hours",
            "subject": {"type": "merchant", "id": "m-1"},
            "status": "applied",
            "decisions": {"exposures": 52000, "granted_hours": 10},
            "missing": [],
            "fired": [
                {
                    "decision": "granted_hours",
                    "row": "h10",
                    "because": [
                        {"fact": "live.hours_today", "value": 5, "test": ">= 4", "holds": True},
                        {"fact": "distribution.buyer_hours_180d", "value": 12.5, "test": "[10..30)", "holds": True},
                    ],
                }
            ],
        }
    ],
}
