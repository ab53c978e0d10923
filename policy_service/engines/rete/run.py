"""One state through the compiled program: match once, then decide policy after policy on the marks."""

from typing import Any

from policy_service.engines.contract import Decided, Firing
from policy_service.engines.plan import Formula, Plan, PolicyPlan
from policy_service.engines.rete.closures import Slots
from policy_service.engines.rete.compile import (
    Compiled,
    CompiledExpression,
    CompiledRelation,
    CompiledTable,
    Compiler,
    ProjectedPen,
)
from policy_service.facts import State
from policy_service.language import types
from policy_service.language.values import shown

_PLAIN = (types.Boolean, types.Text, types.Enum, types.Null)


class ReteEngine:
    """durable-rules, in its pen."""

    name = "rete"

    def prepare(self, plan: Plan) -> "_Prepared":
        return _Prepared(plan)


class _Prepared:
    def __init__(self, plan: Plan) -> None:
        self._compiler = Compiler(plan)
        self.program = self._compiler.compile()
        self.counts = self.program.counts
        self._facts = len(plan.facts)
        self._rest = [None] * (self.program.size - self._facts)

    def run(self, state: State, as_of: int) -> "_Run":
        program = self.program
        slots: Slots = state.slots + self._rest
        slots[program.as_of] = as_of
        slots[program.always] = True
        return _Run(self, state, slots)

    def close(self) -> None:
        self._compiler.close()


class _Run:
    def __init__(self, prepared: _Prepared, state: State, slots: Slots) -> None:
        self.prepared, self.state, self.slots = prepared, state, slots

    def single(self) -> "_View":
        return _View(self.prepared, self.slots, self.prepared.program.first.get(None, ()))

    def element(self, section: str, index: int) -> "_View":
        slots = self.slots.copy()
        for at, value in self.state.elements[section][index].items():
            slots[at] = value
        return _View(self.prepared, slots, self.prepared.program.first.get(section, ()))


class _View:
    def __init__(self, prepared: _Prepared, slots: Slots, pens: tuple[ProjectedPen, ...]) -> None:
        self.slots = slots
        self.program = prepared.program
        self.truths = prepared.program.truths
        for projected in pens:
            projected.mark(slots)

    def is_null(self, fact: int) -> bool:
        return self.slots[fact] is None

    def truth(self, formula: Formula) -> bool | None:
        found: bool | None = self.truths[formula.index](self.slots)
        return found

    def shown(self, formula: Formula) -> Any:
        value = self.truths[formula.index](self.slots)
        kind = self.program.kinds[formula.index]
        return value if value is None or isinstance(kind, _PLAIN) else shown(kind, value)

    def skip(self, policy: PolicyPlan) -> None:
        for decision in self.program.decisions[policy.id]:
            self.slots[decision.value] = None

    def decide(self, policy: PolicyPlan) -> Decided:
        values: dict[str, Any] = {}
        firings: list[Firing] = []
        conflicts: list[str] = []
        slots = self.slots
        for decision in self.program.decisions[policy.id]:
            value = self._decide(decision, firings, conflicts)
            slots[decision.value] = value
            values[decision.name] = value if value is None else shown(_kind(decision), value)
        return Decided(values, tuple(firings), tuple(conflicts))

    def _decide(self, decision: Compiled, firings: list[Firing], conflicts: list[str]) -> Any:
        match decision:
            case CompiledExpression():
                return decision.compute(self.slots)
            case CompiledTable():
                return self._table(decision, firings, conflicts)
            case CompiledRelation():
                return self._relation(decision)

    def _table(self, table: CompiledTable, firings: list[Firing], conflicts: list[str]) -> Any:
        slots = self.slots
        for projected in table.late:
            projected.mark(slots)
        matched = [row for row, mark in enumerate(table.marks) if mark >= 0 and slots[mark]]
        hit = table.hit(matched, lambda row: table.answer(slots, row))
        firings.append(Firing(table.name, hit.rows))
        if hit.conflict:
            conflicts.append(table.name)
        return hit.value

    def _relation(self, relation: CompiledRelation) -> list[dict[str, Any]]:
        slots = self.slots
        records = []
        for row, cells in zip(relation.rows, relation.cells, strict=True):
            record: dict[str, Any] = {"row": row}
            for (name, _), (at, compute) in zip(relation.columns, cells, strict=True):
                record[name] = slots[at] = compute(slots)
            records.append(record)
        return records


def _kind(decision: Compiled) -> types.Type:
    if isinstance(decision, CompiledRelation):
        return types.Relation("", "", decision.rows, decision.columns)
    return decision.kind
