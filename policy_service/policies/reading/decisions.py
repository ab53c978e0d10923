"""Decisions of a policy file: each a table, a relation or an expression."""

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import KEY_MISSING, NAME_CLASH, VALUE_INVALID
from policy_service.facts.labels import read_labels
from policy_service.policies.drafts import Draft, DraftDecision, DraftExpression, DraftRelation, DraftTable
from policy_service.policies.reading.grid import read_grid
from policy_service.policies.reading.tables import read_relation, read_table
from policy_service.policies.reading.values import new_name, read_expression
from policy_service.sources import Form, Node, Text

DECISION_KEYS = ("title", "hit", "default", "table", "relation", "expression")
_FORMS = ("table", "relation", "expression")


def read_decision(key: Text, node: Node, draft: Draft, report: Report) -> None:
    """Add the decision to the draft; its name to the faulty ones where it has a fault."""
    name = new_name(key, report)
    if name in draft.parameters:
        related = [(draft.parameters[name].span, "declared here")]
        report.add(NAME_CLASH, key.span, f"`{name}` is already a parameter", related=related)
    before = len(report.diagnostics)
    decision = _decision(name, key, node, report)
    if decision is not None:
        draft.decisions[name] = decision
    if decision is None or len(report.diagnostics) > before:
        draft.faulty.add(name)


def _decision(name: str, key: Text, node: Node, report: Report) -> DraftDecision | None:
    what = f"decision `{name}`"
    form = Form(node, what, report, key.span, DECISION_KEYS)
    if form.mapping is None:
        return None
    forms = [one for one in _FORMS if form.has(one)]
    if len(forms) != 1:
        report.add(KEY_MISSING, key.span, f"{what} needs one of `table`, `relation`, `expression`")
        return None
    title = form.node("title")
    labels = read_labels(title, what, report, key.span, "title") if title is not None else None
    body = _body(name, form, forms[0], report)
    return DraftDecision(name, labels, body, key.span) if body is not None else None


def _body(name: str, form: Form, key: str, report: Report) -> DraftTable | DraftRelation | DraftExpression | None:
    text = form.text(key)
    if key != "table":
        _report_extra(form, report)
    if text is None:
        return None
    if key == "expression":
        return read_expression(text, report)
    grid = read_grid(text, f"`{name}`", report)
    if grid is None:
        return None
    return read_relation(grid, text.span, report) if key == "relation" else read_table(form, grid, text.span, report)


def _report_extra(form: Form, report: Report) -> None:
    for extra in ("hit", "default"):
        if form.mapping is not None and (at := form.mapping.key(extra)) is not None:
            report.add(VALUE_INVALID, at.span, f"`{extra}` belongs to a `table`")
