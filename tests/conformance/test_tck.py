"""The cases of the DMN technology compatibility kit: each passes on every engine, or comes out as it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import pytest
import yaml

from tests.conformance.tck import kit, record
from tests.conformance.tck.running import Result, results

Found = Callable[[str], Mapping[str, Result]]


@cache
def _results(folder: str) -> Mapping[str, Result]:
    return results(kit.read(kit.folders()[folder]))


@pytest.fixture
def found() -> Found:
    """The results of a folder of the kit."""
    return _results


@pytest.mark.parametrize("folder", record.recorded())
def test_each_case_comes_out_as_recorded(folder: str, found: Found) -> None:
    assert record.record(found(folder)) == record.recorded()[folder]


@pytest.mark.parametrize("folder", record.recorded())
def test_all_engines_answer_the_same_bytes(folder: str, found: Found) -> None:
    assert [id_ for id_, result in found(folder).items() if not result.engines_agree] == []


@pytest.mark.parametrize("folder", record.recorded())
def test_what_differs_answers_what_is_written_by_hand(folder: str, found: Found) -> None:
    differing = {id_: result.answer for id_, result in found(folder).items() if result.outcome == "differs"}
    assert differing == record.answers(folder)


def test_every_folder_is_recorded() -> None:
    assert list(record.recorded()) == list(kit.folders())


def test_every_difference_has_a_reason_and_every_reason_a_difference() -> None:
    differences = yaml.safe_load(record.DIFFERS.read_text("utf-8"))
    assert all(one["because"].strip() and one["answers"] for one in differences)
    explained = {folder: set(record.answers(folder)) for one in differences for folder in one["answers"]}
    assert explained == {name: set(one["differs"]) for name, one in record.recorded().items() if "differs" in one}
