"""Decisions by the book: one table row after the other, hit policies as DMN states them."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from policy_service.engines.contract import Decided
from policy_service.engines.plan import DecisionPlan, Formula, Plan, PolicyPlan, RelationPlan, TablePlan
from policy_service.engines.reference.interpret import Months, Scope, evaluate, matches
from policy_service.facts import State
from policy_service.language import ast, types
from policy_service.language.values import days_text, months_text

_CONFLICT = object()


class ReferenceEngine:
    """The oracle of all tests and the judge of live answers."""

    name = "reference"

    def prepare(self, plan: Plan) -> "_Prepared":
        return _Prepared(plan)


class _Prepared:
    """Facts by name, and the names that a policy's expressions find before anything is decided."""

    def __init__(self, plan: Plan) -> None:
        dictionary = plan.rules.dictionary.by_name.items()
        self.facts_by_name = {name: (i, fact.type) for i, (name, fact) in enumerate(dictionary)}
        self.frames: dict[str, dict[str, Any]] = {}
        for formula in plan.formulas:
            if formula.policy not in self.frames:
                constants = formula.constants.items()
                self.frames[formula.policy] = {name: _decoded(kind, value) for name, (kind, value) in constants}
        for policy in plan.policies:
            effective = policy.policy.effective
            if effective.campaign is not None and policy.id in self.frames:
                period = {"from": effective.period.start, "to": effective.period.end}
                self.frames[policy.id]["campaign"] = period

    def run(self, state: State, as_of: int) -> "_Run":
        return _Run(self, state, as_of)

    def facts(self, view: "_View") -> list[Any]:
        return view.slots

    def truth(self, formula: Formula) -> Callable[["_View"], bool | None]:
        return lambda view: view.truth(formula)

    def shown(self, formula: Formula) -> Callable[["_View"], Any]:
        return lambda view: view.shown(formula)

    def decide(self, policy: PolicyPlan) -> Callable[["_View"], Decided]:
        return lambda view: view.decide(policy)

    def skip(self, policy: PolicyPlan) -> Callable[["_View"], None]:
        return lambda view: view.skip(policy)

    def close(self) -> None:
        """Nothing is held."""


class _Run:
    def __init__(self, prepared: _Prepared, state: State, as_of: int) -> None:
        self.prepared, self.state, self.as_of = prepared, state, date.fromordinal(as_of)
        self.decided: dict[str, dict[str, Any]] = {}

    def single(self) -> "_View":
        return _View(self, self.state.slots, self.decided)

    def element(self, section: str, index: int) -> "_View":
        slots = self.state.slots.copy()
        for fact, value in self.state.elements[section][index].items():
            slots[fact] = value
        return _View(self, slots, dict(self.decided))


class _View:
    def __init__(self, run: _Run, slots: list[Any], decided: dict[str, dict[str, Any]]) -> None:
        self.run, self.slots, self.decided = run, slots, decided
        self.facts = run.prepared.facts_by_name

    def skip(self, policy: PolicyPlan) -> None:
        self.decided[policy.id] = {}

    def truth(self, formula: Formula) -> bool | None:
        value = self._value(formula)
        return value if isinstance(value, bool) else None

    def shown(self, formula: Formula) -> Any:
        return _shown(self._value(formula))

    def decide(self, policy: PolicyPlan) -> Decided:
        self.decided[policy.id] = values = {}
        firings: dict[str, tuple[int, ...]] = {}
        conflicts: list[str] = []
        for decision in policy.decisions:
            rows: tuple[int, ...] = ()
            value = self._decide(decision)
            if isinstance(decision.body, TablePlan):
                value, rows = value
                firings[decision.name] = rows
            if value is _CONFLICT:
                conflicts.append(decision.name)
                value = None
            values[decision.name] = value
        shown = {name: _shown(value) for name, value in values.items()}
        return Decided(shown, firings, conflicts)

    # ---- decisions

    def _decide(self, decision: DecisionPlan) -> Any:
        match decision.body:
            case Formula() as formula:
                return self._value(formula)
            case TablePlan() as table:
                return self._table(table)
            case RelationPlan() as relation:
                return self._relation(relation)

    def _relation(self, relation: RelationPlan) -> list[dict[str, Any]]:
        records = []
        for row, cells in zip(relation.rows, relation.cells, strict=True):
            record: dict[str, Any] = {"row": row}
            for column, cell in zip(relation.columns, cells, strict=True):
                record[column.name] = evaluate(cell.tree, self._scope(cell).within(record))
            records.append(record)
        return records

    def _table(self, table: TablePlan) -> tuple[Any, tuple[int, ...]]:
        """The table's value and the rows that fired."""
        hit = [
            i
            for i, row in enumerate(table.rows)
            if all(cell is None or self._value(cell) is True for cell in row.cells)
        ]
        names = [o.name for o in table.table.outputs]
        answers = [self._record(names, table.rows[i].outputs) for i in hit]
        policy, aggregation = table.table.hit, table.table.aggregation
        if not hit:
            return self._without_match(table, names), ()
        if policy == "unique":
            return (answers[0] if len(hit) == 1 else _CONFLICT), tuple(hit)
        if policy == "any":
            return (answers[0] if all(a == answers[0] for a in answers) else _CONFLICT), tuple(hit)
        if policy == "first":
            return answers[0], (hit[0],)
        if policy in ("priority", "output order"):
            ranked = sorted(range(len(hit)), key=lambda i: _rank(table, answers[i], self.run.as_of))
            if policy == "priority":
                return answers[ranked[0]], (hit[ranked[0]],)
            return [answers[i] for i in ranked], tuple(hit)
        if aggregation:
            return _aggregate(aggregation, answers), tuple(hit)
        return answers, tuple(hit)

    def _record(self, names: list[str], outputs: tuple[Formula, ...]) -> Any:
        values = [self._value(o) for o in outputs]
        # The only value of a table with several outputs is the null of `default: null`.
        return values[0] if len(values) == 1 else dict(zip(names, values, strict=True))

    def _without_match(self, table: TablePlan, names: list[str]) -> Any:
        if table.default is not None:
            return self._record(names, table.default)
        if table.table.is_multiple:
            return []
        return Decimal(0) if table.table.aggregation == "count" else None

    # ---- values

    def _value(self, formula: Formula) -> Any:
        scope = self._scope(formula)
        if formula.row is not None:
            rows = self.decided.get(formula.policy, {}).get(formula.row.relation) or []
            for record in rows:
                if record["row"] == formula.row.row:
                    scope = scope.within(record)
        if isinstance(formula.tree, ast.Cell) and formula.header is not None:
            return matches(formula.tree, evaluate(formula.header, scope), scope)
        return evaluate(formula.tree, scope)

    def _scope(self, formula: Formula) -> Scope:
        decided = self.decided.get(formula.policy, {})
        names = {**self.run.prepared.frames[formula.policy], **decided, "as_of": self.run.as_of}
        return Scope(names, self._fact, self._other)

    def _fact(self, name: str) -> Any:
        if name not in self.facts:
            return None
        index, kind = self.facts[name]
        return _decoded(kind, self.slots[index])

    def _other(self, name: str) -> Any:
        """`policy.decision` or `policy.decision.output`."""
        for policy, values in self.decided.items():
            if name.startswith(policy + "."):
                decision, _, output = name[len(policy) + 1 :].partition(".")
                value = values.get(decision)
                return value[output] if output and value is not None else value
        return None


def _rank(table: TablePlan, answer: Any, day: date) -> tuple[int, ...]:
    """Place of an answer by the order of its enumeration outputs, the first output first."""
    ranks = []
    for output in table.table.outputs:
        value = answer[output.name] if isinstance(answer, dict) else answer
        if isinstance(output.type, types.Enum):
            members = output.type.at(day)
            ranks.append(members.index(value) if value in members else len(members))
    return tuple(ranks)


def _aggregate(aggregation: str, answers: list[Any]) -> Any:
    if aggregation == "count":
        return Decimal(len(answers))
    if any(a is None for a in answers):
        return None
    return sum(answers) if aggregation == "sum" else min(answers) if aggregation == "min" else max(answers)


def _decoded(kind: types.Type, value: Any) -> Any:
    """A stored value as this engine holds it."""
    match kind:
        case _ if value is None:
            return None
        case types.Number(scale=scale):
            return Decimal(value).scaleb(-scale)
        case types.Date():
            return date.fromordinal(value)
        case types.Duration():
            return timedelta(days=value)
        case types.Months():
            return Months(value)
    return value


def _shown(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else value.normalize()
        case date():
            return value.isoformat()
        case timedelta():
            return days_text(value.days)
        case Months(count):
            return months_text(count)
        case list():
            return [_shown(item) for item in value]
        case dict():
            return {name: _shown(item) for name, item in value.items()}
    return value
