"""A reward of an applied policy: granted, or the first reason why it is not."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from policy_service.engines.asked import Wanted
from policy_service.engines.reference import reads, reasons, texts
from policy_service.engines.reference.evaluation import Evaluation
from policy_service.engines.reference.interpret import Scope, evaluate
from policy_service.engines.reference.statuses import unknown_facts
from policy_service.engines.reference.subject import Subject
from policy_service.engines.reference.values import shown
from policy_service.language.values import add_months, parse_days, parse_months
from policy_service.policies.model import BundleSettings, Exclusion, Expression, Policy, Reward

Entry = dict[str, Any]


def refused(reward: Reward, policy: Policy, subject: Subject, reason: str) -> Entry:
    """An entry of `not_granted`."""
    return {"id": reward.id, "policy": policy.id, "subject": subject.shown, "reason": reason}


def decided(reward: Reward, evaluation: Evaluation, settings: BundleSettings, wanted: Wanted) -> Entry:
    """An entry of `rewards`, or of `not_granted`, which has a `reason`."""
    policy, subject, row = evaluation.policy, evaluation.subject, reward.row
    if reward.id in evaluation.dated.suspended:
        return refused(reward, policy, subject, "suspended")
    holds = evaluation.holds(reward.when, row)
    amount = evaluation.value(reward.amount, row) if holds is True else None
    if amount is None:
        entry = refused(reward, policy, subject, _why_not(reward, evaluation, holds))
        return entry | {"because": reasons.of_condition(evaluation, reward.when, row)} if wanted.full else entry
    for exclusion, scope in _exclusions(reward, evaluation, settings):
        if evaluate(exclusion.when.tree, scope) is True:
            text = texts.filled(exclusion.text, scope)
            return refused(reward, policy, subject, "excluded") | {"exception": exclusion.id, "text": text}
    if _is_above_ceiling(reward, amount, settings):
        return refused(reward, policy, subject, "withheld")
    return _granted(reward, evaluation, amount, wanted)


def _why_not(reward: Reward, evaluation: Evaluation, holds: bool | None) -> str:
    """Why a `when` that is not true, or an amount that is null, refuses the reward."""
    if holds is False:
        return "not_met"
    null: Expression | None = reward.when if holds is None else reward.amount
    behind = reads.NOTHING if null is None else reads.behind(evaluation.policy, null.typed)
    return "insufficient_facts" if unknown_facts(behind, evaluation.subject) else "not_met"


def _exclusions(reward: Reward, evaluation: Evaluation, settings: BundleSettings) -> Iterator[tuple[Exclusion, Scope]]:
    """The policy's exceptions in file order, then those of the bundle, which know facts alone."""
    for exception in reward.exceptions:
        yield exception, evaluation.scope(reward.row)
    for exclusion in settings.exclusions:
        yield exclusion, evaluation.subject.scope()


def _is_above_ceiling(reward: Reward, amount: Any, settings: BundleSettings) -> bool:
    ceiling = settings.ceilings.get(reward.kind)
    return ceiling is not None and amount > Decimal(ceiling.per_reward).scaleb(-ceiling.scale)


def _granted(reward: Reward, evaluation: Evaluation, amount: Any, wanted: Wanted) -> Entry:
    subject, row = evaluation.subject, reward.row
    details = {name: shown(evaluation.value(detail, row)) for name, detail in reward.details.items()}
    entry: Entry = {
        "id": reward.id,
        "policy": evaluation.policy.id,
        "subject": subject.shown,
        "kind": reward.kind,
        "amount": shown(amount),
        "details": {name: value for name, value in sorted(details.items()) if value is not None},
    }
    if reward.unit is not None:
        entry["unit"] = reward.unit
    if wanted.claims and reward.claim.per != "none":
        entry["claim"] = _claim(reward, evaluation)
    if reward.validity is not None:
        entry["validity"] = {"from": subject.day.isoformat(), "to": _later(subject.day, reward.validity)}
    if wanted.traced:
        entry["because"] = reasons.of_condition(evaluation, reward.when, row)
    return entry


def _claim(reward: Reward, evaluation: Evaluation) -> dict[str, str]:
    """What the payer keeps its payments under."""
    policy, subject, claim = evaluation.policy, evaluation.subject, reward.claim
    period = {
        "once": "once",
        "campaign": policy.effective.campaign,
        "day": f"{subject.day:%Y-%m-%d}",
        "month": f"{subject.day:%Y-%m}",
    }[claim.per]
    return {
        "key": f"{policy.id}/{reward.id}@{subject.type}:{subject.id}#{period}",
        "per": claim.per,
        "on_increase": claim.on_increase,
        "on_decrease": claim.on_decrease,
    }


def _later(day: date, duration: str) -> str | None:
    """The day behind a validity; null where the calendar has none."""
    days = parse_days(duration)
    later = add_months(day, parse_months(duration) or 0) if days is None else day + timedelta(days=days)
    return None if later is None else later.isoformat()
