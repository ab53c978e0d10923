"""Instants, and the business days they belong to."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from policy_service.language.values import parse_date
from policy_service.policies.model import Rules

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def business_day(moment: datetime, rules: Rules) -> date:
    """The business day of an instant: its date in the bundle's zone, the day before until the day starts."""
    settings = rules.settings
    hours, _, minutes = settings.day_starts.partition(":")
    local = moment.astimezone(ZoneInfo(settings.time_zone))
    before = (local.hour, local.minute) < (int(hours), int(minutes))
    return local.date() - timedelta(days=1) if before else local.date()


def day_of(text: str, rules: Rules) -> date | None:
    """The day that a text names: a date, or an instant with its offset; None for any other text."""
    if (day := parse_date(text)) is not None:
        return day
    if len(text) > 40 or "T" not in text.upper():
        return None
    try:
        moment = datetime.fromisoformat(text)
        return business_day(moment, rules) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def moment_of(text: str) -> datetime | None:
    """The instant that an RFC 3339 text names, in UTC; None for any other text."""
    if _INSTANT.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
