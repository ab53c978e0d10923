"""Static checks are found by their place: a module in the folder is a check, and nothing lists it."""

import sys
from pathlib import Path

import pytest

from policy_service.diagnostics import Report
from policy_service.policies import checks
from policy_service.policies.loader import load, read_folder

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "policy_service/policies/checks"
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", MODULES)
def test_each_module_is_run_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rules, _ = load(read_folder(ROOT / "tests/diagnostics/base"))
    assert rules is not None
    module = sys.modules[f"policy_service.policies.checks.{name}"]
    run: list[int] = []
    of_module = module.check
    counted = {of_module: lambda _rules, _report: run.append(1)}
    for group in ("_ALWAYS", "_ON_SOUND_RULES"):
        monkeypatch.setattr(checks, group, tuple(counted.get(one, one) for one in getattr(checks, group)))
    checks.run(rules, Report())
    assert run == [1]


def test_a_check_may_run_on_faulty_rules() -> None:
    sources = read_folder(ROOT / "tests/diagnostics/base")
    hours = sources["live/hours.yaml"]
    wrong = hours.replace("live.hours >=", "live.ours >=")
    found = load({**sources, "live/hours.yaml": wrong, "live/hours@2.yaml": hours})[1]
    assert {one.code.code for one in found} == {"L201", "P108"}
