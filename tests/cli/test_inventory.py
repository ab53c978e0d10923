"""`policyctl inventory`: every constant with unit, validity, basis and source, and the list to confirm."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]
Edit = Callable[[str, str, str], None]


def constants(run: Run, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("inventory", "--format", "json", *words).stdout)["constants"]
    return found


def one(run: Run, **wanted: Any) -> dict[str, Any]:
    (found,) = [c for c in constants(run) if all(c[key] == value for key, value in wanted.items())]
    return found


def test_a_parameter_has_one_entry_per_value_with_its_days(run: Run, rules: Path) -> None:
    assert [c for c in constants(run) if c["kind"] == "parameter"] == [
        {
            "family": "shop", "policy": "shop.hours", "kind": "parameter", "name": "min_hours",
            "row": None, "column": None, "value": "4", "unit": "hour", "from": "2023-01-01", "to": "2023-07-01",
            "basis": "stated", "source": {"seed": "007", "section": "2"},
        },
        {
            "family": "shop", "policy": "shop.hours", "kind": "parameter", "name": "min_hours",
            "row": None, "column": None, "value": "4.5", "unit": "hour", "from": "2023-07-01", "to": "2024-01-01",
            "basis": "assumed", "source": {"seed": "007", "section": "2"},
        },
    ]  # fmt: skip


def test_a_row_has_its_own_basis_and_source_where_it_says_so(run: Run, rules: Path) -> None:
    outputs = {c["row"]: (c["value"], c["basis"], c["source"]) for c in constants(run)
               if c["kind"] == "output" and c["policy"] == "shop.hours"}  # fmt: skip
    assert outputs == {
        "most": ("10", "stated", {"note": "007 page 9"}),
        "some": ("5", "assumed", {"seed": "007", "section": "2"}),
        "one": ("1", "stated", {"seed": "007", "section": "2"}),
    }


def test_cells_are_listed_with_their_column_where_a_constant_stands_in_them(run: Run, rules: Path) -> None:
    cells = [(c["row"], c["column"], c["value"], c["unit"]) for c in constants(run)
             if c["kind"] == "cell" and c["policy"] == "shop.hours"]  # fmt: skip
    assert cells == [
        ("most", "live.orders", ">= 100", "order"),
        ("some", "live.orders", "[10..100)", "order"),
        ("one", "live.hours", "[1..min_hours)", "hour"),
        ("one", "live.orders", ">= 10", "order"),
    ]


def test_rows_of_relations_are_listed(run: Run, rules: Path) -> None:
    cells = [(c["row"], c["column"], c["value"]) for c in constants(run) if c["policy"] == "shop.spring" and c["row"]]
    assert cells == [
        ("orders", "met", "live.orders >= 50"),
        ("orders", "coupon", "1000"),
        ("level", "met", "member.level >= 2"),
        ("level", "coupon", "500"),
    ]


@pytest.mark.parametrize(
    ("wanted", "value", "basis"),
    [
        ({"policy": "shop.hours", "kind": "period"}, "2023-01-01 .. 2024-01-01", "assumed"),
        ({"policy": "shop.spring", "kind": "period"}, "spring", "stated"),
        ({"policy": "shop.stopped", "kind": "period"}, "2023-01-01 ..", "assumed"),
        ({"kind": "campaign"}, "2023-03-30 .. 2023-04-16", "stated"),
        ({"kind": "reading"}, {"zh": "区间含下界", "en": "Lower bounds are included"}, "assumed"),
        ({"kind": "exclusion", "name": "traffic.frozen"},
         {"zh": "merchant.frozen: 直播已冻结", "en": "merchant.frozen: Live rights are frozen"}, "assumed"),
        ({"kind": "exclusion", "family": "bundle"},
         {"zh": 'merchant.type = "individual": 个人店不参加',
          "en": 'merchant.type = "individual": Not for individual stores'}, "assumed"),
        ({"kind": "stacking"}, "sum, cap 12", "assumed"),
        ({"kind": "validity"}, "P30D", "stated"),
        ({"kind": "expression", "name": "bonus.amount"}, "5", "stated"),
        ({"kind": "expression", "name": "go_on.when"}, "live.hours < min_hours and live.orders >= 1", "stated"),
        ({"kind": "output", "row": "default"}, "C", "assumed"),
        ({"kind": "range", "name": "live.hours"}, "[0..24]", "stated"),
        ({"kind": "range", "name": "product.price"}, "[0..100000]", "assumed"),
        ({"kind": "window", "name": "live.hours"}, "1", "stated"),
        ({"kind": "effort", "name": "live.hours"}, "up, step 0.5, effort 2", "stated"),
    ],
)  # fmt: skip
def test_everything_that_is_set_is_listed(
    run: Run, rules: Path, wanted: dict[str, str], value: Any, basis: str
) -> None:
    found = one(run, **wanted)
    assert (found["value"], found["basis"]) == (value, basis)


def test_an_expression_without_a_constant_is_not_listed(run: Run, rules: Path) -> None:
    assert not [c for c in constants(run) if c["name"] in ("exposures", "applies", "traffic.amount")]


def test_the_list_to_confirm_holds_what_is_assumed(run: Run, rules: Path) -> None:
    every, assumed = constants(run), constants(run, "--assumed")
    assert assumed == [c for c in every if c["basis"] == "assumed"]
    assert 0 < len(assumed) < len(every)


def test_totals_are_told_per_family(run: Run, rules: Path) -> None:
    found = json.loads(run("inventory", "--format", "json").stdout)
    for family, total in found["totals"].items():
        bases = [c["basis"] for c in found["constants"] if c["family"] == family]
        assert total == {"stated": bases.count("stated"), "assumed": bases.count("assumed")}
    assert list(found["totals"]) == ["bundle", "campaigns", "facts", "shop"]
    assert json.loads(run("inventory", "--assumed", "--format", "json").stdout)["totals"] == found["totals"]


def test_text_has_a_line_per_constant_and_totals(run: Run, rules: Path) -> None:
    lines = run("inventory").stdout.split("\n")
    assert lines[0] == "bundle: 0 stated, 2 assumed"
    assert any(line.split() == ["shop.hours:", "granted[most].live.orders", "cell", "stated", "007", "page", "9",
                                "2023-01-01", "..", "2024-01-01", ">=", "100", "order"] for line in lines)  # fmt: skip
    total = [sum(int(line.split()[at]) for line in lines if ": " in line and line[0] not in " a") for at in (1, 3)]
    assert lines[-2] == f"all: {total[0]} stated, {total[1]} assumed"


def test_readings_are_told_in_the_language_asked_for(run: Run, rules: Path) -> None:
    assert "区间含下界" in run("inventory", "--lang", "zh").stdout
    assert "Lower bounds are included" in run("inventory", LANG="en_US.UTF-8").stdout


def test_csv_has_one_line_per_constant(run: Run, rules: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("inventory", "--format", "csv", "--assumed").stdout)))
    assert len(rows) == len(constants(run, "--assumed"))
    assert {row["basis"] for row in rows} == {"assumed"}
    (some,) = [row for row in rows if row["row"] == "some" and row["kind"] == "output"]
    assert (some["value"], some["source"], some["to"]) == ("5", "007 2", "2024-01-01")


def test_rules_with_errors_have_no_inventory(run: Run, rules: Path, edit: Edit) -> None:
    edit("shop/hours.yaml", "granted > 0", "grantd > 0")
    found = run("inventory")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "error L201" in found.stderr


def test_a_wrong_word_is_a_wrong_command_line(run: Run, rules: Path) -> None:
    assert run("inventory", "--format", "xml").exit_code == 2
    assert run("inventory", "--stated").exit_code == 2
