"""Rules and an epoch to a plan."""

from collections.abc import Iterable, Iterator
from datetime import date

from policy_service.engines.choices import choice
from policy_service.engines.plan import outcomes
from policy_service.engines.plan.formulas import Binding, Formulas, binding
from policy_service.engines.plan.leaves import Leaves, relation_row
from policy_service.engines.plan.outcomes import Unknowns
from policy_service.engines.plan.terms import (
    ClaimPlan,
    Condition,
    DecisionPlan,
    ExclusionPlan,
    Formula,
    InvariantPlan,
    Leaf,
    Plan,
    PolicyPlan,
    RecommendationPlan,
    RelationFiring,
    RelationPlan,
    RewardPlan,
    RowPlan,
    StackingPlan,
    TablePlan,
)
from policy_service.language import typed, types
from policy_service.language.references import Conflict, Decision, Needed
from policy_service.language.typed import BOOLEAN, Load
from policy_service.language.values import exact
from policy_service.policies import model
from policy_service.policies.dependencies import Dependencies
from policy_service.policies.model import Expression, Period, Policy, RowOf, Rules
from policy_service.policies.stretches import epochs, holding


def plan(rules: Rules, day: date) -> Plan:
    """The plan of the epoch that holds the day."""
    return plan_of(rules, holding(epochs(rules), day))


def plan_of(rules: Rules, epoch: Period) -> Plan:
    """The plan of an epoch."""
    files = (rules.version_for(id_, epoch.start) for id_ in rules.order)
    return plan_only(rules, epoch, files)


def plan_only(rules: Rules, epoch: Period, policies: Iterable[Policy]) -> Plan:
    """A plan of some files, or of parts of them, as they are on an epoch."""
    return _Planner(rules, epoch, tuple(policies)).plan()


class _Planner:
    def __init__(self, rules: Rules, epoch: Period, policies: tuple[Policy, ...]) -> None:
        self.rules, self.epoch, self.policies = rules, epoch, policies
        self.formulas = Formulas()
        self.read = {one for policy in policies for one in policy.reads if isinstance(one, Decision)}
        """Decisions of other policies that are read."""
        self.offered = {one: offer for one in self.read if (offer := self._offer(one)) is not None}
        kinds: dict[Needed, types.Type] = {fact.reference: fact.type for fact in rules.dictionary}
        self.unknowns = Unknowns(kinds | {one: known for one, (_, known) in self.offered.items()})

    def plan(self) -> Plan:
        made = tuple(_PolicyPlanner(self, policy).plan() for policy in self.policies)
        facts = {fact.reference: at for at, fact in enumerate(self.rules.dictionary)}
        groups = {id_: self._stacking(group) for id_, group in self.rules.settings.stacking.items()}
        formulas = tuple(self.formulas.made)
        return Plan(self.rules, self.epoch, made, formulas, facts, self.unknowns.definitions, groups)

    def _offer(self, read: Decision) -> tuple[types.Type, types.Type] | None:
        """The types of another policy's decision, if a file of it is in force."""
        current = self.rules.version_for(read.policy, self.epoch.start)
        if self.epoch.start in current.effective.period and read.name in current.decisions:
            own = current.decisions[read.name].type
            return own, self._known(read, own)
        return None

    def _known(self, read: Decision, kind: types.Type) -> types.Type:
        """The type that other policies read: one that holds the decision of every file."""
        for version in self.rules.versions(read.policy):
            if read.name in version.decisions:
                kind = types.across_files(kind, version.decisions[read.name].type) or kind
        return kind

    def _stacking(self, group: model.StackingGroup) -> StackingPlan:
        members = [(r.priority or 0, p.id, r.id) for p in self.policies for r in p.rewards if r.stack == group.id]
        order = {(policy, reward): place for place, (_, policy, reward) in enumerate(sorted(members))}
        cap = None if group.cap is None else exact(group.cap, group.scale)
        return StackingPlan(group.id, group.combine, cap, order)


class _PolicyPlanner:
    """One policy file on the epoch."""

    def __init__(self, planner: _Planner, policy: Policy) -> None:
        self.planner, self.rules, self.policy = planner, planner.rules, policy
        self.in_force = planner.epoch.start in policy.effective.period
        self.day = planner.epoch.start if self.in_force else policy.effective.period.start
        self.binding = binding(planner.formulas, policy, self.day, planner.offered)
        self.leaves = Leaves(policy, self.binding)
        self.unknowns = planner.unknowns
        self.dependencies = Dependencies(self.rules, policy)
        self.of_bundle = [self._of_bundle(e) for e in self.rules.settings.exclusions] if policy.rewards else []

    def plan(self) -> PolicyPlan:
        policy, reads = self.policy, self.dependencies.reads
        section = self.rules.dictionary.subjects[policy.subject]
        applies = self.leaves.condition(policy.applies) if policy.applies is not None else None
        required = self.unknowns.required(reads.required)
        optional = self.unknowns.optional(reads.optional)
        decisions = tuple(self._decision(d) for d in policy.decisions.values())
        rewards = tuple(self._reward(r) for r in policy.rewards)
        recommendations = tuple(self._recommendation(r) for r in policy.recommendations)
        self._define(reads.required)
        return PolicyPlan(
            policy,
            section.name,
            section.element is not None,
            outcomes.status(
                suspended=self._is_suspended(None),
                in_force=self.in_force,
                sections=(section.name, *policy.needs),
                applies=None if applies is None else applies.formula.typed,
                unknown_audience=self._unknown_audience(reads.required),
                required=required,
                conflicts=(Load(BOOLEAN, c) for c in self._conflicts()),
            ),
            required,
            optional,
            decisions,
            rewards,
            applies,
            recommendations,
            tuple(self._firings(rewards, recommendations)),
            tuple(self._invariant(i) for i in policy.invariants),
        )

    def _define(self, required: Iterable[Needed]) -> None:
        """Define what the decisions that other policies read depend on."""
        for decision in self.policy.decisions:
            reference = Decision(self.policy.id, decision)
            if reference in self.planner.read:
                self.unknowns.define(reference, self.dependencies.behind_decision(decision), required)

    def _unknown_audience(self, required: frozenset[Needed]) -> typed.Node:
        if self.policy.applies is None:
            return typed.FALSE
        behind = self.dependencies.behind(self.policy.applies.typed)
        return typed.any_of(one.when for one in self.unknowns.required(behind & required))

    def _conflicts(self) -> Iterator[Conflict]:
        for decision in self.policy.decisions.values():
            if isinstance(decision.body, model.Table) and decision.body.hit in ("unique", "any"):
                yield Conflict(self.policy.id, decision.name)

    def _is_suspended(self, reward: str | None) -> bool:
        return any((s.policy, s.reward) == (self.policy.id, reward) for s in self.rules.settings.suspended)

    # ---- decisions

    def _decision(self, decision: model.Decision) -> DecisionPlan:
        reference = Decision(self.policy.id, decision.name)
        return DecisionPlan(decision.name, reference, decision.type, self._body(decision.body))

    def _body(self, body: model.Table | model.RelationTable | Expression) -> TablePlan | RelationPlan | Formula:
        match body:
            case Expression():
                return self.binding.expression(body)
            case model.Table():
                return self._table(body)
        cells = tuple(tuple(self.binding.expression(cell) for cell in row.cells) for row in body.rows)
        return RelationPlan(body.columns, tuple(row.id for row in body.rows), cells)

    def _table(self, table: model.Table) -> TablePlan:
        inputs = tuple(self.binding.expression(i) for i in table.inputs)
        rows = tuple(self._row(table, row, inputs) for row in table.rows)
        default = None if table.default is None else tuple(self.binding.expression(d) for d in table.default)
        return TablePlan(choice(table, self.planner.epoch.start), inputs, rows, default)

    def _row(self, table: model.Table, row: model.Row, inputs: tuple[Formula, ...]) -> RowPlan:
        cells: list[Formula | None] = []
        leaves: list[Leaf] = []
        for cell, header, operand in zip(row.cells, table.inputs, inputs, strict=True):
            if cell.tree.is_any:
                cells.append(None)
                continue
            holds = self.binding.formula(cell.tree, cell.typed)
            cells.append(holds)
            leaves.append(self.leaves.of_cell(cell, header, operand, holds))
        outputs = tuple(self.binding.expression(o) for o in row.outputs)
        return RowPlan(row.id, tuple(cells), outputs, tuple(leaves))

    # ---- rewards and recommendations

    def _reward(self, reward: model.Reward) -> RewardPlan:
        row, amount = reward.row, self.binding.expression(reward.amount)
        when = self._when(reward.when, row)
        exclusions = [*(self._exclusion(e, row) for e in reward.exceptions), *self.of_bundle]
        refusals = outcomes.refusals(
            suspended=self._is_suspended(reward.id),
            when=when,
            unknown_when=self._unknown(reward.when),
            amount=amount,
            unknown_amount=self._unknown(reward.amount),
            exclusions=exclusions,
            ceiling=self.rules.settings.ceilings.get(reward.kind),
        )
        details = tuple((name, self.binding.expression(e)) for name, e in sorted(reward.details.items()))
        return RewardPlan(reward, when, amount, details, refusals, self._claim(reward), reward.stack)

    def _when(self, when: Expression | None, row: RowOf | None) -> Condition | None:
        return None if when is None else self.leaves.condition(when, row)

    def _unknown(self, expression: Expression | None) -> typed.Node:
        """Whether a fact that an expression depends on is null."""
        if expression is None:
            return typed.FALSE
        return self.unknowns.lacking(self.dependencies.behind(expression.typed))

    def _claim(self, reward: model.Reward) -> ClaimPlan | None:
        claim, policy = reward.claim, self.policy
        stem = f"{policy.id}/{reward.id}@{policy.subject}:"
        match claim.per:
            case "none":
                return None
            case "day" | "month":
                return ClaimPlan(claim.per, claim.on_increase, claim.on_decrease, stem, claim.per)
        fixed = str(policy.effective.campaign) if claim.per == "campaign" else claim.per
        return ClaimPlan(claim.per, claim.on_increase, claim.on_decrease, stem, (fixed,))

    def _exclusion(self, exclusion: model.Exclusion, row: RowOf | None) -> ExclusionPlan:
        when = self.leaves.condition(exclusion.when, row)
        return ExclusionPlan(exclusion.id, when, self.binding.text(exclusion.text))

    def _of_bundle(self, exclusion: model.Exclusion) -> ExclusionPlan:
        """An exclusion of the bundle: it reads facts alone, and names of the policy mean nothing in it."""
        names = Binding(self.planner.formulas)
        when = Leaves(self.policy, names).condition(exclusion.when)
        return ExclusionPlan(exclusion.id, when, names.text(exclusion.text))

    def _recommendation(self, recommendation: model.Recommendation) -> RecommendationPlan:
        when = self._when(recommendation.when, recommendation.row)
        return RecommendationPlan(recommendation, when, self.binding.text(recommendation.text))

    def _firings(
        self, rewards: Iterable[RewardPlan], recommendations: Iterable[RecommendationPlan]
    ) -> Iterator[RelationFiring]:
        """One per `each` and row; the leaves are those of the row's boolean cells that are not constant."""
        sources = [(r.reward.row, r.when) for r in rewards] + [(r.recommendation.row, r.when) for r in recommendations]
        for row, when in sources:
            if row is not None:
                yield RelationFiring(row.relation, row.row, when, tuple(self._row_leaves(row)))

    def _row_leaves(self, row: RowOf) -> Iterator[Leaf]:
        columns, cells = relation_row(self.policy, row)
        for column, cell in zip(columns, cells, strict=True):
            if isinstance(column.type, types.Boolean) and typed.references(cell.typed):
                yield from self.leaves.of(cell, row)

    def _invariant(self, invariant: model.Invariant) -> InvariantPlan:
        bound = self.binding.bound
        return InvariantPlan(
            invariant.name,
            invariant.form,
            bound(invariant.target.typed),
            None if invariant.argument is None else self.rules.dictionary.by_name[invariant.argument].reference,
            None if invariant.low is None else bound(invariant.low.typed),
            None if invariant.high is None else bound(invariant.high.typed),
        )
