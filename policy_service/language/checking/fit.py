"""Values brought to the type that is expected of them, and the faults of those that do not fit."""

from dataclasses import replace
from difflib import get_close_matches
from typing import cast

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import NAME_UNKNOWN, NUMBER_RANGE, TYPE_MISMATCH, UNIT_MISMATCH
from policy_service.language import bounds, typed, types
from policy_service.language.checking.checker import Checker, Fault
from policy_service.language.checking.numbers import field_words, rescaled
from policy_service.language.typed import Call, Const, If, Item, ListOf, Node
from policy_service.language.types import Enum, List, Number, Text, Type


def fit(checker: Checker, node: Node, expected: Type, span: Span) -> Node:
    """The node brought to an expected type, in lists and records too: a larger scale, a member of an enumeration.

    A list that is written out, and a choice of texts, lists or records, is brought there part by part: constants
    stay constants, and that a text is a member is known of a literal alone.
    """
    found = node.type
    match node:
        case Const(value=text) if isinstance(found, Text) and isinstance(expected, Enum):
            return _fit_member(checker, text, expected, span)
        case ListOf(items=items) if isinstance(expected, List):
            kind = replace(expected, most=cast(List, found).most)
            return ListOf(kind, tuple(Item(i.guard, fit(checker, i.value, kind.element, span)) for i in items))
        case If() if found != expected and isinstance(found, Text | List | types.Record):
            then, otherwise = (fit(checker, n, expected, span) for n in (node.then, node.otherwise))
            return If(expected, node.condition, then, otherwise)
        case Call(name="steps", operands=(value, starts, ListOf(items=items) as values)) if (
            found != expected and isinstance(found, Text | List | types.Record)
        ):
            chosen = fit(checker, values, List(expected, len(items)), span)
            return Call(expected, "steps", (value, starts, chosen))
    if (misfit := types.misfit(found, expected)) is not None:
        raise _misfit(checker, misfit, span)
    if isinstance(found, Number) and isinstance(expected, Number):
        return rescaled(node, expected.scale)
    return typed.converted(node, expected)


def _fit_member(checker: Checker, text: str | None, expected: Enum, span: Span) -> Const:
    if text is not None and text not in expected.members:
        close = get_close_matches(text, expected.members, 1)
        hint = f"did you mean `{close[0]}`?" if close else f"one of {', '.join(expected.members)}"
        raise checker.fail(NAME_UNKNOWN, span, f"`{text}` is not a member of the enumeration", hint)
    return Const(expected, text)


def _misfit(checker: Checker, misfit: types.Misfit, span: Span) -> Fault:
    """The fault of a value that may lie outside its expected type; it names the field where it does."""
    found, expected, where = misfit.found, misfit.wanted, field_words(misfit.path)
    match found, expected:
        case Number(), Number():
            return _misfit_number(checker, found, expected, where, span)
        case types.Record(), types.Record():
            return checker.fail(TYPE_MISMATCH, span, where + _lacking(expected, found))
        case Text(), Enum():
            return checker.fail(
                TYPE_MISMATCH,
                span,
                f"{where}a text may be none of {', '.join(expected.members)}",
                hint=f"declare it `{expected}` too",
            )
        case Enum(), Enum():
            return checker.fail(TYPE_MISMATCH, span, f"{where}{found} does not fit {expected}")
    wanted = "condition" if isinstance(expected, types.Boolean) else types.kind(expected)
    return checker.fail(TYPE_MISMATCH, span, f"{where}a {wanted} is needed, this is a {types.kind(found)}")


def _misfit_number(checker: Checker, found: Number, expected: Number, where: str, span: Span) -> Fault:
    if found.unit and expected.unit and found.unit != expected.unit:
        return checker.fail(UNIT_MISMATCH, span, f"{where}unit `{expected.unit}` is needed, this is `{found.unit}`")
    if found.scale > expected.scale:
        return checker.fail(
            NUMBER_RANGE,
            span,
            f"{where}a number with {found.scale} decimals does not fit `{expected}`",
            hint=f"round it: `round half up(…, {expected.scale})`, or declare more decimals",
        )
    number = bounds.grown(found, expected.scale)
    return checker.fail(
        NUMBER_RANGE,
        span,
        f"{where}values from {_bound(number.low, number)} to {_bound(number.high, number)} do not fit `{expected}`",
    )


def no_common_type(checker: Checker, one: Type, two: Type, names: tuple[str, str], span: Span) -> Fault:
    """The fault of two values that have no type in common; it names the field where they differ."""
    clash = types.clash(one, two)
    first, second, where = clash.found, clash.wanted, field_words(clash.path)
    match first, second:
        case Number(unit=unit), Number(unit=other):
            return checker.fail(UNIT_MISMATCH, span, f"{where}`{unit}` and `{other}` do not add up")
        case types.Record(), types.Record():
            return checker.fail(TYPE_MISMATCH, span, where + _lacking(first, second))
        case Enum(), Enum():
            hint = "two enumerations have no common order: declare the members once, in types.yaml"
            return checker.fail(TYPE_MISMATCH, span, f"{where}{first} and {second} are two enumerations", hint)
    message = f"{where}{names[0]} is a {types.kind(first)}, {names[1]} a {types.kind(second)}"
    return checker.fail(TYPE_MISMATCH, span, message)


def member(checker: Checker, node: Node, other: Type, span: Span) -> Node:
    """A text literal brought to the enumeration that it is compared with."""
    return (
        fit(checker, node, other, span)
        if isinstance(node, Const) and isinstance(node.type, Text) and isinstance(other, Enum)
        else node
    )


def _lacking(one: types.Record, two: types.Record) -> str:
    """What keeps two records apart: the first field that one of them has alone."""
    ones, twos = dict(one.fields), dict(two.fields)
    name = next(n for n in (*ones, *twos) if n not in ones or n not in twos)
    return f"one record has a field `{name}`, the other has none"


def _bound(scaled_value: int, number: Number) -> str:
    sign, digits = ("-" if scaled_value < 0 else ""), str(abs(scaled_value)).rjust(number.scale + 1, "0")
    if not number.scale:
        return sign + digits
    return f"{sign}{digits[: -number.scale]}.{digits[-number.scale :]}"
