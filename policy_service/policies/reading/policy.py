"""One policy file to its draft."""

import re

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import KEY_MISSING, VALUE_INVALID
from policy_service.facts.labels import read_labels
from policy_service.policies.drafts import Draft
from policy_service.policies.model import Reading
from policy_service.policies.reading.answers import (
    RECOMMENDATION_KEYS,
    REWARD_KEYS,
    read_recommendation,
    read_reward,
)
from policy_service.policies.reading.decisions import DECISION_KEYS, read_decision
from policy_service.policies.reading.invariants import read_invariant
from policy_service.policies.reading.parameters import read_parameter
from policy_service.policies.reading.periods import read_effective
from policy_service.policies.reading.values import (
    read_basis,
    read_expression,
    read_source,
    written,
    written_or_none,
)
from policy_service.sources import Form, Node, Text

_WHAT = "a policy file"
_POLICY_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_KEYS = (
    "policy",
    "title",
    "subject",
    "effective",
    "source",
    "basis",
    "owner",
    "needs",
    "applies",
    "optional",
    "readings",
    "parameters",
    "decisions",
    "rewards",
    "recommendations",
    "invariants",
)
_RESERVED_KEYS = ("budget", "grants", "limits")


def read_policy(file: str, root: Node, report: Report, later: Report) -> Draft | None:
    """The draft of a policy file; None when it is not even a mapping.

    Args:
        later: gets the faults that count only beside a dictionary of facts: faults of the period.
    """
    form = Form(root, _WHAT, report, root.span, (*_KEYS, *_RESERVED_KEYS))
    if form.mapping is None:
        return None
    _report_reserved(form, report)
    draft = _frame(file, form, report, later)
    for key, node in form.entries("parameters"):
        read_parameter(key, node, draft, report)
    for key, node in _named(form, "decisions", DECISION_KEYS, report):
        read_decision(key, node, draft, report)
    for key, node in _named(form, "rewards", REWARD_KEYS, report):
        read_reward(key, node, draft, report)
    for key, node in _named(form, "recommendations", RECOMMENDATION_KEYS, report):
        read_recommendation(key, node, draft, report)
    invariants = [read_invariant(node, report) for node in form.sequence("invariants")]
    draft.invariants = [invariant for invariant in invariants if invariant is not None]
    return draft


def _report_reserved(form: Form, report: Report) -> None:
    for key in _RESERVED_KEYS:
        if (node := form.node(key)) is not None:
            report.add(VALUE_INVALID, node.span, f"`{key}` is reserved", hint="evaluation reads no balance or counter")


def _frame(file: str, form: Form, report: Report, later: Report) -> Draft:
    """A draft with all that stands before parameters."""
    id_ = form.text("policy", required=True)
    subject = form.text("subject", required=True)
    if id_ is not None and not _POLICY_ID.fullmatch(id_.value):
        report.add(VALUE_INVALID, id_.span, f"`{id_.value}` is not a policy id", hint="`family.policy`, lower case")
    basis = read_basis(form)
    if basis is None and not form.has("basis"):
        report.add(KEY_MISSING, form.span, f"{_WHAT} lacks `basis`", hint="`stated` with its source, or `assumed`")
    basis, source = basis or "assumed", read_source(form)
    effective = form.node("effective", required=True)
    return Draft(
        id_.value if id_ else f"?{file}",
        file,
        read_labels(form.node("title"), _WHAT, report, form.span, "title"),
        written_or_none(subject),
        read_effective(effective, basis, source, report, later) if effective is not None else None,
        basis,
        source,
        form.word("owner"),
        tuple(map(written, form.words("needs"))),
        read_expression(form.text("applies"), report),
        tuple(map(written, form.words("optional"))),
        tuple(_reading(node, report) for node in form.sequence("readings")),
        id_.span if id_ else form.span,
    )


def _reading(node: Node, report: Report) -> Reading:
    form = Form(node, "a reading", report, node.span, ("id", "basis", "text"))
    id_ = form.word("id", required=True)
    text = read_labels(form.node("text"), "a reading", report, form.span)
    return Reading(id_ or "", read_basis(form) or "assumed", text)


def _named(form: Form, key: str, inner: tuple[str, ...], report: Report) -> tuple[tuple[Text, Node], ...]:
    """Names with what stands below each; none, and one fault, where the names were left out."""
    found = form.entries(key)
    if sum(name.value in inner for name, _ in found) < 2:
        return found
    hint = f"`{key}: {{NAME: {{{inner[0]}: …}}}}`"
    report.add(KEY_MISSING, found[0][0].span, f"`{key}` lacks a name", hint=hint)
    return ()
