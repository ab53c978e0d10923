import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy_service.policies.bundle import Bundle, load_folder
from policy_service.proofs.export import Export
from tests.tools.verifydecision.log import Decided, decided, exported, lines
from tools import verify_decision

RULES = Path(__file__).parents[2] / "unit" / "decisions" / "club"
Verify = Callable[..., tuple[int, dict[str, str]]]


@pytest.fixture(scope="session")
def rules() -> Bundle:
    """Those of a club: what its members have is sensitive; one policy needs it, and two do not."""
    found, _, _ = load_folder(RULES)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def decision(rules: Bundle) -> Decided:
    return decided(rules)


@pytest.fixture(scope="session")
def export(decision: Decided, rules: Bundle) -> Export:
    return exported(decision, rules)


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Exit status and the outcome by the name of each check."""

    def run(export: Export | str | dict[str, Any], *options: str) -> tuple[int, dict[str, str]]:
        if isinstance(export, Export):
            export = export.dumps()
        file = tmp_path / "decision.json"
        file.write_text(export if isinstance(export, str) else json.dumps(export), "utf-8")
        status = verify_decision.main([str(file), *options])
        return status, dict(lines(capsys.readouterr().out))

    return run
