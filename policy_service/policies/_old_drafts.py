"""One rule file read to drafts: keys checked, every expression parsed, no name looked up yet."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import (
    CELL_EMPTY,
    HIT_POLICY,
    KEY_MISSING,
    NAME_CLASH,
    TABLE_SHAPE,
    VALUE_INVALID,
)
from policy_service.facts.labels import RESERVED, Labels, read_labels
from policy_service.language import ast, types
from policy_service.language.parser import parse_cell, parse_expression
from policy_service.language.tokens import half_width, report_full_width
from policy_service.language.values import parse_days, parse_months
from policy_service.policies import model
from policy_service.policies.tables import Grid, TextCell, read_grid
from policy_service.sources import NAME, Form, Node, Text
from policy_service.sources import Mapping as MappingNode

POLICY_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
POLICY_KEYS = (
    "policy",
    "title",
    "subject",
    "effective",
    "source",
    "basis",
    "owner",
    "needs",
    "applies",
    "optional",
    "readings",
    "parameters",
    "decisions",
    "rewards",
    "recommendations",
    "invariants",
)
BUILTIN_TYPES = "one of integer, decimal(0) to decimal(6), boolean, date, duration, text, enum(A, B)"
RESERVED_KEYS = ("budget", "grants", "limits")
_DECISION_KEYS = ("title", "hit", "default", "table", "relation", "expression")
_REWARD_KEYS = (
    "each",
    "title",
    "kind",
    "when",
    "amount",
    "unit",
    "details",
    "claim",
    "except",
    "stack",
    "priority",
    "validity",
)
_RECOMMENDATION_KEYS = ("each", "when", "priority", "text")
_HEADER = re.compile(
    r"(?:=>\s*)?(?P<name>\S+?)\s*[:：]\s*(?P<type>[a-z][a-z0-9_]*(?:\s*\([^)]*\))?)\s*(?:=\s*(?P<formula>.+))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class DraftExpression:
    tree: ast.Node
    span: Span


@dataclass(frozen=True, slots=True)
class DraftTemplate:
    parts: tuple[str | DraftExpression, ...]


@dataclass(frozen=True, slots=True)
class DraftColumn:
    """`type` of a named one is its name alone, to be looked up; it stands at `type_span`."""

    name: str
    type: types.Type
    declared: str
    span: Span
    type_span: Span
    formula: DraftExpression | None = None


@dataclass(frozen=True, slots=True)
class DraftRow:
    id: str
    cells: tuple[tuple[ast.Node | None, Span], ...]
    outputs: tuple[DraftExpression | None, ...]
    notes: Mapping[str, str]
    span: Span


@dataclass(frozen=True, slots=True)
class DraftTable:
    hit: str
    aggregation: str | None
    inputs: tuple[DraftExpression, ...]
    outputs: tuple[DraftColumn, ...]
    rows: tuple[DraftRow, ...]
    default: tuple[DraftExpression, ...] | None
    """One expression for each output; `null` alone says that no answer is meant."""
    span: Span


@dataclass(frozen=True, slots=True)
class DraftRelation:
    columns: tuple[DraftColumn, ...]
    rows: tuple[DraftRow, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DraftDecision:
    name: str
    title: Labels | None
    body: DraftTable | DraftRelation | DraftExpression
    span: Span


@dataclass(frozen=True, slots=True)
class DraftExclusion:
    id: str
    when: DraftExpression
    text: Mapping[str, DraftTemplate]
    basis: model.Basis
    span: Span


@dataclass(frozen=True, slots=True)
class DraftReward:
    name: str
    each: Text | None
    titles: Mapping[str, Labels]
    """By row id; the one of a single reward stands under ``""``."""
    kind: str
    when: DraftExpression | None
    amount: DraftExpression
    unit: str | None
    details: Mapping[str, DraftExpression]
    claim: model.Claim
    exceptions: tuple[DraftExclusion, ...]
    stack: Text | None
    priority: int | None
    validity: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class DraftRecommendation:
    name: str
    each: Text | None
    when: DraftExpression | None
    priority: int
    texts: Mapping[str, Mapping[str, DraftTemplate]]
    span: Span


@dataclass(frozen=True, slots=True)
class DraftValue:
    start: Text
    value: Text
    basis: model.Basis
    source: model.Source | None


@dataclass(frozen=True, slots=True)
class DraftParameter:
    """`type` of a named one is its name alone, to be looked up; it stands at `type_span`."""

    name: str
    type: types.Type
    type_span: Span
    declared: str
    unit: str | None
    values: tuple[DraftValue, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DraftInvariant:
    name: str
    form: str
    target: DraftExpression
    argument: Text | None
    low: DraftExpression | None
    high: DraftExpression | None
    span: Span


@dataclass(slots=True)
class Draft:
    """A policy file as written."""

    id: str
    file: str
    title: Labels
    subject: Text | None
    effective: Form | None
    basis: model.Basis
    source: model.Source | None
    owner: str | None
    needs: tuple[Text, ...]
    applies: DraftExpression | None
    optional: tuple[Text, ...]
    readings: tuple[model.Reading, ...]
    span: Span
    parameters: dict[str, DraftParameter] = field(default_factory=dict)
    decisions: dict[str, DraftDecision] = field(default_factory=dict)
    rewards: list[DraftReward] = field(default_factory=list)
    recommendations: list[DraftRecommendation] = field(default_factory=list)
    invariants: list[DraftInvariant] = field(default_factory=list)
    faulty: set[str] = field(default_factory=set)
    """Names of parameters and decisions whose declaration has a fault."""


def read_source(form: Form) -> model.Source | None:
    """`source: {seed, section}`: where a stated number is from."""
    return {name: text.value for name, text in form.texts("source").items()} or None


def read_basis(form: Form, default: model.Basis | None) -> model.Basis | None:
    word = form.word("basis", ("stated", "assumed"))
    return "stated" if word == "stated" else "assumed" if word == "assumed" else default


def read_draft(file: str, root: Node, report: Report) -> Draft | None:
    """The draft of one policy file; None when it is not even a mapping."""
    return _DraftReader(file, report).read(root)


def read_exclusion(node: Node, what: str, basis: model.Basis, report: Report) -> DraftExclusion | None:
    """`{id, when, text}` of an exception or of a bundle exclusion."""
    form = Form(node, what, report, node.span, ("id", "when", "text", "basis"))
    id_ = form.text("id", required=True)
    when = expression(form.text("when", required=True), report)
    text = read_texts(form.node("text"), what, report, form.span)
    if id_ is None or when is None:
        return None
    checked_name(id_, report)
    return DraftExclusion(id_.value, when, text, read_basis(form, basis) or basis, id_.span)


def expression(text: Text | None, report: Report) -> DraftExpression | None:
    if text is None:
        return None
    tree = parse_expression(text.value, text.origin, report)
    return DraftExpression(tree, text.span) if tree is not None else None


def checked_name(text: Text, report: Report) -> str:
    if not NAME.fullmatch(text.value):
        half = report_full_width(text.value, text.origin, report)
        if half == text.value:
            report.add(
                VALUE_INVALID,
                text.span,
                f"`{text.value}` is not a name",
                hint="names are lower case: `[a-z][a-z0-9_]*`",
            )
    return text.value


def read_texts(node: Node | None, what: str, report: Report, span: Span) -> Mapping[str, DraftTemplate]:
    """A text in zh and en that may hold `{expression}`."""
    read_labels(node, what, report, span, "text")
    if not isinstance(node, MappingNode):
        return {}
    return {
        key.value: _template(value, report)
        for key, value in node
        if isinstance(value, Text) and key.value in ("zh", "en")
    }


def _template(text: Text, report: Report) -> DraftTemplate:
    parts: list[str | DraftExpression] = []
    at, value = 0, text.value
    while (start := value.find("{", at)) >= 0:
        end = _closing(value, start)
        if end < 0:
            report.add(
                VALUE_INVALID,
                text.origin.span(start, start + 1),
                "`{` is never closed",
                hint="an expression in a text stands in `{…}`",
            )
            break
        if start > at:
            parts.append(value[at:start])
        tree = parse_expression(value[start + 1 : end], text.origin.slice(start + 1, end), report)
        if tree is not None:
            parts.append(DraftExpression(tree, text.origin.span(start + 1, end)))
        at = end + 1
    if at < len(value):
        parts.append(value[at:])
    return DraftTemplate(tuple(parts))


def _closing(value: str, start: int) -> int:
    """Offset of the brace that closes the one at start; braces in strings do not count."""
    depth, in_string = 0, False
    for at in range(start, len(value)):
        char = value[at]
        if char == '"' and not (in_string and _is_escaped(value, at)):
            in_string = not in_string
        elif not in_string:
            depth += (char == "{") - (char == "}")
            if depth == 0:
                return at
    return -1


def _is_escaped(value: str, at: int) -> bool:
    before = value[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


class _DraftReader:
    def __init__(self, file: str, report: Report) -> None:
        self.file, self.report = file, report

    def read(self, root: Node) -> Draft | None:
        report = self.report
        form = Form(root, "a policy file", report, root.span, (*POLICY_KEYS, *RESERVED_KEYS))
        if form.mapping is None:
            return None
        for key in RESERVED_KEYS:
            if (node := form.mapping.key(key)) is not None:
                report.add(
                    VALUE_INVALID, node.span, f"`{key}` is reserved", hint="evaluation reads no balance or counter"
                )
        id_ = form.text("policy", required=True)
        subject = form.text("subject", required=True)
        if id_ is not None and not POLICY_ID.fullmatch(id_.value):
            report.add(VALUE_INVALID, id_.span, f"`{id_.value}` is not a policy id", hint="`family.policy`, lower case")
        basis = read_basis(form, None)
        if basis is None and not form.has("basis"):
            report.add(
                KEY_MISSING, form.span, "a policy file lacks `basis`", hint="`stated` with its source, or `assumed`"
            )
        effective = form.node("effective", required=True)
        keys = ("from", "to", "through", "campaign", "basis", "source")
        draft = Draft(
            id_.value if id_ else f"?{self.file}",
            self.file,
            read_labels(form.node("title"), "a policy file", report, form.span, "title"),
            subject,
            Form(effective, "`effective`", report, effective.span, keys) if effective is not None else None,
            basis or "assumed",
            read_source(form),
            form.word("owner"),
            form.words("needs"),
            expression(form.text("applies"), report),
            form.words("optional"),
            self._readings(form),
            id_.span if id_ else form.span,
        )
        self._parameters(form, draft)
        for name, decision in self._named(form, "decisions", _DECISION_KEYS):
            self._decision(name, decision, draft)
        for name, reward in self._named(form, "rewards", _REWARD_KEYS):
            self._reward(name, reward, draft)
        for name, recommendation in self._named(form, "recommendations", _RECOMMENDATION_KEYS):
            self._recommendation(name, recommendation, draft)
        for invariant in form.sequence("invariants"):
            self._invariant(invariant, draft)
        return draft

    def _named(self, form: Form, key: str, inner: tuple[str, ...]) -> tuple[tuple[Text, Node], ...]:
        """Names with what stands below each; none, and one fault, where the names were left out."""
        found = form.entries(key)
        if sum(name.value in inner for name, _ in found) < 2:
            return found
        self.report.add(
            KEY_MISSING, found[0][0].span, f"`{key}` lacks a name", hint=f"`{key}: {{NAME: {{{inner[0]}: …}}}}`"
        )
        return ()

    def _readings(self, form: Form) -> tuple[model.Reading, ...]:
        out = []
        for node in form.sequence("readings"):
            inner = Form(node, "a reading", self.report, node.span, ("id", "basis", "text"))
            id_ = inner.word("id", required=True)
            text = read_labels(inner.node("text"), "a reading", self.report, inner.span)
            out.append(model.Reading(id_ or "", read_basis(inner, "assumed") or "assumed", text))
        return tuple(out)

    def _parameters(self, form: Form, draft: Draft) -> None:
        for key, node in form.entries("parameters"):
            name = self._declared(key)
            before = len(self.report.diagnostics)
            inner = Form(
                node,
                f"parameter `{name}`",
                self.report,
                key.span,
                ("type", "unit", "values", "title", "basis", "source"),
            )
            declared = inner.text("type", required=True)
            kind = self._type(declared.value, declared.span) if declared is not None else None
            basis = read_basis(inner, draft.basis) or draft.basis
            source = read_source(inner) or draft.source
            if inner.has("title"):
                read_labels(inner.node("title"), f"parameter `{name}`", self.report, key.span, "title")
            values = [self._value(n, basis, source) for n in inner.sequence("values", required=True)]
            if kind is None or declared is None or len(self.report.diagnostics) > before:
                draft.faulty.add(name)
            else:
                draft.parameters[name] = DraftParameter(
                    name,
                    kind,
                    declared.span,
                    str(kind) if not isinstance(kind, types.Months) else declared.value,
                    inner.word("unit"),
                    tuple(v for v in values if v is not None),
                    key.span,
                )

    def _value(self, node: Node, basis: model.Basis, source: model.Source | None) -> DraftValue | None:
        form = Form(node, "a dated value", self.report, node.span, ("from", "value", "basis", "source", "note"))
        start, value = form.text("from", required=True), form.text("value", required=True, nullable=True)
        form.text("note")
        if start is None or value is None:
            return None
        return DraftValue(start, value, read_basis(form, basis) or basis, read_source(form) or source)

    def _type(self, written: str, span: Span) -> types.Type | None:
        kind = types.declared_type(written)
        if kind is None and NAME.fullmatch(written):
            return types.Enum((), written)
        if kind is None:
            hint = BUILTIN_TYPES
            if written.startswith("enum"):
                hint = "members are words of letters, digits and `_`, each once: `enum(A, B)`"
            self.report.add(VALUE_INVALID, span, f"`{written}` is not a type", hint=hint)
        taken = [m for m in kind.members if m in RESERVED] if isinstance(kind, types.Enum) else []
        for member in taken:
            self.report.add(NAME_CLASH, span, f"`{member}` already has a meaning in expressions")
        return None if taken else kind

    def _decision(self, key: Text, node: Node, draft: Draft) -> None:
        name = self._declared(key)
        if name in draft.parameters:
            self.report.add(
                NAME_CLASH,
                key.span,
                f"`{name}` is already a parameter",
                related=[(draft.parameters[name].span, "declared here")],
            )
        before = len(self.report.diagnostics)
        decision = self._decision_draft(name, key, node)
        if decision is not None:
            draft.decisions[name] = decision
        if decision is None or len(self.report.diagnostics) > before:
            draft.faulty.add(name)

    def _declared(self, key: Text) -> str:
        """A name for expressions to use: well formed, and without a meaning of its own."""
        if key.value in RESERVED:
            self.report.add(NAME_CLASH, key.span, f"`{key.value}` already has a meaning in expressions")
        return checked_name(key, self.report)

    def _decision_draft(self, name: str, key: Text, node: Node) -> DraftDecision | None:
        form = Form(node, f"decision `{name}`", self.report, key.span, _DECISION_KEYS)
        if form.mapping is None:
            return None
        kinds = [k for k in ("table", "relation", "expression") if form.has(k)]
        if len(kinds) != 1:
            self.report.add(KEY_MISSING, key.span, f"decision `{name}` needs one of `table`, `relation`, `expression`")
            return None
        title_node = form.node("title")
        title = None
        if title_node is not None:
            title = read_labels(title_node, f"decision `{name}`", self.report, key.span, "title")
        body = self._body(name, form, kinds[0])
        return DraftDecision(name, title, body, key.span) if body is not None else None

    def _body(self, name: str, form: Form, kind: str) -> DraftTable | DraftRelation | DraftExpression | None:
        text = form.text(kind)
        for extra in ("hit", "default"):
            if kind != "table" and form.mapping is not None and (at := form.mapping.key(extra)) is not None:
                self.report.add(VALUE_INVALID, at.span, f"`{extra}` belongs to a `table`")
        if text is None:
            return None
        if kind == "expression":
            return expression(text, self.report)
        grid = read_grid(text, f"`{name}`", self.report)
        if grid is None:
            return None
        return self._relation(grid, text.span) if kind == "relation" else self._table(form, grid, text.span)

    # ---- tables

    def _row_ids(self, grid: Grid) -> None:
        if grid.header[0].text != "row":
            self.report.add(TABLE_SHAPE, grid.header[0].span, "the first column is `row`: the id of each row")
        seen: dict[str, Span] = {}
        for row in grid.rows:
            id_ = row[0]
            if not NAME.fullmatch(id_.text):
                self.report.add(
                    VALUE_INVALID, id_.span, f"`{id_.text}` is not a row id", hint="lower case: `[a-z][a-z0-9_]*`"
                )
            elif id_.text in seen:
                self.report.add(
                    NAME_CLASH, id_.span, f"row `{id_.text}` stands twice", related=[(seen[id_.text], "the first one")]
                )
            seen.setdefault(id_.text, id_.span)

    def _notes(self, grid: Grid, row: tuple[TextCell, ...]) -> dict[str, str]:
        return {
            h.text.lstrip("# ").strip(): c.text
            for h, c in zip(grid.header, row, strict=True)
            if h.text.startswith("#") and c.text
        }

    def _table(self, form: Form, grid: Grid, span: Span) -> DraftTable | None:
        self._row_ids(grid)
        hit = self._hit(form)
        roles, inputs, outputs = self._header(grid)
        rows = tuple(self._row(grid, row, roles) for row in grid.rows)
        if "bad" in roles or not outputs:
            return None
        default = self._default(form, outputs)
        return DraftTable(hit[0], hit[1], tuple(inputs), tuple(outputs), rows, default, span)

    def _hit(self, form: Form) -> tuple[str, str | None]:
        """The hit policy, and how a `collect` is summed up; `unique` where it cannot be read."""
        text = form.text("hit", required=True)
        if text is None:
            return "unique", None
        words = " ".join(text.value.split())
        policy, aggregation = words, ""
        if words.startswith("collect"):
            policy, aggregation = "collect", words.removeprefix("collect").strip()
        if policy in model.HIT_POLICIES and (not aggregation or aggregation in model.AGGREGATIONS):
            return policy, aggregation or None
        self.report.add(
            HIT_POLICY,
            text.span,
            f"`{words}` is not a hit policy",
            hint=f"one of {', '.join(model.HIT_POLICIES)}; collect may add sum, min, max or count",
        )
        return "unique", None

    def _header(self, grid: Grid) -> tuple[list[str], list[DraftExpression], list[DraftColumn]]:
        """What each column is, and the inputs and outputs among them."""
        roles: list[str] = []
        inputs: list[DraftExpression] = []
        outputs: list[DraftColumn] = []
        for cell in grid.header[1:]:
            if cell.text.startswith("#"):
                roles.append("note")
            elif half_width(cell.text).startswith("=>"):
                column = self._column(cell)
                roles.append("output" if column else "bad")
                outputs += [column] if column else []
            else:
                tree = parse_expression(cell.text, cell.origin, self.report)
                roles.append("input" if tree is not None else "bad")
                inputs += [DraftExpression(tree, cell.span)] if tree is not None else []
        if not outputs and "bad" not in roles:
            self.report.add(TABLE_SHAPE, grid.header[-1].span, "the table has no output", hint="`=> name: type`")
        self._columns_differ(outputs)
        return roles, inputs, outputs

    def _columns_differ(self, columns: list[DraftColumn]) -> None:
        seen: dict[str, Span] = {}
        for column in columns:
            if column.name in seen:
                self.report.add(
                    NAME_CLASH,
                    column.span,
                    f"column `{column.name}` stands twice",
                    related=[(seen[column.name], "the first one")],
                )
            seen.setdefault(column.name, column.span)

    def _row(self, grid: Grid, row: tuple[TextCell, ...], roles: list[str]) -> DraftRow:
        cells: list[tuple[ast.Node | None, Span]] = []
        outputs: list[DraftExpression | None] = []
        for cell, role in zip(row[1:], roles, strict=True):
            if role in ("input", "output") and not cell.text:
                hint = "`-` matches anything" if role == "input" else "`null` is no answer"
                self.report.add(CELL_EMPTY, cell.span, "the cell is empty", hint=hint)
                cells += [(None, cell.span)] if role == "input" else []
                outputs += [None] if role == "output" else []
            elif role == "input":
                cells.append((parse_cell(cell.text, cell.origin, self.report), cell.span))
            elif role == "output":
                tree = parse_expression(cell.text, cell.origin, self.report)
                outputs.append(DraftExpression(tree, cell.span) if tree is not None else None)
        return DraftRow(row[0].text, tuple(cells), tuple(outputs), self._notes(grid, row), row[0].span)

    def _default(self, form: Form, outputs: list[DraftColumn]) -> tuple[DraftExpression, ...] | None:
        node = form.node("default")
        names = [c.name for c in outputs]
        if node is None:
            return None
        if isinstance(node, Text) and node.is_null:
            return (DraftExpression(ast.NullLiteral(span=node.span), node.span),)
        if isinstance(node, Text) and len(outputs) == 1:
            value = expression(node, self.report)
            return (value,) if value is not None else None
        if not isinstance(node, MappingNode):
            form.invalid(node, "`default` needs a value for each output", f"outputs: {', '.join(names)}")
            return None
        found = {k.value: expression(v, self.report) for k, v in node if isinstance(v, Text)}
        if sorted(found) != sorted(names):
            form.invalid(node, "`default` needs a value for each output", f"outputs: {', '.join(names)}")
            return None
        given = [found[name] for name in names]
        whole = tuple(e for e in given if e is not None)
        return whole if len(whole) == len(given) else None

    def _column(self, cell: TextCell) -> DraftColumn | None:
        text = report_full_width(cell.text, cell.origin, self.report)
        match = _HEADER.fullmatch(text)
        if match is None:
            self.report.add(
                TABLE_SHAPE, cell.span, f"`{cell.text}` is not a column", hint="`name: type`, say `met: boolean`"
            )
            return None
        name, origin = match["name"], cell.origin
        place = origin.span(*match.span("name"))
        if name in RESERVED:
            self.report.add(NAME_CLASH, place, f"`{name}` already has a meaning in expressions")
        elif not NAME.fullmatch(name):
            self.report.add(
                VALUE_INVALID, place, f"`{name}` is not a name", hint="names are lower case: `[a-z][a-z0-9_]*`"
            )
        type_place = origin.span(*match.span("type"))
        kind = self._type(match["type"], type_place)
        if match["formula"] is None:
            return DraftColumn(name, kind, str(kind), place, type_place) if kind is not None else None
        start, end = match.span("formula")
        tree = parse_expression(match["formula"], origin.slice(start, end), self.report)
        if kind is None or tree is None:
            return None
        return DraftColumn(name, kind, str(kind), place, type_place, DraftExpression(tree, origin.span(start, end)))

    def _relation(self, grid: Grid, span: Span) -> DraftRelation | None:
        self._row_ids(grid)
        columns: list[DraftColumn | None] = []
        for cell in grid.header[1:]:
            if not cell.text.startswith("#"):
                columns.append(self._column(cell))
        known = [c for c in columns if c is not None]
        self._columns_differ(known)
        if len(known) < len(columns) or not known:
            if not columns:
                self.report.add(TABLE_SHAPE, grid.header[0].span, "the relation has no column", hint="`name: type`")
            return None
        rows = []
        for row in grid.rows:
            values = [c for h, c in zip(grid.header[1:], row[1:], strict=True) if not h.text.startswith("#")]
            cells = tuple(self._relation_cell(c, column) for c, column in zip(values, known, strict=True))
            rows.append(DraftRow(row[0].text, (), cells, self._notes(grid, row), row[0].span))
        return DraftRelation(tuple(known), tuple(rows), span)

    def _relation_cell(self, cell: TextCell, column: DraftColumn) -> DraftExpression | None:
        if cell.text:
            tree = parse_expression(cell.text, cell.origin, self.report)
            return DraftExpression(tree, cell.span) if tree is not None else None
        if column.formula is None:
            self.report.add(
                CELL_EMPTY,
                cell.span,
                f"the cell of `{column.name}` is empty",
                hint="write a value, or a formula in the header: `name: type = …`",
            )
        return column.formula

    # ---- rewards and recommendations

    def _by_row(self, node: Node | None, each: Text | None) -> list[tuple[str, Node]]:
        """The text node of each row id, or the only one under ``""``."""
        if node is None or each is None or not isinstance(node, MappingNode) or node.get("zh") or node.get("en"):
            return [("", node)] if node is not None else []
        return [(key.value, value) for key, value in node]

    def _reward(self, key: Text, node: Node, draft: Draft) -> None:
        name = checked_name(key, self.report)
        what = f"reward `{name}`"
        form = Form(node, what, self.report, key.span, _REWARD_KEYS)
        each = form.text("each")
        titles = {
            row: read_labels(n, f"{what} row `{row}`" if row else what, self.report, key.span, "title")
            for row, n in self._by_row(form.node("title", required=True), each)
        }
        kind = form.word("kind", (*model.ADDITIVE_KINDS, *model.STANDING_KINDS), required=True)
        amount = expression(form.text("amount", required=True), self.report)
        details = {
            name: e for name, text in form.texts("details").items() if (e := expression(text, self.report)) is not None
        }
        exceptions = [
            read_exclusion(n, f"an exception of {what}", draft.basis, self.report) for n in form.sequence("except")
        ]
        when = expression(form.text("when"), self.report)
        claim = self._claim(form, what)
        unit, stack, priority = form.word("unit"), form.text("stack"), form.integer("priority")
        validity = self._validity(form, what)
        if kind is None or amount is None or claim is None or (when is None and form.has("when")):
            return
        draft.rewards.append(
            DraftReward(
                name,
                each,
                titles,
                kind,
                when,
                amount,
                unit,
                details,
                claim,
                tuple(e for e in exceptions if e is not None),
                stack,
                priority,
                validity,
                key.span,
            )
        )

    def _claim(self, form: Form, what: str) -> model.Claim | None:
        node = form.node("claim", required=True)
        if node is None:
            return None
        inner = Form(node, f"the claim of {what}", self.report, node.span, ("per", "on_increase", "on_decrease"))
        per = inner.word("per", ("once", "campaign", "day", "month", "none"), required=True)
        if per is None:
            return None
        return model.Claim(
            per,  # type: ignore[arg-type]  # `word` gives one of the choices
            inner.word("on_increase", ("top_up", "keep")) or "top_up",
            inner.word("on_decrease", ("keep", "claw_back")) or "keep",
        )

    def _validity(self, form: Form, what: str) -> str | None:
        node = form.node("validity")
        if node is None:
            return None
        inner = Form(node, f"the validity of {what}", self.report, node.span, ("from", "for"))
        inner.word("from", ("as_of",), required=True)
        length = inner.text("for", required=True)
        if length is not None and not _is_validity(length.value):
            inner.invalid(length, f"`{length.value}` is not a duration of up to a hundred years", "`P30D` or `P2M`")
        return length.value if length is not None else None

    def _recommendation(self, key: Text, node: Node, draft: Draft) -> None:
        name = checked_name(key, self.report)
        what = f"recommendation `{name}`"
        form = Form(node, what, self.report, key.span, _RECOMMENDATION_KEYS)
        each = form.text("each")
        texts = {
            row: read_texts(n, f"{what} row `{row}`" if row else what, self.report, key.span)
            for row, n in self._by_row(form.node("text", required=True), each)
        }
        when, priority = expression(form.text("when"), self.report), form.integer("priority", required=True)
        if priority is not None and priority < 1:
            form.invalid(form.node("priority") or node, "`priority` counts from 1", "1 is the most urgent")
        if not form.has("text") or priority is None or (when is None and form.has("when")):
            return
        draft.recommendations.append(DraftRecommendation(name, each, when, priority, texts, key.span))

    def _invariant(self, node: Node, draft: Draft) -> None:
        form = Form(node, "an invariant", self.report, node.span, ("name", "monotone", "in", "bounded", "between"))
        name = form.word("name", required=True) or ""
        kinds = [k for k in ("monotone", "bounded") if form.has(k)]
        if form.mapping is None:
            return
        if len(kinds) != 1:
            self.report.add(KEY_MISSING, form.span, "an invariant needs one of `monotone`, `bounded`")
            return
        target = expression(form.text(kinds[0]), self.report)
        between = form.words("between")
        for end in between:
            if end.is_null:
                form.invalid(end, "an end of `between` has no value")
        ends = [expression(t, self.report) for t in between]
        if target is None or None in ends:
            return
        if kinds[0] == "bounded" and len(ends) != 2:
            self.report.add(VALUE_INVALID, form.span, "`bounded` needs `between: [lowest, highest]`")
            return
        argument = form.text("in", required=kinds[0] == "monotone")
        low, high = ends if len(ends) == 2 else (None, None)
        draft.invariants.append(DraftInvariant(name, kinds[0], target, argument, low, high, form.span))


def _is_validity(text: str) -> bool:
    """Whether a reward can be valid for so long: at least a day, and no day beyond the calendar."""
    days, months = parse_days(text), parse_months(text)
    return 0 < days <= 36_525 if days is not None else months is not None and 0 < months <= 1200
