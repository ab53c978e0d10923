"""Static checks of loaded rules, one per file; a new one adds a file and a line here."""

from policy_service.diagnostics import Report
from policy_service.policies.checks import (
    ceiling,
    decision_gap,
    foreign_member,
    negated_optional,
    row_overlap,
    unused_type,
)
from policy_service.policies.model import Rules

_CHECKS = (
    ceiling.check,
    row_overlap.check,
    negated_optional.check,
    decision_gap.check,
    foreign_member.check,
    unused_type.check,
)


def run(rules: Rules, report: Report) -> None:
    """All checks; each reports what it finds."""
    for check in _CHECKS:
        check(rules, report)
