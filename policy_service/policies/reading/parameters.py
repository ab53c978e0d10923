"""Parameters of a policy file, with their dated values."""

from policy_service.diagnostics import Report
from policy_service.facts.labels import read_labels
from policy_service.policies.drafts import Draft, DraftParameter, DraftValue
from policy_service.policies.reading.columns import read_type
from policy_service.policies.reading.values import new_name, read_basis, read_source, written
from policy_service.sources import Form, Node, Text

_KEYS = ("type", "unit", "values", "title", "basis", "source")
_VALUE_KEYS = ("from", "value", "basis", "source", "note")


def read_parameter(key: Text, node: Node, draft: Draft, report: Report) -> None:
    """Add the parameter to the draft; its name alone, to the faulty ones, where it has a fault."""
    name = new_name(key, report)
    parameter = _parameter(name, key, node, draft, report)
    if parameter is None:
        draft.faulty.add(name)
    else:
        draft.parameters[name] = parameter


def _parameter(name: str, key: Text, node: Node, draft: Draft, report: Report) -> DraftParameter | None:
    what = f"parameter `{name}`"
    before = len(report.diagnostics)
    form = Form(node, what, report, key.span, _KEYS)
    declared = form.text("type", required=True)
    kind = read_type(declared.value, declared.span, report) if declared is not None else None
    basis, source = read_basis(form) or draft.basis, read_source(form) or draft.source
    if form.has("title"):
        read_labels(form.node("title"), what, report, key.span, "title")
    values = [_value(node, report) for node in form.sequence("values", required=True)]
    if kind is None or declared is None or len(report.diagnostics) > before:
        return None
    known = tuple(value for value in values if value is not None)
    return DraftParameter(name, kind, declared.span, str(kind), form.word("unit"), known, basis, source, key.span)


def _value(node: Node, report: Report) -> DraftValue | None:
    form = Form(node, "a dated value", report, node.span, _VALUE_KEYS)
    start, value = form.text("from", required=True), form.text("value", required=True, nullable=True)
    form.text("note")
    if start is None or value is None:
        return None
    shown = None if value.is_null else value.value
    return DraftValue(written(start), shown, value.span, read_basis(form), read_source(form))
