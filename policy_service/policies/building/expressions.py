"""Expressions and texts of a draft, typed."""

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import NUMBER_RANGE
from policy_service.language import types
from policy_service.language.checking import Scope, check_expression
from policy_service.policies.drafts import DraftExclusion, DraftExpression, DraftTemplate, DraftTexts
from policy_service.policies.model import Exclusion, Expression, Template, Texts


def build_expression(
    draft: DraftExpression | None, scope: Scope, report: Report, expected: types.Type | None = None
) -> Expression | None:
    """The expression; None where there is none, or it has a fault, which is reported."""
    if draft is None:
        return None
    node = check_expression(draft.tree, scope, report, expected)
    return Expression(draft.tree, node, draft.span, scope) if node is not None else None


def build_condition(draft: DraftExpression | None, scope: Scope, report: Report) -> Expression | None:
    return build_expression(draft, scope, report, types.Boolean())


def build_exclusion(draft: DraftExclusion, scope: Scope, report: Report) -> Exclusion | None:
    when = build_condition(draft.when, scope, report)
    text = build_texts(draft.text, scope, report)
    return Exclusion(draft.id, when, text, draft.basis) if when is not None else None


def build_texts(texts: DraftTexts, scope: Scope, report: Report) -> Texts:
    return {tongue: _template(texts[tongue], scope, report) for tongue in sorted(texts)}


def _template(draft: DraftTemplate, scope: Scope, report: Report) -> Template:
    parts: list[str | Expression] = []
    for part in draft.parts:
        found = part if isinstance(part, str) else build_expression(part, scope, report)
        if isinstance(found, str) or (found is not None and is_shown(found.type, found.span, report)):
            parts.append(found)
    return Template(tuple(parts))


def is_shown(kind: types.Type, span: Span, report: Report) -> bool:
    """Whether all numbers of the type keep the 15 digits that an answer has; else that is reported."""
    fits = all(max(abs(n.low), abs(n.high)) <= types.MAX_VALUE for _, n in types.numbers(kind))
    if not fits:
        hint = "narrow the range of the facts, or round to fewer decimals"
        report.add(NUMBER_RANGE, span, "the value may pass 15 digits", hint=hint)
    return fits
