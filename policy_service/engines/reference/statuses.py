"""The status of a policy for a subject: the first that holds, and what is missing."""

from typing import Literal, NamedTuple

from policy_service.engines.reference import reads
from policy_service.engines.reference.dated import DatedPolicy
from policy_service.engines.reference.evaluation import Evaluation
from policy_service.engines.reference.reads import NOTHING, Reads
from policy_service.engines.reference.subject import Subject
from policy_service.language.references import Decision, Fact, Needed

Unanswered = Literal["suspended", "not_in_effect", "not_applicable", "insufficient_facts", "rule_conflict"]


class Applied(NamedTuple):
    """The policy answers. `missing` are the optional facts that are null, and decisions of others."""

    evaluation: Evaluation
    missing: tuple[str, ...]


class NotApplied(NamedTuple):
    """The policy has no answer.

    conflict: where a table contradicts itself, the decisions that do.
    missing: where facts are insufficient, `lacks` by name, sorted; else nothing.
    lacks: what is required and null.
    """

    status: Unanswered
    conflict: Evaluation | None = None
    missing: tuple[str, ...] = ()
    lacks: Reads = NOTHING


def status(dated: DatedPolicy, subject: Subject, excluding: Reads) -> Applied | NotApplied:
    """The first that holds.

    Args:
        excluding: the facts that exclusions of the bundle read.
    """
    policy = dated.policy
    if dated.is_suspended:
        return NotApplied("suspended")
    if not dated.in_force:
        return NotApplied("not_in_effect")
    if subject.id is None or any(section not in subject.posted for section in policy.needs):
        return NotApplied("not_applicable")
    evaluation = Evaluation(dated, subject)
    required = dated.file.reads - policy.optional
    if not _applies(evaluation, required):
        return NotApplied("not_applicable")
    lacks = nulls(required, subject)
    if lacks:
        return NotApplied("insufficient_facts", None, _names(lacks), lacks)
    if evaluation.has_conflict:
        return NotApplied("rule_conflict", evaluation)
    return Applied(evaluation, _missing(evaluation, excluding))


def _applies(evaluation: Evaluation, required: Reads) -> bool:
    """Whether the subject belongs to the audience, or may: `applies` is unknown for want of something required."""
    policy = evaluation.policy
    if policy.applies is None:
        return True
    holds = evaluation.holds(policy.applies)
    if holds is not None:
        return holds
    return bool(nulls(required & reads.behind(policy, policy.applies.typed), evaluation.subject))


def _missing(evaluation: Evaluation, excluding: Reads) -> tuple[str, ...]:
    """What is optional and null; behind a decision of another policy, also the facts that it is null for."""
    policy, subject, read = evaluation.policy, evaluation.subject, evaluation.dated.file.reads
    only_excluding = excluding - read if policy.rewards else NOTHING
    found = nulls((read & policy.optional) | only_excluding, subject)
    return _names(found | unknown_facts(found, subject))


def nulls(read: Reads, subject: Subject) -> Reads:
    """Those that are null."""
    return frozenset(one for one in read if subject.value(one) is None)


def unknown_facts(read: Reads, subject: Subject) -> Reads:
    """The null facts among what is read, and those behind the decisions of other policies.

    A policy that was applied hands on what its decision depends on; one with insufficient facts, what it lacked. One
    that has no answer for another reason hands on nothing: no fact would change that.
    """
    found: set[Needed] = set()
    todo = list(read)
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += _behind(one, subject) if isinstance(one, Decision) else ()
    return nulls(frozenset(one for one in found if isinstance(one, Fact)), subject)


def _behind(decision: Decision, subject: Subject) -> Reads:
    judged = subject.judged.get(decision.policy)
    if judged is None:
        return NOTHING
    return reads.behind_decision(judged.policy, decision.name) if judged.applied else judged.lacks


def _names(read: Reads) -> tuple[str, ...]:
    """As `missing` names them, sorted."""
    names = (one.name if isinstance(one, Fact) else f"decision({one.policy}.{one.name})" for one in read)
    return tuple(sorted(names))
