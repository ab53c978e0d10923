"""Stretches of days: cut where something else is said, joined where they touch, and the days that are missing."""

from datetime import date
from pathlib import Path

import pytest

from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import DatedValue, Period
from policy_service.policies.stretches import ALL_DAYS, cut, entries, epochs, gap, holding, joined

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")


def day(number: int) -> date:
    return date(2023, 1, number)


def days(start: int, end: int | None = None) -> Period:
    return Period(day(start), None if end is None else day(end))


def test_a_period_is_cut_before_each_break_within_it() -> None:
    assert cut(days(5, 20), [day(9), day(5), day(1), day(20), day(9)]) == (days(5, 9), days(9, 20))
    assert cut(days(5), [day(9)]) == (days(5, 9), days(9))


def test_the_stretch_of_a_day_begins_with_it_or_before() -> None:
    stretches = cut(days(1, 20), [day(5), day(9)])
    assert [holding(stretches, day(n)) for n in (1, 4, 5, 19)] == [days(1, 5), days(1, 5), days(5, 9), days(9, 20)]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([days(5, 9), days(1, 5)], (days(1, 9),)),
        ([days(1, 5), days(6, 9)], (days(1, 5), days(6, 9))),
        ([days(1, 9), days(2, 5)], (days(1, 9),)),
        ([days(1), days(2, 5)], (days(1),)),
        ([days(1, 5), days(3)], (days(1),)),
        ([], ()),
    ],
)
def test_stretches_that_touch_or_overlap_are_joined(given: list[Period], found: tuple[Period, ...]) -> None:
    assert joined(given) == found


@pytest.mark.parametrize(
    ("needed", "given", "found"),
    [
        (days(5, 20), [], days(5, 20)),
        (days(5, 20), [days(1, 9), days(9)], None),
        (days(5, 20), [days(6, 9)], days(5, 6)),
        (days(5, 20), [days(1, 9), days(12)], days(9, 12)),
        (days(5, 20), [days(1, 9), days(25)], days(9, 20)),
        (days(5), [days(1, 9)], days(9)),
        (days(5, 20), [days(1, 3), days(25, 28)], days(5, 20)),
    ],
)
def test_a_gap_is_the_first_days_that_none_of_them_holds(
    needed: Period, given: list[Period], found: Period | None
) -> None:
    assert gap(needed, given) == found


@pytest.mark.parametrize(
    ("one", "two", "found"),
    [
        (days(1, 5), days(5, 9), None),
        (days(1, 6), days(5, 9), days(5, 6)),
        (days(1), days(5, 9), days(5, 9)),
        (days(1), days(5), days(5)),
    ],
)
def test_two_periods_have_the_days_in_common_that_both_hold(one: Period, two: Period, found: Period | None) -> None:
    assert one.common(two) == two.common(one) == found


def test_an_entry_of_a_parameter_holds_until_the_next_one() -> None:
    values = [DatedValue(day(n), n, "assumed", None) for n in (1, 5)]
    assert [held for _, held in entries(values)] == [days(1, 5), days(5)]


def test_epochs_are_all_days_cut_where_a_file_begins_ends_or_a_value_changes() -> None:
    text = BASE["live/hours.yaml"].replace("value: 4}", "value: 4}, {from: 2023-06-01, value: 5}")
    rules, _ = load({**BASE, "live/hours.yaml": text})
    assert rules is not None
    found = epochs(rules)
    assert [one.start for one in found[1:]] == [date(2023, 1, 1), date(2023, 6, 1), date(2024, 1, 1)]
    assert joined(found) == (ALL_DAYS,)
