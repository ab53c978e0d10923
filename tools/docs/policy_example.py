"""A policy's example: the first of its cases that shows what it is for, answered by the engine, in short."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy_service.decisions.rule_tests.caseruns import case_answer
from policy_service.decisions.rule_tests.cases import Case
from policy_service.policies.model import Policy
from tools.docs.shipped import Shipped

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyExample:
    """A case with its answer in short."""

    name: str
    as_of: str
    facts: Entry
    answer: Entry


def example(shipped: Shipped, policy: Policy) -> PolicyExample | None:
    """The example of a policy file; None where it has no case."""
    found: tuple[Case, Entry] | None = None
    for case in shipped.cases:
        if case.policy != policy.id or case.as_of not in policy.effective.period:
            continue
        answer = _about(case, case_answer(case, shipped.evaluator))
        if found is None:
            found = case, answer
        if _shows(policy, answer):
            found = case, answer
            break
    if found is None:
        return None
    case, answer = found
    facts = shipped.evaluator.reader.normalised(case.state)
    return PolicyExample(case.name, case.as_of.isoformat(), facts, answer)


def _shows(policy: Policy, answer: Entry) -> bool:
    """Whether the answer grants what the policy is there to grant."""
    if answer["status"] != "applied":
        return False
    wanted = "rewards" if policy.rewards else "recommendations"
    return wanted in answer or not (policy.rewards or policy.recommendations)


def _about(case: Case, answer: Entry) -> Entry:
    """The answer for the case's subject: by id, and only what there is."""
    entry = next(p for p in answer["policies"] if p["subject"] == case.subject)
    mine = {
        part: [e for e in answer[part] if e["subject"] == case.subject]
        for part in ("rewards", "not_granted", "recommendations")
    }
    decisions = {name: value for name, value in entry["decisions"].items() if not _is_relation(value)}
    rows: dict[str, list[str]] = {}
    for fired in entry["fired"]:
        rows.setdefault(fired["decision"], []).append(fired["row"])
    found = {
        "status": entry["status"],
        "decisions": decisions,
        "rows": rows,
        "rewards": {r["id"]: _granted(r) for r in mine["rewards"]},
        "not_granted": {r["id"]: r.get("exception", r["reason"]) for r in mine["not_granted"]},
        "recommendations": {r["id"]: r["text"] for r in mine["recommendations"]},
        "missing": entry["missing"],
    }
    return {name: value for name, value in found.items() if value}


def _granted(reward: Entry) -> Entry:
    kept = {"amount": reward["amount"], "unit": reward.get("unit"), "details": reward["details"] or None}
    key = reward.get("claim", {}).get("key")
    return {name: value for name, value in {**kept, "claim": key}.items() if value is not None}


def _is_relation(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)
