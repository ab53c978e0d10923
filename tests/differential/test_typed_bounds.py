"""At the ends of what may be posted every part of every formula has a value of its type.

The types carry the bounds by which the compiling engines choose 64 bits: a value outside them would be wrong there,
though both engines that compute with Python's integers agree on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from random import Random
from typing import Any

import pytest

from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.engines.plan import Formula, Plan
from policy_service.engines.registry import engine
from policy_service.engines.rete.closures import Closure, Slots, closure
from policy_service.engines.rete.compile import Compiler
from policy_service.facts import State
from policy_service.language import typed, types
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.model import Period
from tests.differential import generate
from tests.differential.generator import matrix
from tests.differential.pairs import accepted
from tests.differential.states import Poster

PAIRS = list(accepted())
CHUNK, STATES = 200, 8


def fits(type_: types.Type, value: Any) -> bool:
    """Whether a value is one of the type's; null is of every type."""
    if value is None:
        return True
    match type_:
        case (
            types.Number(low=low, high=high)
            | types.Date(low, high)
            | types.Duration(low, high)
            | types.Months(low, high)
        ):
            return type(value) is int and low <= value <= high
        case types.Boolean():
            return isinstance(value, bool)
        case types.Text():
            return isinstance(value, str)
        case types.Enum(members):
            return value in members
        case types.List(element, most):
            return isinstance(value, list) and len(value) <= most and all(fits(element, item) for item in value)
        case types.Record(fields):
            return isinstance(value, dict) and all(fits(kind, value[name]) for name, kind in fields)
    return False


def parts(node: typed.Node) -> Iterator[typed.Node]:
    """The node and all below it; what a `Let` names stands for itself, so that each part can be evaluated alone."""
    yield node
    for child in (typed.inlined(node),) if isinstance(node, typed.Let) else typed.operands(node):
        yield from parts(child)


class Nodes:
    """Every typed node of a plan's policies with its closure."""

    def __init__(self, plan: Plan) -> None:
        compiler = Compiler(plan)
        compiler.compile()
        self.by_policy: dict[str, dict[typed.Node, tuple[Closure, Any]]] = {}
        for policy in plan.policies:
            known = self.by_policy.setdefault(policy.id, {})
            for formula in formulas_of(policy):
                for node in parts(formula.typed):
                    if node not in known:
                        known[node] = closure(node, compiler.places.__getitem__), formula.tree
        compiler.close()

    def outside(self, policy: str, slots: Slots) -> Iterator[str]:
        """Nodes of a policy whose value on a view is not of their type."""
        for node, (compute, tree) in self.by_policy.get(policy, {}).items():
            value = compute(slots)
            if not fits(node.type, value):
                yield f"{policy}: {value} is no {node.type!r}: {node} in {tree}"


def formulas_of(found: object) -> Iterator[Formula]:
    """The formulas of a part of a plan, wherever they stand in it."""
    if isinstance(found, Formula):
        yield found
    elif isinstance(found, tuple):
        for item in found:
            yield from formulas_of(item)
    elif isinstance(found, Mapping):
        yield from formulas_of(tuple(found.values()))
    elif is_dataclass(found) and type(found).__module__.startswith("policy_service.engines.plan"):
        for field in fields(found):
            yield from formulas_of(getattr(found, field.name))


def views(plan: Plan, prepared: Any, state: State, as_of: int) -> Iterator[tuple[str, Slots]]:
    """Each policy with a view on which its decisions have their values."""
    run = prepared.run(state, as_of)
    single = run.single()
    for policy in plan.policies:
        if not policy.is_list and policy.can_apply:
            prepared.decide(policy)(single)
            yield policy.id, single
    for section, elements in state.elements.items():
        for index in range(len(elements)):
            view = run.element(section, index)
            for policy in plan.policies:
                if policy.is_list and policy.section == section and policy.can_apply:
                    prepared.decide(policy)(view)
                    yield policy.id, view


def look(found: Bundle, rng: Random, states: int) -> list[str]:
    """What lies outside its type, on so many states."""
    evaluator = Evaluator(found, engine("rete"))
    poster = Poster(found.rules, lambda day: evaluator.epoch_program(day).plan, rng, most=2)
    known: dict[Period, Nodes] = {}
    faults: list[str] = []
    for turn in range(states):
        as_of = poster.as_of(rng)
        posted = poster.extreme(rng, as_of) if turn % 3 else poster.state(rng, as_of)
        program = evaluator.epoch_program(as_of)
        plan = program.plan
        if plan.epoch not in known:
            known[plan.epoch] = Nodes(plan)
        state = evaluator.reader.read(posted, as_of)
        for policy, slots in views(plan, program.prepared, state, as_of.toordinal()):
            faults += known[plan.epoch].outside(policy, slots)
    evaluator.close()
    return faults


@pytest.mark.parametrize("at", range(0, len(PAIRS), CHUNK))
def test_every_form_stays_within_its_type(at: int) -> None:
    rng = Random(at)
    found, _ = bundle(matrix.write_pairs(rng, PAIRS[at : at + CHUNK]).sources())
    assert found is not None
    assert look(found, rng, STATES) == []


@pytest.mark.parametrize("seed", range(12))
def test_random_folders_stay_within_their_types(seed: int) -> None:
    rng = Random(seed)
    found, _ = bundle(generate.write_folder(rng).sources())
    if found is not None:  # most load: see test_engines_agree
        assert look(found, rng, STATES) == []


def test_the_shipped_rules_stay_within_their_types(shipped: Bundle) -> None:
    assert look(shipped, Random(1), 4) == []
