"""Invariants of a policy file: claims that are to be proved."""

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import KEY_MISSING, VALUE_INVALID
from policy_service.policies.drafts import DraftExpression, DraftInvariant
from policy_service.policies.reading.values import read_expression, written_or_none
from policy_service.sources import Form, Node


def read_invariant(node: Node, report: Report) -> DraftInvariant | None:
    form = Form(node, "an invariant", report, node.span, ("name", "monotone", "in", "bounded", "between"))
    name = form.word("name", required=True) or ""
    forms = [key for key in ("monotone", "bounded") if form.has(key)]
    if form.mapping is None:
        return None
    if len(forms) != 1:
        report.add(KEY_MISSING, form.span, "an invariant needs one of `monotone`, `bounded`")
        return None
    target = read_expression(form.text(forms[0]), report)
    ends = _ends(form, report)
    if target is None or None in ends:
        return None
    if forms[0] == "bounded" and len(ends) != 2:
        report.add(VALUE_INVALID, form.span, "`bounded` needs `between: [lowest, highest]`")
        return None
    argument = form.text("in", required=forms[0] == "monotone")
    low, high = ends if len(ends) == 2 else (None, None)
    return DraftInvariant(name, forms[0], target, written_or_none(argument), low, high, form.span)


def _ends(form: Form, report: Report) -> list[DraftExpression | None]:
    between = form.words("between")
    for end in between:
        if end.is_null:
            form.invalid(end, "an end of `between` has no value")
    return [read_expression(end, report) for end in between]
