"""The draft of a policy file to its model: names looked up, every expression typed, periods and claims settled."""

from dataclasses import replace
from difflib import get_close_matches

from policy_service.diagnostics.catalogue import REFERENCE_UNKNOWN, SUBJECT_MISMATCH
from policy_service.policies.building.answers import check_unique
from policy_service.policies.building.context import Context
from policy_service.policies.building.decisions import build_decisions
from policy_service.policies.building.expressions import build_condition
from policy_service.policies.building.invariants import build_invariant
from policy_service.policies.building.optional import build_optional
from policy_service.policies.building.parameters import build_parameters
from policy_service.policies.building.periods import build_effective
from policy_service.policies.building.recommendations import build_recommendations
from policy_service.policies.building.registry import Registry
from policy_service.policies.building.rewards import build_rewards
from policy_service.policies.building.sources import check_sources
from policy_service.policies.drafts import Draft
from policy_service.policies.model import Effective, Policy
from policy_service.policies.names import decision_names


def build_policy(draft: Draft, registry: Registry) -> Policy | None:
    """The model of one file; None when its period or subject is not known. Faults are reported."""
    context = Context(draft, registry)
    effective = build_effective(draft.effective, registry) if draft.effective is not None else None
    subject = _subject(context)
    context.declare(effective, subject)
    policy = _policy(context, effective, subject)
    check_sources(draft, effective, registry.report)
    _check_subjects(context)
    return replace(policy, optional=build_optional(policy, context)) if policy is not None else None


def _policy(context: Context, effective: Effective | None, subject: str | None) -> Policy | None:
    """The policy without its optional facts."""
    draft, report = context.draft, context.report
    parameters = build_parameters(context, effective.period if effective is not None else None)
    context.separate_members()
    decisions = build_decisions(context)
    applies = build_condition(draft.applies, context.scope, report)
    rewards = tuple(one for declared in draft.rewards for one in build_rewards(declared, effective, context))
    advice = tuple(one for declared in draft.recommendations for one in build_recommendations(declared, context))
    check_unique(rewards, "reward", draft.id, report)
    check_unique(advice, "recommendation", draft.id, report)
    needs = _needs(context)
    invariants = [build_invariant(invariant, context) for invariant in draft.invariants]
    if effective is None or subject is None:
        return None
    return Policy(
        draft.id,
        draft.file,
        draft.title,
        subject,
        effective,
        draft.basis,
        draft.source,
        draft.owner,
        needs,
        applies,
        frozenset(),
        draft.readings,
        parameters,
        decisions,
        rewards,
        advice,
        tuple(invariant for invariant in invariants if invariant is not None),
        draft.span,
    )


def _subject(context: Context) -> str | None:
    subject, known = context.draft.subject, context.registry.dictionary.subjects
    if subject is None or subject.value in known:
        return subject.value if subject is not None else None
    hint = f"sections with an `id`: {', '.join(known)}"
    context.report.add(REFERENCE_UNKNOWN, subject.span, f"there is no subject `{subject.value}`", hint=hint)
    return None


def _needs(context: Context) -> tuple[str, ...]:
    """Sections that must be posted."""
    sections = context.registry.dictionary.sections
    for name in context.draft.needs:
        section = sections.get(name.value)
        if section is None or section.element is not None:
            close = get_close_matches(name.value, list(sections), 1)
            hint = f"did you mean `{close[0]}`?" if close else None
            context.report.add(REFERENCE_UNKNOWN, name.span, f"there is no single section `{name.value}`", hint=hint)
    return tuple(name.value for name in context.draft.needs)


def _check_subjects(context: Context) -> None:
    """A single subject may not use a product policy's decision."""
    subjects = context.registry.subjects
    lists = {section.prefix for section in context.registry.dictionary.sections.values() if section.element}
    subject = context.draft.subject.value if context.draft.subject is not None else ""
    for tree in context.draft.trees():
        for name, span in decision_names(tree):
            policy = name.rpartition(".")[0]
            owner = subjects.get(policy) or subjects.get(policy.rpartition(".")[0], "")
            if owner in lists and owner != subject:
                message = f"`{name}` is judged per {owner}, this policy per {subject}"
                context.report.add(SUBJECT_MISMATCH, span, message)
