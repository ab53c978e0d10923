"""A reward of an applied policy: granted, or the first reason why it is not."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from policy_service.engines import answer
from policy_service.engines.asked import Wanted
from policy_service.engines.reference import reads, reasons, texts
from policy_service.engines.reference.evaluation import Evaluation
from policy_service.engines.reference.interpret import Scope, evaluate
from policy_service.engines.reference.statuses import unknown_facts
from policy_service.engines.reference.subject import Subject
from policy_service.engines.reference.values import shown
from policy_service.language.values import add_months, parse_days, parse_months
from policy_service.policies.model import BundleSettings, Exclusion, Expression, Policy, Reward


def refused(reward: Reward, policy: Policy, subject: Subject, reason: answer.Reason) -> answer.NotGranted:
    return {"id": reward.id, "policy": policy.id, "subject": subject.shown, "reason": reason}


def refusal(
    reward: Reward, evaluation: Evaluation, settings: BundleSettings, wanted: Wanted
) -> answer.NotGranted | None:
    """The first reason why the reward is not granted; None where there is none."""
    policy, subject, row = evaluation.policy, evaluation.subject, reward.row
    if reward.id in evaluation.dated.suspended:
        return refused(reward, policy, subject, "suspended")
    unmet = _unmet(reward, evaluation)
    if unmet is not None:
        entry = refused(reward, policy, subject, unmet)
        if wanted.full:
            entry["because"] = reasons.of_condition(evaluation, reward.when, row)
        return entry
    for exclusion, scope in _exclusions(reward, evaluation, settings):
        if evaluate(exclusion.when.tree, scope) is True:
            entry = refused(reward, policy, subject, "excluded")
            entry["exception"], entry["text"] = exclusion.id, texts.filled(exclusion.text, scope)
            return entry
    return refused(reward, policy, subject, "withheld") if _is_above_ceiling(reward, evaluation, settings) else None


def _unmet(reward: Reward, evaluation: Evaluation) -> answer.Reason | None:
    """Why a `when` that is not true, or an amount that is null, refuses the reward."""
    holds = evaluation.holds(reward.when, reward.row)
    if holds is False:
        return "not_met"
    if reward.when is not None and holds is None:
        return _unknown(reward.when, evaluation)
    return _unknown(reward.amount, evaluation) if evaluation.value(reward.amount, reward.row) is None else None


def _unknown(null: Expression, evaluation: Evaluation) -> answer.Reason:
    """What a null comes from: a fact behind it that is not known, or no answer being meant."""
    behind = reads.behind(evaluation.policy, null.typed)
    return "insufficient_facts" if unknown_facts(behind, evaluation.subject) else "not_met"


def _exclusions(reward: Reward, evaluation: Evaluation, settings: BundleSettings) -> Iterator[tuple[Exclusion, Scope]]:
    """The policy's exceptions in file order, then those of the bundle, which know facts alone."""
    for exception in reward.exceptions:
        yield exception, evaluation.scope(reward.row)
    for exclusion in settings.exclusions:
        yield exclusion, evaluation.subject.scope()


def _is_above_ceiling(reward: Reward, evaluation: Evaluation, settings: BundleSettings) -> bool:
    """`check` proves that no amount is: this is the second lock."""
    ceiling = settings.ceilings.get(reward.kind)
    if ceiling is None:
        return False
    most = Decimal(ceiling.per_reward).scaleb(-ceiling.scale)
    return bool(evaluation.value(reward.amount, reward.row) > most)


def granted(reward: Reward, evaluation: Evaluation, wanted: Wanted) -> answer.Reward:
    """The entry of a reward that nothing refuses."""
    subject, row = evaluation.subject, reward.row
    details = {name: shown(evaluation.value(detail, row)) for name, detail in reward.details.items()}
    entry: answer.Reward = {
        "id": reward.id,
        "policy": evaluation.policy.id,
        "subject": subject.shown,
        "kind": reward.kind,
        "amount": shown(evaluation.value(reward.amount, row)),
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


def _claim(reward: Reward, evaluation: Evaluation) -> answer.Claim:
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
