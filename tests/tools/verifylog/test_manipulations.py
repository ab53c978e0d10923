"""Every manipulation of an export is found and told by its kind and place; the untouched export fits."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.tools.verifylog import without_key
from tests.tools.verifylog.fabricate import FIRST, SECOND, example
from tests.tools.verifylog.folder import Change, Folder
from tests.tools.verifylog.with_key import SIGNED, WRONGLY_BEGUN, Step
from tools import verify_log
from tools.verify_log import Given, Report, Walk, key_of

TOUCHED = [pytest.param(*row[1:], id=f"{name}: {row[0]}") for name, rows in without_key.TABLES.items() for row in rows]
WRONGLY_SIGNED = [pytest.param(*row[1:], id=row[0]) for row in SIGNED]


def verified(folder: Path) -> Report:
    return Walk(folder, Given([key_of(FIRST.text), key_of(SECOND.text)])).verify()


def lines(report: Report) -> list[str]:
    return [f"{kind}: {place}" for kind, place, _ in report.findings]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    example().write(folder)
    return folder


def test_the_untouched_export_fits(untouched: Path) -> None:
    report = verified(untouched)
    assert (report.findings, report.json["fits"]) == ([], True)
    assert report.counts == Counter(
        {
            "heads": 8, "records": 318, "decisions": 307, "acts": 10, "erasures": 1, "orders": 8, "bundles": 2,
            "records from before, without receipt": 3, "erasures that name records": 2, "adopted backups": 1,
            "tiles": 3,
        }
    )  # fmt: skip


@pytest.mark.parametrize("many", [1, 2, 243, 244, 245, 500])
def test_a_log_of_every_size_around_a_full_tile_fits(many: int, tmp_path: Path) -> None:
    example(many=many).write(tmp_path)
    assert verified(tmp_path).findings == []


@pytest.mark.parametrize(("found", "change"), TOUCHED)
def test_what_is_done_without_a_key_is_found(found: str, change: Change, untouched: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(untouched, tmp_path / "export")
    change(Folder(folder))
    assert found in lines(verified(folder))


@pytest.mark.parametrize(("after", "kind", "change"), WRONGLY_SIGNED)
def test_what_is_signed_against_the_rules_of_the_log_is_found(
    after: str, kind: str, change: Step, tmp_path: Path
) -> None:
    example(after, change, many=3).write(tmp_path)
    assert verified(tmp_path).kinds.keys() == {kind}


@pytest.mark.parametrize("change", WRONGLY_BEGUN.values(), ids=WRONGLY_BEGUN)
def test_a_log_that_is_not_begun_as_it_must_be_is_told(change: Step, tmp_path: Path) -> None:
    example("before", change, many=3).write(tmp_path)
    assert "order: record 4" in lines(verified(tmp_path))


def test_the_manipulations_are_of_every_kind_that_needs_nothing_kept() -> None:
    told = {row[1].partition(":")[0] for rows in without_key.TABLES.values() for row in rows} | {
        row[2] for row in SIGNED
    }
    assert verify_log.KINDS.keys() - told == {"kept-head", "kept-receipt", "witness", "trust"}
