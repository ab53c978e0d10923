"""What of the language a bundle uses, counted on its model: a generator that stops writing something is noticed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from policy_service.language import ast, references, typed
from policy_service.policies import model
from policy_service.policies.bundle import Bundle


def features(bundle: Bundle) -> Counter[str]:
    """How often each feature occurs."""
    return Counter(_features(bundle.rules))


def _features(rules: model.Rules) -> Iterator[str]:
    for group in rules.settings.stacking.values():
        yield f"stacking {group.combine}{'' if group.cap is None else ' with a cap'}"
    for exclusion in rules.settings.exclusions:
        yield "exclusion of the bundle"
        yield from _tree(exclusion.when.tree)
    for suspension in rules.settings.suspended:
        yield "suspended reward" if suspension.reward else "suspended policy"
    for id_ in rules.order:
        yield f"files of one policy: {len(rules.versions(id_))}"
    for policy in rules.policies:
        yield from _policy(policy, rules)


def _policy(policy: model.Policy, rules: model.Rules) -> Iterator[str]:
    yield f"subject {policy.subject}"
    yield (
        "period of a campaign"
        if policy.effective.campaign
        else f"period {'open' if policy.effective.period.end is None else 'ended'}"
    )
    yield f"optional {'all' if policy.optional == policy.reads else 'some' if policy.optional else 'none'}"
    if policy.needs:
        yield "needs"
    if policy.applies is not None:
        yield "applies"
    for parameter in policy.parameters.values():
        yield f"parameter {type(parameter.type).__name__}{' dated' if len(parameter.values) > 1 else ''}"
    for read in policy.reads:
        if isinstance(read, references.Decision):
            owner = next(p for p in rules.policies if p.id == read.policy)
            yield f"decision of a {owner.subject} policy in a {policy.subject} policy"
    for expression in policy.expressions():
        yield from _tree(expression.tree)
    for decision in policy.decisions.values():
        yield from _decision(decision)
    for reward in policy.rewards:
        yield from _reward(reward)
    for recommendation in policy.recommendations:
        yield f"recommendation{' of each row' if recommendation.row else ''}"
        if any(t.expressions for t in recommendation.text.values()):
            yield "expression in a text"


def _decision(decision: model.Decision) -> Iterator[str]:
    match decision.body:
        case model.Expression():
            yield f"expression of type {type(decision.type).__name__}"
        case model.RelationTable() as relation:
            yield "relation"
            for column in relation.columns:
                yield f"column {type(column.type).__name__}"
            if len({c.text for r in relation.rows for c in r.cells}) < len(relation.rows) * len(relation.columns):
                yield "relation with a repeated cell"
        case model.Table() as table:
            yield from _table(table)


def _table(table: model.Table) -> Iterator[str]:
    yield f"hit {table.hit}{f' {table.aggregation}' if table.aggregation else ''}"
    yield f"inputs {len(table.inputs)}"
    yield f"outputs {min(len(table.outputs), 3)}"
    if table.default is not None:
        null = all(isinstance(d.tree, ast.NullLiteral) for d in table.default)
        yield f"default {'null' if null else 'of one output' if len(table.default) == 1 else 'of each output'}"
    for header in table.inputs:
        kind = type(header.typed.reference).__name__ if isinstance(header.typed, typed.Load) else "expression"
        yield f"header {kind}"
        yield f"header of type {type(header.type).__name__}"
    for output in table.outputs:
        yield f"output {type(output.type).__name__}"
    for row in table.rows:
        for cell in row.cells:
            yield from _cell(cell.tree)


def _cell(cell: ast.Cell) -> Iterator[str]:
    yield (
        "cell -"
        if cell.is_any
        else "cell not(…)"
        if cell.negated
        else "cell of several tests"
        if len(cell.tests) > 1
        else "cell of one test"
    )
    for test in cell.tests:
        match test:
            case ast.ComparisonTest(operator, operand):
                yield f"cell {operator}"
                yield f"end point {type(operand).__name__}"
            case ast.Range(low, high, low_closed, high_closed):
                yield f"cell {'[' if low_closed else '('}..{']' if high_closed else ')'}"
                yield f"end point {type(low).__name__}"
                yield f"end point {type(high).__name__}"
            case _:
                yield f"cell {type(test).__name__}"
        for node in ast.walk(test):
            if node == ast.Name("as_of"):
                yield "as_of in a cell"
        yield from _tree(test)


def _reward(reward: model.Reward) -> Iterator[str]:
    yield f"reward {reward.kind}{' of each row' if reward.row else ''}"
    yield f"claim per {reward.claim.per}"
    for name, present in {
        "when": reward.when,
        "details": reward.details,
        "except": reward.exceptions,
        "stack": reward.stack,
        "priority": reward.priority,
        "validity": reward.validity,
    }.items():
        yield f"reward {'with' if present else 'without'} {name}"


def _tree(tree: ast.Node) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name(name), _):
                yield f"builtin {name}"
            case ast.Arithmetic(operator, _, _):
                yield f"operator {operator}"
            case ast.Comparison(operator, _, right):
                yield f"operator {operator}"
                if isinstance(right, ast.NullLiteral):
                    yield f"operator {operator} null"
            case ast.Path(ast.Name("this"), _):
                yield "this"
            case ast.Path(ast.Name("campaign"), _):
                yield "campaign"
            case ast.Path(_, name) if name in ("year", "month", "day", "weekday", "days", "years", "months", "row"):
                yield f".{name}"
            case ast.Name("row"):
                yield "row"
            case _:
                yield f"tree {type(node).__name__}"
