"""Every guard of a plan is true or false, whatever is null: so no engine need ask what a null guard means."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from types import ModuleType

import pytest

from policy_service.engines.plan import Plan, plan_of
from policy_service.language import typed
from policy_service.language.references import Conflict, Lacking, Posted
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.stretches import epochs


def is_two_valued(node: typed.Node) -> bool:
    match node:
        case typed.Const(value=bool()) | typed.Compare(operator="=" | "!="):
            return True
        case typed.Load(reference=Posted() | Conflict() | Lacking()):
            return True
        case typed.Not() | typed.And() | typed.Or():
            return all(map(is_two_valued, typed.operands(node)))
        case typed.If(then=then, otherwise=otherwise):
            return is_two_valued(then) and is_two_valued(otherwise)
    return False


def conditions(plan: Plan) -> Iterator[typed.Node]:
    """Of statuses, of refusals, of what is missing and of what stands behind decisions."""
    yield from plan.definitions.values()
    for policy in plan.policies:
        yield from (one.when for one in (*policy.status, *policy.required, *policy.optional))
        yield from (guard.when for reward in policy.rewards for guard in reward.refusals)


def of_all_epochs(found: Bundle) -> Iterator[typed.Node]:
    for epoch in epochs(found.rules):
        yield from conditions(plan_of(found.rules, epoch))


def test_of_the_shipped_rules(shipped: Bundle) -> None:
    assert [one for one in of_all_epochs(shipped) if not is_two_valued(one)] == []


@pytest.mark.parametrize("seed", range(12))
def test_of_random_folders(generate: ModuleType, seed: int) -> None:
    found, _ = bundle(generate.write_folder(Random(seed)).sources())
    if found is not None:
        assert [one for one in of_all_epochs(found) if not is_two_valued(one)] == []
