"""A plan to rulesets and closures. Everything a formula needs at run time is settled here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from policy_service.diagnostics import Diagnostic, Span
from policy_service.diagnostics.catalogue import PEN_REFUSED
from policy_service.engines.choices import chooser
from policy_service.engines.contracts import EngineRefused
from policy_service.engines.plan import DecisionPlan, Formula, Plan, PolicyPlan, RelationPlan, TablePlan
from policy_service.engines.rete import pen
from policy_service.engines.rete.closures import Closure, Slots, closure
from policy_service.engines.rete.guards import Guards, is_early
from policy_service.engines.rete.program import (
    Compiled,
    CompiledExpression,
    CompiledPolicy,
    CompiledRelation,
    CompiledTable,
    Program,
)
from policy_service.engines.rete.rulesets import Group, ProjectedPen, Ruleset
from policy_service.language import typed
from policy_service.language.nullness import is_total
from policy_service.language.references import AsOf, Cell, Conflict, Fact, Posted, Reference, Status
from policy_service.language.typed import Node, is_ready


class Compiler:
    """One plan, once.

    Rules of one family (`chuanliu.*`) on one subject's view are matched together; families apart, so that a
    request for one does not pay for the others.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.places: dict[Reference, int] = {fact: at for fact, at in plan.facts.items()}  # noqa: C416  of a wider type
        self.size = len(self.places)
        self.as_of = self._place(AsOf())
        self.always = self._new()
        self.rulesets: dict[tuple[str, str], Ruleset] = {}
        self.known: dict[Node, Closure] = {}
        """Closures by tree, of what several formulas are."""
        self.closures: list[Closure] = []
        self.late_pens: list[ProjectedPen] = []

    def compile(self) -> Program:
        self.closures = [self._closure(f.typed) for f in self.plan.formulas]
        live = [p for p in self.plan.policies if p.can_apply]
        for policy in live:
            with _refused_at(policy.policy.span):
                for formula in conditions(policy):
                    self._lower_condition(formula, self._ruleset(policy))
        decisions = {p.id: tuple(self._decision(d, p) for d in p.decisions) for p in live}
        matched = {key: self._matched(key, ruleset) for key, ruleset in self.rulesets.items()}
        policies = {
            p.id: self._policy(p, decisions.get(p.id, ()), matched.get(_group(p)) if p.can_apply else None)
            for p in self.plan.policies
        }
        sections = self.plan.rules.dictionary.sections
        posted = {r.section: at for r, at in self.places.items() if isinstance(r, Posted)}
        single = tuple((name, at) for name, at in posted.items() if sections[name].element is None)
        elements = {name: at for name, at in posted.items() if sections[name].element is not None}
        return Program(self.size, self.as_of, self.always, single, elements, tuple(self.closures), policies)

    def _policy(self, policy: PolicyPlan, decisions: tuple[Compiled, ...], group: Group | None) -> CompiledPolicy:
        truths = self._ruleset(policy).truths if policy.can_apply else {}
        guards = Guards(lambda node: truths.get(node) or self._closure(node), self._place, self.plan.definitions)
        early = list(takewhile(is_early, policy.status))
        late = policy.status[len(early) :]
        return CompiledPolicy(
            tuple(guards.tests(early)),
            group,
            decisions,
            tuple(guards.tests(late)) if policy.can_apply else (),
            self._place(Status(policy.id)),
            guards.missing(policy.required),
            guards.missing(policy.optional),
            {reward: guards.first(reward.refusals) for reward in policy.rewards} if policy.can_apply else {},
        )

    def _matched(self, key: tuple[str, str], ruleset: Ruleset) -> Group:
        first = next(p for p in self.plan.policies if _group(p) == key)
        with _refused_at(first.policy.span):
            return Group(self._new(), self._pens(ruleset))

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
        found = self.known.get(node)
        if found is None:
            found = self.known[node] = closure(node, self._place)
        return found

    # ---- conditions

    def _lower_condition(self, formula: Formula, ruleset: Ruleset) -> None:
        node = formula.typed
        if isinstance(node, typed.Const) or not typed.references(node):
            return
        if not is_ready(node):
            return
        if node in ruleset.truths:
            self.closures[formula.index] = ruleset.truths[node]
            return
        mark = self._new()
        if ruleset.add(str(mark), node) is not None:
            return
        needed = tuple(sorted({self._place(r) for r in typed.references(node) if isinstance(r, Fact)}))
        exact = self._closure(node)
        truth = _marked(mark, needed, exact) if is_total(node) else _fired(mark, exact)
        self.closures[formula.index] = ruleset.truths[node] = truth

    # ---- decisions

    def _decision(self, decision: DecisionPlan, policy: PolicyPlan) -> Compiled:
        with _refused_at(policy.policy.decisions[decision.name].span):
            return self._body(decision, policy)

    def _body(self, decision: DecisionPlan, policy: PolicyPlan) -> Compiled:
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
        conditions = [typed.all_of(c.typed for c in row.cells if c is not None) for row in table.rows]
        ready = all(is_ready(c) for c in conditions)
        ruleset = self._ruleset(policy) if ready else Ruleset()
        marks = []
        for condition in conditions:
            mark = self._new()
            constant = ruleset.add(str(mark), condition)
            marks.append(-1 if constant is False else self.always if constant is True else mark)
        late = () if ready else self._pens(ruleset)
        self.late_pens += late
        outputs = [tuple(self.closures[o.index] for o in row.outputs) for row in table.rows]
        if table.default is not None:
            outputs.append(tuple(self.closures[d.index] for d in table.default))  # found at DEFAULT, the last
        answer = _answers([_answer(table.choice.outputs, values) for values in outputs])
        conflict = self._place(Conflict(policy.id, decision.name))
        return CompiledTable(
            decision.name, value, conflict, tuple(marks), late, answer, chooser(table.choice), decision.type
        )

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


@contextmanager
def _refused_at(span: Span) -> Iterator[None]:
    """What the pen refuses is refused at a place of the rule files."""
    try:
        yield
    except pen.PenRefusal as refusal:
        message = f"the engine cannot hold the rules: {refusal}"
        hint = "split a table or condition that tests very many values"
        raise EngineRefused(Diagnostic(PEN_REFUSED, "error", span, message, hint)) from refusal


def conditions(policy: PolicyPlan) -> Iterator[Formula]:
    """Conditions that the pen may decide: `applies`, `when`s, exceptions, boolean cells."""
    found: list[Formula] = [policy.applies.formula] if policy.applies else []
    for reward in policy.rewards:
        found += [reward.when.formula] if reward.when else []
        found += [g.exclusion.condition.formula for g in reward.refusals if g.exclusion is not None]
    found += [r.when.formula for r in policy.recommendations if r.when]
    for decision in policy.decisions:
        if isinstance(decision.body, RelationPlan):
            found += [c for row in decision.body.cells for c in row]
        elif isinstance(decision.body, Formula):
            found.append(decision.body)
    return (f for f in found if f.typed.type == typed.BOOLEAN)


def _group(policy: PolicyPlan) -> tuple[str, str]:
    """Policies of one family on views of one kind."""
    return policy.id.partition(".")[0], policy.section if policy.is_list else ""


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
