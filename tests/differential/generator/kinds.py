"""What the generator knows of a value: its type with its bounds; and how constants are written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from policy_service.language.values import days_text

LIMIT = 10**15 - 1
INSIDE = 10**27
UNITS = ("hour", "yuan", "order")
TEXTS = ("", "a", "ab", "b a", "a|b", "开播", 'say "a"', "back\\slash", "Ab", "😀", "a\nb", "a\tb", "/\\/", "\u2028x")
ENUMS = (("S", "A", "B", "C", "D"), ("low", "mid", "high"), ("D", "C", "B", "A"), ("new", "old"))
DAYS = (
    "2022-12-31",
    "2023-01-01",
    "2023-03-01",
    "2023-03-30",
    "2023-03-31",
    "2023-04-15",
    "2023-04-16",
    "2023-07-01",
    "2023-12-31",
    "2024-01-01",
    "2024-02-29",
)
CAMPAIGNS = {"spring": ("2023-03-30", "2023-04-16"), "summer": ("2023-07-01", "2024-02-29")}
MIDDLES = ("2023-03-31", "2023-04-16")
WORDS = ("alpha", "beta", "gamma", "delta", "kappa", "omega", "sigma", "theta", "zeta")
HITS = (
    "unique",
    "any",
    "first",
    "priority",
    "rule order",
    "output order",
    "collect",
    "collect sum",
    "collect min",
    "collect max",
    "collect count",
)
ROUNDINGS = ("round up", "round down", "round half up", "round half down", "round half even", "floor", "ceiling")
ADDITIVE = ("traffic_coupon", "traffic_hours", "cash", "rebate", "coupon")
LABEL = {"zh": "标题", "en": "Title"}


@dataclass(frozen=True)
class Kind:
    """A type with its bounds: enough to keep what is written inside the profile.

    low, high: scaled integers of a number, day ordinals of a date.
    fields: outputs of a record, or columns of a relation.
    """

    name: str
    scale: int = 0
    low: int = 0
    high: int = 0
    unit: str | None = None
    members: tuple[str, ...] = ()
    most: int = 0
    element: Kind | None = None
    fields: tuple[tuple[str, Kind], ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """A name in reach, and values around which something happens: scaled integers, or texts of expressions."""

    text: str
    kind: Kind
    edges: tuple[Any, ...] = ()


Value = tuple[str, Kind]
MOVING = re.compile(r"\.[a-f]\d|\b(exp|tab)\d|\.p\d")
"""In the text of an expression: a fact or decision, so that nobody knows its value beforehand."""
BOOLEAN, TEXT = Kind("boolean"), Kind("text")
ANY_UNIT: frozenset[str | None] = frozenset((None, "day", *UNITS))


def ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def number_text(value: int, scale: int) -> str:
    """A scaled integer as a literal, shortest."""
    text = f"{Decimal(value).scaleb(-scale):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quoted(text: str) -> str:
    """A text as FEEL writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\u2028", "\\u2028")  # which YAML takes for the end of a line


def day_text(day: int) -> str:
    return f'date("{date.fromordinal(day).isoformat()}")'


def length_text(days: int) -> str:
    return f'duration("{days_text(days)}")'


def is_open(kind: Kind) -> bool:
    """Whether a value of the kind can be one thing or another."""
    return kind.name not in ("number", "date", "duration", "months") or kind.low < kind.high


def bare(text: str) -> str:
    """The text without parentheses around all of it."""
    depth, in_string = 0, False
    for at, char in enumerate(text):
        if char == '"' and text[at - 1] != "\\":
            in_string = not in_string
        elif not in_string:
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return text[1:-1] if at == len(text) - 1 and text[0] == "(" else text
    return text


def times(one: tuple[int, int], two: tuple[int, int]) -> tuple[int, int]:
    corners = [a * b for a in one for b in two]
    return min(corners), max(corners)


def grown(kind: Kind, decimals: int) -> Kind:
    """A number with more decimals."""
    ten = 10**decimals
    return replace(kind, scale=kind.scale + decimals, low=kind.low * ten, high=kind.high * ten)


@dataclass(frozen=True)
class Ratio:
    """Bounds of a quotient of two integers, inside a rounding."""

    text: str
    above: tuple[int, int]
    below: tuple[int, int]
    unit: str | None


@dataclass
class Offer:
    """A decision that other policies may use."""

    policy: str
    subject: str
    known: Known


@dataclass(frozen=True)
class Size:
    """How much a folder holds."""

    policies: int = 5
    decisions: int = 5
    rows: int = 5
    depth: int = 3


LARGE = Size(policies=6, decisions=7, rows=25, depth=4)
