"""Instants, and the business days that they belong to."""

import re
from datetime import UTC, date, datetime, timedelta

from policy_service.language.values import parse_date
from policy_service.policies.model import Rules
from policy_service.policies.zones import zone

_INSTANT = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt](?P<minute>\d\d:\d\d):(?P<second>\d\d)(?P<fraction>\.\d+)?"
    r"(?P<offset>[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_MICROSECONDS = 7
"""Length of the longest fraction that a datetime holds, with its point; further digits change no day."""


def business_day(moment: datetime, rules: Rules) -> date:
    """The business day of an instant: its date in the bundle's time zone; before `day_starts`, the date before."""
    settings = rules.settings
    hours, _, minutes = settings.day_starts.partition(":")
    local = moment.astimezone(zone(settings.time_zone))
    before = (local.hour, local.minute) < (int(hours), int(minutes))
    return local.date() - timedelta(days=1) if before else local.date()


def day_of(text: str, rules: Rules) -> date | None:
    """The day that a text names: a date, or an RFC 3339 instant with its offset; None for any other text."""
    if (day := parse_date(text)) is not None:
        return day
    moment = moment_of(text)
    try:
        return business_day(moment, rules) if moment is not None else None
    except OverflowError:  # the calendar's first or last day, seen from another zone
        return None


def moment_of(text: str) -> datetime | None:
    """The instant that an RFC 3339 text names, in UTC; None for any other text.

    A leap second, which no datetime holds, is read as the second before it: it belongs to the same day.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    is_leap = found["second"] == "60"
    second, fraction = "59" if is_leap else found["second"], (found["fraction"] or "")[:_MICROSECONDS]
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['minute']}:{second}{fraction}{found['offset'].upper()}")
        moment = moment.astimezone(UTC)
        return None if is_leap and not _is_last_minute(moment) else moment
    except (ValueError, OverflowError):
        return None


def _is_last_minute(moment: datetime) -> bool:
    """Whether an instant lies in the last minute of a month in UTC, which alone can have a leap second."""
    return (moment.hour, moment.minute) == (23, 59) and (moment + timedelta(minutes=1)).day == 1
