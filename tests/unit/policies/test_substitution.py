"""The rules of one bundle with the parameter values of another."""

from pathlib import Path
from typing import Any

import pytest

from policy_service.policies.bundle import bundle
from policy_service.policies.loader import load, read_folder
from policy_service.policies.model import Rules

BASE = read_folder(Path(__file__).parents[2] / "diagnostics/base")
HOURS = "live/hours.yaml"
POLICY = BASE[HOURS]
LATER = POLICY.replace("from: 2023-01-01, to: 2024-01-01", "from: 2024-01-01")
Files = dict[str, str]


def with_values(text: str, *values: str) -> str:
    """The policy with dated values of its parameter: each a number, or all that stands in braces."""
    shown = ", ".join(f"{{{one}}}" if ":" in one else f"{{from: 2023-01-01, value: {one}}}" for one in values)
    return text.replace("{from: 2023-01-01, value: 4}", shown)


def mixed(rules: Files, parameters: Files) -> Rules:
    found, diagnostics = load({**BASE, **rules}, parameters={**BASE, **parameters})
    assert found is not None, diagnostics
    return found


def least(rules: Rules) -> list[Any]:
    """The first value of the parameter in each file, by period."""
    return [policy.parameters["min_hours"].values[0].value for policy in rules.versions("live.hours")]


def test_values_of_the_other_side_count_and_the_type_stays() -> None:
    rules = POLICY.replace("decimal(2)", "decimal(1)")
    found = mixed({HOURS: rules}, {HOURS: with_values(POLICY, "7.5")})
    assert least(found) == [75]
    assert found.versions("live.hours")[0].parameters["min_hours"].declared == "decimal(1)"


def test_the_bundle_is_the_one_that_is_written_with_those_values() -> None:
    other = with_values(POLICY, "7.5", "from: 2023-06-01, value: 8, basis: stated, source: {seed: '1'}")
    one, _ = bundle(BASE, parameters={**BASE, HOURS: other})
    two, _ = bundle({**BASE, HOURS: other})
    assert one is not None
    assert two is not None
    assert one.id == two.id


def test_values_without_a_basis_take_that_of_the_file_they_come_to() -> None:
    stated = with_values(POLICY, "7.5").replace("basis: assumed", "basis: stated\nsource: {seed: '1'}", 1)
    (value,) = mixed({}, {HOURS: stated}).versions("live.hours")[0].parameters["min_hours"].values
    assert (value.basis, value.source) == ("assumed", None)


def test_a_parameter_that_one_side_alone_has_stays() -> None:
    other = with_values(POLICY, "7.5").replace("min_hours", "least_hours")
    assert least(mixed({}, {HOURS: other})) == [400]


def test_the_file_of_the_same_period_gives_the_values() -> None:
    later = with_values(LATER, "from: 2024-01-01, value: 6")
    other = {HOURS: with_values(POLICY, "7"), "live/hours@2024.yaml": with_values(LATER, "from: 2024-01-01, value: 8")}
    assert least(mixed({"live/hours@2024.yaml": later}, other)) == [700, 800]


def test_a_moved_period_is_the_same_policy_where_each_side_has_one_file() -> None:
    moved = with_values(POLICY, "7").replace("{from: 2023-01-01, to", "{from: 2023-02-01, to")
    assert least(mixed({}, {HOURS: moved})) == [700]


def test_a_moved_period_among_several_files_is_another() -> None:
    moved = with_values(POLICY, "7").replace("{from: 2023-01-01, to", "{from: 2023-02-01, to")
    assert least(mixed({"live/hours@2024.yaml": LATER}, {HOURS: moved})) == [400, 400]


@pytest.mark.parametrize("value", ["true", "2023-01-01"])
def test_a_value_that_does_not_fit_is_told_where_the_parameter_stands(value: str) -> None:
    kind = "boolean" if value == "true" else "date"
    other = POLICY.replace("decimal(2), unit: hour", kind).replace("value: 4", f"value: {value}")
    found, (fault,) = load(BASE, parameters={**BASE, HOURS: other})
    assert found is None
    assert (fault.code.code, fault.span.file, fault.span.line) == ("P104", f"rules/{HOURS}", 7)
