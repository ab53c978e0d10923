"""What kind of value an expression has. Numbers carry scale, bounds and unit; bounds are scaled integers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

MAX_DIGITS = 15
MAX_SCALE = 6
MAX_VALUE = 10**MAX_DIGITS - 1
INT64 = 2**63 - 1
INT128_SAFE = 10**28 - 1
MAX_LENGTH = 999_999_999
"""Days, or months, of the longest duration: what Python's timedelta holds."""
FIRST_DAY, LAST_DAY = date.min.toordinal(), date.max.toordinal()


@dataclass(frozen=True, slots=True)
class Number:
    """An exact decimal: value = integer / 10**scale, with low <= integer <= high."""

    scale: int
    low: int
    high: int
    unit: str | None = None

    def __str__(self) -> str:
        return "integer" if self.scale == 0 else f"decimal({self.scale})"


@dataclass(frozen=True, slots=True)
class Boolean:
    def __str__(self) -> str:
        return "boolean"


@dataclass(frozen=True, slots=True)
class Text:
    def __str__(self) -> str:
        return "text"


@dataclass(frozen=True, slots=True)
class Enum:
    """A text out of a fixed, ordered set.

    members: of a named one all that belong on some day, those of the last days first.
    name: of a type of types.yaml; two of one name are one type.
    dated: of a named one the members, in order, from each day on; none belongs before the first.
    """

    members: tuple[str, ...]
    name: str | None = None
    dated: tuple[tuple[date, tuple[str, ...]], ...] = ()

    def at(self, day: date) -> tuple[str, ...]:
        """The members that belong on a day, in order."""
        if self.name is None:
            return self.members
        return next((members for start, members in reversed(self.dated) if start <= day), ())

    def __str__(self) -> str:
        return self.name or f"enum({', '.join(self.members)})"


@dataclass(frozen=True, slots=True)
class Date:
    """A day, as its proleptic Gregorian ordinal."""

    low: int = FIRST_DAY
    high: int = LAST_DAY

    def __str__(self) -> str:
        return "date"


@dataclass(frozen=True, slots=True)
class Duration:
    """A whole number of days."""

    low: int
    high: int

    def __str__(self) -> str:
        return "duration"


@dataclass(frozen=True, slots=True)
class Months:
    """A whole number of months: FEEL's years and months duration."""

    low: int
    high: int

    def __str__(self) -> str:
        return "years and months duration"


@dataclass(frozen=True, slots=True)
class Null:
    """The type of the literal `null` alone."""

    def __str__(self) -> str:
        return "null"


@dataclass(frozen=True, slots=True)
class Record:
    """Named values, in order."""

    fields: tuple[tuple[str, "Type"], ...]

    def field(self, name: str) -> "Type | None":
        return dict(self.fields).get(name)

    def __str__(self) -> str:
        return "record"


@dataclass(frozen=True, slots=True)
class List:
    """At most `most` elements of one type."""

    element: "Type"
    most: int

    def __str__(self) -> str:
        return f"list of {self.element}"


@dataclass(frozen=True, slots=True)
class Relation:
    """The value of a relation: its rows by id, fixed when the file is written."""

    policy: str
    decision: str
    rows: tuple[str, ...]
    columns: tuple[tuple[str, "Type"], ...]

    def __str__(self) -> str:
        return "relation"


Type = Number | Boolean | Text | Enum | Date | Duration | Months | Null | Record | List | Relation
_SIMPLE: dict[str, Type] = {"boolean": Boolean(), "text": Text(), "date": Date()}
_DECIMAL = re.compile(r"decimal\(\s*([0-9])\s*\)")
_ENUM = re.compile(r"enum\((.*)\)", re.DOTALL)
MEMBER = re.compile(r"[^\W\d]\w*")
BUILTIN = ("id", "text", "boolean", "date", "duration", "enum", "integer", "decimal")


def declared_type(text: str) -> Type | None:
    """The type that `integer`, `decimal(2)`, `enum(S, A)` and so on declare; None when it is none of them."""
    text = text.strip()
    if text in _SIMPLE:
        return _SIMPLE[text]
    if text == "integer":
        return Number(0, -MAX_VALUE, MAX_VALUE)
    if text == "duration":
        return Duration(-LAST_DAY, LAST_DAY)
    if (match := _DECIMAL.fullmatch(text)) and int(match[1]) <= MAX_SCALE:
        return Number(int(match[1]), -MAX_VALUE, MAX_VALUE)
    if match := _ENUM.fullmatch(text):
        members = tuple(m.strip() for m in match[1].split(","))
        if all(MEMBER.fullmatch(m) for m in members) and len(set(members)) == len(members):
            return Enum(members)
    return None


def union(first: Type, second: Type) -> Type | None:
    """The least type that values of both are brought to, or None when they do not go together.

    Of a text and an enumeration it is the enumeration: `misfit` says whether the text may be none of its members.
    """
    match first, second:
        case Null(), other:
            return other
        case other, Null():
            return other
        case Number(), Number():
            return _number_union(first, second)
        case Date(), Date():
            return Date(min(first.low, second.low), max(first.high, second.high))
        case Duration(), Duration():
            return Duration(min(first.low, second.low), max(first.high, second.high))
        case Months(), Months():
            return Months(min(first.low, second.low), max(first.high, second.high))
        case Enum(), Text():
            return first
        case Text(), Enum():
            return second
        case List(), List():
            element = union(first.element, second.element)
            return List(element, max(first.most, second.most)) if element else None
        case Record(), Record():
            return _record_union(first, second)
    return first if first == second else None


def _number_union(first: Number, second: Number) -> Number | None:
    if first.unit and second.unit and first.unit != second.unit:
        return None
    scale = max(first.scale, second.scale)
    one, two = 10 ** (scale - first.scale), 10 ** (scale - second.scale)
    low, high = min(first.low * one, second.low * two), max(first.high * one, second.high * two)
    return Number(scale, low, high, first.unit or second.unit)


def _record_union(first: Record, second: Record) -> Record | None:
    others = dict(second.fields)
    if dict(first.fields).keys() != others.keys():
        return None
    joined = [(name, union(one, others[name])) for name, one in first.fields]
    return Record(tuple((n, t) for n, t in joined if t is not None)) if all(t for _, t in joined) else None


def across_files(first: Type, second: Type) -> Type | None:
    """The type of a decision of which one file gives the first, another the second: a text may be no member."""
    return union(_with_texts(first, second), _with_texts(second, first))


def _with_texts(type_: Type, other: Type) -> Type:
    """The type with a text in each place where the other has one."""
    match type_, other:
        case Enum(), Text():
            return other
        case List(), List():
            return List(_with_texts(type_.element, other.element), type_.most)
        case Record(), Record():
            return Record(tuple((n, _with_texts(t, other.field(n) or t)) for n, t in type_.fields))
    return type_


def holds(wide: Enum, narrow: Enum) -> bool:
    """Whether each member of one is a member of the other; types of two names are two kinds of things."""
    return wide == narrow if wide.name and narrow.name else set(narrow.members) <= set(wide.members)


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where a type does not go together with another: the fields that lead there, and the two types found there."""

    path: tuple[str, ...]
    found: Type
    wanted: Type

    def below(self, name: str) -> "Misfit":
        return Misfit((name, *self.path), self.found, self.wanted)


def misfit(found: Type, wanted: Type) -> Misfit | None:
    """The first part of a type whose values may lie outside the wanted one; None where all of them lie in it."""
    match found, wanted:
        case List(), List():
            return misfit(found.element, wanted.element)
        case Record(), Record() if dict(found.fields).keys() == dict(wanted.fields).keys():
            others = dict(wanted.fields)
            inner = ((name, misfit(kind_, others[name])) for name, kind_ in found.fields)
            return next((m.below(name) for name, m in inner if m is not None), None)
    return None if _holds(wanted, found) else Misfit((), found, wanted)


def _holds(wanted: Type, found: Type) -> bool:
    match wanted, found:
        case _, Null():
            return True
        case Number(), Number():
            return _holds_number(wanted, found)
        case Enum(), Enum():
            return holds(wanted, found)
        case Text(), Enum():
            return True
        case Record(), Record():
            return False
    return type(wanted) is type(found)


def _holds_number(wanted: Number, found: Number) -> bool:
    if found.scale > wanted.scale or (found.unit and wanted.unit and found.unit != wanted.unit):
        return False
    factor: int = 10 ** (wanted.scale - found.scale)
    return wanted.low <= found.low * factor and found.high * factor <= wanted.high


def clash(first: Type, second: Type) -> Misfit:
    """The innermost part at which two types have no union; asked where `union` is None."""
    match first, second:
        case List(), List():
            return clash(first.element, second.element)
        case Record(), Record():
            others = dict(second.fields)
            for name, one in first.fields:
                if name in others and union(one, others[name]) is None:
                    return clash(one, others[name]).below(name)
    return Misfit((), first, second)


def numbers(kind_: Type, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Number]]:
    """The numbers that a value holds, each with the fields that lead to it."""
    match kind_:
        case Number():
            yield path, kind_
        case List(element=element):
            yield from numbers(element, path)
        case Record(fields=fields):
            for name, field in fields:
                yield from numbers(field, (*path, name))


def is_scalar(kind_: Type) -> bool:
    """Whether a value is a single number, text, day or condition that 64 bits or a text hold."""
    if isinstance(kind_, Number):
        return max(abs(kind_.low), abs(kind_.high)) <= INT64
    return isinstance(kind_, Boolean | Text | Enum | Date | Duration | Months)


def kind(type_: Type) -> str:
    """The word that a message uses for a type."""
    if isinstance(type_, Enum):
        return type_.name or "text"
    return "number" if isinstance(type_, Number) else str(type_)
