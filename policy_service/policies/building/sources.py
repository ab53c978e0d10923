"""Where stated numbers are from: a file, a period or a row that is stated names its source."""

from collections.abc import Mapping

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import NUMBER_UNSOURCED, VALUE_INVALID
from policy_service.policies.drafts import Draft
from policy_service.policies.model import Effective

SOURCE_HINT = "add `source: {seed, section}`, or `basis: assumed`"


def lacks_source(draft: Draft) -> bool:
    """Whether the whole file lacks its source; then that is reported once, not for each number."""
    return draft.basis == "stated" and draft.source is None


def check_sources(draft: Draft, effective: Effective | None, report: Report) -> None:
    if lacks_source(draft):
        report.add(NUMBER_UNSOURCED, draft.span, "the file is stated without a source", hint=SOURCE_HINT)
    elif effective is not None and effective.basis == "stated" and not (effective.source or effective.campaign):
        report.add(NUMBER_UNSOURCED, draft.span, "the period is stated without a source", hint=SOURCE_HINT)


def check_row_source(draft: Draft, notes: Mapping[str, str], span: Span, report: Report) -> None:
    """The `# basis` and `# source` of a row."""
    basis = notes.get("basis")
    if basis is not None and basis not in ("stated", "assumed"):
        report.add(VALUE_INVALID, span, f"`# basis` is `stated` or `assumed`, not `{basis}`")
    if basis == "stated" and draft.source is None and "source" not in notes:
        report.add(NUMBER_UNSOURCED, span, "a row is stated without a source", hint="add a `# source` column")
