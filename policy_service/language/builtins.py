"""The builtins of the rule-file profile: names, what they take, what they mean."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Builtin:
    """One builtin as its page and its diagnostics show it."""

    name: str
    signature: str
    meaning: str


ROUNDINGS = {
    "round up": "up",
    "round down": "down",
    "round half up": "half_up",
    "round half down": "half_down",
    "round half even": "half_even",
    "floor": "floor",
    "ceiling": "ceiling",
}

BUILTINS: dict[str, Builtin] = {
    b.name: b
    for b in (
        Builtin("min", "min(list) or min(a, b, …)", "the least; null of an empty list or with a null element"),
        Builtin("max", "max(list) or max(a, b, …)", "the greatest; null of an empty list or with a null element"),
        Builtin("sum", "sum(list)", "the total; null of an empty list or with a null element"),
        Builtin("count", "count(list)", "how many elements"),
        Builtin("mean", "mean(list)", "the average; stands inside a rounding that names its scale"),
        Builtin("abs", "abs(n)", "the size of a number without its sign"),
        Builtin("floor", "floor(n) or floor(n, scale)", "the greatest number of that scale not above n"),
        Builtin("ceiling", "ceiling(n) or ceiling(n, scale)", "the least number of that scale not below n"),
        Builtin("round up", "round up(n, scale)", "away from zero"),
        Builtin("round down", "round down(n, scale)", "towards zero"),
        Builtin("round half up", "round half up(n, scale)", "to the nearest, a tie away from zero"),
        Builtin("round half down", "round half down(n, scale)", "to the nearest, a tie towards zero"),
        Builtin("round half even", "round half even(n, scale)", "to the nearest, a tie to the even neighbour"),
        Builtin("modulo", "modulo(n, divisor)", "the rest of a division, with the sign of the divisor; null by zero"),
        Builtin("not", "not(condition)", "the opposite; null stays null"),
        Builtin("list contains", "list contains(list, element)", "whether the list holds the element"),
        Builtin("all", "all(list)", "whether every element is true; true of an empty list"),
        Builtin("any", "any(list)", "whether one element is true; false of an empty list"),
        Builtin("contains", "contains(text, part)", "whether the part stands in the text"),
        Builtin("starts with", "starts with(text, part)", "whether the text begins with the part"),
        Builtin("ends with", "ends with(text, part)", "whether the text ends with the part"),
        Builtin("string length", "string length(text)", "how many characters"),
        Builtin("date", 'date("2023-04-01") or date(year, month, day)', "a date; null when there is no such day"),
        Builtin("duration", 'duration("P30D") or duration("P2M")', "a duration of days or of months"),
        Builtin("years and months duration", "years and months duration(from, to)", "whole months between two dates"),
        Builtin("steps", "steps(x, starts, values)", "the value beside the last start <= x; null below the first"),
        Builtin("decision", "decision(family.policy.name)", "another policy's decision; null when that is not applied"),
    )
}

SPACED_NAMES = frozenset(name for name in BUILTINS if " " in name)
