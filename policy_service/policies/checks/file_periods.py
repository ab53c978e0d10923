"""Files of one policy that are in force on the same days, or leave days between them, or judge different subjects."""

from itertools import pairwise

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import PERIOD_HOLE, PERIOD_OVERLAP, SUBJECT_MISMATCH
from policy_service.policies.model import Policy, Rules

ON_FAULTY_RULES = True


def check(rules: Rules, report: Report) -> None:
    for id_ in rules.order:
        for one, two in pairwise(rules.versions(id_)):
            _check_subjects(one, two, report)
            _check_periods(one, two, report)


def _check_subjects(one: Policy, two: Policy, report: Report) -> None:
    if one.subject != two.subject:
        message = f"`{two.id}` has subject `{one.subject}` in another file"
        report.add(SUBJECT_MISMATCH, two.span, message, related=[(one.span, "the other file")])


def _check_periods(one: Policy, two: Policy, report: Report) -> None:
    earlier, later = one.effective.period, two.effective.period
    related = [(one.span, "the other file")]
    if earlier.common(later) is not None:
        message = f"two files of `{two.id}` are in force from {later.start} on"
        hint = f"end the older file on that day: `to: {later.start}`"
        report.add(PERIOD_OVERLAP, two.span, message, related=related, hint=hint)
    elif earlier.end is not None and earlier.end < later.start:
        message = f"no file of `{two.id}` is in force from {earlier.end} to {later.start}"
        report.add(PERIOD_HOLE, two.span, message, related=related)
