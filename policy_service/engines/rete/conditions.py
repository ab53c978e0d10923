"""Conditions and rules as the pen takes them, and the shape in which they are emitted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from policy_service.engines.rete.refusals import PenRefusal

MAX_GROUPS = 15  # `$and` and `$or` of one rule; each takes two of 32 places

Op: TypeAlias = Literal["eq", "ne", "lt", "le", "gt", "ge"]
Value: TypeAlias = int | str | bool


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison of a field with a constant; false when the field is absent, also with `ne`."""

    __test__ = False  # it is not a pytest class

    field: str
    op: Op
    value: Value


@dataclass(frozen=True, slots=True)
class Present:
    """True when the fact has the field."""

    field: str


@dataclass(frozen=True, slots=True)
class All:
    """True when every item is."""

    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """True when at least one item is."""

    items: tuple[Condition, ...]


Leaf: TypeAlias = Test | Present
Condition: TypeAlias = Test | Present | All | Either


@dataclass(frozen=True, slots=True)
class PenRule:
    """A name that is reported when the condition holds; rules are reported in the order of their definition."""

    name: str
    condition: Condition


# --- the shape that is emitted


def order_conditions(condition: Condition) -> Condition:
    """The same condition as the engine runs it best: flat, without repetition, the most selective tests first.

    In an `All`: equalities, IN-lists (an `Either` of equalities on one field), presence, then ranges and `ne`, then
    every other `Either`; otherwise in the given order. Equalities on one field exclude each other, so with them in
    front few conditions are true at one time: the stack stays low and less is walked.

    Raises:
        PenRefusal: empty-group; too-many-groups.
    """
    ordered = _normal(condition)
    groups = count_groups(ordered)
    if groups > MAX_GROUPS:
        raise PenRefusal("too-many-groups", f"a condition has {groups} groups, the engine takes {MAX_GROUPS}")
    return ordered


def _normal(condition: Condition) -> Condition:
    if not isinstance(condition, (All, Either)):
        return condition
    kind = type(condition)
    items: dict[object, Condition] = {}
    for item in map(_normal, condition.items):
        for part in item.items if isinstance(item, kind) else (item,):
            # An `Either` that says one thing twice would hold twice and walk everything after it twice.
            items.setdefault(identity(part), part)
    if not items:
        raise PenRefusal("empty-group", f"an empty `{kind.__name__}` says nothing")
    parts = sorted(items.values(), key=_rank) if kind is All else list(items.values())
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def identity(condition: Condition) -> object:
    """Equal for conditions that say the same: Python holds `1 == True`, the engine keeps them apart."""
    if isinstance(condition, Test):
        return condition.field, condition.op, type(condition.value), condition.value
    if isinstance(condition, Present):
        return condition.field
    return type(condition), tuple(map(identity, condition.items))


def _rank(condition: Condition) -> int:
    if isinstance(condition, Test):
        return 0 if condition.op == "eq" else 3
    if isinstance(condition, Present):
        return 2
    return 1 if _is_in_list(condition) else 4


def _is_in_list(condition: Condition) -> bool:
    if not isinstance(condition, Either):
        return False
    tests = [item for item in condition.items if isinstance(item, Test) and item.op == "eq"]
    return len(tests) == len(condition.items) and len({test.field for test in tests}) == 1


def count_groups(condition: Condition) -> int:
    return 1 + sum(map(count_groups, condition.items)) if isinstance(condition, (All, Either)) else 0


def count_paths(condition: Condition) -> int:
    """In how many ways an ordered condition can hold at one time; the rule fires once for each."""
    if isinstance(condition, All):
        paths = 1
        for item in condition.items:
            paths *= count_paths(item)
        return paths
    if isinstance(condition, Either):
        return 1 if _is_in_list(condition) else sum(map(count_paths, condition.items))
    return 1


def _leaves(condition: Condition) -> Iterator[Leaf]:
    if isinstance(condition, (All, Either)):
        for item in condition.items:
            yield from _leaves(item)
    else:
        yield condition


def tests_of(rules: Iterable[PenRule]) -> Iterator[Test]:
    return (leaf for rule in rules for leaf in _leaves(rule.condition) if isinstance(leaf, Test))


def fields_of(rules: Iterable[PenRule]) -> tuple[str, ...]:
    """The fields that the rules read, in order of first use."""
    return tuple(dict.fromkeys(leaf.field for rule in rules for leaf in _leaves(rule.condition)))


def ordered(rules: Iterable[PenRule]) -> list[PenRule]:
    return [replace(rule, condition=order_conditions(rule.condition)) for rule in rules]
