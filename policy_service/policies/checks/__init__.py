"""Static checks of loaded rules, one per file; a new one adds a file and a line here."""

from policy_service.diagnostics import Report
from policy_service.policies.checks import ceiling, negated_optional, row_overlap
from policy_service.policies.model import Rules

_CHECKS = (ceiling.check, row_overlap.check, negated_optional.check)


def run(rules: Rules, report: Report) -> None:
    """All checks; each reports what it finds."""
    for check in _CHECKS:
        check(rules, report)
