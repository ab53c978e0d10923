"""Sides: the values that a cell admits for its input, where its end points are constants.

A row whose sides are all known is a box. Boxes meet where all their sides do, which is certain to be a fault only if
an input reaches the place: see `Reading`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from policy_service.language import typed, types
from policy_service.language.references import Fact, Reference
from policy_service.language.typed import Node

Constants = dict[Reference, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """Values: integers as intervals, as they are written; other values as a set; null apart.

    others: every text but the members is in it.
    """

    intervals: tuple[tuple[int, int], ...] = ()
    members: frozenset[Any] = frozenset()
    null: bool = False
    others: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.intervals or self.members or self.null or self.others)


Sides = list[Side | None]
"""Of each cell of a row; None where a cell is not about constants."""


def join(one: Side, two: Side) -> Side:
    null = one.null or two.null
    if one.others or two.others:
        left_out = meet(_complement_of_texts(one), _complement_of_texts(two)).members
        return Side(members=left_out, null=null, others=True)
    return Side(one.intervals + two.intervals, one.members | two.members, null)


def meet(one: Side, two: Side) -> Side:
    null = one.null and two.null
    if one.others and two.others:
        return Side(members=one.members | two.members, null=null, others=True)
    if one.others or two.others:
        named, rest = (two, one) if one.others else (one, two)
        return Side(members=named.members - rest.members, null=null)
    met = tuple((max(a, c), min(b, d)) for a, b in one.intervals for c, d in two.intervals if max(a, c) <= min(b, d))
    return Side(met, one.members & two.members, null)


def merged(intervals: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """The intervals ascending, with those joined that touch or overlap."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(intervals):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def touch(one: Side, two: Side) -> bool:
    """Whether the sides share nothing but a common end of two ranges."""
    wide = [[(low, high) for low, high in side.intervals if low < high] for side in (one, two)]
    shared = meet(one, two).intervals
    return len(shared) == 1 and any(shared[0] in ((b, c), (d, a)) for a, b in wide[0] for c, d in wide[1])


# ---- cells


def side_of(test: Node, header: Node) -> Side | None:
    """What the condition of a cell admits, its constants bound; None when it is not about constants."""
    domain = _domain(header.type)
    return None if domain is None else _side(test, header, domain)


def _domain(kind: types.Type) -> Side | None:
    match kind:
        case types.Number(low=low, high=high) | types.Date(low, high) | types.Duration(low, high):
            return Side(((low, high),), null=True)
        case types.Boolean():
            return Side(members=frozenset((True, False)), null=True)
        case types.Enum(members):
            return Side(members=frozenset(members), null=True)
        case types.Text():
            return Side(null=True, others=True)
    return None


def _side(test: Node, header: Node, domain: Side) -> Side | None:
    match test:
        case typed.Const(value=True):
            return domain
        case typed.Let():
            return _side(typed.inlined(test), header, domain)
        case typed.Or(operands=operands):
            return _combine([_side(o, header, domain) for o in operands], join)
        case typed.And(operands=operands):
            return _combine([_side(o, header, domain) for o in operands], meet)
        case typed.Not(operand=operand):
            return _complement(_side(operand, header, domain), operand, domain)
        case typed.Compare(operator=operator, left=left, right=typed.Const(value=value)):
            return _compared(operator, left, header, value, domain)
    return None


def _combine(sides: list[Side | None], function: Callable[[Side, Side], Side]) -> Side | None:
    known = [s for s in sides if s is not None]
    return reduce(function, known) if known and len(known) == len(sides) else None


def _compared(operator: str, left: Node, header: Node, value: Any, domain: Side) -> Side | None:
    (operand, factor), (base, own) = typed.unscaled(left), typed.unscaled(header)
    if operand != base:
        return None
    factor //= own
    if value is None:
        return {"=": Side(null=True), "!=": replace(domain, null=False)}.get(operator, Side())
    if not domain.intervals:
        same = Side(members=frozenset((value,)) if domain.others else frozenset((value,)) & domain.members)
        return same if operator == "=" else replace(_without(domain, same), null=True)
    low, high = domain.intervals[0]
    down, up = value // factor, -(-value // factor)
    spans = {
        "<": [(low, up - 1)],
        "<=": [(low, down)],
        ">": [(down + 1, high)],
        ">=": [(up, high)],
        "=": [(up, down)],
        "!=": [(low, up - 1), (down + 1, high)],
    }[operator]
    kept = tuple((max(a, low), min(b, high)) for a, b in spans if max(a, low) <= min(b, high))
    return Side(kept, null=operator == "!=")


def _without(domain: Side, side: Side) -> Side:
    """The members, or texts, of the domain that are not in the side."""
    return _complement_of_texts(side) if domain.others else Side(members=domain.members - side.members)


def _complement_of_texts(side: Side) -> Side:
    return Side(members=side.members, others=not side.others)


def _complement(side: Side | None, operand: Node, domain: Side) -> Side | None:
    if side is None:
        return None
    only_equal = all(not isinstance(n, typed.Compare) or n.operator in ("=", "!=") for n in _nodes(operand))
    null = only_equal and not side.null
    if not domain.intervals:
        return replace(_without(domain, side), null=null)
    gaps, at = [], domain.intervals[0][0]
    for low, high in merged(side.intervals):
        if at < low:
            gaps.append((at, low - 1))
        at = high + 1
    if at <= domain.intervals[0][1]:
        gaps.append((at, domain.intervals[0][1]))
    return Side(tuple(gaps), null=null)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in typed.operands(node):
        yield from _nodes(child)


# ---- what a header reads


@dataclass(frozen=True, slots=True)
class Reading:
    """A header that is one fact, or a number or boolean that goes up or down with it by a fixed measure.

    Its value is `factor` * fact + `shift` in scaled integers, or the negated fact where the factor of a boolean is -1.
    So each value of the fact, null included, gives a value of the header, no two give the same, and which fact gives a
    value is known: a side of the header is brought to the values of the fact (`facts`), where what no input reaches is
    gone. `live.orders * 3` is never 7. Headers that read facts of their own do not depend on each other, hence boxes
    of such sides meet exactly where some input does. Nothing of that holds for a header of several facts, or with
    steps or branches: its bounds may be wider than its values.
    """

    fact: Fact
    domain: Side
    factor: int = 1
    shift: int = 0

    def facts(self, side: Side) -> Side:
        """The values of the fact that give a value of the side."""
        if not self.domain.intervals:
            flipped = frozenset(not m for m in side.members) if self.factor < 0 else side.members
            return meet(Side(members=flipped, null=side.null, others=side.others), self.domain)
        found = []
        for span in side.intervals:
            first, last = sorted(end - self.shift for end in span)
            low, high = (first, last) if self.factor > 0 else (-last, -first)
            size = abs(self.factor)
            found.append((-(-low // size), high // size))
        return meet(Side(tuple((a, b) for a, b in found if a <= b), null=side.null), self.domain)

    def shows(self, side: Side) -> Side:
        """The values of the header that some values of the fact give; the ends alone, which are among them."""
        if not self.domain.intervals:
            flipped = frozenset(not m for m in side.members) if self.factor < 0 else side.members
            return replace(side, members=flipped)
        ends = tuple((self.factor * a + self.shift, self.factor * b + self.shift) for a, b in side.intervals)
        return replace(side, intervals=ends)

    def scaled(self, factor: int) -> "Reading":
        return replace(self, factor=self.factor * factor, shift=self.shift * factor)

    def shifted(self, by: int) -> "Reading":
        return replace(self, shift=self.shift + by)


def reading_of(header: Node, bound: Callable[[Node], Node], decisions: Mapping[Reference, Node]) -> Reading | None:
    """How a header reads its one fact; None where that is not certain.

    Args:
        bound: a node with its constants replaced by their values.
        decisions: what own decisions that are expressions stand for.
    """
    return _reading(bound(header), bound, decisions)


def _reading(node: Node, bound: Callable[[Node], Node], decisions: Mapping[Reference, Node]) -> Reading | None:
    def below(inner: Node) -> Reading | None:
        return _reading(inner, bound, decisions)

    match node:
        case typed.Load(reference=reference) if reference in decisions:
            return below(bound(decisions[reference]))
        case typed.Load(type=kind, reference=Fact() as fact):
            domain = _domain(kind)
            return None if domain is None else Reading(fact, domain)
        case typed.Not(operand=operand):
            found = below(operand)
            return None if found is None else found.scaled(-1)
        case typed.Call(name="days", operands=(operand,)):
            return below(operand)
        case typed.Arithmetic(operator=operator, left=left, right=right):
            return _moved(operator, left, right, below)
    operand, factor = typed.unscaled(node)
    found = None if operand is node else below(operand)
    return None if found is None else found.scaled(factor)


def _moved(operator: str, left: Node, right: Node, below: Callable[[Node], Reading | None]) -> Reading | None:
    """Of a sum, difference or product of a reading and a constant."""
    turned = isinstance(left, typed.Const)
    constant, other = (left, right) if turned else (right, left)
    found = below(other) if isinstance(constant, typed.Const) and constant.value is not None else None
    if found is None or not isinstance(constant, typed.Const):
        return None
    if operator == "*":
        return found.scaled(constant.value) if constant.value else None
    if operator == "+":
        return found.shifted(constant.value)
    return found.scaled(-1).shifted(constant.value) if turned else found.shifted(-constant.value)
