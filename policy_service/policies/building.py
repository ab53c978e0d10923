"""Drafts to the model: names looked up, every expression typed, periods and claims settled."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, TypeVar, cast

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import (
    ANSWER_DUPLICATE,
    CLAIM_INVALID,
    CYCLE,
    HIT_POLICY,
    KEY_MISSING,
    NAME_CLASH,
    NAME_UNKNOWN,
    NUMBER_RANGE,
    NUMBER_UNSOURCED,
    OPTIONAL_UNUSED,
    PARAMETER_UNCOVERED,
    REFERENCE_UNKNOWN,
    SUBJECT_MISMATCH,
    TEXT_MISSING,
    TYPE_MISMATCH,
    UNIT_MISMATCH,
    VALUE_INVALID,
)
from policy_service.facts import FIRST_DAY, LAST_DAY, Dictionary, Labels, NamedTypes
from policy_service.language import ast, references, typed, types
from policy_service.language.typecheck import FAULTY, Scope, check_cell, check_expression, row_scope
from policy_service.language.typed import Load
from policy_service.language.values import parse_date, parse_days, parse_months, parse_number, scaled
from policy_service.policies import drafts, model
from policy_service.policies.drafts import (
    Draft,
    DraftColumn,
    DraftDecision,
    DraftExclusion,
    DraftExpression,
    DraftRelation,
    DraftReward,
    DraftTable,
    DraftTemplate,
)
from policy_service.sources import Form, Text

Declared = TypeVar("Declared", DraftColumn, drafts.DraftParameter)
_HINTS: Mapping[type[types.Type], str] = {
    types.Number: "digits alone, as `1200.5`: at most 15, and no more decimals than declared",
    types.Date: "dates are `2023-04-01`",
    types.Duration: "`P30D` or `P2M`",
    types.Boolean: "`true` or `false`",
}


@dataclass(slots=True)
class Registry:
    """What policies built earlier offer to later ones."""

    dictionary: Dictionary
    named: NamedTypes
    campaigns: Mapping[str, model.Campaign]
    groups: Mapping[str, model.StackingGroup]
    report: Report
    decisions: dict[str, types.Type] = field(default_factory=dict)
    """Type of `policy.decision`; the union over the files of a policy."""
    subjects: dict[str, str] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)
    """`campaign ID`, `group ID`, `policy ID`, `decision ID` with a fault that is told already; `*` is any of them."""

    def is_faulty(self, kind: str, name: str) -> bool:
        return f"{kind} {name}" in self.faulty or f"{kind} *" in self.faulty


def read_period(form: Form, what: str, report: Report) -> model.Period | None:
    """`from` with `to` (exclusive) or `through` (inclusive)."""
    days: dict[str, date] = {}
    for key in ("from", "to", "through"):
        text = form.text(key, required=key == "from")
        if text is None:
            continue
        day = parse_date(text.value)
        if day is None:
            form.invalid(text, f"`{text.value}` is not a date", "dates are `2023-04-01`")
        elif not FIRST_DAY <= day <= LAST_DAY:
            form.invalid(text, f"`{text.value}` lies outside {FIRST_DAY} to {LAST_DAY}", "leave `to` out: no end")
        else:
            days[key] = day
    if form.has("to") and form.has("through"):
        report.add(VALUE_INVALID, form.span, f"{what} has both `to` and `through`")
    end = days.get("to") or (days["through"] + timedelta(days=1) if "through" in days else None)
    if "from" not in days:
        return None
    if end is not None and end <= days["from"]:
        report.add(VALUE_INVALID, form.span, f"{what} ends before it begins")
        return None
    return model.Period(days["from"], end)


def decision_references(tree: ast.Node) -> list[tuple[str, Span]]:
    """Names inside `decision(…)` anywhere below."""
    out = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.function == ast.Name("decision") and node.arguments:
            name = _dotted(node.arguments[0])
            if name:
                out.append((name, node.arguments[0].span))
    return out


def _dotted(node: ast.Node) -> str | None:
    if isinstance(node, ast.Name):
        return node.name
    base = _dotted(node.base) if isinstance(node, ast.Path) else None
    return f"{base}.{cast(ast.Path, node).name}" if base else None


def draft_trees(draft: Draft) -> Iterable[ast.Node]:
    """Every tree of a draft."""
    if draft.applies:
        yield draft.applies.tree
    for decision in draft.decisions.values():
        yield from body_trees(decision.body)
    for reward in draft.rewards:
        exprs = [reward.when, reward.amount, *reward.details.values(), *(e.when for e in reward.exceptions)]
        yield from (e.tree for e in exprs if e is not None)
        for exception in reward.exceptions:
            yield from _text_trees(exception.text)
    for recommendation in draft.recommendations:
        if recommendation.when:
            yield recommendation.when.tree
        for texts in recommendation.texts.values():
            yield from _text_trees(texts)
    for invariant in draft.invariants:
        yield from (e.tree for e in (invariant.target, invariant.low, invariant.high) if e is not None)


def _text_trees(texts: Mapping[str, DraftTemplate]) -> Iterable[ast.Node]:
    for template in texts.values():
        yield from (p.tree for p in template.parts if isinstance(p, DraftExpression))


def body_trees(body: DraftTable | DraftRelation | DraftExpression) -> Iterable[ast.Node]:
    match body:
        case DraftExpression(tree):
            yield tree
        case DraftTable():
            yield from (i.tree for i in body.inputs)
            for row in body.rows:
                yield from (tree for tree, _ in row.cells if tree is not None)
                yield from (o.tree for o in row.outputs if o is not None)
            yield from (d.tree for d in body.default or ())
        case DraftRelation():
            for row in body.rows:
                yield from (o.tree for o in row.outputs if o is not None)


def ordered(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], list[list[str]]]:
    """Names so that each comes after what it needs, and the loops that were met on the way."""
    done: dict[str, None] = {}
    loops: list[list[str]] = []
    for first in needs:
        trail: dict[str, Iterator[str]] = {}
        following: str | None = first
        while following is not None or trail:
            if following is not None and following in trail:
                names = list(trail)
                loops.append([*names[names.index(following) :], following])
            elif following is not None and following in needs and following not in done:
                trail[following] = iter(needs[following])
            top = next(reversed(trail), None)
            following = next(trail[top], None) if top is not None else None
            if following is None and top is not None:
                trail.popitem()
                done[top] = None
    return list(done), loops


def build_policy(draft: Draft, registry: Registry) -> model.Policy | None:
    """The model of one file; None when its period or subject is not known. Faults are reported."""
    return _Builder(draft, registry).build()


def build_exclusion(draft: DraftExclusion, scope: Scope, report: Report) -> model.Exclusion | None:
    when = check_expression(draft.when.tree, scope, report, types.Boolean())
    texts = build_texts(draft.text, scope, report)
    if when is None:
        return None
    condition = model.Expression(draft.when.tree, when, draft.when.span, scope)
    return model.Exclusion(draft.id, condition, texts, draft.basis)


def build_texts(texts: Mapping[str, DraftTemplate], scope: Scope, report: Report) -> model.Texts:
    out = {}
    for tongue in sorted(texts):
        parts: list[str | model.Expression] = []
        for part in texts[tongue].parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            node = check_expression(part.tree, scope, report)
            if node is not None and is_shown(node.type, part.span, report):
                parts.append(model.Expression(part.tree, node, part.span, scope))
        out[tongue] = model.Template(tuple(parts))
    return out


def is_shown(kind: types.Type, span: Span, report: Report) -> bool:
    """Whether all numbers of the type keep the 15 digits that an answer has; else that is told."""
    fits = all(max(abs(n.low), abs(n.high)) <= types.MAX_VALUE for _, n in types.numbers(kind))
    if not fits:
        report.add(
            NUMBER_RANGE,
            span,
            "the value may pass 15 digits",
            hint="narrow the range of the facts, or round to fewer decimals",
        )
    return fits


class _Builder:
    def __init__(self, draft: Draft, registry: Registry) -> None:
        self.draft, self.registry, self.report = draft, registry, registry.report
        self.dictionary = registry.dictionary
        self.names: dict[str, typed.Node] = {}
        self.hidden: dict[str, str] = {}
        self.scope = Scope(self.names, self._other_decision, hidden=self.hidden)
        self.relations: dict[str, types.Relation] = {}
        self.clashing: set[str] = set()
        """Names that are members of an enumeration too; what reads them is not checked."""

    def build(self) -> model.Policy | None:
        draft = self.draft
        effective = self._effective()
        subject = self._subject()
        self._declare(effective, subject)
        parameters = self._parameters(effective.period if effective is not None else None)
        self._apart_from_members()
        decisions = self._decisions()
        applies = self._condition(draft.applies)
        rewards = tuple(r for d in draft.rewards for r in self._rewards(d, effective))
        recommendations = tuple(r for d in draft.recommendations for r in self._recommendations(d))
        self._unique([(r.id, r.span) for r in rewards], "reward")
        self._unique([(r.id, r.span) for r in recommendations], "recommendation")
        needs = self._needs()
        invariants = tuple(i for d in draft.invariants if (i := self._invariant(d)) is not None)
        self._sources(effective)
        self._visible()
        if effective is None or subject is None:
            return None
        policy = model.Policy(
            draft.id,
            draft.file,
            draft.title,
            subject,
            effective,
            draft.basis,
            draft.source,
            draft.owner,
            needs,
            applies,
            frozenset(),
            draft.readings,
            parameters,
            decisions,
            rewards,
            recommendations,
            invariants,
            draft.span,
        )
        return replace(policy, optional=self._optional(policy))

    # ---- frame

    def _subject(self) -> str | None:
        text = self.draft.subject
        if text is None:
            return None
        if text.value in self.dictionary.subjects:
            return text.value
        self.report.add(
            REFERENCE_UNKNOWN,
            text.span,
            f"there is no subject `{text.value}`",
            hint=f"sections with an `id`: {', '.join(self.dictionary.subjects)}",
        )
        return None

    def _effective(self) -> model.Effective | None:
        form = self.draft.effective
        if form is None or form.mapping is None:
            return None
        basis = drafts.read_basis(form, self.draft.basis) or self.draft.basis
        source = drafts.read_source(form) or self.draft.source
        name = form.text("campaign")
        if name is None:
            period = read_period(form, "`effective`", self.report)
            return model.Effective(period, None, basis, source) if period else None
        for key in ("from", "to", "through"):
            if (node := form.node(key)) is not None:
                form.invalid(node, f"`{key}` stands beside `campaign`", "the campaign has the days")
        campaign = self.registry.campaigns.get(name.value)
        if campaign is None and self.registry.is_faulty("campaign", name.value):
            return None
        if campaign is None:
            close = get_close_matches(name.value, list(self.registry.campaigns), 1)
            self.report.add(
                REFERENCE_UNKNOWN,
                name.span,
                f"there is no campaign `{name.value}`",
                hint=f"did you mean `{close[0]}`?" if close else "declare it in campaigns.yaml",
            )
            return None
        return model.Effective(campaign.period, campaign.id, basis, source)

    def _declare(self, effective: model.Effective | None, subject: str | None) -> None:
        for word in (subject,) if subject is not None else self.dictionary.subjects:
            self.names.update(self.dictionary.names(word))
        if subject is not None:
            self.hidden.update(self.dictionary.hidden(subject))
        self.names.update(dict.fromkeys(self.draft.faulty, FAULTY))
        self._apart_from_sections()
        if effective is None:
            self.names.update(dict.fromkeys(("campaign.from", "campaign.to"), FAULTY))
        period = effective.period if effective is not None else model.Period(FIRST_DAY, None)
        last = period.end - timedelta(days=1) if period.end else LAST_DAY
        self.names["as_of"] = Load(types.Date(period.start.toordinal(), last.toordinal()), references.AsOf())
        if effective is not None and effective.campaign is not None and period.end is not None:
            self._declare_campaign_day(references.CampaignDay("from", period.start.toordinal()))
            self._declare_campaign_day(references.CampaignDay("to", period.end.toordinal()))

    def _declare_campaign_day(self, day: references.CampaignDay) -> None:
        self.names[f"campaign.{day.which}"] = Load(types.Date(day.ordinal, day.ordinal), day)

    def _apart_from_sections(self) -> None:
        """`merchant.tier` must be either a fact or a column of a decision, never both."""
        prefixes = self._prefixes()
        for name, span in self._declared_names():
            if name in prefixes:
                self.report.add(NAME_CLASH, span, f"`{name}` already names a section of facts")

    def _apart_from_members(self) -> None:
        """`gold` must be either a name of this file or a member of one of its enumerations, never both."""
        enums = [(kind, span) for kind, span in self._declared_types() if isinstance(kind, types.Enum)]
        for name, span in self._declared_names():
            other = next(((kind, place) for kind, place in enums if name in kind.members), None)
            if other is not None:
                self.clashing.add(name)
                self.report.add(
                    NAME_CLASH,
                    span,
                    f"`{name}` is a member of an enumeration of this file too",
                    related=[(other[1], f"`{other[0]}`")],
                    hint="rename one of them",
                )
        self.names.update(dict.fromkeys(self.clashing, FAULTY))

    def _declared_names(self) -> list[tuple[str, Span]]:
        """Parameters and decisions of this file."""
        parameters = [(p.name, p.span) for p in self.draft.parameters.values()]
        return parameters + [(d.name, d.span) for d in self.draft.decisions.values()]

    def _declared_types(self) -> Iterator[tuple[types.Type, Span]]:
        """Types of parameters, outputs and columns, as they are written."""
        yield from ((p.type, p.span) for p in self.draft.parameters.values())
        for decision in self.draft.decisions.values():
            match decision.body:
                case DraftTable(outputs=columns) | DraftRelation(columns=columns):
                    yield from ((c.type, c.span) for c in columns)

    def _prefixes(self) -> set[str]:
        return {s.prefix for s in self.dictionary.sections.values()}

    def _needs(self) -> tuple[str, ...]:
        out = []
        for text in self.draft.needs:
            section = self.dictionary.sections.get(text.value)
            if section is None or section.element is not None:
                close = get_close_matches(text.value, list(self.dictionary.sections), 1)
                self.report.add(
                    REFERENCE_UNKNOWN,
                    text.span,
                    f"there is no single section `{text.value}`",
                    hint=f"did you mean `{close[0]}`?" if close else None,
                )
            out.append(text.value)
        return tuple(out)

    def _other_decision(self, name: str) -> typed.Node | None:
        """`policy.decision` or `policy.decision.output` of a policy built before."""
        policy, _, last = name.rpartition(".")
        if policy == self.draft.id:
            return None
        if (kind := self.registry.decisions.get(name)) is not None:
            return Load(kind, references.Decision(policy, last))
        kind = self.registry.decisions.get(policy)
        inner = kind.field(last) if isinstance(kind, types.Record) else None
        owner, _, decision = policy.rpartition(".")
        if kind is not None and inner is not None and owner != self.draft.id:
            return typed.Member(inner, Load(kind, references.Decision(owner, decision)), last)
        if any(self.registry.is_faulty("decision", n) for n in (name, policy)) or any(
            self.registry.is_faulty("policy", n) for n in (policy, owner)
        ):
            return FAULTY
        return None

    # ---- parameters

    def _parameters(self, period: model.Period | None) -> dict[str, model.Parameter]:
        out: dict[str, model.Parameter] = {}
        for draft in self.draft.parameters.values():
            known = self._looked_up(draft)
            parameter = self._parameter(known, period) if known is not None else None
            if parameter is None:
                self.names[draft.name] = FAULTY
            else:
                out[draft.name] = parameter
                self.names[draft.name] = Load(parameter.type, references.Parameter(self.draft.id, draft.name))
        return out

    def _parameter(self, draft: drafts.DraftParameter, period: model.Period | None) -> model.Parameter | None:
        values: list[model.DatedValue] = []
        kinds: list[types.Type] = []
        sound = True
        for entry in draft.values:
            start = parse_date(entry.start.value)
            if start is None:
                self.report.add(
                    VALUE_INVALID,
                    entry.start.span,
                    f"`{entry.start.value}` is not a date",
                    hint="dates are `2023-04-01`",
                )
                sound = False
                continue
            if values and start <= values[-1].start:
                self.report.add(VALUE_INVALID, entry.start.span, "the days of dated values ascend")
                sound = False
            value, own = (None, None) if entry.value.is_null else self._constant(entry.value, draft)
            sound = sound and (own is not None or entry.value.is_null)
            if own is not None:
                kinds.append(own)
            values.append(model.DatedValue(start, value, entry.basis, entry.source, entry.value.span))
            if entry.basis == "stated" and entry.source is None and value is not None and not self._unsourced:
                self.report.add(
                    NUMBER_UNSOURCED,
                    entry.value.span,
                    f"`{entry.value.value}` is stated without a source",
                    hint="add `source: {seed, section}`, or `basis: assumed`",
                )
        if sound and not kinds:
            self.report.add(KEY_MISSING, draft.span, f"parameter `{draft.name}` has no value")
        if not sound or not kinds:
            return None
        if period is not None:
            self._covered(draft, values, period)
        kind: types.Type | None = kinds[0]
        for other in kinds[1:]:
            kind = types.union(kind, other) if kind is not None else None
        if kind is None:
            self.report.add(TYPE_MISMATCH, draft.span, f"parameter `{draft.name}` counts now in days, now in months")
            return None
        return model.Parameter(draft.name, kind, draft.unit, tuple(values), draft.declared)

    def _covered(self, draft: drafts.DraftParameter, values: list[model.DatedValue], period: model.Period) -> None:
        if values and values[0].start > period.start:
            self.report.add(
                PARAMETER_UNCOVERED,
                draft.span,
                f"parameter `{draft.name}` has no value before {values[0].start}, the policy begins on {period.start}",
            )
        for entry, following in zip(values, [*values[1:], None], strict=True):
            ends = following.start if following else None
            overlaps = (period.end is None or entry.start < period.end) and (ends is None or ends > period.start)
            if entry.value is None and overlaps:
                self.report.add(
                    PARAMETER_UNCOVERED,
                    draft.span,
                    f"parameter `{draft.name}` ends on {entry.start}, the policy is still in force",
                    hint="end the policy on that day, or give a value",
                )

    def _constant(self, text: Text, draft: drafts.DraftParameter) -> tuple[Any, types.Type | None]:
        value, kind = text.value, draft.type
        match kind:
            case types.Number(scale=scale):
                exact = parse_number(value)
                number = scaled(exact, scale) if exact is not None else None
                if number is not None and abs(number) <= types.MAX_VALUE:
                    return number, types.Number(scale, number, number, draft.unit)
            case types.Boolean() if value in ("true", "false"):
                return value == "true", kind
            case types.Date() if (day := parse_date(value)) is not None:
                return day.toordinal(), types.Date(day.toordinal(), day.toordinal())
            case types.Duration() if (days := parse_days(value)) is not None:
                return days, types.Duration(days, days)
            case types.Duration() if (months := parse_months(value)) is not None:
                return months, types.Months(months, months)
            case types.Text():
                return value, kind
            case types.Enum(members) if value in members:
                return value, kind
        self.report.add(
            VALUE_INVALID, text.span, f"`{value}` does not fit type `{draft.declared}`", hint=_HINTS.get(type(kind))
        )
        return None, None

    # ---- decisions

    def _decisions(self) -> dict[str, model.Decision]:
        drafted = self.draft.decisions
        needs = {
            name: [n for tree in body_trees(d.body) for n in _names(tree) if n in drafted and n not in self.clashing]
            for name, d in drafted.items()
        }
        order, loops = ordered(needs)
        for loop in loops:
            self.report.add(
                CYCLE,
                drafted[loop[0]].span,
                f"decisions need each other: {' -> '.join(loop)}",
                related=[(drafted[n].span, f"`{n}`") for n in loop[1:-1]],
            )
            self.names.update(dict.fromkeys(loop, FAULTY))
        out: dict[str, model.Decision] = {}
        for name in order:
            draft = drafted[name]
            full = f"{self.draft.id}.{name}"
            body, kind = self._body(draft)
            if body is None or kind is None or self.names.get(name) is FAULTY:
                self.names[name] = FAULTY
                continue
            out[name] = model.Decision(name, draft.title, body, kind, draft.span)
            self.names[name] = Load(kind, references.Decision(self.draft.id, name))
            if isinstance(kind, types.Relation):
                self.relations[name] = kind
            else:
                self._offer(full, kind, draft.span)
        self.registry.faulty |= {f"decision {self.draft.id}.{n}" for n, node in self.names.items() if node is FAULTY}
        return out

    def _offer(self, full: str, kind: types.Type, span: Span) -> None:
        known = self.registry.decisions.get(full, kind)
        joined = types.across_files(known, kind)
        apart = _apart(known, kind, joined)
        if joined is None or apart is not None:
            inner = f" in field `{'.'.join(apart.path)}`" if apart is not None and apart.path else ""
            hint = "declare the members once, dated, in types.yaml" if isinstance(kind, types.Enum) else None
            self.report.add(
                TYPE_MISMATCH,
                span,
                f"`{full}` is of another type or unit{inner} in another file of the policy",
                hint=hint,
            )
        else:
            self.registry.decisions[full] = joined
            self.registry.subjects[full.rpartition(".")[0]] = self.draft.subject.value if self.draft.subject else ""

    def _body(
        self, draft: DraftDecision
    ) -> tuple[model.Table | model.RelationTable | model.Expression | None, types.Type | None]:
        match draft.body:
            case DraftExpression():
                found = self._expression(draft.body)
                if found is None:
                    return None, None
                return found, self._profile(found.type, draft.body.span)
            case DraftTable():
                outputs = self._all_looked_up(draft.body.outputs)
                return (None, None) if outputs is None else self._table(replace(draft.body, outputs=outputs))
            case DraftRelation():
                columns = self._all_looked_up(draft.body.columns)
                if columns is None:
                    return None, None
                return self._relation(draft.name, replace(draft.body, columns=columns))

    def _all_looked_up(self, columns: tuple[DraftColumn, ...]) -> tuple[DraftColumn, ...] | None:
        """The columns with their types, if all are known."""
        found = [self._looked_up(column) for column in columns]
        known = tuple(column for column in found if column is not None)
        return known if len(known) == len(columns) else None

    def _looked_up(self, draft: Declared) -> Declared | None:
        """The declaration with the type that its name stands for; None where there is none, which is told."""
        if not isinstance(draft.type, types.Enum) or draft.type.name is None:
            return draft
        found = self.registry.named.by_name.get(draft.type.name)
        if found is not None:
            return replace(draft, type=found.kind)
        if not self.registry.named.is_faulty(draft.type.name):
            self._no_type(draft.type.name, draft.type_span)
        return None

    def _no_type(self, name: str, span: Span) -> None:
        named = tuple(self.registry.named.by_name)
        close = get_close_matches(name, (*named, "integer", "boolean", "date", "duration", "text"), 1)
        hint = f"did you mean `{close[0]}`?" if close else ", ".join((drafts.BUILTIN_TYPES, *named))
        self.report.add(VALUE_INVALID, span, f"`{name}` is not a type", hint=hint)

    def _profile(self, kind: types.Type, span: Span) -> types.Type | None:
        """The type, if an answer can show its values."""
        return kind if is_shown(kind, span, self.report) else None

    def _expression(
        self, draft: DraftExpression | None, scope: Scope | None = None, expected: types.Type | None = None
    ) -> model.Expression | None:
        if draft is None:
            return None
        inside = scope or self.scope
        node = check_expression(draft.tree, inside, self.report, expected)
        return model.Expression(draft.tree, node, draft.span, inside) if node is not None else None

    def _condition(self, draft: DraftExpression | None, scope: Scope | None = None) -> model.Expression | None:
        return self._expression(draft, scope, types.Boolean())

    def _table(self, draft: DraftTable) -> tuple[model.Table | None, types.Type | None]:
        inputs = [self._header(i) for i in draft.inputs]
        rows: list[model.Row] = []
        whole = all(i is not None for i in inputs)
        columns: list[types.Type] = [types.Null() for _ in draft.outputs]
        for row in draft.rows:
            cells = [self._cell(tree, span, header) for (tree, span), header in zip(row.cells, inputs, strict=True)]
            outputs = [self._expression(o, None, c.type) for o, c in zip(row.outputs, draft.outputs, strict=True)]
            columns = self._joined(columns, outputs)
            if whole and all(c is not None for c in cells) and all(o is not None for o in outputs):
                rows.append(
                    model.Row(
                        row.id,
                        tuple(c for c in cells if c is not None),
                        tuple(o for o in outputs if o is not None),
                        row.notes,
                        row.span,
                    )
                )
            else:
                whole = False
            self._row_basis(row.notes, row.span)
        default = [self._expression(d, None, c.type) for d, c in zip(draft.default or (), draft.outputs, strict=False)]
        columns = self._joined(columns, default) if len(default) == len(columns) else columns
        if not whole or any(d is None for d in default):
            return None, None
        outputs_ = tuple(
            model.Output(c.name, _settled(k, c.type), c.declared) for c, k in zip(draft.outputs, columns, strict=True)
        )
        table = model.Table(
            draft.hit,
            draft.aggregation,
            tuple(i for i in inputs if i is not None),
            outputs_,
            tuple(rows),
            tuple(d for d in default if d is not None) if draft.default is not None else None,
        )
        return table, self._table_type(table, draft)

    def _header(self, draft: DraftExpression) -> model.Expression | None:
        """The expression that a column is about; a fired row shows its value."""
        found = self._expression(draft)
        return found if found is not None and self._profile(found.type, draft.span) is not None else None

    def _cell(self, tree: ast.Node | None, span: Span, header: model.Expression | None) -> model.CellTest | None:
        if header is None or not isinstance(tree, ast.Cell):
            return None
        node = check_cell(tree, header.typed, self.scope, self.report)
        return model.CellTest(tree, node, span) if node is not None else None

    def _table_type(self, table: model.Table, draft: DraftTable) -> types.Type | None:
        outputs, most = table.outputs, len(table.rows)
        if table.hit in ("priority", "output order") and not isinstance(outputs[0].type, types.Enum):
            self.report.add(
                HIT_POLICY,
                draft.outputs[0].span,
                f"`{table.hit}` orders by an enum output",
                hint="declare it so: `=> level: enum(S, A, B)`",
            )
            return None
        if draft.default and (table.is_multiple or table.aggregation == "count"):
            nothing = "0" if table.aggregation == "count" else "[]"
            self.report.add(
                HIT_POLICY,
                draft.default[0].span,
                f"`{table.hit}` takes no default: where no row matches it answers `{nothing}`",
            )
            return None
        if table.aggregation and len(outputs) > 1:
            self.report.add(HIT_POLICY, draft.outputs[1].span, f"`collect {table.aggregation}` has one output")
            return None
        first = outputs[0].type
        if table.aggregation == "count":
            return types.Number(0, 0, most)
        if table.aggregation in ("sum", "min", "max"):
            if not isinstance(first, types.Number):
                self.report.add(HIT_POLICY, draft.outputs[0].span, f"`collect {table.aggregation}` is about numbers")
                return None
            if table.aggregation != "sum":
                return first
            total = replace(first, low=min(0, first.low) * most, high=max(0, first.high) * most)
            return self._profile(total, draft.outputs[0].span)
        one: types.Type = first if len(outputs) == 1 else types.Record(tuple((o.name, o.type) for o in outputs))
        return types.List(one, most) if table.is_multiple else one

    def _relation(self, name: str, draft: DraftRelation) -> tuple[model.RelationTable | None, types.Type | None]:
        whole = True
        rows: list[model.RelationRow] = []
        for column in draft.columns:
            if column.name in self.draft.decisions or column.name in self.draft.parameters:
                self.report.add(
                    NAME_CLASH, column.span, f"column `{column.name}` has the name of a parameter or decision"
                )
            if column.name in self._prefixes():
                self.report.add(NAME_CLASH, column.span, f"`{column.name}` already names a section of facts")
        kinds: list[types.Type] = [types.Null() for _ in draft.columns]
        ids = tuple(row.id for row in draft.rows)
        for row in draft.rows:
            cells: list[model.Expression | None] = []
            for index, (cell, column) in enumerate(zip(row.outputs, draft.columns, strict=True)):
                # Columns to the left have the bounds of this row's own cells, so that constants stay constants.
                left = tuple(
                    (c.name, _settled(e.type if e else types.Null(), c.type))
                    for c, e in zip(draft.columns, cells, strict=False)
                )
                shape = types.Relation(self.draft.id, name, ids, left)
                found = self._expression(cell, row_scope(shape, row.id, left, self.scope), column.type)
                whole = whole and found is not None
                kinds[index] = self._joined([kinds[index]], [found])[0]
                cells.append(found)
            rows.append(model.RelationRow(row.id, tuple(c for c in cells if c is not None), row.notes, row.span))
            self._row_basis(row.notes, row.span)
        if not whole:
            return None, None
        final = tuple((c.name, _settled(k, c.type)) for c, k in zip(draft.columns, kinds, strict=True))
        columns = tuple(model.Column(c.name, k, c.declared) for c, (_, k) in zip(draft.columns, final, strict=True))
        kind = types.Relation(self.draft.id, name, ids, final)
        return model.RelationTable(columns, tuple(rows)), kind

    def _joined(self, kinds: list[types.Type], found: Iterable[model.Expression | None]) -> list[types.Type]:
        """The types of columns that held `kinds` so far, with one more cell each."""
        out = []
        for kind, cell in zip(kinds, found, strict=True):
            joined = types.union(kind, cell.type) if cell is not None else kind
            if joined is None and cell is not None and not isinstance(kind, types.Enum):
                self.report.add(UNIT_MISMATCH, cell.span, "the cells of one column have different units")
            out.append(joined or kind)
        return out

    def _row_basis(self, notes: Mapping[str, str], span: Span) -> None:
        basis = notes.get("basis")
        if basis is not None and basis not in ("stated", "assumed"):
            self.report.add(VALUE_INVALID, span, f"`# basis` is `stated` or `assumed`, not `{basis}`")
        if basis == "stated" and self.draft.source is None and "source" not in notes:
            self.report.add(NUMBER_UNSOURCED, span, "a row is stated without a source", hint="add a `# source` column")

    # ---- rewards and recommendations

    def _each(self, each: Text | None) -> types.Relation | None:
        if each is None:
            return None
        relation = self.relations.get(each.value)
        if relation is None and self.names.get(each.value) is not FAULTY:
            self.report.add(REFERENCE_UNKNOWN, each.span, f"`{each.value}` is not a relation of this file")
        return relation

    def _rewards(self, draft: DraftReward, effective: model.Effective | None) -> Iterable[model.Reward]:
        self._claim(draft, effective)
        relation = self._each(draft.each)
        if draft.each is not None and relation is None:
            return
        if relation is None:
            yield from self._reward(draft, draft.name, None, self.scope, draft.titles.get("", {}))
            return
        for row in relation.rows:
            title = draft.titles.get(row) or draft.titles.get("")
            if title is None:
                self.report.add(TEXT_MISSING, draft.span, f"reward `{draft.name}` has no title for row `{row}`")
            scope = row_scope(relation, row, relation.columns, self.scope)
            yield from self._reward(draft, row, model.RowOf(relation.decision, row), scope, title or {})
        self._rows_known(draft.titles, relation, draft.span)

    def _rows_known(self, texts: Mapping[str, object], relation: types.Relation, span: Span) -> None:
        known = {"", *relation.rows}
        for row in texts:
            if row not in known:
                close = get_close_matches(row, relation.rows, 1)
                self.report.add(
                    REFERENCE_UNKNOWN,
                    span,
                    f"relation `{relation.decision}` has no row `{row}`",
                    hint=f"did you mean `{close[0]}`?" if close else None,
                )

    def _reward(
        self, draft: DraftReward, id_: str, row: model.RowOf | None, scope: Scope, title: Labels
    ) -> Iterable[model.Reward]:
        when = self._condition(draft.when, scope)
        amount = self._expression(draft.amount, scope)
        details = {name: e for name, d in draft.details.items() if (e := self._expression(d, scope)) is not None}
        exceptions = [build_exclusion(e, scope, self.report) for e in draft.exceptions]
        self._group(draft)
        for name, detail in details.items():
            self._profile(detail.type, draft.details[name].span)
        if amount is None or (draft.when is not None and when is None):
            return
        kind = amount.type
        if draft.kind == "right" and not isinstance(kind, types.Number | types.Boolean | types.Text | types.Enum):
            self.report.add(TYPE_MISMATCH, draft.amount.span, "the amount of a right is a number, text or condition")
        elif draft.kind != "right" and not isinstance(kind, types.Number):
            self.report.add(TYPE_MISMATCH, draft.amount.span, f"an amount is a number, this is a {types.kind(kind)}")
        if isinstance(kind, types.Number):
            self._profile(kind, draft.amount.span)
            if kind.unit and draft.unit and kind.unit != draft.unit:
                self.report.add(
                    UNIT_MISMATCH, draft.amount.span, f"the amount is in `{kind.unit}`, the reward in `{draft.unit}`"
                )
        yield model.Reward(
            id_,
            draft.name,
            row,
            title,
            draft.kind,
            when,
            amount,
            draft.unit,
            details,
            draft.claim,
            tuple(e for e in exceptions if e is not None),
            draft.stack.value if draft.stack else None,
            draft.priority,
            draft.validity,
            draft.span,
        )

    def _group(self, draft: DraftReward) -> None:
        if draft.stack is None:
            if draft.priority is not None:
                self.report.add(VALUE_INVALID, draft.span, "`priority` of a reward belongs to `stack`")
            return
        group = self.registry.groups.get(draft.stack.value)
        if group is None and self.registry.is_faulty("group", draft.stack.value):
            return
        if group is None:
            self.report.add(
                REFERENCE_UNKNOWN,
                draft.stack.span,
                f"there is no stacking group `{draft.stack.value}`",
                hint="declare it in bundle.yaml under `stacking`",
            )
        elif group.unit != draft.unit:
            self.report.add(
                UNIT_MISMATCH,
                draft.stack.span,
                f"group `{group.id}` joins rewards in `{group.unit}`, this one is in `{draft.unit}`",
            )
        if draft.kind not in model.ADDITIVE_KINDS:
            self.report.add(
                CLAIM_INVALID, draft.stack.span, f"a `{draft.kind}` is a standing answer and does not stack"
            )

    def _claim(self, draft: DraftReward, effective: model.Effective | None) -> None:
        if draft.claim.per == "campaign" and effective is not None and effective.campaign is None:
            self.report.add(
                CLAIM_INVALID,
                draft.span,
                f"reward `{draft.name}` claims per campaign, the policy has none",
                hint="`effective: {campaign: ID}`",
            )
        if draft.claim.per != "none" and draft.kind in model.STANDING_KINDS:
            self.report.add(
                CLAIM_INVALID,
                draft.span,
                f"a `{draft.kind}` is a standing answer, it is never claimed",
                hint="`claim: {per: none}`",
            )

    def _recommendations(self, draft: drafts.DraftRecommendation) -> Iterable[model.Recommendation]:
        relation = self._each(draft.each)
        if draft.each is not None and relation is None:
            return
        rows = relation.rows if relation else ("",)
        for row in rows:
            scope = row_scope(relation, row, relation.columns, self.scope) if relation else self.scope
            texts = draft.texts.get(row) or draft.texts.get("")
            if texts is None:
                self.report.add(TEXT_MISSING, draft.span, f"recommendation `{draft.name}` has no text for row `{row}`")
            when = self._condition(draft.when, scope)
            if draft.when is not None and when is None:
                continue
            yield model.Recommendation(
                row or draft.name,
                draft.name,
                model.RowOf(relation.decision, row) if relation else None,
                when,
                draft.priority,
                build_texts(texts or {}, scope, self.report),
                draft.span,
            )
        if relation:
            self._rows_known(draft.texts, relation, draft.span)

    def _unique(self, answers: list[tuple[str, Span]], what: str) -> None:
        seen: dict[str, Span] = {}
        for id_, span in answers:
            if id_ in seen:
                self.report.add(
                    ANSWER_DUPLICATE,
                    span,
                    f"{what} `{id_}` is given twice in `{self.draft.id}`",
                    related=[(seen[id_], "the first one")],
                )
            seen.setdefault(id_, span)

    def _invariant(self, draft: drafts.DraftInvariant) -> model.Invariant | None:
        target = self._expression(draft.target)
        if target is None:
            return None
        if not isinstance(target.type, types.Number | types.Duration | types.Date):
            self.report.add(
                TYPE_MISMATCH, draft.target.span, f"an invariant is about numbers, this is a {types.kind(target.type)}"
            )
            return None
        low, high = self._expression(draft.low), self._expression(draft.high)
        argument = draft.argument
        known = self.names.get(argument.value) if argument is not None else None
        if argument is not None and not isinstance(known, Load) and known is not FAULTY:
            self.report.add(REFERENCE_UNKNOWN, argument.span, f"`{argument.value}` is not a fact or decision in reach")
        return model.Invariant(
            draft.name,
            "monotone" if draft.form == "monotone" else "bounded",
            target,
            argument.value if argument else None,
            low,
            high,
        )

    # ---- the whole file

    @property
    def _unsourced(self) -> bool:
        """Whether the whole file lacks its source; then that is told once, not for each number."""
        return self.draft.basis == "stated" and self.draft.source is None

    def _sources(self, effective: model.Effective | None) -> None:
        hint = "add `source: {seed, section}`, or `basis: assumed`"
        if self._unsourced:
            self.report.add(NUMBER_UNSOURCED, self.draft.span, "the file is stated without a source", hint=hint)
        elif effective is not None and effective.basis == "stated" and not (effective.source or effective.campaign):
            self.report.add(NUMBER_UNSOURCED, self.draft.span, "the period is stated without a source", hint=hint)

    def _visible(self) -> None:
        """A single subject may not use a product policy's decision."""
        lists = {s.prefix for s in self.dictionary.sections.values() if s.element}
        subject = self.draft.subject.value if self.draft.subject is not None else ""
        for tree in draft_trees(self.draft):
            for name, span in decision_references(tree):
                policy = name.rpartition(".")[0]
                owner = self.registry.subjects.get(policy) or self.registry.subjects.get(policy.rpartition(".")[0], "")
                if owner in lists and owner != subject:
                    self.report.add(
                        SUBJECT_MISMATCH, span, f"`{name}` is judged per {owner}, this policy per {subject}"
                    )

    def _optional(self, policy: model.Policy) -> frozenset[references.Needed]:
        reads = policy.reads()
        found: set[references.Needed] = set()
        for text in self.draft.optional:
            hits = {r for r in reads if fnmatchcase(references.shown(r), text.value)}
            if not hits:
                self._unused(text)
            found |= hits
        return frozenset(found)

    def _unused(self, text: Text) -> None:
        pattern = text.value.removeprefix("decision(").removesuffix(")")
        is_decision = self._other_decision(pattern) is not None
        if "*" in pattern or pattern in self.names or (is_decision and pattern != text.value):
            if any(d.severity == "error" and d.span.file == self.draft.file for d in self.report.diagnostics):
                return
            self.report.add(OPTIONAL_UNUSED, text.span, f"`{text.value}` is optional but never read")
            return
        message = f"`{text.value}` is not declared"
        if any(d.message == message and d.span.file == self.draft.file for d in self.report.diagnostics):
            return
        close = [f"decision({pattern})"] if is_decision else get_close_matches(pattern, list(self.names), 1, 0.75)
        self.report.add(
            NAME_UNKNOWN,
            text.span,
            f"`{text.value}` is not declared",
            hint=f"did you mean `{close[0]}`?" if close else None,
        )


def _names(tree: ast.Node) -> list[str]:
    """Names that stand for values: not those of builtins, nor those inside `decision(…)`."""
    if isinstance(tree, ast.Name):
        return [tree.name]
    if isinstance(tree, ast.Call) and isinstance(tree.function, ast.Name):
        inner = () if tree.function.name == "decision" else tree.arguments
    else:
        inner = ast.children(tree)
    return [name for child in inner for name in _names(child)]


def _apart(one: types.Type, two: types.Type, joined: types.Type | None) -> types.Misfit | None:
    """Where two types differ so that no value of theirs can be read as one of both."""
    if joined is None:
        return types.clash(one, two)
    return types.misfit(one, joined) or types.misfit(two, joined)


def _settled(found: types.Type, declared: types.Type) -> types.Type:
    """The type of a column: as found, unless its cells are all null, texts, or members, whose order is declared."""
    return declared if isinstance(found, types.Null) or isinstance(declared, types.Text | types.Enum) else found
