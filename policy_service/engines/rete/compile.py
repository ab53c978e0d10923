"""A plan to rulesets and closures. Everything a formula needs at run time is settled here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from policy_service.engines.hits import Choose, hit_policy
from policy_service.engines.plan import DecisionPlan, Formula, Plan, PolicyPlan, RelationPlan, TablePlan
from policy_service.engines.rete import pen
from policy_service.engines.rete.closures import Closure, Slots, closure
from policy_service.engines.rete.lowering import Fields, is_ready, is_total, lower
from policy_service.language import typed, types
from policy_service.language.references import AsOf, Cell, Fact, Reference
from policy_service.language.typed import Node


@dataclass(slots=True)
class Ruleset:
    """Rules matched together on one fact; the name of a rule is the slot that it marks."""

    fields: Fields = field(default_factory=Fields)
    rules: list[pen.PenRule] = field(default_factory=list)
    pens: list["ProjectedPen"] = field(default_factory=list)
    truths: dict[Node, Closure] = field(default_factory=dict)
    """Conditions that are rules already: one that stands in several places is matched once."""

    def add(self, name: str, condition: Node) -> bool | None:
        """Add a rule; True or False when the condition is the same for every fact, None when it is a rule."""
        lowered = lower(condition, self.fields)
        if isinstance(lowered, str):
            return lowered == "always"
        rule = pen.PenRule(name, lowered)
        try:
            pen.check([rule])
        except pen.PenRefusal:  # alone it is too much for a ruleset: it is decided before, and given as a flag
            rule = pen.PenRule(name, pen.Test(self.fields.name(condition, "flag"), "eq", True))
        self.rules.append(rule)
        return None


@dataclass(frozen=True, slots=True)
class ProjectedPen:
    """A pen and how to make its fact: plain slots by name, and computed fields."""

    pen: pen.Pen
    plain: tuple[tuple[str, int], ...]
    computed: tuple[tuple[str, Closure], ...]
    absent: tuple[tuple[str, Closure], ...]

    def mark(self, slots: Slots) -> None:
        """Match the slots' facts; slots of rules that fired become true."""
        fact = {name: value for name, at in self.plain if (value := slots[at]) is not None}
        for name, compute in self.computed:
            value = compute(slots)
            if value is not None:
                fact[name] = value
        for name, compute in self.absent:
            if compute(slots) is None:
                fact[name] = 1
        for fired in self.pen.match(fact):
            slots[int(fired)] = True


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """`late` is the table's own pen, when its inputs need decisions; else its marks are set by the first match."""

    name: str
    value: int
    marks: tuple[int, ...]
    late: tuple[ProjectedPen, ...]
    answer: Callable[[Slots, int], Any]
    hit: Choose
    kind: types.Type


@dataclass(frozen=True, slots=True)
class CompiledExpression:
    name: str
    value: int
    compute: Closure
    kind: types.Type


@dataclass(frozen=True, slots=True)
class CompiledRelation:
    """`cells[row][column]`: the slot of a cell and its closure."""

    name: str
    value: int
    rows: tuple[str, ...]
    columns: tuple[tuple[str, types.Type], ...]
    cells: tuple[tuple[tuple[int, Closure], ...], ...]


Compiled = CompiledTable | CompiledExpression | CompiledRelation


@dataclass(frozen=True, slots=True)
class Program:
    """All that a view needs: initial slots, closures per formula, decisions per policy, rulesets per section."""

    size: int
    as_of: int
    always: int
    """The slot that is true in every view, for rows that match anything."""
    closures: tuple[Closure, ...]
    """By index of the formula."""
    decisions: dict[str, tuple[Compiled, ...]]
    groups: dict[str, "Group"]
    """By policy: the rules matched together with its own."""
    counts: dict[str, int]
    """Conditions by who decides them: the pen on posted facts, on computed numbers, on flags; or a closure."""


@dataclass(frozen=True, slots=True)
class Group:
    """The pens of one family of policies; matched when the first of them is decided on a view.

    matched: the slot that says so.
    """

    matched: int
    pens: tuple[ProjectedPen, ...]

    def mark(self, slots: Slots) -> None:
        """Match, unless this view was matched before."""
        if slots[self.matched] is None:
            slots[self.matched] = True
            for projected in self.pens:
                projected.mark(slots)


class Compiler:
    """One plan, once.

    Rules of one family (`chuanliu.*`) on one subject's view are matched together; families apart, so that a
    request for one does not pay for the others.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.places: dict[Reference, int] = {f.reference: plan.facts[f.name] for f in plan.rules.dictionary}
        self.size = len(self.places)
        self.as_of = self._place(AsOf())
        self.always = self._new()
        self.rulesets: dict[tuple[str, str], Ruleset] = {}
        self.closures: list[Closure] = []
        self.counts = {"fact": 0, "number": 0, "flag": 0, "closure": 0}
        self.late_pens: list[ProjectedPen] = []

    def compile(self) -> Program:
        conditions = self._conditions()
        self.closures = [self._closure(f.typed) for f in self.plan.formulas]
        live = [p for p in self.plan.policies if p.in_force and p.suspended is None]
        for policy in live:
            for formula in conditions[policy.id]:
                self._lower_condition(formula, self._ruleset(policy))
        decisions: dict[str, tuple[Compiled, ...]] = {p.id: () for p in self.plan.policies}
        for policy in live:
            decisions[policy.id] = tuple(self._decision(d, policy) for d in policy.decisions)
        matched = {key: Group(self._new(), self._pens(ruleset)) for key, ruleset in self.rulesets.items()}
        groups = {p.id: matched[_group(p)] for p in live if _group(p) in matched}
        return Program(self.size, self.as_of, self.always, tuple(self.closures), decisions, groups, self.counts)

    def _ruleset(self, policy: PolicyPlan) -> Ruleset:
        return self.rulesets.setdefault(_group(policy), Ruleset())

    def close(self) -> None:
        for ruleset in self.rulesets.values():
            for projected in ruleset.pens:
                projected.pen.close()
        for projected in self.late_pens:
            projected.pen.close()

    # ---- slots

    def _place(self, reference: Reference) -> int:
        if reference not in self.places:
            self.places[reference] = self.size
            self.size += 1
        return self.places[reference]

    def _new(self) -> int:
        self.size += 1
        return self.size - 1

    def _closure(self, node: Node) -> Closure:
        return closure(node, self._place)

    # ---- conditions

    def _conditions(self) -> dict[str, list[Formula]]:
        """Conditions of each policy that the pen may decide: `applies`, `when`s, exceptions, boolean cells."""
        out: dict[str, list[Formula]] = {}
        for policy in self.plan.policies:
            found: list[Formula] = [policy.applies.formula] if policy.applies else []
            for reward in policy.rewards:
                found += [reward.when.formula] if reward.when else []
                found += [e.condition.formula for e in reward.exclusions]
            found += [r.when.formula for r in policy.recommendations if r.when]
            for decision in policy.decisions:
                if isinstance(decision.body, RelationPlan):
                    found += [c for row in decision.body.cells for c in row]
                elif isinstance(decision.body, Formula):
                    found.append(decision.body)
            out[policy.id] = [f for f in found if f.typed.type == typed.BOOLEAN]
        return out

    def _lower_condition(self, formula: Formula, ruleset: Ruleset) -> None:
        node = formula.typed
        if isinstance(node, typed.Const) or not typed.references(node):
            return
        if not is_ready(node):
            if not isinstance(node, typed.Load):
                self.counts["closure"] += 1
            return
        if node in ruleset.truths:
            self._count(node)
            self.closures[formula.index] = ruleset.truths[node]
            return
        mark = self._new()
        if ruleset.add(str(mark), node) is not None:
            return
        self._count(node)
        needed = tuple(sorted({self._place(r) for r in typed.references(node) if isinstance(r, Fact)}))
        exact = self._closure(node)
        truth = _marked(mark, needed, exact) if is_total(node) else _fired(mark, exact)
        self.closures[formula.index] = ruleset.truths[node] = truth

    def _count(self, node: Node) -> None:
        probe = Fields()
        lower(node, probe)
        kinds = {f.kind for f in probe.known.values()}
        self.counts["flag" if "flag" in kinds else "number" if "number" in kinds else "fact"] += 1

    # ---- decisions

    def _decision(self, decision: DecisionPlan, policy: PolicyPlan) -> Compiled:
        value = self._place(decision.reference)
        match decision.body:
            case Formula() as formula:
                return CompiledExpression(decision.name, value, self.closures[formula.index], decision.type)
            case RelationPlan() as relation:
                return self._relation(decision, relation, policy, value)
            case TablePlan() as table:
                return self._table(decision, table, policy, value)

    def _relation(
        self, decision: DecisionPlan, relation: RelationPlan, policy: PolicyPlan, value: int
    ) -> CompiledRelation:
        rows = []
        for row, cells in zip(relation.rows, relation.cells, strict=True):
            places = [self._place(Cell(policy.id, decision.name, row, c.name)) for c in relation.columns]
            rows.append(tuple((at, self.closures[f.index]) for at, f in zip(places, cells, strict=True)))
        columns = tuple((c.name, c.type) for c in relation.columns)
        return CompiledRelation(decision.name, value, relation.rows, columns, tuple(rows))

    def _table(self, decision: DecisionPlan, table: TablePlan, policy: PolicyPlan, value: int) -> CompiledTable:
        conditions = [_row_condition(c.typed for c in row.cells if c is not None) for row in table.rows]
        ready = all(is_ready(c) for c in conditions)
        ruleset = self._ruleset(policy) if ready else Ruleset()
        marks = []
        for row, condition in zip(table.rows, conditions, strict=True):
            mark = self._new()
            constant = ruleset.add(str(mark), condition)
            marks.append(-1 if constant is False else self.always if constant is True else mark)
            for cell in row.cells:
                if cell is not None:
                    self._count(cell.typed)
        late = () if ready else self._pens(ruleset)
        self.late_pens += late
        outputs = [tuple(self.closures[o.index] for o in row.outputs) for row in table.rows]
        if table.default is not None:
            outputs.append(tuple(self.closures[d.index] for d in table.default))  # found at hits.DEFAULT, the last
        names = tuple(o.name for o in table.table.outputs)
        answer = _answers([_answer(names, values) for values in outputs])
        choose = hit_policy(table.table, self.plan.epoch.first)
        return CompiledTable(decision.name, value, tuple(marks), late, answer, choose, decision.type)

    def _pens(self, ruleset: Ruleset) -> tuple[ProjectedPen, ...]:
        if not ruleset.rules:
            return ()
        made = []
        for rules in pen.split(ruleset.rules):
            one = pen.Pen(rules)
            used = set(one.fields)
            wanted = [f for f in ruleset.fields.known.values() if f.name in used]
            plain = tuple(
                (f.name, self._place(f.node.reference))
                for f in wanted
                if f.kind == "fact" and isinstance(f.node, typed.Load)
            )
            computed = tuple((f.name, self._closure(f.node)) for f in wanted if f.kind in ("number", "flag"))
            absent = tuple((f.name, self._closure(f.node)) for f in wanted if f.kind == "absent")
            made.append(ProjectedPen(one, plain, computed, absent))
        ruleset.pens = made
        return tuple(made)


def _group(policy: PolicyPlan) -> tuple[str, str]:
    """Policies of one family on views of one kind."""
    return policy.id.partition(".")[0], policy.section if policy.is_list else ""


def _row_condition(cells: Iterable[Node]) -> Node:
    found = tuple(cells)
    return typed.TRUE if not found else found[0] if len(found) == 1 else typed.And(typed.BOOLEAN, found)


def _marked(mark: int, needed: tuple[int, ...], exact: Closure) -> Closure:
    """True where the rule fired; else false, or what the closure says when a fact is missing."""

    def run(slots: Slots) -> Any:
        if slots[mark]:
            return True
        for at in needed:
            if slots[at] is None:
                return exact(slots)
        return False

    return run


def _fired(mark: int, exact: Closure) -> Closure:
    """True where the rule fired; else what the closure says: the condition may be null though no fact is."""
    return lambda slots: True if slots[mark] else exact(slots)


def _answers(answers: list[Closure]) -> Callable[[Slots, int], Any]:
    return lambda slots, row: answers[row](slots)


def _answer(names: tuple[str, ...], values: tuple[Closure, ...]) -> Closure:
    """A record of several outputs, or one value: the output's, or the null of a default."""
    if len(values) == 1:
        return values[0]
    return lambda slots: {name: value(slots) for name, value in zip(names, values, strict=True)}
