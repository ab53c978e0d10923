"""The text of a policy as it was in force on a day: parameters, expressions, tables with the rows that fired."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from policy_service.decisions.explaining.phrasing import Phrases
from policy_service.decisions.explaining.words import UNIT, word
from policy_service.language.format import print_node
from policy_service.language.values import exact, shown
from policy_service.pages.grids import Cell, Grid, Pair, Row, Say, grid, pair
from policy_service.pages.words import BASIS, COMBINE, HIT, ON_DECREASE, ON_INCREASE, PER
from policy_service.policies.bundle import Bundle
from policy_service.policies.model import (
    Claim,
    Decision,
    Effective,
    Exclusion,
    Expression,
    Parameter,
    Policy,
    Recommendation,
    RelationTable,
    Reward,
    RowOf,
    Table,
)

Fired = Collection[tuple[str, str]]
"""Pairs of decision and row."""


@dataclass(frozen=True, slots=True)
class DecisionText:
    """A decision of a policy: a table, or an expression."""

    heading: str
    grid: Grid | None = None
    expression: Cell | None = None


@dataclass(frozen=True, slots=True)
class RuleText:
    """One policy.

    anchor: the id of its HTML element.
    note: why only period and condition are shown; empty where all of it is shown.
    yaml: the text of the rule file; null where only period and condition are shown.
    """

    anchor: str
    heading: str
    file: str
    note: str
    pairs: tuple[Pair, ...]
    readings: tuple[str, ...] = ()
    parameters: Grid | None = None
    decisions: tuple[DecisionText, ...] = ()
    rewards: Grid | None = None
    advice: Grid | None = None
    yaml: str | None = None


def anchor(policy: str) -> str:
    return f"rule-{policy}"


def rule_text(bundle: Bundle, policy: Policy, day: date, fired: Fired, say: Say, *, whole: bool) -> RuleText:
    """What the page shows of a policy.

    Args:
        fired: its rows that fired.
        whole: whether all of it is shown; otherwise its period and condition, which were all that mattered.
    """
    writer = _Writer(bundle, policy, day, fired, say)
    heading = f"{policy.title[say.tongue]} ({policy.id})"
    file = _path(bundle, policy)
    readings = tuple(writer.readings())
    if not whole:
        note = say("short_rule", file=file)
        return RuleText(anchor(policy.id), heading, file, note, tuple(writer.frame()), readings)
    return RuleText(
        anchor(policy.id),
        heading,
        file,
        "",
        tuple(writer.frame()),
        readings,
        writer.parameters(),
        tuple(map(writer.decision, policy.decisions.values())),
        writer.rewards(),
        writer.advice(),
        bundle.sources.get(file),
    )


def _path(bundle: Bundle, policy: Policy) -> str:
    """The path of a policy's file within its bundle, without the folder that it was read from."""
    return max((path for path in bundle.sources if f"/{policy.file}".endswith(f"/{path}")), key=len)


def frame_pairs(bundle: Bundle, say: Say) -> tuple[Pair, ...]:
    """What bundle.yaml says for all policies: exclusions, and stacking groups."""
    settings = bundle.rules.settings
    found = []
    for exclusion in settings.exclusions:
        text = say.bracketed(exclusion.text[say.tongue].text, say.of(BASIS, exclusion.basis))
        found.append(Pair(say("exclusions"), Cell(text, exclusion.when.text)))
    for group in settings.stacking.values():
        cap = "" if group.cap is None else say.comma + say("cap", exact(group.cap, group.scale))
        found.append(pair(say("stacking"), f"{group.id}{say.colon}{say.of(COMBINE, group.combine)}{cap}"))
    return tuple(found)


class _Writer:
    """Writes the parts of one policy."""

    def __init__(self, bundle: Bundle, policy: Policy, day: date, fired: Fired, say: Say) -> None:
        self.rules, self.policy, self.day, self.fired, self.say = bundle.rules, policy, day, fired, say
        self.phrases = Phrases(bundle.rules, policy, say.tongue)

    def frame(self) -> Iterator[Pair]:
        say, policy = self.say, self.policy
        yield pair(say("period"), self._period(policy.effective))
        yield Pair(say("applies"), self._condition(policy.applies))
        if policy.needs:
            labels = (self.rules.dictionary.sections[name].label[say.tongue] for name in sorted(policy.needs))
            yield pair(say("needs"), self.phrases.joined(labels))
        yield pair(say("basis"), say.of(BASIS, policy.basis))
        if policy.source is not None:
            yield pair(say("source"), say.source(policy.source))

    def _period(self, effective: Effective) -> str:
        period = effective.period
        said = (
            self.phrases.word("from_on", period.start)
            if period.end is None
            else self.phrases.word("from_to", period.start, period.end - timedelta(days=1))
        )
        campaign = self.rules.campaigns.get(effective.campaign or "")
        parts = [said, *([campaign.title[self.say.tongue]] if campaign is not None else [])]
        parts.append(self.say.of(BASIS, effective.basis))
        if effective.source is not None:
            parts.append(self.say.source(effective.source))
        if self.day not in period:
            parts.append(self.say("in_force_not"))
        return self.say.comma.join(parts)

    def _condition(self, when: Expression | None) -> Cell:
        return Cell(self.say("always")) if when is None else self._worded(when)

    def _worded(self, expression: Expression) -> Cell:
        """An expression in words, and as the rule file writes it where that differs."""
        words = self.phrases.text(expression.tree)
        return Cell(words, expression.text if expression.text != words else "")

    def readings(self) -> Iterator[str]:
        for reading in self.policy.readings:
            yield self.say.bracketed(reading.text[self.say.tongue], self.say.of(BASIS, reading.basis))

    # ---- parameters

    def parameters(self) -> Grid | None:
        say = self.say
        header = (say("parameter"), say("value"), say("since"), say("basis"), say("source"))
        rows = [self._parameter(parameter) for parameter in self.policy.parameters.values()]
        return grid(say("parameters"), header, rows) if rows else None

    def _parameter(self, parameter: Parameter) -> tuple[object, ...]:
        name = Cell("", parameter.name)
        begun = [entry for entry in parameter.values if entry.start <= self.day]
        if not begun:
            return name, self.say("not_begun"), "", "", ""
        value = shown(parameter.type, begun[-1].value)
        said = self.phrases.word("null") if value is None else self.phrases.amount(value, parameter.unit)
        basis = self.say.of(BASIS, begun[-1].basis)
        source = begun[-1].source or (self.policy.source if begun[-1].basis == "stated" else None)
        return name, said, str(begun[-1].start), basis, self.say.source(source)

    # ---- decisions

    def decision(self, decision: Decision) -> DecisionText:
        title = decision.title[self.say.tongue] if decision.title is not None else ""
        heading = f"{title} ({decision.name})" if title else decision.name
        match decision.body:
            case Table() as table:
                return DecisionText(heading, self._table(heading, decision.name, table))
            case RelationTable() as relation:
                return DecisionText(heading, self._relation(heading, decision.name, relation))
            case Expression() as expression:
                return DecisionText(heading, expression=self._worded(expression))

    def _table(self, caption: str, name: str, table: Table) -> Grid:
        notes = _note_names(row.notes for row in table.rows)
        header = (
            Cell(self.say("row")),
            *(self._head(i) for i in table.inputs),
            *(Cell(self.say("output", o.name), o.declared) for o in table.outputs),
            *self._note_heads(notes),
        )
        rows = [
            self._row(
                name, row.id, [print_node(c.tree) for c in row.cells] + [o.text for o in row.outputs], row.notes, notes
            )
            for row in table.rows
        ]
        if table.default is not None:
            empty = [Cell("-")] * len(table.inputs)
            values = [Cell("", value.text) for value in table.default]
            values += [Cell()] * (len(table.outputs) - len(values))  # `null` stands for the whole answer
            rows.append(Row((Cell(self.say("otherwise")), *empty, *values, *[Cell()] * len(notes))))
        hit = f"{table.hit} {table.aggregation}" if table.aggregation else table.hit
        return Grid(caption, header, tuple(rows), self.say.of(HIT, hit))

    def _head(self, header: Expression) -> Cell:
        words = self.phrases.text(header.tree)
        return Cell(words, header.text if header.text != words else "")

    def _relation(self, caption: str, name: str, relation: RelationTable) -> Grid:
        notes = _note_names(row.notes for row in relation.rows)
        columns = (Cell(c.name, c.declared) for c in relation.columns)
        header = (Cell(self.say("row")), *columns, *self._note_heads(notes))
        rows = (self._row(name, row.id, [c.text for c in row.cells], row.notes, notes) for row in relation.rows)
        return Grid(caption, header, tuple(rows))

    def _row(self, decision: str, id_: str, cells: Iterable[str], notes: Mapping[str, str], names: list[str]) -> Row:
        fired = (decision, id_) in self.fired
        mark = self.say("fired") if fired else ""
        said = [Cell(self._note(name, notes.get(name, ""))) for name in names]
        return Row((Cell(mark, id_), *(Cell("", text) for text in cells), *said), fired)

    def _note_heads(self, names: list[str]) -> list[Cell]:
        """The headings of the columns marked with `#`; those that the loader knows are translated."""
        return [Cell(self.say(name) if name in ("basis", "source") else name) for name in names]

    def _note(self, name: str, text: str) -> str:
        return self.say.of(BASIS, text) if name == "basis" else text

    # ---- rewards and recommendations

    def rewards(self) -> Grid | None:
        """A row for each declared reward; an `each` is one, whatever the number of rows of its relation."""
        say = self.say
        header = (say("reward"), say("when"), say("amount"), say("claims"), say("exceptions"), say("further"))
        declared: dict[str, list[Reward]] = {}
        for reward in self.policy.rewards:
            declared.setdefault(reward.declaration, []).append(reward)
        rows: list[tuple[object, ...]] = [
            (
                Cell("", "", tuple(one.title[say.tongue] for one in some)),
                self._condition(some[0].when),
                Cell(self._amount(some[0]), some[0].amount.text),
                self._claim(some[0].claim),
                Cell("", "", tuple(map(self._exception, some[0].exceptions))),
                Cell("", "", tuple(self._further(some[0]))),
            )
            for some in declared.values()
        ]
        return grid(say("rewards"), header, rows) if rows else None

    def _amount(self, reward: Reward) -> str:
        words = self.phrases.text(reward.amount.tree)
        unit = "" if reward.unit is None else word(UNIT, reward.unit, self.say.tongue)
        return self.say.bracketed(words, unit) if unit else words

    def _claim(self, claim: Claim) -> str:
        return claim_text(claim.per, claim.on_increase, claim.on_decrease, self.say)

    def _exception(self, exclusion: Exclusion) -> str:
        when = self.phrases.text(exclusion.when.tree)
        basis = self.say.of(BASIS, exclusion.basis)
        return self.say.bracketed(exclusion.text[self.say.tongue].text, f"{when}{self.say.semicolon}{basis}")

    def _further(self, reward: Reward) -> Iterator[str]:
        if reward.row is not None:
            yield self._each(reward.row)
        if reward.stack is not None:
            yield self.say("stack", reward.stack)
        if reward.validity is not None:
            yield self.say("valid_for", reward.validity)
        for name, detail in reward.details.items():
            yield f"{self.phrases.name(name)}{self.say.colon}{self.phrases.text(detail.tree)}"

    def _each(self, row: RowOf) -> str:
        return self.say("each_row", row.relation)

    def advice(self) -> Grid | None:
        say = self.say
        header = (say("text"), say("when"), say("priority"))
        declared: dict[str, Recommendation] = {}
        for one in self.policy.recommendations:
            declared.setdefault(one.declaration, one)
        rows: list[tuple[object, ...]] = [
            (
                Cell(one.text[say.tongue].text, "", () if one.row is None else (self._each(one.row),)),
                self._condition(one.when),
                one.priority,
            )
            for one in declared.values()
        ]
        return grid(say("advice_rules"), header, rows) if rows else None


def claim_text(per: str, on_increase: str, on_decrease: str, say: Say) -> str:
    """The claim of a reward in words."""
    parts = [say.of(PER, per)]
    if per != "none":
        parts += [say.of(ON_INCREASE, on_increase), say.of(ON_DECREASE, on_decrease)]
    return say.semicolon.join(parts)


def _note_names(rows: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for notes in rows for name in notes))
