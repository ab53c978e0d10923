"""Time zones by IANA name alone, the same on every machine."""

import zoneinfo
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from policy_service.policies import zones
from policy_service.policies.loader import load, read_folder

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")


def told(zone: str) -> list[tuple[str, str | None]]:
    return [(d.message, d.hint) for d in load(BASE | {"bundle.yaml": f"time_zone: {zone}\n"})[1] if "zone" in d.message]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC", "Etc/GMT+8", "America/Argentina/Buenos_Aires", "PRC"])
def test_a_name_of_iana_is_a_zone(zone: str) -> None:
    assert told(zone) == []


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("asia/shanghai", "Asia/Shanghai"),
        ("Asia/Shangai", "Asia/Shanghai"),
        ("'Asia/Shanghai '", "Asia/Shanghai"),
        ("Asia/Shanghai/", "Asia/Shanghai"),
        ("Asia", None),
        ("localtime", None),
        ("Factory", None),
        ("posixrules", None),
        ("posix/Asia/Shanghai", "Asia/Shanghai"),
        ("right/Asia/Shanghai", "Asia/Shanghai"),
        ("/usr/share/zoneinfo/UTC", None),
        ("../zoneinfo/UTC", None),
        ("./UTC", None),
        ("UTC+8", None),
        ('"+08:00"', None),
        ("tzdata.zi", None),
        ("'Asia/Shang\u200bhai'", "Asia/Shanghai"),
    ],
)
def test_anything_else_is_told_with_what_was_meant(zone: str, meant: str | None) -> None:
    ((message, hint),) = told(zone)
    assert message == f"there is no time zone `{zone.strip(chr(39) + chr(34))}`"
    if meant is not None:
        assert hint == f"did you mean `{meant}`?"


@pytest.fixture
def without_system() -> Iterator[None]:
    """As on a machine that has no time zones of its own."""
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("without_system")
def test_every_name_is_a_zone_without_those_of_the_system() -> None:
    zones.zone.cache_clear()
    for name in zones.NAMES:
        assert datetime(2023, 4, 1, tzinfo=zones.zone(name)).utcoffset() is not None
    assert datetime(2023, 4, 1, tzinfo=zones.zone("Asia/Shanghai")).utcoffset() == timedelta(hours=8)
