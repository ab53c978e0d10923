"""Time zones by IANA name: names and rules are those of the pinned package tzdata, the same on every machine."""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_TZDATA = files("tzdata")
_NO_ZONES = {"Factory"}
"""What a system reports whose zone was never set."""
NAMES = frozenset(_TZDATA.joinpath("zones").read_text("utf-8").split()) - _NO_ZONES


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of one of NAMES. What the system holds is not asked: it may be older, or have more names."""
    with _TZDATA.joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def likely(name: str) -> str | None:
    """The zone that was probably meant by an unknown name; None where none is close."""
    by_lower = {known.lower(): known for known in sorted(NAMES)}
    close = get_close_matches(name.strip().lower(), by_lower, 1)
    return by_lower[close[0]] if close else None
