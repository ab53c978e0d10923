"""The shipped rules, loaded once."""

from pathlib import Path

import pytest

from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.engines import registry
from policy_service.policies.bundle import Bundle, load_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    bundle, diagnostics, _ = load_folder(ROOT / "rules")
    assert bundle is not None, [d.message for d in diagnostics]
    assert not diagnostics
    return bundle


@pytest.fixture(scope="session")
def rete(shipped: Bundle) -> Evaluator:
    return Evaluator(shipped, registry.engine("rete"))


@pytest.fixture(scope="session")
def reference(shipped: Bundle) -> Evaluator:
    return Evaluator(shipped, registry.engine("reference"))
