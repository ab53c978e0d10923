"""Compiled bundles of one process: the active one, and a few others."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from policy_service.decisions.evaluators import Evaluators, UnknownBundle
from policy_service.decisions.unrecorded import OneBundle
from policy_service.engines.registry import engine
from policy_service.policies import bundle as bundles
from policy_service.policies.bundle import Bundle, load_folder

RULES = Path(__file__).parents[2] / "cli" / "rules"


@pytest.fixture
def loaded() -> Bundle:
    found, _, _ = load_folder(RULES)
    assert found is not None
    return found


def evaluators(loaded: Bundle) -> Evaluators:
    return Evaluators(
        OneBundle(loaded),
        engine("reference"),
        now=lambda: datetime(2023, 4, 2, tzinfo=UTC),
        elapsed=lambda: 0.0,
        refresh_seconds=0,
    )


def test_a_bundle_that_is_kept_is_not_read_again(loaded: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    known = evaluators(loaded)
    known.keep(loaded)
    monkeypatch.setattr(bundles, "load", None)
    found = known.of(loaded.id)
    assert found.bundle is loaded
    known.keep(loaded)
    assert known.of(loaded.id) is found
    assert known.active() is found


def test_a_stored_bundle_is_read_from_its_sources(loaded: Bundle) -> None:
    found = evaluators(loaded).of(loaded.id)
    assert found.bundle.id == loaded.id
    assert found.bundle is not loaded


def test_a_bundle_that_is_not_stored_is_unknown(loaded: Bundle) -> None:
    with pytest.raises(UnknownBundle):
        evaluators(loaded).of("sha256:0")
