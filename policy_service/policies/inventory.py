"""Every constant of a bundle with its unit, validity, basis and source: what the policy team is to confirm."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeVar

from policy_service.facts import Fact, Labels
from policy_service.language import ast, typed, types
from policy_service.language.format import print_node
from policy_service.language.values import exact, shown
from policy_service.policies import model
from policy_service.policies.model import Basis, Expression, Policy, Rules, Source
from policy_service.policies.stretches import entries

Kind = Literal[
    "parameter", "cell", "output", "expression", "exclusion", "period", "reading", "validity", "campaign", "ceiling",
    "stacking", "range", "window", "effort",
]  # fmt: skip
Answer = TypeVar("Answer", model.Reward, model.Recommendation)
FRAME = ("bundle", "campaigns", "facts")
"""Families of what stands in no policy file."""


@dataclass(frozen=True, slots=True)
class Constant:
    """One constant as written.

    family: the first word of the policy's id, or one of FRAME.
    row, column: where it stands in a table or relation.
    value: text of the rule file; of a reading or exclusion what it says, in each tongue.
    start, end: the days on which it holds, `end` excluded; None is open, and both are of what has no period.
    """

    family: str
    policy: str | None
    kind: Kind
    name: str
    value: str | Labels
    basis: Basis
    source: Source | None = None
    unit: str | None = None
    row: str | None = None
    column: str | None = None
    start: date | None = None
    end: date | None = None

    @property
    def place(self) -> str:
        """The name with its row and column."""
        return f"{self.name}[{self.row}].{self.column}" if self.row is not None else self.name


@dataclass(frozen=True, slots=True)
class Total:
    """How many constants of a family are stated, how many assumed."""

    stated: int
    assumed: int


def inventory(rules: Rules) -> tuple[Constant, ...]:
    """All constants: policy by policy in the order of their ids and periods, then those of the frame."""
    found = [constant for policy in rules.policies for constant in _policy(policy)]
    return (*found, *_settings(rules), *_campaigns(rules), *_facts(rules))


def totals(constants: Iterable[Constant]) -> dict[str, Total]:
    """By family, sorted."""
    found: dict[str, Total] = {}
    for constant in constants:
        before = found.get(constant.family, Total(0, 0))
        stated = constant.basis == "stated"
        found[constant.family] = Total(before.stated + stated, before.assumed + (not stated))
    return dict(sorted(found.items()))


# ---- a policy


def _policy(policy: Policy) -> Iterator[Constant]:
    period = policy.effective.period
    frame = Constant(
        policy.id.partition(".")[0], policy.id, "period", "effective", "", policy.basis, policy.source,
        start=period.start, end=period.end,
    )  # fmt: skip
    value = policy.effective.campaign or _period(period)
    yield replace(frame, value=value, basis=policy.effective.basis, source=policy.effective.source)
    for reading in policy.readings:
        yield replace(frame, kind="reading", name=reading.id, value=reading.text, basis=reading.basis, source=None)
    for parameter in policy.parameters.values():
        yield from _parameter(parameter, frame)
    if policy.applies is not None:
        yield from _expression("applies", policy.applies, frame)
    for decision in policy.decisions.values():
        yield from _decision(decision, frame)
    yield from _rewards(policy, frame)
    for recommendation in _declared(policy.recommendations):
        if recommendation.when is not None:
            yield from _expression(f"{recommendation.declaration}.when", recommendation.when, frame)


def _parameter(parameter: model.Parameter, frame: Constant) -> Iterator[Constant]:
    """Each dated value; a null ends the one before it and is none itself."""
    for entry, days in entries(parameter.values):
        if entry.value is None:
            continue
        yield replace(
            frame, kind="parameter", name=parameter.name, value=str(shown(parameter.type, entry.value)),
            unit=parameter.unit, basis=entry.basis, source=entry.source,
            start=days.start, end=days.end or frame.end,
        )  # fmt: skip


def _decision(decision: model.Decision, frame: Constant) -> Iterator[Constant]:
    match decision.body:
        case Expression() as expression:
            yield from _expression(decision.name, expression, frame)
        case model.Table() as table:
            yield from _table(decision.name, table, frame)
        case model.RelationTable() as relation:
            for row in relation.rows:
                here = replace(_of_row(frame, row.notes), name=decision.name, row=row.id)
                for column, cell in zip(relation.columns, row.cells, strict=True):
                    yield from _expression(decision.name, cell, replace(here, column=column.name), kind="cell")


def _table(name: str, table: model.Table, frame: Constant) -> Iterator[Constant]:
    for row in table.rows:
        here = replace(_of_row(frame, row.notes), name=name, row=row.id)
        for header, cell in zip(table.inputs, row.cells, strict=True):
            if _has_literal(cell.tree):
                yield replace(
                    here, kind="cell", column=header.text, value=print_node(cell.tree), unit=_unit(header.type)
                )  # fmt: skip
        for output, value in zip(table.outputs, row.outputs, strict=True):
            yield from _output(output, value, replace(here, column=output.name))
    for output, value in zip(table.outputs, table.default or (), strict=False):
        yield from _output(output, value, replace(frame, name=name, row="default", column=output.name))


def _output(output: model.Output, value: Expression, here: Constant) -> Iterator[Constant]:
    constant = not typed.references(value.typed) and not isinstance(value.tree, ast.NullLiteral)
    if constant or _has_literal(value.tree):
        yield replace(here, kind="output", value=value.text, unit=_unit(output.type))


def _expression(name: str, expression: Expression, frame: Constant, kind: Kind = "expression") -> Iterator[Constant]:
    if _has_literal(expression.tree):
        yield replace(frame, kind=kind, name=name, value=expression.text, unit=_unit(expression.type))


def _rewards(policy: Policy, frame: Constant) -> Iterator[Constant]:
    for reward in _declared(policy.rewards):
        parts = {"when": reward.when, "amount": reward.amount} | dict(reward.details)
        for part, expression in parts.items():
            if expression is not None:
                yield from _expression(f"{reward.declaration}.{part}", expression, frame)
        for exclusion in reward.exceptions:
            yield _exclusion(exclusion, replace(frame, name=f"{reward.declaration}.{exclusion.id}"))
        if reward.validity is not None:
            yield replace(frame, kind="validity", name=f"{reward.declaration}.validity", value=reward.validity)


def _exclusion(exclusion: model.Exclusion, here: Constant) -> Constant:
    text = {tongue: f"{exclusion.when.text}: {template.text}" for tongue, template in exclusion.text.items()}
    source = here.source if exclusion.basis == "stated" else None
    return replace(here, kind="exclusion", value=text, basis=exclusion.basis, source=source)


def _of_row(frame: Constant, notes: Mapping[str, str]) -> Constant:
    """What holds for a row: its `# basis` and `# source` columns come before those of the file."""
    basis: Basis = "stated" if notes.get("basis", frame.basis) == "stated" else "assumed"
    source = {"note": notes["source"]} if "source" in notes else frame.source
    return replace(frame, basis=basis, source=source)


def _declared(answers: Iterable[Answer]) -> Iterable[Answer]:
    """One of each declaration: an `each` has the same expressions for every row."""
    return {answer.declaration: answer for answer in answers}.values()


# ---- the frame


def _settings(rules: Rules) -> Iterator[Constant]:
    settings = rules.settings
    for exclusion in settings.exclusions:
        yield _exclusion(exclusion, Constant("bundle", None, "exclusion", exclusion.id, "", exclusion.basis))
    for group in settings.stacking.values():
        value = group.combine if group.cap is None else f"{group.combine}, cap {exact(group.cap, group.scale)}"
        yield Constant("bundle", None, "stacking", group.id, value, "assumed", unit=group.unit)
    for ceiling in settings.ceilings.values():
        yield Constant("bundle", None, "ceiling", ceiling.kind, str(ceiling.amount), "assumed")


def _campaigns(rules: Rules) -> Iterator[Constant]:
    for campaign in rules.campaigns.values():
        period = campaign.period
        yield Constant(
            "campaigns", None, "campaign", campaign.id, _period(period), campaign.basis, campaign.source,
            start=period.start, end=period.end,
        )  # fmt: skip


def _facts(rules: Rules) -> Iterator[Constant]:
    for fact in rules.dictionary:
        basis: Basis = "stated" if fact.basis == "stated" else "assumed"
        here = Constant("facts", None, "range", fact.name, "", basis, fact.source, unit=fact.unit)
        if isinstance(fact.type, types.Number):
            yield replace(here, value=_range(fact.type))
        if fact.window is not None and "days" in fact.window:
            yield replace(here, kind="window", value=fact.window["days"], unit="day")
        if fact.actionable is not None:
            yield replace(here, kind="effort", value=_effort(fact), unit=None)


def _range(kind: types.Number) -> str:
    return f"[{exact(kind.low, kind.scale)}..{exact(kind.high, kind.scale)}]"


def _effort(fact: Fact) -> str:
    way = fact.actionable
    return f"{way.direction}, step {way.step}, effort {way.effort}" if way is not None else ""


# ---- parts


def _has_literal(tree: ast.Node) -> bool:
    """Whether a number, text, date or duration is written in it."""
    return any(isinstance(n, ast.NumberLiteral | ast.StringLiteral | ast.AtLiteral) for n in ast.walk(tree))


def _unit(kind: types.Type) -> str | None:
    return kind.unit if isinstance(kind, types.Number) else None


def _period(period: model.Period) -> str:
    return f"{period.start} .. {period.end or ''}".rstrip()
