"""Rewards, granted and not, as an answer shows them; with the claims that a payer settles by."""

from typing import Any

from tests.oracle import choices
from tests.oracle.granting import Outcome
from tests.oracle.judging import Evaluation
from tests.oracle.values import added, shown

Entry = dict[str, Any]

# Why nothing is owed now under a claim that may have been paid.
_OWED_NOTHING = ("not_met", "not_applicable", "excluded")


def reward_entry(found: Outcome, evaluation: Evaluation, purpose: str, trace: str) -> Entry:
    entry = {**_heading(found), "kind": found.reward.kind, "amount": shown(found.amount), "details": found.details}
    entry |= _claim_entry(found, evaluation, purpose)
    if found.reward.unit is not None:
        entry["unit"] = found.reward.unit
    if found.reward.lasts is not None:
        day = evaluation.as_of
        entry["validity"] = {"from": shown(day), "to": shown(added(day, found.reward.lasts))}
    if found.cut:
        entry["cut"] = found.cut
    if found.provisional:
        entry["provisional"] = True
    return entry if trace == "none" else {**entry, "because": found.because}


def refusal_entry(found: Outcome, evaluation: Evaluation, purpose: str, trace: str) -> Entry:
    entry = {**_heading(found), "reason": found.reason}
    if found.exception:
        entry |= {"exception": found.exception.id, "text": found.text}
    if choices.CLAIMS_OF_NOT_GRANTED and found.reason in _OWED_NOTHING and found.subject.id is not None:
        entry |= _claim_entry(found, evaluation, purpose)
    if trace == "full" and found.judged.applied and found.reason in ("not_met", "insufficient_facts"):
        entry["because"] = found.because
    return entry


def _heading(found: Outcome) -> Entry:
    return {"id": found.id, "policy": found.judged.file.policy, "subject": found.subject.shown()}


def _claim_entry(found: Outcome, evaluation: Evaluation, purpose: str) -> Entry:
    """The claim of a decision, where there is one."""
    claimed = purpose == "decide" and found.reward.claim.per != "none"
    return {"claim": _claim(found, evaluation)} if claimed else {}


def _claim(found: Outcome, evaluation: Evaluation) -> dict[str, str]:
    """The key of the entitlement, and what to do when it changes."""
    terms, subject, policy = found.reward.claim, found.subject, found.judged.file.policy
    period = {
        "once": "once",
        "campaign": str(found.judged.file.campaign),
        "day": evaluation.as_of.isoformat(),
        "month": evaluation.as_of.isoformat()[:7],
    }[terms.per]
    key = f"{policy}/{found.id}@{subject.type}:{subject.id}#{period}"
    return {"key": key, "per": terms.per, "on_increase": terms.on_increase, "on_decrease": terms.on_decrease}
