"""One state through the compiled program: match once, then decide policy after policy on the marks.

A view is the slot list itself, so that closures run on it as they are.
"""

import weakref
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from policy_service.engines.answer import Status
from policy_service.engines.contracts import Decided, EngineRefused
from policy_service.engines.plan import APPLIED, LACKS, Formula, Plan, PolicyPlan, RewardPlan
from policy_service.engines.rete.closures import Closure, Slots
from policy_service.engines.rete.compile import Compiler
from policy_service.engines.rete.guards import Test
from policy_service.engines.rete.program import Compiled, CompiledExpression, CompiledRelation, CompiledTable, Program
from policy_service.engines.rete.showing import show
from policy_service.facts import State


class ReteEngine:
    """durable-rules, in its pen."""

    name = "rete"

    def prepare(self, plan: Plan) -> "_Prepared":
        return _Prepared(plan)


class _Prepared:
    def __init__(self, plan: Plan) -> None:
        compiler = Compiler(plan)
        try:
            self.program = compiler.compile()
        except EngineRefused:
            compiler.close()
            raise
        self._rest = [None] * (self.program.size - len(plan.facts))
        # The pens hold memory of C; they go with the last view's engine, not before.
        self._free = weakref.finalize(self, compiler.close)

    def run(self, state: State, as_of: int) -> "_Run":
        program = self.program
        slots: Slots = state.slots + self._rest
        slots[program.as_of] = as_of
        slots[program.always] = True
        for section, at in program.posted:
            slots[at] = section in state.posted
        for at in program.elements.values():
            slots[at] = False
        return _Run(self.program, state, slots)

    def truth(self, formula: Formula) -> Closure:
        return self.program.closures[formula.index]

    def shown(self, formula: Formula) -> Closure:
        return show(formula.typed.type, self.program.closures[formula.index])

    def refusal(self, policy: PolicyPlan, reward: RewardPlan) -> Callable[[Slots], int | None]:
        return self.program.policies[policy.id].refusals.get(reward, _never)

    def decide(self, policy: PolicyPlan) -> Callable[[Slots], Decided]:
        one = self.program.policies[policy.id]
        steps = [_step(decision) for decision in one.decisions]
        at = one.status

        def run(slots: Slots) -> Decided:
            for status, test in one.early:
                if test(slots):
                    slots[at] = status
                    return Decided(status, {}, {}, [])
            if one.group is not None:
                one.group.mark(slots)
            values: dict[str, Any] = {}
            fired: dict[str, Sequence[int]] = {}
            for step in steps:
                step(slots, values, fired)
            status = _first(one.late, slots)
            slots[at] = status
            missing = one.optional if status == APPLIED else one.required if status == LACKS else _nothing
            return Decided(status, values, fired, missing(slots))

        return run

    def close(self) -> None:
        self._free()


def _first(guards: tuple[tuple[Status, Test], ...], slots: Slots) -> Status:
    for status, test in guards:
        if test(slots) is True:
            return status
    return APPLIED


def _nothing(_slots: Slots) -> list[str]:
    return []


def _never(_slots: Slots) -> None:
    return None


class _Run:
    def __init__(self, program: Program, state: State, slots: Slots) -> None:
        self.program, self.state, self.slots = program, state, slots

    def single(self) -> Slots:
        return self.slots

    def element(self, section: str, index: int) -> Slots:
        slots = self.slots.copy()
        for at, value in self.state.elements[section][index].items():
            slots[at] = value
        if section in self.program.elements:
            slots[self.program.elements[section]] = True
        return slots


Step = Callable[[Slots, dict[str, Any], dict[str, Sequence[int]]], None]


def _step(decision: Compiled) -> Step:
    match decision:
        case CompiledExpression():
            return _expression(decision)
        case CompiledTable():
            return _table(decision)
        case CompiledRelation():
            return _relation(decision)


def _expression(decision: CompiledExpression) -> Step:
    name, place, compute = decision.name, decision.value, decision.compute
    shown = show(decision.kind, itemgetter(place))

    def step(slots: Slots, values: dict[str, Any], _fired: dict[str, Sequence[int]]) -> None:
        slots[place] = compute(slots)
        values[name] = shown(slots)

    return step


def _table(decision: CompiledTable) -> Step:
    name, place, conflict, late = decision.name, decision.value, decision.conflict, decision.late
    answer, choose = decision.answer, decision.choose
    marks = [(row, mark) for row, mark in enumerate(decision.marks) if mark >= 0]
    shown = show(decision.kind, itemgetter(place))

    def step(slots: Slots, values: dict[str, Any], fired: dict[str, Sequence[int]]) -> None:
        for projected in late:
            projected.mark(slots)
        matched: Sequence[int] = [row for row, mark in marks if slots[mark]]
        hit = choose(matched, lambda row: answer(slots, row))
        fired[name] = hit.rows
        slots[conflict] = hit.conflict
        slots[place] = hit.value
        values[name] = shown(slots)

    return step


def _relation(decision: CompiledRelation) -> Step:
    name = decision.name
    rows = [
        (
            row,
            [
                (column, at, compute, show(kind, itemgetter(at)))
                for (column, kind), (at, compute) in zip(decision.columns, cells, strict=True)
            ],
        )
        for row, cells in zip(decision.rows, decision.cells, strict=True)
    ]

    def step(slots: Slots, values: dict[str, Any], _fired: dict[str, Sequence[int]]) -> None:
        records = []
        for row, cells in rows:
            record: dict[str, Any] = {"row": row}
            for column, at, compute, shown in cells:
                slots[at] = compute(slots)
                record[column] = shown(slots)
            records.append(record)
        values[name] = records

    return step
