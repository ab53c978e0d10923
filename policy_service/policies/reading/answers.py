"""Rewards with their exceptions, and recommendations of a policy file."""

from policy_service.diagnostics import Report
from policy_service.facts.labels import Labels, read_labels
from policy_service.language.values import parse_days, parse_months
from policy_service.policies.drafts import Draft, DraftExclusion, DraftExpression, DraftRecommendation, DraftReward
from policy_service.policies.model import ADDITIVE_KINDS, STANDING_KINDS, Basis, Claim
from policy_service.policies.reading.texts import by_row, read_texts
from policy_service.policies.reading.values import checked_name, read_basis, read_expression, written_or_none
from policy_service.sources import Form, Node, Text

REWARD_KEYS = (
    "each",
    "title",
    "kind",
    "when",
    "amount",
    "unit",
    "details",
    "claim",
    "except",
    "stack",
    "priority",
    "validity",
)
RECOMMENDATION_KEYS = ("each", "when", "priority", "text")
_LONGEST_DAYS, _LONGEST_MONTHS = 36_525, 1200
"""A hundred years."""


def read_exclusion(node: Node, what: str, basis: Basis, report: Report) -> DraftExclusion | None:
    """`{id, when, text}` of an exception of a reward, or of an exclusion of the bundle."""
    form = Form(node, what, report, node.span, ("id", "when", "text", "basis"))
    id_ = form.text("id", required=True)
    when = read_expression(form.text("when", required=True), report)
    text = read_texts(form.node("text"), what, report, form.span)
    if id_ is None or when is None:
        return None
    checked_name(id_, report)
    return DraftExclusion(id_.value, when, text, read_basis(form) or basis, id_.span)


def read_reward(key: Text, node: Node, draft: Draft, report: Report) -> None:
    """Add the reward to the draft, if it says at least what is granted and how it is claimed."""
    name = checked_name(key, report)
    what = f"reward `{name}`"
    form = Form(node, what, report, key.span, REWARD_KEYS)
    each = form.text("each")
    titles = _titles(form, what, key, report, each=each is not None)
    kind = form.word("kind", (*ADDITIVE_KINDS, *STANDING_KINDS), required=True)
    amount = read_expression(form.text("amount", required=True), report)
    details = _details(form, report)
    exceptions = _exceptions(form, what, draft.basis, report)
    when = read_expression(form.text("when"), report)
    claim = _claim(form, what, report)
    unit, stack, priority = form.word("unit"), form.text("stack"), form.integer("priority")
    validity = _validity(form, what, report)
    if kind is None or amount is None or claim is None or (when is None and form.has("when")):
        return
    draft.rewards.append(
        DraftReward(
            name,
            written_or_none(each),
            titles,
            kind,
            when,
            amount,
            unit,
            details,
            claim,
            exceptions,
            written_or_none(stack),
            priority,
            validity,
            key.span,
        )
    )


def _titles(form: Form, what: str, key: Text, report: Report, *, each: bool) -> dict[str, Labels]:
    nodes = by_row(form.node("title", required=True), each=each)
    return {row: read_labels(n, _of_row(what, row), report, key.span, "title") for row, n in nodes}


def _of_row(what: str, row: str) -> str:
    return f"{what} row `{row}`" if row else what


def _details(form: Form, report: Report) -> dict[str, DraftExpression]:
    found = {name: read_expression(text, report) for name, text in form.texts("details").items()}
    return {name: detail for name, detail in found.items() if detail is not None}


def _exceptions(form: Form, what: str, basis: Basis, report: Report) -> tuple[DraftExclusion, ...]:
    found = [read_exclusion(node, f"an exception of {what}", basis, report) for node in form.sequence("except")]
    return tuple(exception for exception in found if exception is not None)


def _claim(form: Form, what: str, report: Report) -> Claim | None:
    node = form.node("claim", required=True)
    if node is None:
        return None
    inner = Form(node, f"the claim of {what}", report, node.span, ("per", "on_increase", "on_decrease"))
    per = inner.word("per", ("once", "campaign", "day", "month", "none"), required=True)
    if per is None:
        return None
    return Claim(
        per,  # type: ignore[arg-type]  # `word` gives one of the choices
        inner.word("on_increase", ("top_up", "keep")) or "top_up",
        inner.word("on_decrease", ("keep", "claw_back")) or "keep",
    )


def _validity(form: Form, what: str, report: Report) -> str | None:
    node = form.node("validity")
    if node is None:
        return None
    inner = Form(node, f"the validity of {what}", report, node.span, ("from", "for"))
    inner.word("from", ("as_of",), required=True)
    length = inner.text("for", required=True)
    if length is not None and not _is_validity(length.value):
        inner.invalid(length, f"`{length.value}` is not a duration of up to a hundred years", "`P30D` or `P2M`")
    return length.value if length is not None else None


def _is_validity(text: str) -> bool:
    """Whether a reward can be valid for so long: at least a day, and no day beyond the calendar."""
    days, months = parse_days(text), parse_months(text)
    if days is not None:
        return 0 < days <= _LONGEST_DAYS
    return months is not None and 0 < months <= _LONGEST_MONTHS


def read_recommendation(key: Text, node: Node, draft: Draft, report: Report) -> None:
    """Add the recommendation to the draft, if it has a text and a priority."""
    name = checked_name(key, report)
    what = f"recommendation `{name}`"
    form = Form(node, what, report, key.span, RECOMMENDATION_KEYS)
    each = form.text("each")
    nodes = by_row(form.node("text", required=True), each=each is not None)
    texts = {row: read_texts(n, _of_row(what, row), report, key.span) for row, n in nodes}
    when, priority = read_expression(form.text("when"), report), form.integer("priority", required=True)
    if priority is not None and priority < 1:
        form.invalid(form.node("priority") or node, "`priority` counts from 1", "1 is the most urgent")
    if not form.has("text") or priority is None or (when is None and form.has("when")):
        return
    draft.recommendations.append(DraftRecommendation(name, written_or_none(each), when, priority, texts, key.span))
