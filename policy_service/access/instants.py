"""Instants as everything keeps them: RFC 3339 in UTC with milliseconds, so that texts sort as instants do."""

import re
from datetime import UTC, date, datetime, time, timedelta

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = timedelta(days=3660)
"""The longest time that a key may be given in advance."""


def text(moment: datetime) -> str:
    """The instant as it is kept."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime | None:
    """The instant of an RFC 3339 text, which must have an offset; null for any other text."""
    if _INSTANT.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def span(text: str) -> timedelta | None:
    """`90d`, `24h`, `30m`, `10s`; null for any other text, and for more than ten years."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    seconds = int(found[1]) * _SECONDS[found[2]]
    return timedelta(seconds=seconds) if seconds <= LONGEST.total_seconds() else None


def end(text: str, now: datetime) -> datetime | None:
    """When something ends: a span from now, the start of a day in UTC, or an instant; null for any other text."""
    if (length := span(text)) is not None:
        return now + length
    if _DAY.fullmatch(text) is not None:
        try:
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        except ValueError:
            return None
    return moment(text)
