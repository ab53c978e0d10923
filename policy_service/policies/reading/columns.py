"""What the header of a table says: columns with name and type, and the ids of the rows."""

import re

from policy_service.diagnostics import Mapped, Report, Span
from policy_service.diagnostics.catalogue import NAME_CLASH, TABLE_SHAPE, VALUE_INVALID
from policy_service.facts.labels import RESERVED
from policy_service.language import types
from policy_service.language.parser import parse_expression
from policy_service.language.tokens import report_full_width
from policy_service.policies.drafts import BUILTIN_TYPES, DraftColumn, DraftExpression
from policy_service.policies.reading.grid import Grid, TextCell
from policy_service.policies.reading.values import NO_NAME_HINT
from policy_service.sources import NAME

_HEADER = re.compile(
    r"(?:=>\s*)?(?P<name>\S+?)\s*[:：]\s*(?P<type>[a-z][a-z0-9_]*(?:\s*\([^)]*\))?)\s*(?:=\s*(?P<formula>.+))?",
    re.DOTALL,
)
_MEMBERS_HINT = "members are words of letters, digits and `_`, each once: `enum(A, B)`"


def read_type(text: str, span: Span, report: Report) -> types.Type | None:
    """The type; one that has a name is its name alone, to be looked up."""
    kind = types.declared_type(text)
    if kind is None and NAME.fullmatch(text):
        return types.Enum((), text)
    if kind is None:
        hint = _MEMBERS_HINT if text.startswith("enum") else BUILTIN_TYPES
        report.add(VALUE_INVALID, span, f"`{text}` is not a type", hint=hint)
    taken = [m for m in kind.members if m in RESERVED] if isinstance(kind, types.Enum) else []
    for member in taken:
        report.add(NAME_CLASH, span, f"`{member}` already has a meaning in expressions")
    return None if taken else kind


def read_column(cell: TextCell, report: Report) -> DraftColumn | None:
    """A column `name: type`, of a relation also `name: type = formula`."""
    match = _HEADER.fullmatch(report_full_width(cell.text, cell.origin, report))
    if match is None:
        hint = "`name: type`, say `met: boolean`"
        report.add(TABLE_SHAPE, cell.span, f"`{cell.text}` is not a column", hint=hint)
        return None
    place = cell.origin.span(*match.span("name"))
    _check_name(match["name"], place, report)
    type_place = cell.origin.span(*match.span("type"))
    kind = read_type(match["type"], type_place, report)
    formula = _formula(match, cell.origin, report)
    if kind is None or (match["formula"] is not None and formula is None):
        return None
    return DraftColumn(match["name"], kind, str(kind), place, type_place, formula)


def _check_name(name: str, place: Span, report: Report) -> None:
    if name in RESERVED:
        report.add(NAME_CLASH, place, f"`{name}` already has a meaning in expressions")
    elif not NAME.fullmatch(name):
        report.add(VALUE_INVALID, place, f"`{name}` is not a name", hint=NO_NAME_HINT)


def _formula(match: re.Match[str], origin: Mapped, report: Report) -> DraftExpression | None:
    if match["formula"] is None:
        return None
    start, end = match.span("formula")
    tree = parse_expression(match["formula"], origin.slice(start, end), report)
    return DraftExpression(tree, origin.span(start, end)) if tree is not None else None


def check_columns_differ(columns: list[DraftColumn], report: Report) -> None:
    seen: dict[str, Span] = {}
    for column in columns:
        if column.name in seen:
            message = f"column `{column.name}` stands twice"
            report.add(NAME_CLASH, column.span, message, related=[(seen[column.name], "the first one")])
        seen.setdefault(column.name, column.span)


def check_row_ids(grid: Grid, report: Report) -> None:
    if grid.header[0].text != "row":
        report.add(TABLE_SHAPE, grid.header[0].span, "the first column is `row`: the id of each row")
    seen: dict[str, Span] = {}
    for row in grid.rows:
        id_ = row[0]
        if not NAME.fullmatch(id_.text):
            hint = "lower case: `[a-z][a-z0-9_]*`"
            report.add(VALUE_INVALID, id_.span, f"`{id_.text}` is not a row id", hint=hint)
        elif id_.text in seen:
            message = f"row `{id_.text}` stands twice"
            report.add(NAME_CLASH, id_.span, message, related=[(seen[id_.text], "the first one")])
        seen.setdefault(id_.text, id_.span)


def read_notes(grid: Grid, row: tuple[TextCell, ...]) -> dict[str, str]:
    """What a row says in the columns behind a `#`."""
    return {
        header.text.lstrip("# ").strip(): cell.text
        for header, cell in zip(grid.header, row, strict=True)
        if header.text.startswith("#") and cell.text
    }
