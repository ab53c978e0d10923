"""Recommendations: what to do next, when, and in which words."""

from collections.abc import Iterator

from policy_service.diagnostics.catalogue import TEXT_MISSING
from policy_service.policies.building.answers import Place, check_rows_known, places, relation_of
from policy_service.policies.building.context import Context
from policy_service.policies.building.expressions import build_condition, build_texts
from policy_service.policies.drafts import DraftRecommendation
from policy_service.policies.model import Recommendation


def build_recommendations(draft: DraftRecommendation, context: Context) -> Iterator[Recommendation]:
    """The recommendations of one declaration, one for each row where it is for `each`."""
    for place in places(draft.each, context):
        recommendation = _recommendation(draft, place, context)
        if recommendation is not None:
            yield recommendation
    if (relation := relation_of(draft.each, context)) is not None:
        check_rows_known(draft.texts, relation, draft.span, context.report)


def _recommendation(draft: DraftRecommendation, place: Place, context: Context) -> Recommendation | None:
    texts = draft.texts.get(place.key) or draft.texts.get("")
    if texts is None:
        message = f"recommendation `{draft.name}` has no text for row `{place.key}`"
        context.report.add(TEXT_MISSING, draft.span, message)
    when = build_condition(draft.when, place.scope, context.report)
    if draft.when is not None and when is None:
        return None
    return Recommendation(
        place.key or draft.name,
        draft.name,
        place.row,
        when,
        draft.priority,
        build_texts(texts or {}, place.scope, context.report),
        draft.span,
    )
