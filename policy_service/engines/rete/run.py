"""One state through the compiled program: match once, then decide policy after policy on the marks.

A view is the slot list itself, so that closures run on it as they are.
"""

import weakref
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from policy_service.engines.contract import Decided, EngineRefused
from policy_service.engines.plan import Formula, Plan, PolicyPlan
from policy_service.engines.rete.closures import Closure, Slots
from policy_service.engines.rete.compile import (
    Compiled,
    CompiledExpression,
    CompiledRelation,
    CompiledTable,
    Compiler,
)
from policy_service.engines.rete.pen import PenRefusal
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
        except PenRefusal as refusal:
            compiler.close()
            raise EngineRefused(str(refusal)) from refusal
        self.counts = self.program.counts
        self._rest = [None] * (self.program.size - len(plan.facts))
        # The pens hold memory of C; they go with the last view's engine, not before.
        self._free = weakref.finalize(self, compiler.close)

    def run(self, state: State, as_of: int) -> "_Run":
        program = self.program
        slots: Slots = state.slots + self._rest
        slots[program.as_of] = as_of
        slots[program.always] = True
        return _Run(state, slots)

    def facts(self, view: Slots) -> Slots:
        return view

    def truth(self, formula: Formula) -> Closure:
        return self.program.closures[formula.index]

    def shown(self, formula: Formula) -> Closure:
        return show(formula.typed.type, self.program.closures[formula.index])

    def skip(self, policy: PolicyPlan) -> Callable[[Slots], None]:
        places = [d.value for d in self.program.decisions[policy.id]]

        def run(slots: Slots) -> None:
            for place in places:
                slots[place] = None

        return run

    def decide(self, policy: PolicyPlan) -> Callable[[Slots], Decided]:
        steps = [_step(decision) for decision in self.program.decisions[policy.id]]
        group = self.program.groups.get(policy.id)

        def run(slots: Slots) -> Decided:
            if group is not None:
                group.mark(slots)
            decided = Decided({}, {}, [])
            for step in steps:
                step(slots, decided)
            return decided

        return run

    def close(self) -> None:
        self._free()


class _Run:
    def __init__(self, state: State, slots: Slots) -> None:
        self.state, self.slots = state, slots

    def single(self) -> Slots:
        return self.slots

    def element(self, section: str, index: int) -> Slots:
        slots = self.slots.copy()
        for at, value in self.state.elements[section][index].items():
            slots[at] = value
        return slots


Step = Callable[[Slots, Decided], None]


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

    def step(slots: Slots, decided: Decided) -> None:
        slots[place] = compute(slots)
        decided.values[name] = shown(slots)

    return step


def _table(decision: CompiledTable) -> Step:
    name, place, late, answer, choose = decision.name, decision.value, decision.late, decision.answer, decision.hit
    marks = [(row, mark) for row, mark in enumerate(decision.marks) if mark >= 0]
    shown = show(decision.kind, itemgetter(place))

    def step(slots: Slots, decided: Decided) -> None:
        for projected in late:
            projected.mark(slots)
        matched: Sequence[int] = [row for row, mark in marks if slots[mark]]
        hit = choose(matched, lambda row: answer(slots, row))
        decided.firings[name] = hit.rows  # type: ignore[index]  # ours to fill until it is handed out
        if hit.conflict:
            decided.conflicts.append(name)  # type: ignore[attr-defined]  # likewise
        slots[place] = hit.value
        decided.values[name] = shown(slots)

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

    def step(slots: Slots, decided: Decided) -> None:
        records = []
        for row, cells in rows:
            record: dict[str, Any] = {"row": row}
            for column, at, compute, shown in cells:
                slots[at] = compute(slots)
                record[column] = shown(slots)
            records.append(record)
        decided.values[name] = records

    return step
