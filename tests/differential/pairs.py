"""What the language accepts: each operator, form and builtin with each combination of types of its operands.

Written by hand from the contract and docs/language.md, not from the checker: a test compares it with what the
checker accepts, in both directions. Numbers are named by their decimals, since what goes wrong between two numbers goes
wrong where their scales differ: `integer` has none, `decimal` one to three, `fine` four to six.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

NUMBERS = ("integer", "decimal", "fine")
ORDERED = (*NUMBERS, "date", "duration", "months")
SCALARS = (*ORDERED, "boolean", "text", "enum")
LISTS = tuple(f"list of {kind}" for kind in (*SCALARS, "record", "list of integer", "list of decimal"))
VALUES = (*SCALARS, "record", *LISTS)
KINDS = (*VALUES, "null", "relation", "rows")
"""Every type that an operand may have."""


@dataclass(frozen=True, order=True)
class Pair:
    """A form of the language on operands of some types."""

    form: str
    operands: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.form}({', '.join(self.operands)})"


FORMS = {
    "-x": "-{0}",
    "+": "{0} + {1}",
    "-": "{0} - {1}",
    "*": "{0} * {1}",
    "/": "round half up({0} / {1}, 2)",
    **{operator: f"{{0}} {operator} {{1}}" for operator in ("=", "!=", "<", "<=", ">", ">=")},
    "and": "{0} and {1}",
    "or": "{0} or {1}",
    "not": "not({0})",
    "between": "{0} between {1} and {2}",
    "in value": "{0} in ({1})",
    "in <": "{0} in (< {1})",
    "in range": "{0} in ({1}..{2}]",
    "in list": "{0} in [{1}, {2}]",
    "in mixed": "{0} in ({1}, >= {2}, null)",
    "if": "if {0} then {1} else {2}",
    "list": "[{0}, {1}]",
    ".row": "{0}.row",
    ".row of filtered": "{0}[{1}].row",
    **{f".{part}": f"{{0}}.{part}" for part in ("year", "month", "day", "weekday", "days", "years", "months")},
    **{name: f"{name}({{0}})" for name in ("sum", "count", "abs", "all", "any", "string length")},
    **{f"{name} of a list": f"{name}({{0}})" for name in ("min", "max")},
    **{name: f"{name}({{0}}, {{1}})" for name in ("min", "max")},
    "mean": "round half up(mean({0}), 3)",
    "floor": "floor({0})",
    "ceiling": "ceiling({0})",
    **{f"{name} to 1": f"{name}({{0}}, 1)" for name in ("floor", "ceiling")},
    **{name: f"{name}({{0}}, 1)" for name in (f"round {way}" for way in ("up", "down"))},
    **{name: f"{name}({{0}}, 1)" for name in (f"round half {way}" for way in ("up", "down", "even"))},
    "modulo": "modulo({0}, {1})",
    "list contains": "list contains({0}, {1})",
    **{name: f"{name}({{0}}, {{1}})" for name in ("contains", "starts with", "ends with")},
    "date": "date({0}, {1}, {2})",
    "years and months duration": "years and months duration({0}, {1})",
    "steps": "steps({0}, {1}, {2})",
}
"""How each form is written over its operands."""
FIELDS = {
    "integer": "whole",
    "decimal": "part",
    "fine": "grain",
    "date": "since",
    "duration": "length",
    "boolean": "flag",
    "text": "word",
    "enum": "level",
}
"""The field of that type, of records and relations."""
FORMS |= {f".{kind} field": f"{{0}}.{name}" for kind, name in FIELDS.items()}
CELLS = {
    "cell value": "{0}",
    "cell not(value)": "not({0})",
    "cell !=": "!= {0}",
    "cell null": "null",
    "cell not(null)": "not(null)",
    "cell values": "{0}, {1}",
    "cell value or null": "{0}, null",
    **{f"cell {operator}": f"{operator} {{0}}" for operator in ("<", "<=", ">", ">=")},
    "cell [..]": "[{0}..{1}]",
    "cell (..)": "({0}..{1})",
    "cell mixed": "< {0}, ({1}..{0}], null",
    "cell list": "[{0}, {1}]",
}
"""How each cell is written over its end points; the first operand of a pair is the header."""


def accepted() -> tuple[Pair, ...]:
    """Every pair of the language, each once."""
    return tuple(dict.fromkeys(Pair(form, operands) for form, operands in _accepted()))


def _accepted() -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from _arithmetic()
    yield from _comparisons()
    yield from _conditions()
    yield from _choices()
    yield from _builtins()


def _both(*kinds: str) -> Iterator[tuple[str, str]]:
    return product(kinds, repeat=2)


def _alike(*extra: str) -> Iterator[tuple[str, str]]:
    """Two values of one type; numbers of any scales."""
    yield from _both(*NUMBERS)
    for kind in ("date", "duration", "months", *extra):
        yield kind, kind


def _with_null(*kinds: str) -> Iterator[tuple[str, str]]:
    for kind in kinds:
        yield kind, "null"
        yield "null", kind


def _arithmetic() -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind in (*NUMBERS, "duration", "months", "null"):
        yield "-x", (kind,)
    moves = (("date", "duration"), ("date", "months"))
    for operands in (*_both(*NUMBERS), *moves, *_both("duration"), *_both("months")):
        yield "+", operands
        yield "-", operands
    for one, two in moves:
        yield "+", (two, one)
    yield "-", ("date", "date")
    for operands in _both(*NUMBERS):
        yield "*", operands
        yield "/", operands
        yield "modulo", operands
    for length in ("duration", "months"):
        yield "*", ("integer", length)
        yield "*", (length, "integer")
    for operator in "+-*":
        for operands in (*_with_null(*ORDERED), ("null", "null")):
            if not (operator == "*" and "date" in operands):
                yield operator, operands
    for operands in (*_with_null(*NUMBERS), ("null", "null")):
        yield "/", operands


def _comparisons() -> Iterator[tuple[str, tuple[str, ...]]]:
    for operator in ("=", "!="):
        for operands in (*_alike("boolean", "text", "enum"), ("text", "enum"), ("enum", "text")):
            yield operator, operands
        for operands in (*_with_null(*VALUES), ("null", "null")):
            yield operator, operands
    for operator in ("<", "<=", ">", ">="):
        for operands in _alike():
            yield operator, operands


def _conditions() -> Iterator[tuple[str, tuple[str, ...]]]:
    for operands in (*_both("boolean"), *_with_null("boolean"), ("null", "null")):
        yield "and", operands
        yield "or", operands
    for kind in ("boolean", "null"):
        yield "not", (kind,)
    for one, two in _alike():
        for form in ("between", "in range"):
            yield form, (one, two, two)
            yield form, (one, one, two)
        yield "in <", (one, two)
        yield "in mixed", (one, two, one)
    for one, two in (*_alike("boolean", "text", "enum"), ("text", "enum"), ("enum", "text")):
        yield "in value", (one, two)
        yield "in list", (one, two, two)
    for kind in VALUES:
        yield "in value", (kind, "null")
    for kind in SCALARS:
        yield "in list", (kind, kind, "null")


def _choices() -> Iterator[tuple[str, tuple[str, ...]]]:
    same = (*_alike("boolean", "text", "enum", "record"), ("text", "text"))
    for operands in (*same, *_with_null(*SCALARS, "record")):
        yield "if", ("boolean", *operands)
        yield "list", operands
    for kind in SCALARS:
        yield "if", ("null", kind, kind)
    for operands in (("text", "enum"), ("enum", "text")):
        yield "if", ("boolean", *operands)
        yield "list", operands
    for one, two in _alike("boolean", "text", "enum", "record"):
        yield "if", ("boolean", f"list of {one}", f"list of {two}")
        yield "list", (f"list of {one}", f"list of {two}")
    for one, two in (("list of text", "list of enum"), ("list of enum", "list of text")):
        yield "if", ("boolean", one, two)
        yield "list", (one, two)
    for one, two in _both("list of list of integer", "list of list of decimal"):
        yield "if", ("boolean", one, two)
        yield "list", (one, two)
    for kind in LISTS:
        yield "if", ("boolean", kind, "null")
        yield "if", ("boolean", "null", kind)
        yield "if", ("boolean", kind, kind)
        yield "list", (kind, kind)
        yield "list", (kind, "null")
    yield "list", ("null", "null")


def _builtins() -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind in ORDERED:
        for name in ("min", "max"):
            yield f"{name} of a list", (f"list of {kind}",)
            yield f"{name} of a list", (kind,)
            yield from ((name, operands) for operands in _with_null(kind))
    for operands in _alike():
        yield "min", operands
        yield "max", operands
    for kind in NUMBERS:
        yield "sum", (f"list of {kind}",)
        yield "mean", (f"list of {kind}",)
        yield "sum", (kind,)
        yield "mean", (kind,)
        for name in ("floor", "ceiling", "floor to 1", "ceiling to 1", "round up", "round down"):
            yield name, (kind,)
        for way in ("up", "down", "even"):
            yield f"round half {way}", (kind,)
    for kind in (*NUMBERS, "duration", "months"):
        yield "abs", (kind,)
    for kind in (*LISTS, "relation", "rows"):
        yield "count", (kind,)
    for name in ("all", "any"):
        yield name, ("list of boolean",)
        yield name, ("boolean",)
    for one, two in (*_alike("boolean", "text", "enum"), ("text", "enum"), ("enum", "text")):
        yield "list contains", (f"list of {one}", two)
    for kind in SCALARS:
        yield "list contains", (f"list of {kind}", "null")
    for operands in _both("text", "enum"):
        for name in ("contains", "starts with", "ends with"):
            yield name, operands
    for kind in ("text", "enum"):
        yield "string length", (kind,)
    yield "date", ("integer", "integer", "integer")
    yield "years and months duration", ("date", "date")
    for kind in ORDERED:
        for value in (*SCALARS, "record"):
            yield "steps", (kind, f"list of {kind}", f"list of {value}")
    for one, two in _both(*NUMBERS):
        yield "steps", (one, f"list of {two}", "list of integer")
    yield from _parts()
    yield from _fields()
    yield from _cells()


def _fields() -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind in FIELDS:
        for base in ("record", "list of record", "relation", "rows"):
            yield f".{kind} field", (base,)


def _cells() -> Iterator[tuple[str, tuple[str, ...]]]:
    for kind in VALUES:
        yield "cell null", (kind,)
        yield "cell not(null)", (kind,)
    for one, two in (*_alike("boolean", "text", "enum"), ("text", "enum"), ("enum", "text")):
        for form in ("cell value", "cell not(value)", "cell !=", "cell value or null"):
            yield form, (one, two)
        yield "cell values", (one, two, one)
        yield "cell list", (one, two, one)
    for one, two in _alike():
        for operator in ("<", "<=", ">", ">="):
            yield f"cell {operator}", (one, two)
        for form in ("[..]", "(..)", "mixed"):
            yield f"cell {form}", (one, two, one)


def _parts() -> Iterator[tuple[str, tuple[str, ...]]]:
    for part in ("year", "month", "day", "weekday"):
        yield f".{part}", ("date",)
    yield ".days", ("duration",)
    yield ".years", ("months",)
    yield ".months", ("months",)
    yield ".row", ("relation",)
    yield ".row", ("rows",)
    yield ".row of filtered", ("relation", "boolean")
    yield ".row of filtered", ("rows", "boolean")
