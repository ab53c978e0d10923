"""The status of a policy for a subject: the first that holds, and what is missing."""

from typing import NamedTuple

from policy_service.engines.reference import reads
from policy_service.engines.reference.dated import DatedPolicy
from policy_service.engines.reference.evaluation import Evaluation
from policy_service.engines.reference.reads import NOTHING, Reads
from policy_service.engines.reference.subject import Subject
from policy_service.policies.model import Policy, Rules


class Status(NamedTuple):
    """A status.

    evaluation: the decisions, where the status is `applied` or `rule_conflict`.
    missing: as the answer lists it.
    lacks: of a policy with insufficient facts, what is required and null.
    """

    name: str
    evaluation: Evaluation | None = None
    missing: tuple[str, ...] = ()
    lacks: Reads = NOTHING


def status(dated: DatedPolicy, subject: Subject, rules: Rules) -> Status:
    """What design.md §3 says under Status, in its order."""
    policy = dated.policy
    if dated.is_suspended:
        return Status("suspended")
    if not dated.in_force:
        return Status("not_in_effect")
    if subject.id is None or any(section not in subject.posted for section in policy.needs):
        return Status("not_applicable")
    evaluation = Evaluation(dated, subject)
    required = _without(reads.of_policy(policy), reads.optional(policy))
    if not _applies(evaluation, required):
        return Status("not_applicable")
    lacks = nulls(required, subject)
    if lacks != NOTHING:
        return Status("insufficient_facts", None, _names(lacks), lacks)
    if evaluation.has_conflict:
        return Status("rule_conflict", evaluation)
    return Status("applied", evaluation, _missing(policy, subject, rules))


def _applies(evaluation: Evaluation, required: Reads) -> bool:
    """Whether the subject belongs to the audience, or may: `applies` is unknown for want of something required."""
    policy = evaluation.policy
    holds = evaluation.holds(policy.applies)
    if policy.applies is None or holds is not None:
        return holds is True
    asked = reads.behind(policy, policy.applies.typed)
    return nulls(_both(asked, required), evaluation.subject) != NOTHING


def _missing(policy: Policy, subject: Subject, rules: Rules) -> tuple[str, ...]:
    """What is optional and null; behind a decision of another policy, also the facts that it is null for."""
    read = reads.of_policy(policy)
    of_exclusions = reads.of_exclusions(rules) - read.facts if policy.rewards else frozenset()
    own = _both(read, reads.optional(policy))
    found = nulls(Reads(own.facts | of_exclusions, own.decisions), subject)
    return tuple(sorted({*_names(found), *unknown_facts(Reads(frozenset(), found.decisions), subject)}))


def nulls(read: Reads, subject: Subject) -> Reads:
    """Those that are null."""
    return Reads(
        frozenset(fact for fact in read.facts if subject.facts[fact] is None),
        frozenset(decision for decision in read.decisions if subject.decision(".".join(decision)) is None),
    )


def unknown_facts(read: Reads, subject: Subject) -> set[str]:
    """The null facts among what is read, and those behind the decisions of other policies.

    A policy that was applied hands on what its decision depends on; one with insufficient facts, what it lacks. One
    that has no answer for another reason hands on nothing: no fact would change that.
    """
    found: set[str] = set()
    done: set[tuple[str, str]] = set()
    todo = [read]
    while todo:
        top = todo.pop()
        found |= nulls(top, subject).facts
        todo += [_behind(decision, subject) for decision in top.decisions - done]
        done |= top.decisions
    return found


def _behind(decision: tuple[str, str], subject: Subject) -> Reads:
    policy, name = decision
    judged = subject.judged.get(policy)
    if judged is None:
        return NOTHING
    return reads.behind_decision(judged.policy.policy, name) if judged.status == "applied" else judged.lacks


def _names(read: Reads) -> tuple[str, ...]:
    """As `missing` names them, sorted."""
    return tuple(sorted([*read.facts, *(f"decision({policy}.{name})" for policy, name in read.decisions)]))


def _both(one: Reads, two: Reads) -> Reads:
    return Reads(one.facts & two.facts, one.decisions & two.decisions)


def _without(one: Reads, two: Reads) -> Reads:
    return Reads(one.facts - two.facts, one.decisions - two.decisions)
