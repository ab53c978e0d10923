"""What a policy can do without: the facts and decisions that its `optional` names."""

from difflib import get_close_matches
from fnmatch import fnmatchcase

from policy_service.diagnostics.catalogue import NAME_UNKNOWN, OPTIONAL_UNUSED
from policy_service.language.references import Needed, shown
from policy_service.policies.building.context import Context
from policy_service.policies.drafts import Written
from policy_service.policies.model import Policy


def build_optional(policy: Policy, context: Context) -> frozenset[Needed]:
    """Of what the policy reads, what one of the patterns names."""
    reads = policy.reads
    found: set[Needed] = set()
    for pattern in context.draft.optional:
        hits = {read for read in reads if fnmatchcase(shown(read), pattern.value)}
        found |= hits
        if not hits:
            _report(pattern, context)
    return frozenset(found)


def _report(pattern: Written, context: Context) -> None:
    """Why a pattern names nothing that is read."""
    name = pattern.value.removeprefix("decision(").removesuffix(")")
    is_decision = context.other_decision(name) is not None
    if "*" in name or name in context.names or (is_decision and name != pattern.value):
        _report_unused(pattern, context)
    elif pattern.value not in context.scope.undeclared:  # else it is reported already
        context.scope.undeclared.add(pattern.value)
        close = [f"decision({name})"] if is_decision else get_close_matches(name, list(context.names), 1, 0.75)
        hint = f"did you mean `{close[0]}`?" if close else None
        context.report.add(NAME_UNKNOWN, pattern.span, f"`{pattern.value}` is not declared", hint=hint)


def _report_unused(pattern: Written, context: Context) -> None:
    """An error elsewhere in the file may be why it is not read."""
    file = context.draft.file
    if not any(one.severity == "error" and one.span.file == file for one in context.report.diagnostics):
        context.report.add(OPTIONAL_UNUSED, pattern.span, f"`{pattern.value}` is optional but never read")
