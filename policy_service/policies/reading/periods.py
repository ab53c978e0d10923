"""When something holds: a period of its own, or the days of a campaign."""

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import VALUE_INVALID
from policy_service.policies.drafts import DraftEffective, DraftPeriod
from policy_service.policies.model import Basis, Source
from policy_service.policies.reading.values import read_basis, read_source, written, written_or_none
from policy_service.sources import Form, Node

_ENDS = ("from", "to", "through")
_EFFECTIVE_KEYS = (*_ENDS, "campaign", "basis", "source")


def read_period(form: Form, what: str) -> DraftPeriod:
    """`from` with `to` (exclusive) or `through` (inclusive)."""
    start = form.text("from", required=True)
    end, through = form.text("to"), form.text("through")
    if form.has("to") and form.has("through"):
        form.report.add(VALUE_INVALID, form.span, f"{what} has both `to` and `through`")
    is_open = not (form.has("to") or form.has("through"))
    return DraftPeriod(written_or_none(start), written_or_none(end), written_or_none(through), is_open, form.span)


def read_effective(
    node: Node, basis: Basis, source: Source | None, report: Report, later: Report
) -> DraftEffective | None:
    """`effective` of a policy file, whose basis and source hold where it has none of its own.

    Args:
        later: as in `read_policy`.
    """
    form = Form(node, "`effective`", report, node.span, _EFFECTIVE_KEYS)
    if form.mapping is None:
        return None
    form.report = later
    own, where = read_basis(form) or basis, read_source(form) or source
    campaign = form.text("campaign")
    if campaign is None:
        return DraftEffective(read_period(form, "`effective`"), None, own, where)
    for key in _ENDS:
        if (beside := form.node(key)) is not None:
            form.invalid(beside, f"`{key}` stands beside `campaign`", "the campaign has the days")
    return DraftEffective(None, written(campaign), own, where)
