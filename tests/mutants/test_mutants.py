"""A sample of the seeded faults: the reference finds each; `make mutants` seeds all of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = (
    "not in effect comes before suspended",
    "`missing` is without the optional facts",
    "exclusions of the bundle come before the exceptions of the policy",
    "a preview shows claims",
    "a group pays in the order of ids, not of priorities",
    "a row that fired shows all cells but the last",
)


@pytest.fixture(scope="module")
def run() -> ModuleType:
    from tests.mutants import run

    return run


def test_every_fault_applies_once_and_is_told_once(run: ModuleType) -> None:
    texts = {fault.file: (ROOT / "policy_service" / fault.file).read_text("utf-8") for fault in run.FAULTS}
    assert [f.meaning for f in run.FAULTS if texts[f.file].count(f.before) != 1 or f.before == f.after] == []
    assert max(Counter(f.meaning for f in run.FAULTS).values()) == 1


@pytest.mark.slow
def test_the_reference_finds_the_faults_of_the_sample(run: ModuleType) -> None:
    chosen = [fault for fault in run.FAULTS if fault.meaning in SAMPLE]
    moved = run.FAULTS[0]._replace(before="no such text")
    *found, last = run.verdicts([*chosen, moved], jobs=1)
    assert [verdict.fault.meaning for verdict in found if not verdict.found] == []
    assert len(found) == len(SAMPLE)
    assert (last.found, last.said) == (False, f"stands 0 times in {moved.file}")
