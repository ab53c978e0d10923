"""A bundle on an epoch as every engine reads it: parameters are constants, one policy file per id.

An epoch is the longest run of days on which the same policy files, parameter values and members of types hold.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from policy_service.diagnostics import PolicyError, Report
from policy_service.language import ast, typed, types
from policy_service.language.format import print_node
from policy_service.language.references import CampaignDay, Cell, Decision, Fact, Needed, Parameter, Reference
from policy_service.language.typecheck import check_expression
from policy_service.language.values import exact, shown
from policy_service.policies import model
from policy_service.policies.model import Expression, Policy, RowOf, Rules
from policy_service.policies.stretches import Stretch, policy_breaks, stretch_of, stretches


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """Something an engine evaluates. `index` is its place in the plan.

    policy: whose names it knows; empty for an exclusion of the bundle, which knows facts alone.
    header: for an input cell, the tree its tests are about.
    row: the relation row whose columns are in scope.
    """

    index: int
    policy: str
    tree: ast.Node
    typed: typed.Node
    row: RowOf | None = None
    header: ast.Node | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One comparison or boolean operand of a condition, or one cell of a row."""

    fact: str
    test: str
    operand: Formula
    holds: Formula


@dataclass(frozen=True, slots=True)
class Reach:
    """What a value depends on, through all decisions of its policy: facts, and other policies' decisions."""

    facts: tuple[tuple[str, int], ...]
    decisions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A formula that is true, false or unknown; its leaves; and what it depends on.

    all_hold: a true condition means that every leaf holds: there is no `or` and no `not` above a leaf.
    """

    formula: Formula
    leaves: tuple[Leaf, ...]
    reach: Reach
    all_hold: bool


@dataclass(frozen=True, slots=True, eq=False)
class RowPlan:
    """`cells` has None for `-`; `leaves` are the other cells."""

    id: str
    cells: tuple[Formula | None, ...]
    outputs: tuple[Formula, ...]
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TablePlan:
    table: model.Table
    inputs: tuple[Formula, ...]
    rows: tuple[RowPlan, ...]
    default: tuple[Formula, ...] | None
    """As that of the table."""


@dataclass(frozen=True, slots=True, eq=False)
class RelationPlan:
    """`cells[row][column]`."""

    columns: tuple[model.Column, ...]
    rows: tuple[str, ...]
    cells: tuple[tuple[Formula, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class DecisionPlan:
    name: str
    reference: Decision
    type: types.Type
    body: TablePlan | RelationPlan | Formula
    reach: Reach


@dataclass(frozen=True, slots=True, eq=False)
class TemplatePlan:
    """A text in each of zh and en; formulas between plain parts."""

    parts: Mapping[str, tuple[str | Formula, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class ExclusionPlan:
    id: str
    condition: Condition
    text: TemplatePlan


@dataclass(frozen=True, slots=True, eq=False)
class RewardPlan:
    reward: model.Reward
    when: Condition | None
    amount: Formula
    amount_reach: Reach
    details: tuple[tuple[str, Formula], ...]
    exclusions: tuple[ExclusionPlan, ...]
    suspended: str | None


@dataclass(frozen=True, slots=True, eq=False)
class RecommendationPlan:
    recommendation: model.Recommendation
    when: Condition | None
    text: TemplatePlan


@dataclass(frozen=True, slots=True, eq=False)
class RelationFiring:
    """A relation's row fires when the `when` of an `each` on it holds."""

    decision: str
    row: str
    condition: Condition | None
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PolicyPlan:
    """One policy id on the epoch. Facts are given by their place in the dictionary.

    in_force: False where no file is; then the rewards are those of the file that began last, else of the first.
    required_decisions: other policies' decisions that must not be null.
    """

    policy: Policy
    in_force: bool
    suspended: str | None
    is_list: bool
    section: str
    needs: tuple[str, ...]
    required: tuple[tuple[str, int], ...]
    optional: tuple[tuple[str, int], ...]
    required_decisions: tuple[tuple[str, str], ...]
    optional_decisions: tuple[tuple[str, str], ...]
    applies: Condition | None
    applies_required: tuple[int, ...]
    applies_decisions: tuple[tuple[str, str], ...]
    decisions: tuple[DecisionPlan, ...]
    rewards: tuple[RewardPlan, ...]
    recommendations: tuple[RecommendationPlan, ...]
    relation_firings: tuple[RelationFiring, ...]

    @property
    def id(self) -> str:
        return self.policy.id


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Policies in an order in which each needs only earlier ones; every formula by its index."""

    rules: Rules
    epoch: Stretch
    policies: tuple[PolicyPlan, ...]
    formulas: tuple[Formula, ...]
    facts: Mapping[str, int]


def epochs(rules: Rules) -> tuple[Stretch, ...]:
    """All epochs in order, from the first to the last day that `as_of` may be."""
    named = [day for one in rules.types.values() for day, _ in one.kind.dated]
    return stretches([*named, *(day for policy in rules.policies for day in policy_breaks(policy))])


def plan(rules: Rules, day: date) -> Plan:
    """The plan of the epoch that holds the day."""
    return plan_of(rules, stretch_of(epochs(rules), day))


def plan_of(rules: Rules, epoch: Stretch) -> Plan:
    """The plan of an epoch."""
    answering = (rules.answering(id_, epoch.first) for id_ in rules.order)
    return plan_only(rules, epoch, answering)


def plan_only(rules: Rules, epoch: Stretch, policies: Iterable[Policy]) -> Plan:
    """A plan of some files, or of parts of them, as they are on an epoch."""
    return _Planner(rules, epoch).plan(policies)


class _Planner:
    def __init__(self, rules: Rules, epoch: Stretch) -> None:
        self.rules, self.epoch = rules, epoch
        self.formulas: list[Formula] = []
        self.facts = {fact.name: i for i, fact in enumerate(rules.dictionary)}
        self.reach: dict[Reference, frozenset[Reference]] = {}
        """Facts and other policies' decisions that each decision or cell depends on, transitively in its policy."""
        self.policy: Policy
        self.owner = ""
        """The policy whose names its formulas know; none for those of the bundle."""
        self.constants: dict[Reference, Any] = {}
        self.literals: dict[str, ast.Node] = {}
        self.values: dict[str, Any] = {}
        self.row: RowOf | None = None
        self.offered: dict[Reference, tuple[types.Type, types.Type]] = {}
        """Types of other policies' decisions that are read: in the file in force, and as its reader knows them."""

    def plan(self, policies: Iterable[Policy]) -> Plan:
        made = tuple(self._policy(p, self.epoch.first in p.effective.period) for p in policies)
        return Plan(self.rules, self.epoch, made, tuple(self.formulas), self.facts)

    def _offer(self, other: Decision) -> None:
        """Note the types of another policy's decision, if a file of it is in force."""
        current = self.rules.answering(other.policy, self.epoch.first)
        if self.epoch.first in current.effective.period and other.name in current.decisions:
            decision = current.decisions[other.name]
            self.offered[other] = decision.type, self._known(other.policy, decision)

    def _known(self, policy: str, decision: model.Decision) -> types.Type:
        """The type that other policies read: one that holds the decision of every file."""
        kind = decision.type
        for version in self.rules.versions(policy):
            if decision.name in version.decisions:
                kind = types.across_files(kind, version.decisions[decision.name].type) or kind
        return kind

    # ---- one policy

    def _policy(self, policy: Policy, in_force: bool) -> PolicyPlan:
        self.policy, self.owner = policy, policy.id
        reads = self._reads(policy)
        for read in reads:
            if isinstance(read, Decision):
                self._offer(read)
        day = self.epoch.first if in_force else policy.effective.period.start
        parameters = policy.parameters.values()
        self.values = {p.name: (p.type, p.at(day)) for p in parameters}
        self.constants = {Parameter(policy.id, p.name): p.at(day) for p in parameters}
        self.constants |= {
            r: r.ordinal for e in policy.typed_nodes() for r in typed.references(e) if isinstance(r, CampaignDay)
        }
        self.literals = {p.name: _literal(p.type, p.at(day)) for p in parameters}
        self._reach(policy)
        decisions = tuple(self._decision(d) for d in policy.decisions.values())
        rewards = tuple(self._reward(r) for r in policy.rewards)
        applies = self._condition(policy.applies) if policy.applies is not None else None
        exclusion_only = self._exclusion_facts() - reads if policy.rewards else frozenset()
        optional = (reads & policy.optional) | exclusion_only
        required = reads - optional
        section = self.rules.dictionary.subjects[policy.subject]
        applies_reach = self._depends(policy.applies.typed) if policy.applies is not None else frozenset()
        recommendations = tuple(self._recommendation(r) for r in policy.recommendations)
        return PolicyPlan(
            policy,
            in_force,
            self._suspension(policy.id, None),
            section.element is not None,
            section.name,
            policy.needs,
            self._places(required),
            self._places(optional),
            _decisions(required),
            _decisions(optional),
            applies,
            tuple(i for _, i in self._places(applies_reach & required)),
            _decisions(applies_reach & required),
            decisions,
            rewards,
            recommendations,
            tuple(self._relation_firings(rewards, recommendations)),
        )

    def _reads(self, policy: Policy) -> frozenset[Needed]:
        return policy.reads()

    def _exclusion_facts(self) -> frozenset[Needed]:
        found: set[Needed] = set()
        for exclusion in self.rules.settings.exclusions:
            texts = [e for template in exclusion.text.values() for e in template.expressions]
            for expression in (exclusion.when, *texts):
                found |= {r for r in typed.references(expression.typed) if isinstance(r, Fact)}
        return frozenset(found)

    def _places(self, read: Iterable[Reference]) -> tuple[tuple[str, int], ...]:
        return tuple(sorted((r.name, self.facts[r.name]) for r in read if isinstance(r, Fact)))

    def _suspension(self, policy: str, reward: str | None) -> str | None:
        return next(
            (s.reason for s in self.rules.settings.suspended if s.policy == policy and s.reward == reward), None
        )

    def _reach(self, policy: Policy) -> None:
        for decision in policy.decisions.values():
            nodes = [e.typed for e in model.body_expressions(decision.body)]
            if isinstance(decision.body, model.Table):
                nodes += [c.typed for r in decision.body.rows for c in r.cells]
            if isinstance(decision.body, model.RelationTable):
                for row in decision.body.rows:
                    for column, cell in zip(decision.body.columns, row.cells, strict=True):
                        self.reach[Cell(policy.id, decision.name, row.id, column.name)] = self._depends(cell.typed)
            self.reach[Decision(policy.id, decision.name)] = frozenset().union(*(self._depends(n) for n in nodes))

    def _depends(self, node: typed.Node) -> frozenset[Reference]:
        found: set[Reference] = set()
        for read in typed.references(node):
            if isinstance(read, Fact):
                found.add(read)
            elif isinstance(read, Decision | Cell):
                own = read.policy == self.policy.id and read in self.reach
                found |= self.reach[read] if own else {read}
        return frozenset(found)

    def _reached(self, read: frozenset[Reference]) -> Reach:
        return Reach(self._places(read), _decisions(read))

    # ---- parts

    def _formula(self, tree: ast.Node, node: typed.Node, row: RowOf | None, header: ast.Node | None = None) -> Formula:
        bound = self._scaled(typed.bind(node, self.constants))
        formula = Formula(len(self.formulas), self.owner, tree, bound, row, header, self.values)
        self.formulas.append(formula)
        return formula

    def _scaled(self, node: typed.Node) -> typed.Node:
        """The node with other policies' decisions as it knows them: the file in force may have fewer decimals."""
        if isinstance(node, typed.Load) and node.reference in self.offered:
            own, known = self.offered[node.reference]
            converted = typed.converted(replace(node, type=own), known)
            return node if isinstance(converted, typed.Load) else converted
        return typed.rebuild(node, self._scaled)

    def _expression(self, expression: Expression, row: RowOf | None = None) -> Formula:
        return self._formula(expression.tree, expression.typed, row)

    def _condition(self, expression: Expression, row: RowOf | None = None) -> Condition:
        formula = self._expression(expression, row)
        leaves = tuple(self._leaves(expression.tree, expression, row))
        return Condition(
            formula, leaves, self._reached(self._depends(expression.typed)), self._all_hold(expression.tree, row)
        )

    def _decision(self, decision: model.Decision) -> DecisionPlan:
        reference = Decision(self.policy.id, decision.name)
        match decision.body:
            case Expression() as expression:
                body: TablePlan | RelationPlan | Formula = self._expression(expression)
            case model.Table() as table:
                body = self._table(table)
            case model.RelationTable() as relation:
                cells = tuple(
                    tuple(self._expression(c, RowOf(decision.name, r.id)) for c in r.cells) for r in relation.rows
                )
                body = RelationPlan(relation.columns, tuple(r.id for r in relation.rows), cells)
        return DecisionPlan(decision.name, reference, decision.type, body, self._reached(self.reach[reference]))

    def _table(self, table: model.Table) -> TablePlan:
        inputs = tuple(self._expression(i) for i in table.inputs)
        rows = []
        for row in table.rows:
            cells: list[Formula | None] = []
            leaves: list[Leaf] = []
            for cell, header, operand in zip(row.cells, table.inputs, inputs, strict=True):
                if cell.tree.is_any:
                    cells.append(None)
                    continue
                formula = self._formula(cell.tree, cell.typed, None, header.tree)
                cells.append(formula)
                leaves.append(Leaf(header.text, print_node(self._substituted(cell.tree)), operand, formula))
            outputs = tuple(self._expression(o) for o in row.outputs)
            rows.append(RowPlan(row.id, tuple(cells), outputs, tuple(leaves)))
        default = None if table.default is None else tuple(self._expression(d) for d in table.default)
        return TablePlan(table, inputs, tuple(rows), default)

    def _reward(self, reward: model.Reward) -> RewardPlan:
        row = reward.row
        exclusions = [self._exclusion(e, row) for e in reward.exceptions]
        exclusions += [self._of_bundle(e) for e in self.rules.settings.exclusions]
        return RewardPlan(
            reward,
            self._condition(reward.when, row) if reward.when is not None else None,
            self._expression(reward.amount, row),
            self._reached(self._depends(reward.amount.typed)),
            tuple((n, self._expression(e, row)) for n, e in sorted(reward.details.items())),
            tuple(exclusions),
            self._suspension(self.policy.id, reward.id),
        )

    def _of_bundle(self, exclusion: model.Exclusion) -> ExclusionPlan:
        """An exclusion of all rewards knows facts alone: what the policy names means nothing in it."""
        owner, values, literals = self.owner, self.values, self.literals
        self.owner, self.values, self.literals = "", {}, {}
        made = self._exclusion(exclusion, None)
        self.owner, self.values, self.literals = owner, values, literals
        return made

    def _exclusion(self, exclusion: model.Exclusion, row: RowOf | None) -> ExclusionPlan:
        return ExclusionPlan(exclusion.id, self._condition(exclusion.when, row), self._text(exclusion.text, row))

    def _recommendation(self, recommendation: model.Recommendation) -> RecommendationPlan:
        when = self._condition(recommendation.when, recommendation.row) if recommendation.when is not None else None
        return RecommendationPlan(recommendation, when, self._text(recommendation.text, recommendation.row))

    def _text(self, texts: model.Texts, row: RowOf | None) -> TemplatePlan:
        return TemplatePlan(
            {
                tongue: tuple(p if isinstance(p, str) else self._expression(p, row) for p in template.parts)
                for tongue, template in texts.items()
            }
        )

    def _relation_firings(
        self,
        rewards: tuple[RewardPlan, ...],
        recommendations: tuple[RecommendationPlan, ...],
    ) -> Iterator[RelationFiring]:
        """One per `each` and row; the leaves are those of the row's boolean cells that are not constant."""
        sources = [(r.reward.row, r.when) for r in rewards] + [(r.recommendation.row, r.when) for r in recommendations]
        for row, when in sources:
            if row is None:
                continue
            body, cells = self._relation_row(row)
            leaves: list[Leaf] = []
            for column, cell in zip(body.columns, cells, strict=True):
                if isinstance(column.type, types.Boolean) and typed.references(cell.typed):
                    leaves += self._leaves(cell.tree, cell, row)
            yield RelationFiring(row.relation, row.row, when, tuple(leaves))

    # ---- leaves of conditions

    def _leaves(self, tree: ast.Node, expression: Expression, row: RowOf | None) -> Iterator[Leaf]:
        """Comparisons and boolean operands in text order; a row's column stands for its cell."""
        match tree:
            case ast.Conjunction(operands) | ast.Disjunction(operands):
                for operand in operands:
                    yield from self._leaves(operand, expression, row)
            case ast.Call(ast.Name("not"), (operand,)):
                yield from self._leaves(operand, expression, row)
            case ast.Comparison(operator, left, right):
                test = print_node(self._substituted(ast.ComparisonTest(operator, right)))
                yield from self._leaf(left, test, tree, expression, row)
            case ast.Between(operand, low, high):
                test = _without_operand(self._substituted(ast.Between(ast.NullLiteral(), low, high)))
                yield from self._leaf(operand, test, tree, expression, row)
            case ast.In(operand, tests):
                test = _without_operand(self._substituted(ast.In(ast.NullLiteral(), tests)))
                yield from self._leaf(operand, test, tree, expression, row)
            case ast.BooleanLiteral():
                return
            case _ if (cell := self._cell(tree, row)) is not None:
                yield from self._leaves(cell.tree, cell, row)
            case _:
                yield from self._leaf(tree, "= true", tree, expression, row)

    def _all_hold(self, tree: ast.Node, row: RowOf | None) -> bool:
        match tree:
            case ast.Conjunction(operands):
                return all(self._all_hold(o, row) for o in operands)
            case ast.Disjunction() | ast.Call(ast.Name("not"), _):
                return False
        cell = self._cell(tree, row)
        return cell is None or self._all_hold(cell.tree, row)

    def _cell(self, tree: ast.Node, row: RowOf | None) -> Expression | None:
        """The cell that a column's name stands for in a row."""
        if row is None:
            return None
        name = (
            tree.name
            if isinstance(tree, ast.Name)
            else (tree.name if isinstance(tree, ast.Path) and tree.base == ast.Name("this") else None)
        )
        body, cells = self._relation_row(row)
        names = [c.name for c in body.columns]
        return cells[names.index(name)] if name in names else None

    def _relation_row(self, row: RowOf) -> tuple[model.RelationTable, tuple[Expression, ...]]:
        body = self.policy.decisions[row.relation].body
        if not isinstance(body, model.RelationTable):
            raise TypeError(f"{row.relation} is not a relation")
        return body, body.by_id[row.row].cells

    def _leaf(
        self, operand: ast.Node, test: str, whole: ast.Node, expression: Expression, row: RowOf | None
    ) -> Iterator[Leaf]:
        one = self._part(operand, expression, row)
        two = one if operand is whole else self._part(whole, expression, row)
        yield Leaf(print_node(operand), test, one, two)

    def _part(self, tree: ast.Node, expression: Expression, row: RowOf | None) -> Formula:
        report = Report()
        node = check_expression(tree, expression.scope, report)
        if node is None:  # a part of a typed expression is typed
            raise PolicyError(report)
        return self._formula(tree, node, row)

    def _substituted(self, tree: ast.Node) -> ast.Node:
        return substituted(tree, self.literals)


def _without_operand(tree: ast.Node) -> str:
    """The text of a test behind its operand, which is `null` here."""
    return print_node(tree).removeprefix("null ")


def substituted(tree: ast.Node, literals: Mapping[str, ast.Node]) -> ast.Node:
    """The tree with parameters replaced by their values."""
    if isinstance(tree, ast.Name):
        return literals.get(tree.name, tree)
    changes: dict[str, Any] = {}
    for name in tree.__dataclass_fields__:
        value = getattr(tree, name)
        if name == "span" or (isinstance(tree, ast.Call) and name == "function"):
            continue
        if isinstance(value, ast.Node):
            changes[name] = substituted(value, literals)
        elif isinstance(value, tuple) and any(isinstance(v, ast.Node) for v in value):
            changes[name] = tuple(substituted(v, literals) if isinstance(v, ast.Node) else v for v in value)
    if not changes:
        return tree
    fields = {name: getattr(tree, name) for name in tree.__dataclass_fields__}
    return type(tree)(**(fields | changes))


def _literal(kind: types.Type, value: Any) -> ast.Node:
    match kind:
        case _ if value is None:
            return ast.NullLiteral()
        case types.Number(scale=scale):
            return ast.NumberLiteral(Decimal(exact(value, scale)))
        case types.Date():
            return ast.Call(ast.Name("date"), (ast.StringLiteral(date.fromordinal(value).isoformat()),))
        case types.Duration() | types.Months():
            return ast.Call(ast.Name("duration"), (ast.StringLiteral(shown(kind, value)),))
        case types.Boolean():
            return ast.BooleanLiteral(value)
    return ast.StringLiteral(value)


def _decisions(read: Iterable[Reference]) -> tuple[tuple[str, str], ...]:
    """Policy and name of the references to other policies' decisions."""
    found = sorted((r for r in read if isinstance(r, Decision)), key=lambda decision: decision.full_name)
    return tuple((decision.policy, decision.name) for decision in found)
