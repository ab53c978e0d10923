"""Values that every engine shares: rounding, months, scales, three-valued logic, dates and durations as text."""

from datetime import date
from decimal import Decimal, localcontext
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_service.language import types
from policy_service.language.values import (
    add_months,
    conjunction,
    days_text,
    disjunction,
    exact,
    months_between,
    months_text,
    negation,
    parse_date,
    parse_days,
    parse_months,
    round_quotient,
    scaled,
    shown,
)

MODES = {
    "up": "ROUND_UP",
    "down": "ROUND_DOWN",
    "half_up": "ROUND_HALF_UP",
    "half_down": "ROUND_HALF_DOWN",
    "half_even": "ROUND_HALF_EVEN",
    "floor": "ROUND_FLOOR",
    "ceiling": "ROUND_CEILING",
}
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))


@given(st.integers(-(10**12), 10**12), st.integers(-1000, 1000).filter(bool), st.sampled_from(sorted(MODES)))
def test_a_quotient_rounds_as_decimal_does(numerator: int, twos_and_fives: int, mode: str) -> None:
    denominator = (1 if twos_and_fives > 0 else -1) * 2 ** (abs(twos_and_fives) % 7) * 5 ** (abs(twos_and_fives) % 4)
    with localcontext(prec=60):
        expected = (Decimal(numerator) / denominator).quantize(Decimal(1), rounding=MODES[mode])
    assert round_quotient(numerator, denominator, mode) == expected


@pytest.mark.parametrize(
    ("numerator", "expected"),
    [
        (5, {"up": 3, "down": 2, "half_up": 3, "half_down": 2, "half_even": 2, "floor": 2, "ceiling": 3}),
        (7, {"up": 4, "down": 3, "half_up": 4, "half_down": 3, "half_even": 4, "floor": 3, "ceiling": 4}),
        (-5, {"up": -3, "down": -2, "half_up": -3, "half_down": -2, "half_even": -2, "floor": -3, "ceiling": -2}),
        (-7, {"up": -4, "down": -3, "half_up": -4, "half_down": -3, "half_even": -4, "floor": -4, "ceiling": -3}),
        (4, dict.fromkeys(MODES, 2)),
        (-4, dict.fromkeys(MODES, -2)),
    ],
)
def test_halves_round_as_each_mode_says(numerator: int, expected: dict[str, int]) -> None:
    assert {mode: round_quotient(numerator, 2, mode) for mode in MODES} == expected
    assert {mode: round_quotient(-numerator, -2, mode) for mode in MODES} == expected


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12), st.sampled_from(sorted(MODES)))
def test_a_rounded_quotient_is_less_than_one_away(numerator: int, denominator: int, mode: str) -> None:
    found = round_quotient(numerator, denominator, mode)
    assert found is not None
    assert abs(numerator - found * denominator) < denominator


@pytest.mark.parametrize("mode", sorted(MODES))
def test_a_quotient_by_zero_is_null(mode: str) -> None:
    assert round_quotient(1, 0, mode) is None


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 3, 31), -1, date(2023, 2, 28)),
        (date(2023, 12, 15), 1, date(2024, 1, 15)),
        (date(2023, 1, 15), -1, date(2022, 12, 15)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2023, 5, 1), 0, date(2023, 5, 1)),
        (date(9999, 12, 1), 1, None),
        (date(1, 1, 1), -1, None),
        (date(2023, 1, 1), -24277, None),
    ],
)
def test_months_are_added_to_the_same_day_or_the_last_one(day: date, months: int, expected: date | None) -> None:
    assert add_months(day, months) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (date(2023, 1, 15), date(2023, 2, 15), 1),
        (date(2023, 1, 15), date(2023, 2, 14), 0),
        (date(2023, 1, 31), date(2023, 2, 28), 0),
        (date(2023, 1, 31), date(2023, 3, 31), 2),
        (date(2022, 11, 1), date(2023, 2, 1), 3),
        (date(2023, 2, 15), date(2023, 1, 15), -1),
        (date(2023, 2, 14), date(2023, 1, 15), 0),
        (date(2023, 1, 1), date(2023, 1, 1), 0),
    ],
)
def test_months_between_counts_whole_months(start: date, end: date, expected: int) -> None:
    assert months_between(start, end) == expected


@given(DAYS, DAYS)
def test_months_between_is_the_most_that_can_be_added_without_passing_the_end(start: date, end: date) -> None:
    assert months_between(start, end) == -months_between(end, start)
    first, last = min(start, end), max(start, end)
    months = months_between(first, last)
    reached, beyond = add_months(first, months), add_months(first, months + 1)
    assert reached is not None
    assert reached <= last
    assert beyond is None or beyond > last or beyond.day < first.day


@given(st.integers(-(10**15), 10**15), st.integers(0, 6))
def test_a_number_is_shown_and_read_back_at_its_scale(number: int, scale: int) -> None:
    value = exact(number, scale)
    assert scaled(Decimal(value), scale) == number
    assert isinstance(value, int) or value.as_tuple().digits[-1] != 0


@pytest.mark.parametrize(
    ("value", "scale", "expected"),
    [
        ("5.000", 2, 500),
        ("5.001", 2, None),
        ("1E+3", 0, 1000),
        ("-0", 0, 0),
        ("0.10", 1, 1),
        ("1e-7", 6, None),
        ("NaN", 2, None),
        ("Infinity", 2, None),
        ("-12.5", 1, -125),
        ("1e999", 0, None),
    ],
)
def test_a_decimal_is_brought_to_a_scale_by_value_and_never_rounded(
    value: str, scale: int, expected: int | None
) -> None:
    assert scaled(Decimal(value), scale) == expected


_NOT = {True: False, False: True, None: None}


@pytest.mark.parametrize(("one", "two"), list(product((True, False, None), repeat=2)))
def test_and_or_not_are_kleenes(one: bool | None, two: bool | None) -> None:
    order = {False: 0, None: 1, True: 2}
    assert conjunction((one, two)) is min((one, two), key=order.__getitem__)
    assert disjunction((one, two)) is max((one, two), key=order.__getitem__)
    assert negation(one) is _NOT[one]


def test_and_of_nothing_is_true_and_or_of_nothing_false() -> None:
    assert conjunction(()) is True
    assert disjunction(()) is False


@pytest.mark.parametrize(
    ("text", "days", "months"),
    [
        ("P30D", 30, None),
        ("-P7D", -7, None),
        ("P0D", 0, None),
        ("P2M", None, 2),
        ("P1Y2M", None, 14),
        ("-P1Y", None, -12),
        ("P", None, None),
        ("30D", None, None),
        ("P1W", None, None),
        ("P1DT2H", None, None),
        ("P1.5D", None, None),
        ("P٣D", None, None),
        (" P1D", None, None),
    ],
)
def test_durations_are_days_or_months(text: str, days: int | None, months: int | None) -> None:
    assert (parse_days(text), parse_months(text)) == (days, months)


@given(st.integers(-9_999_999, 9_999_999), st.integers(-100_000, 100_000))
def test_durations_read_back_as_they_are_shown(days: int, months: int) -> None:
    assert parse_days(days_text(days)) == days
    assert parse_months(months_text(months)) == months


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-04-01", date(2023, 4, 1)),
        ("2023-02-29", None),
        ("20230401", None),
        ("2023-4-1", None),
        ("0000-01-01", None),
        ("2023-04-01T00:00", None),
        ("２０２３-04-01", None),
        ("2023-W14-6", None),
    ],
)
def test_a_date_is_a_calendar_day_in_full(text: str, expected: date | None) -> None:
    assert parse_date(text) == expected


def test_values_are_shown_as_answers_print_them() -> None:
    number = types.Number(2, 0, 1000)
    record = types.Record((("hours", number), ("on", types.Date())))
    relation = types.Relation("p", "r", ("a",), (("hours", number),))
    day = date(2023, 4, 1).toordinal()
    assert shown(number, 1250) == Decimal("12.5")
    assert shown(number, 1200) == 12
    assert shown(types.Duration(0, 9), 7) == "P7D"
    assert shown(types.Months(0, 99), 14) == "P1Y2M"
    assert shown(types.List(number, 2), [50, None]) == [Decimal("0.5"), None]
    assert shown(record, {"hours": 100, "on": day}) == {"hours": 1, "on": "2023-04-01"}
    assert shown(relation, [{"row": "a", "hours": 5}]) == [{"row": "a", "hours": Decimal("0.05")}]
    assert shown(types.Boolean(), None) is None
