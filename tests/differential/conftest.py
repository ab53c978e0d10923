"""The modules of this folder as fixtures; and rules in small."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from policy_service.assembly import load_folder
from policy_service.policies.bundle import Bundle, bundle

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def generate() -> ModuleType:
    return importlib.import_module("tests.differential.generate")


@pytest.fixture(scope="session")
def states() -> ModuleType:
    return importlib.import_module("tests.differential.states")


@pytest.fixture(scope="session")
def judging() -> ModuleType:
    return importlib.import_module("tests.differential.judging")


@pytest.fixture(scope="session")
def features() -> ModuleType:
    return importlib.import_module("tests.differential.features")


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    """The rules of the repository."""
    found, diagnostics, _ = load_folder(HERE.parents[1] / "rules")
    assert found is not None, diagnostics
    return found


@pytest.fixture(scope="session")
def judge_of(judging: ModuleType) -> Iterator[Callable[[Bundle], Any]]:
    """The judge of a bundle, one for all tests; closed at the end."""
    made: dict[str, Any] = {}

    def make(found: Bundle) -> Any:
        if found.id not in made:
            made[found.id] = judging.Judge(found)
        return made[found.id]

    yield make
    for judge in made.values():
        judge.close()


FACTS = """
    basis: assumed
    sections:
      merchant:
        label: {zh: 商家, en: Merchant}
        facts:
          id: {type: id, label: {zh: 编号, en: Id}}
          orders: {type: integer, range: [0, 1000000000], label: {zh: 订单, en: Orders}}
          visits: {type: integer, range: [0, 1000], label: {zh: 访问, en: Visits}}
          rate: {type: decimal(2), range: [-100, 100], label: {zh: 比率, en: Rate}}
          open: {type: boolean, label: {zh: 开通, en: Open}}
          opened_on: {type: date, label: {zh: 日期, en: Day}}
          rest: {type: duration, label: {zh: 时长, en: Length}}
          level: {type: enum, values: {low: {zh: 低, en: Low}, top: {zh: 高, en: Top}}, label: {zh: 级别, en: Level}}
      live:
        label: {zh: 直播, en: Live}
        facts:
          hours: {type: integer, range: [0, 24], label: {zh: 小时, en: Hours}}
"""
HEAD = """
    policy: {id}
    title: {{zh: 策略, en: Policy}}
    subject: merchant
    effective: {{from: 2023-01-01, basis: assumed}}
    basis: assumed
    optional: ["*"]
"""


@pytest.fixture(scope="session")
def sources() -> Callable[..., dict[str, str]]:
    """A folder of policies that are given by id as the lines behind the head of a file; `files` replace whole files."""

    def make(policies: dict[str, str], files: dict[str, str] | None = None) -> dict[str, str]:
        found = {
            f"{id_.replace('.', '/')}.yaml": dedent(HEAD).format(id=id_) + dedent(body)
            for id_, body in policies.items()
        }
        frame = {"facts.yaml": dedent(FACTS), "bundle.yaml": "time_zone: Asia/Shanghai\n"}
        return frame | found | {path: dedent(text) for path, text in (files or {}).items()}

    return make


@pytest.fixture(scope="session")
def loaded(sources: Callable[..., dict[str, str]]) -> Callable[..., Bundle]:
    """The bundle of a folder as `sources` takes it."""

    def make(policies: dict[str, str], files: dict[str, str] | None = None) -> Bundle:
        found, diagnostics = bundle(sources(policies, files))
        assert found is not None, diagnostics
        return found

    return make


@pytest.fixture(scope="session")
def faults(sources: Callable[..., dict[str, str]]) -> Callable[..., list[tuple[str, str]]]:
    """Codes and messages of the errors of a folder as `sources` takes it."""

    def make(policies: dict[str, str], files: dict[str, str] | None = None) -> list[tuple[str, str]]:
        found, diagnostics = bundle(sources(policies, files))
        errors = [(d.code.code, d.message) for d in diagnostics if d.severity == "error"]
        assert (found is None) is bool(errors)
        return errors

    return make
