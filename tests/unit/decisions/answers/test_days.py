"""The business day of a text: RFC 3339 and nothing else; zones, the start of the day, the ends of the calendar."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from policy_service.decisions.answers.days import day_of, moment_of
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Rules


def rules(zone: str = "Asia/Shanghai", starts: str = "00:00") -> Rules:
    found, _ = load(read_folder(Path(__file__).parents[3] / "diagnostics/base"))
    assert found is not None
    return replace(found, settings=replace(found.settings, time_zone=zone, day_starts=starts))


SHANGHAI = rules()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023-04-01", date(2023, 4, 1)),
        ("2023-04-01T15:59:59Z", date(2023, 4, 1)),
        ("2023-04-01T16:00:00Z", date(2023, 4, 2)),
        ("2023-04-01t16:00:00z", date(2023, 4, 2)),
        ("2023-04-01T16:00:00-00:00", date(2023, 4, 2)),
        ("2023-04-01T23:59:59+08:00", date(2023, 4, 1)),
        ("2023-04-01T00:00:00+23:59", date(2023, 3, 31)),
        ("2023-04-01T00:00:00-23:59", date(2023, 4, 2)),
        ("2023-04-01T15:59:59.9Z", date(2023, 4, 1)),
        (f"2023-04-01T15:59:59.{'9' * 300}Z", date(2023, 4, 1)),
        ("2016-12-31T23:59:60Z", date(2017, 1, 1)),
        ("2017-01-01T07:59:60.25+08:00", date(2017, 1, 1)),
        ("2016-12-31T15:59:60-08:00", date(2017, 1, 1)),
    ],
)
def test_a_day_or_an_instant_names_a_business_day(text: str, day: date) -> None:
    assert day_of(text, SHANGHAI) == day


@pytest.mark.parametrize(
    "text",
    [
        "2023-W13-6", "2023W136", "2023-091", "2023091", "20230401", "20230401T000000Z", "2023-04", "2023", "",
        "2023-4-1", "23-04-01", "+2023-04-01", "-2023-04-01", "02023-04-01", "2023-02-29", "2023-13-01", "0000-01-01",
        "2023-04-01 ", " 2023-04-01", "2023-04-01\n", "2023/04/01", "２０２３-04-01", "2023-04-٠١", "2023–04–01",
        "2023-W13-6T00:00:00Z", "2023-091T00:00:00Z", "2023-04-01T000000Z", "2023-04-01T00:00Z", "2023-04-01T00Z",
        "2023-04-01 00:00:00Z", "2023-04-01_00:00:00Z", "2023-04-01T00:00:00", "2023-04-01T", "2023-04-01Z",
        "2023-04-01T24:00:00Z", "2023-04-01T23:60:00Z", "2023-04-01T23:59:61Z", "2023-04-01T00:00:00.Z",
        "2023-04-01T00:00:00,5Z", "2023-04-01T00:00:00+08", "2023-04-01T00:00:00+0800", "2023-04-01T00:00:00+08:00:00",
        "2023-04-01T00:00:00+24:00", "2023-04-01T00:00:00+08:60", "2023-04-01T00:00:00 +08:00",
        "2023-04-01T00:00:00−08:00", "2023-04-01T0٠:00:00Z", "2023-04-01T00:00:00ZZ", "2023-04-01T00:00:00[UTC]",
        "2023-04-01T23:59:60Z", "2023-04-30T23:58:60Z", "2023-04-30T23:59:60+01:00",
    ],
)  # fmt: skip
def test_any_other_text_names_none(text: str) -> None:
    assert day_of(text, SHANGHAI) is None
    assert moment_of(text) is None


def test_an_instant_before_the_day_starts_belongs_to_the_day_before() -> None:
    four = rules(starts="04:00")
    assert day_of("2023-04-01T03:59:59+08:00", four) == date(2023, 3, 31)
    assert day_of("2023-04-01T04:00:00+08:00", four) == date(2023, 4, 1)
    assert day_of("2023-04-01", four) == date(2023, 4, 1)


def test_a_zone_with_summer_time_has_its_own_midnight() -> None:
    berlin = rules("Europe/Berlin")
    assert day_of("2023-03-25T23:00:00Z", berlin) == date(2023, 3, 26)
    assert day_of("2023-03-26T21:59:59Z", berlin) == date(2023, 3, 26)
    assert day_of("2023-03-26T22:00:00Z", berlin) == date(2023, 3, 27)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("0001-01-01", date(1, 1, 1)),
        ("9999-12-31", date(9999, 12, 31)),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("9999-12-31T23:59:59Z", None),
        ("9999-12-31T23:59:60Z", None),
    ],
)
def test_the_ends_of_the_calendar_are_no_crash(text: str, day: date | None) -> None:
    assert day_of(text, SHANGHAI) == day
    assert day_of(text, rules("America/Los_Angeles", "23:59")) in (day, None, date(9999, 12, 30))


def test_the_first_day_has_none_before_it() -> None:
    assert day_of("0001-01-01T00:00:00Z", rules("UTC", "04:00")) is None


def test_a_leap_second_is_read_as_the_second_before_it() -> None:
    assert moment_of("2016-12-31T23:59:60.5Z") == datetime(2016, 12, 31, 23, 59, 59, 500_000, UTC)


def test_a_fraction_is_cut_at_what_an_instant_holds() -> None:
    assert moment_of("2023-04-01T00:00:00.1234569Z") == datetime(2023, 4, 1, 0, 0, 0, 123_456, UTC)
