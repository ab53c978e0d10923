"""Names and paths."""

from difflib import get_close_matches

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import DIVISION_UNROUNDED, NAME_CLASH, NAME_UNKNOWN, SUBJECT_MISMATCH
from policy_service.language import ast, builtins, types
from policy_service.language.checking.checker import Checker, Fault, Ratio, Rows
from policy_service.language.checking.relations import all_rows, projected
from policy_service.language.checking.scope import FAULTY
from policy_service.language.operations import DAY, DAYS, MONTH, MONTHS, WEEKDAY, YEAR, YEARS
from policy_service.language.typed import Const, Member, Node
from policy_service.language.types import Date, Duration, Enum, List, Months, Relation, Type

_OF_DATE = {"year": YEAR, "month": MONTH, "day": DAY, "weekday": WEEKDAY}
_OF_MONTHS = {"years": YEARS, "months": MONTHS}


def named(checker: Checker, name: str, span: Span, expected: Type | None) -> Node:
    found = known(checker, name)
    if isinstance(expected, Enum) and name in expected.members:
        if found is None:
            return Const(expected, name)
        hint = f'write the member in quotes: `"{name}"`, and rename what is not meant'
        raise checker.fail(NAME_CLASH, span, f"`{name}` is a name in reach, and a member of `{expected}`", hint)
    if found is not None:
        return found
    raise undeclared(checker, name, span, expected)


def known(checker: Checker, name: str) -> Node | None:
    found = checker.scope.find(name)
    if found is FAULTY:
        raise Fault
    return found


def undeclared(checker: Checker, name: str, span: Span, expected: Type | None = None) -> Fault:
    if name in checker.scope.hidden:
        return checker.fail(SUBJECT_MISMATCH, span, f"`{name}` {checker.scope.hidden[name]}")
    names = [*checker.scope.all_names(), *(expected.members if isinstance(expected, Enum) else ())]
    close = get_close_matches(name, names, 1, 0.75)
    hint = f"did you mean `{close[0]}`?" if close else None
    if name in builtins.BUILTINS:
        hint = f"`{name}` is a builtin: {builtins.BUILTINS[name].signature}"
    checker.scope.undeclared.add(name)
    return checker.fail(NAME_UNKNOWN, span, f"`{name}` is not declared", hint)


def path(checker: Checker, node: ast.Path) -> Node:
    dotted = ast.dotted(node)
    if dotted and (found := known(checker, dotted)) is not None:
        return found
    if isinstance(node.base, ast.Name) and known(checker, node.base.name) is None:
        raise undeclared(checker, dotted or node.name, node.span)
    base = checker.any_value(node.base)
    if isinstance(base, Ratio):
        raise checker.fail(DIVISION_UNROUNDED, node.base.span, "a quotient has no fields")
    if isinstance(base, Rows) or isinstance(base.type, Relation):
        return projected(checker, all_rows(base), node.name, node.span)
    return _part(checker, base, node.name, node.span)


def _part(checker: Checker, base: Node, name: str, span: Span) -> Node:
    """A part of a date or duration, or a field of a record or of each record of a list."""
    match base.type:
        case Date() if name in _OF_DATE:
            return _OF_DATE[name].call(base)
        case Duration() if name == "days":
            return DAYS.call(base)
        case Months() if name in _OF_MONTHS:
            return _OF_MONTHS[name].call(base)
        case types.Record() as record if (kind := record.field(name)) is not None:
            return Member(kind, base, name)
        case List(types.Record() as record, most) if (kind := record.field(name)) is not None:
            return Member(List(kind, most), base, name)
    raise checker.fail(NAME_UNKNOWN, span, f"a {types.kind(base.type)} has no `.{name}`")
