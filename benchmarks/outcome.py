"""What is compared between the contenders: the decisions, without texts, trace and claims."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer.

    statuses: `applied` and so on by policy.
    decisions: values by policy and decision.
    rewards: policy, id and amount; not_granted: policy, id and reason; recommendations: policy and id. All sorted.
    """

    statuses: dict[str, str]
    decisions: dict[str, dict[str, Any]]
    rewards: list[tuple[str, str, Any]]
    not_granted: list[tuple[str, str, str]]
    recommendations: list[tuple[str, str]]


def of_answer(answer: dict[str, Any]) -> Outcome:
    """The outcome of an answer of the service."""
    return Outcome(
        {p["policy"]: p["status"] for p in answer["policies"]},
        {p["policy"]: p["decisions"] for p in answer["policies"]},
        sorted((r["policy"], r["id"], r["amount"]) for r in answer["rewards"]),
        sorted((r["policy"], r["id"], r["reason"]) for r in answer["not_granted"]),
        sorted((r["policy"], r["id"]) for r in answer["recommendations"]),
    )


def rows_of_answer(answer: dict[str, Any]) -> set[str]:
    """Rows that fired and recommendations given, as `policy.row`."""
    fired = {f"{p['policy']}.{row['row']}" for p in answer["policies"] for row in p["fired"]}
    return fired | {f"{r['policy']}.{r['id']}" for r in answer["recommendations"]}


def differences(one: Outcome, other: Outcome) -> list[str]:
    """The parts in which two outcomes differ, with both values."""
    return [
        f"{f.name}: {getattr(one, f.name)!r} and {getattr(other, f.name)!r}"
        for f in fields(Outcome)
        if getattr(one, f.name) != getattr(other, f.name)
    ]
