"""campaigns.yaml and bundle.yaml: what holds for all policies."""

from policy_service.diagnostics import NOWHERE, Report
from policy_service.diagnostics.catalogue import NAME_CLASH, VALUE_INVALID
from policy_service.facts.labels import read_labels
from policy_service.language import types
from policy_service.language.values import parse_number, scaled
from policy_service.policies.drafts import (
    DraftCampaign,
    DraftExclusion,
    DraftSettings,
    DraftSuspension,
)
from policy_service.policies.model import ADDITIVE_KINDS, STANDING_KINDS, Ceiling, StackingGroup
from policy_service.policies.reading.answers import read_exclusion
from policy_service.policies.reading.periods import read_period
from policy_service.policies.reading.values import checked_name, read_basis, read_source, written, written_or_none
from policy_service.sources import Form, Mapping, Node, Text

_CAMPAIGN_KEYS = ("title", "from", "to", "through", "basis", "source")
_SETTINGS_KEYS = ("label", "time_zone", "day_starts", "stacking", "exclusions", "suspended", "ceilings")


def read_campaigns(root: Node, report: Report) -> dict[str, DraftCampaign | None] | None:
    """Campaigns by id, null where one has a fault; None when the file is not even a mapping."""
    if not isinstance(root, Mapping):
        report.add(VALUE_INVALID, root.span, "campaigns.yaml is a mapping of ids")
        return None
    return {key.value: _campaign(key, node, report) for key, node in root}


def _campaign(key: Text, node: Node, report: Report) -> DraftCampaign | None:
    checked_name(key, report)
    if key.value == "once":
        hint = "rename the campaign"
        report.add(NAME_CLASH, key.span, "`once` is the period of claims without one", hint=hint)
    what = f"campaign `{key.value}`"
    form = Form(node, what, report, key.span, _CAMPAIGN_KEYS)
    if form.mapping is None:
        return None
    title = read_labels(form.node("title"), what, report, key.span, "title")
    period = read_period(form, what)
    return DraftCampaign(key.value, title, period, read_basis(form) or "assumed", read_source(form), key.span)


def read_settings(root: Node | None, report: Report, later: Report) -> DraftSettings:
    """bundle.yaml; without settings where the file is missing or cannot be read.

    Args:
        later: gets the faults that count only beside a dictionary of facts: all but keys and stacking groups.
    """
    form = Form(root, "bundle.yaml", report, root.span if root else NOWHERE, _SETTINGS_KEYS)
    stacking = {key.value: _group(key, node, report) for key, node in form.entries("stacking")}
    form.report = later
    label = form.text("label")
    return DraftSettings(
        label.value if label else None,
        written_or_none(form.text("time_zone", required=True)),
        written_or_none(form.text("day_starts")),
        stacking,
        _exclusions(form, later),
        _ceilings(form, later),
        _suspensions(form, later),
    )


def _group(key: Text, node: Node, report: Report) -> StackingGroup | None:
    checked_name(key, report)
    form = Form(node, f"stacking group `{key.value}`", report, key.span, ("combine", "cap", "unit"))
    combine = form.word("combine", ("sum", "max", "first"), required=True)
    cap = form.text("cap")
    limit = _limit(cap, form) if cap is not None else None
    if combine is None or (cap is not None and limit is None):
        return None
    number, scale = limit or (None, 0)
    return StackingGroup(key.value, combine, number, scale, form.word("unit"))  # type: ignore[arg-type]  # one of the choices


def _limit(text: Text, form: Form) -> tuple[int, int] | None:
    """A number that is not negative, and its scale."""
    kind = types.declared_type(f"decimal({len(text.value.partition('.')[2])})")
    exact = parse_number(text.value)
    if exact is None or not isinstance(kind, types.Number):
        form.invalid(text, f"`{text.value}` is not a number")
        return None
    number = scaled(exact, kind.scale)
    if number is None or not 0 <= number <= types.MAX_VALUE:
        form.invalid(text, f"`{text.value}` is negative or has more than {types.MAX_DIGITS} digits")
        return None
    return number, kind.scale


def _exclusions(form: Form, report: Report) -> tuple[DraftExclusion, ...]:
    found = [read_exclusion(node, "an exclusion", "assumed", report) for node in form.sequence("exclusions")]
    return tuple(exclusion for exclusion in found if exclusion is not None)


def _ceilings(form: Form, report: Report) -> dict[str, Ceiling]:
    found = {key.value: _ceiling(key, node, report) for key, node in form.entries("ceilings")}
    return {kind: ceiling for kind, ceiling in found.items() if ceiling is not None}


def _ceiling(key: Text, node: Node, report: Report) -> Ceiling | None:
    form = Form(node, f"the ceiling of `{key.value}`", report, key.span, ("per_reward",))
    kinds = (*ADDITIVE_KINDS, *STANDING_KINDS)
    if key.value not in kinds:
        form.invalid(key, f"`{key.value}` is not a kind of reward", f"one of {', '.join(kinds)}")
    text = form.text("per_reward", required=True)
    limit = _limit(text, form) if text is not None else None
    return Ceiling(key.value, *limit) if limit is not None else None


def _suspensions(form: Form, report: Report) -> tuple[DraftSuspension, ...]:
    found = [_suspension(node, report) for node in form.sequence("suspended")]
    return tuple(suspension for suspension in found if suspension is not None)


def _suspension(node: Node, report: Report) -> DraftSuspension | None:
    form = Form(node, "a suspension", report, node.span, ("policy", "reward", "reason"))
    policy, reward = form.text("policy", required=True), form.text("reward")
    reason = form.word("reason", required=True)
    if policy is None or reason is None:
        return None
    return DraftSuspension(written(policy), written_or_none(reward), reason)
