"""Rewards: what is granted, in which unit, how it is claimed and stacked."""

from collections.abc import Iterator

from policy_service.diagnostics.catalogue import (
    CLAIM_INVALID,
    REFERENCE_UNKNOWN,
    TEXT_MISSING,
    TYPE_MISMATCH,
    UNIT_MISMATCH,
    VALUE_INVALID,
)
from policy_service.facts import Labels
from policy_service.language import types
from policy_service.policies.building.answers import Place, check_rows_known, places, relation_of
from policy_service.policies.building.context import Context
from policy_service.policies.building.expressions import build_condition, build_exclusion, build_expression, is_shown
from policy_service.policies.drafts import DraftReward
from policy_service.policies.model import ADDITIVE_KINDS, STANDING_KINDS, Effective, Exclusion, Expression, Reward


def build_rewards(draft: DraftReward, effective: Effective | None, context: Context) -> Iterator[Reward]:
    """The rewards of one declaration, one for each row where it is for `each`."""
    _check_claim(draft, effective, context)
    for place in places(draft.each, context):
        reward = _reward(draft, place, _title(draft, place, context), context)
        if reward is not None:
            yield reward
    if (relation := relation_of(draft.each, context)) is not None:
        check_rows_known(draft.titles, relation, draft.span, context.report)


def _title(draft: DraftReward, place: Place, context: Context) -> Labels:
    title = draft.titles.get(place.key) or draft.titles.get("")
    if title is None and place.row is not None:
        message = f"reward `{draft.name}` has no title for row `{place.row.row}`"
        context.report.add(TEXT_MISSING, draft.span, message)
    return title or {}


def _reward(draft: DraftReward, place: Place, title: Labels, context: Context) -> Reward | None:
    scope, report = place.scope, context.report
    when = build_condition(draft.when, scope, report)
    amount = build_expression(draft.amount, scope, report)
    details = _details(draft, place, context)
    exceptions = _exceptions(draft, place, context)
    _check_group(draft, context)
    if amount is None or (draft.when is not None and when is None):
        return None
    _check_amount(draft, amount.type, context)
    return Reward(
        place.key or draft.name,
        draft.name,
        place.row,
        title,
        draft.kind,
        when,
        amount,
        draft.unit,
        details,
        draft.claim,
        exceptions,
        draft.stack.value if draft.stack else None,
        draft.priority,
        draft.validity,
        draft.span,
    )


def _details(draft: DraftReward, place: Place, context: Context) -> dict[str, Expression]:
    found = {name: build_expression(d, place.scope, context.report) for name, d in draft.details.items()}
    details = {name: detail for name, detail in found.items() if detail is not None}
    for detail in details.values():
        is_shown(detail.type, detail.span, context.report)
    return details


def _exceptions(draft: DraftReward, place: Place, context: Context) -> tuple[Exclusion, ...]:
    found = [build_exclusion(exception, place.scope, context.report) for exception in draft.exceptions]
    return tuple(exception for exception in found if exception is not None)


# ---- checks


def _check_amount(draft: DraftReward, kind: types.Type, context: Context) -> None:
    report, span = context.report, draft.amount.span
    if draft.kind == "right" and not isinstance(kind, types.Number | types.Boolean | types.Text | types.Enum):
        report.add(TYPE_MISMATCH, span, "the amount of a right is a number, text or condition")
    elif draft.kind != "right" and not isinstance(kind, types.Number):
        report.add(TYPE_MISMATCH, span, f"an amount is a number, this is a {types.kind(kind)}")
    if isinstance(kind, types.Number):
        is_shown(kind, span, report)
        if kind.unit and draft.unit and kind.unit != draft.unit:
            report.add(UNIT_MISMATCH, span, f"the amount is in `{kind.unit}`, the reward in `{draft.unit}`")


def _check_group(draft: DraftReward, context: Context) -> None:
    report, stack = context.report, draft.stack
    if stack is None:
        if draft.priority is not None:
            report.add(VALUE_INVALID, draft.span, "`priority` of a reward belongs to `stack`")
        return
    group = context.registry.groups.get(stack.value)
    if group is None and context.registry.faulty.holds("group", stack.value):
        return
    if group is None:
        hint = "declare it in bundle.yaml under `stacking`"
        report.add(REFERENCE_UNKNOWN, stack.span, f"there is no stacking group `{stack.value}`", hint=hint)
    elif group.unit != draft.unit:
        message = f"group `{group.id}` joins rewards in `{group.unit}`, this one is in `{draft.unit}`"
        report.add(UNIT_MISMATCH, stack.span, message)
    if draft.kind not in ADDITIVE_KINDS:
        report.add(CLAIM_INVALID, stack.span, f"a `{draft.kind}` is a standing answer and does not stack")


def _check_claim(draft: DraftReward, effective: Effective | None, context: Context) -> None:
    report, per = context.report, draft.claim.per
    if per == "campaign" and effective is not None and effective.campaign is None:
        message = f"reward `{draft.name}` claims per campaign, the policy has none"
        report.add(CLAIM_INVALID, draft.span, message, hint="`effective: {campaign: ID}`")
    if per != "none" and draft.kind in STANDING_KINDS:
        message = f"a `{draft.kind}` is a standing answer, it is never claimed"
        report.add(CLAIM_INVALID, draft.span, message, hint="`claim: {per: none}`")
