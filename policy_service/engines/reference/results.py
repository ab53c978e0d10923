"""One policy for one subject: its status, then its rewards, recommendations and trace."""

from typing import NamedTuple

from policy_service.engines import answer
from policy_service.engines.asked import Wanted
from policy_service.engines.reference import reasons, rewards, texts, tracing
from policy_service.engines.reference.dated import DatedPolicy
from policy_service.engines.reference.evaluation import Evaluation
from policy_service.engines.reference.reads import Reads
from policy_service.engines.reference.statuses import Applied, NotApplied, status
from policy_service.engines.reference.subject import Judged, Subject
from policy_service.engines.reference.values import shown
from policy_service.policies.model import BundleSettings, Recommendation, Reward


class Result(NamedTuple):
    """What one policy says of one subject; of each declared reward there is one entry, granted or refused."""

    policy: str
    subject: Subject
    entry: answer.PolicyEntry
    granted: list[tuple[Reward, answer.Reward]]
    refused: list[tuple[Reward, answer.NotGranted]]
    recommendations: list[answer.Recommendation]


def result(dated: DatedPolicy, subject: Subject, settings: BundleSettings, excluding: Reads, wanted: Wanted) -> Result:
    """Judge a policy, and note for those that read it what it came to.

    Args:
        excluding: the facts that exclusions of the bundle read.
    """
    found = status(dated, subject, excluding)
    if isinstance(found, Applied):
        subject.judged[dated.policy.id] = Judged(dated.policy, True, found.evaluation.decisions)
        return _applied(found, settings, wanted)
    subject.judged[dated.policy.id] = Judged(dated.policy, False, {}, found.lacks)
    return _not_applied(found, dated, subject, wanted)


def _applied(found: Applied, settings: BundleSettings, wanted: Wanted) -> Result:
    evaluation = found.evaluation
    policy, subject = evaluation.policy, evaluation.subject
    entry: answer.PolicyEntry = {
        "policy": policy.id,
        "subject": subject.shown,
        "status": "applied",
        "decisions": shown(evaluation.decisions),
        "missing": list(found.missing),
    }
    if wanted.traced:
        entry["fired"] = tracing.fired(evaluation)
    if wanted.full:
        entry["not_fired"] = tracing.fired(evaluation, holds=False)
    due = [r for r in policy.recommendations if evaluation.holds(r.when, r.row) is True]
    made = Result(policy.id, subject, entry, [], [], [_recommendation(r, evaluation, wanted) for r in due])
    for reward in policy.rewards:
        refusal = rewards.refusal(reward, evaluation, settings, wanted)
        if refusal is None:
            made.granted.append((reward, rewards.granted(reward, evaluation, wanted)))
        else:
            made.refused.append((reward, refusal))
    return made


def _not_applied(found: NotApplied, dated: DatedPolicy, subject: Subject, wanted: Wanted) -> Result:
    """Its decisions are not shown; where they contradict each other, the rows of its tables are."""
    policy = dated.policy
    entry: answer.PolicyEntry = {
        "policy": policy.id,
        "subject": subject.shown,
        "status": found.status,
        "decisions": {},
        "missing": list(found.missing),
    }
    if wanted.traced:
        entry["fired"] = tracing.fired_of_tables(found.conflict) if found.conflict is not None else []
    if wanted.full:
        entry["not_fired"] = tracing.fired_of_tables(found.conflict, holds=False) if found.conflict is not None else []
    refused = [(reward, rewards.refused(reward, policy, subject, found.status)) for reward in policy.rewards]
    return Result(policy.id, subject, entry, [], refused, [])


def _recommendation(recommendation: Recommendation, evaluation: Evaluation, wanted: Wanted) -> answer.Recommendation:
    entry: answer.Recommendation = {
        "id": recommendation.id,
        "policy": evaluation.policy.id,
        "subject": evaluation.subject.shown,
        "priority": recommendation.priority,
        "text": texts.filled(recommendation.text, evaluation.scope(recommendation.row)),
    }
    if wanted.traced:
        entry["because"] = reasons.of_condition(evaluation, recommendation.when, recommendation.row)
    return entry
