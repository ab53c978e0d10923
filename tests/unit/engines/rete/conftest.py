"""What the tests of the pen share: the meaning of conditions in plain Python, and a process that may crash."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import dedent

import pytest

import policy_service
from policy_service.engines.rete.pen import All, Condition, Either, PenRefusal, PenRule, Present, Value, check

Fact = Mapping[str, Value]


def holds(condition: Condition, fact: Fact) -> bool:
    if isinstance(condition, All):
        return all(holds(item, fact) for item in condition.items)
    if isinstance(condition, Either):
        return any(holds(item, fact) for item in condition.items)
    if condition.field not in fact:
        return False  # also for `ne`
    if isinstance(condition, Present):
        return True
    return bool(getattr(operator, condition.op)(fact[condition.field], condition.value))


@pytest.fixture(scope="session")
def meaning() -> Callable[[Sequence[PenRule], Fact], list[str]]:
    """The names that a pen of these rules must report for a fact."""

    def names(rules: Sequence[PenRule], fact: Fact) -> list[str]:
        return [rule.name for rule in rules if holds(rule.condition, fact)]

    return names


@pytest.fixture(scope="session")
def refusal() -> Callable[[Sequence[PenRule]], str | None]:
    """The code with which rules are refused, None when they pass."""

    def code(rules: Sequence[PenRule]) -> str | None:
        try:
            check(rules)
        except PenRefusal as refused:
            return refused.code
        return None

    return code


@pytest.fixture(scope="session")
def survives() -> Callable[[str], None]:
    """Runs a program beside us, where a crash or a hang of the C code is a failed test and not the end of all."""
    prelude = "from policy_service.engines.rete.pen import *\n"
    root = Path(policy_service.__file__).parents[1]

    def run(program: str) -> None:
        done = subprocess.run(
            [sys.executable, "-c", prelude + dedent(program)],
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-2000:]}"

    return run
