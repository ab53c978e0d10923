"""Periods and campaigns: when something is in force."""

from datetime import date, timedelta
from difflib import get_close_matches

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import REFERENCE_UNKNOWN, VALUE_INVALID
from policy_service.facts import FIRST_DAY, LAST_DAY
from policy_service.language.values import parse_date
from policy_service.policies.building.registry import Registry
from policy_service.policies.drafts import DraftCampaign, DraftEffective, DraftPeriod, Written
from policy_service.policies.model import Campaign, Effective, Period


def build_effective(draft: DraftEffective, registry: Registry) -> Effective | None:
    """When a policy is in force; None where that has a fault, which is reported."""
    if draft.period is not None:
        period = build_period(draft.period, "`effective`", registry.report)
        return Effective(period, None, draft.basis, draft.source) if period is not None else None
    campaign = _campaign(draft.campaign, registry) if draft.campaign is not None else None
    return Effective(campaign.period, campaign.id, draft.basis, draft.source) if campaign is not None else None


def _campaign(name: Written, registry: Registry) -> Campaign | None:
    campaign = registry.campaigns.get(name.value)
    if campaign is None and not registry.faulty.holds("campaign", name.value):
        close = get_close_matches(name.value, list(registry.campaigns), 1)
        hint = f"did you mean `{close[0]}`?" if close else "declare it in campaigns.yaml"
        registry.report.add(REFERENCE_UNKNOWN, name.span, f"there is no campaign `{name.value}`", hint=hint)
    return campaign


def build_campaign(draft: DraftCampaign, report: Report) -> Campaign | None:
    what = f"campaign `{draft.id}`"
    period = build_period(draft.period, what, report)
    if period is not None and draft.period.is_open:
        report.add(VALUE_INVALID, draft.span, f"{what} has no end", hint="`to` or `through`")
    if period is None or period.end is None:
        return None
    return Campaign(draft.id, draft.title, period, draft.basis, draft.source)


def build_period(draft: DraftPeriod, what: str, report: Report) -> Period | None:
    """The period; None where it has no beginning, or no day."""
    start, end, through = (_day(written, report) for written in (draft.start, draft.end, draft.through))
    if end is None and through is not None:
        end = through + timedelta(days=1)
    if start is None:
        return None
    if end is not None and end <= start:
        report.add(VALUE_INVALID, draft.span, f"{what} ends before it begins")
        return None
    return Period(start, end)


def _day(written: Written | None, report: Report) -> date | None:
    if written is None:
        return None
    day = parse_date(written.value)
    if day is None:
        report_no_date(written, report)
    elif not FIRST_DAY <= day <= LAST_DAY:
        message = f"`{written.value}` lies outside {FIRST_DAY} to {LAST_DAY}"
        report.add(VALUE_INVALID, written.span, message, hint="leave `to` out: no end")
        return None
    return day


def report_no_date(written: Written, report: Report) -> None:
    report.add(VALUE_INVALID, written.span, f"`{written.value}` is not a date", hint="dates are `2023-04-01`")
