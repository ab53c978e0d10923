"""The set of values that a cell admits for its input, where its end points are constants.

A row whose value sets are all known is a box: it admits the inputs that lie in all of them. Two boxes have a point in
common where all their value sets have; that some input reaches the point is certain only for a `LinearHeader`.
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
class ValueSet:
    """Values of one input.

    intervals: of numbers, dates and durations, as scaled integers with both ends included; in the order of writing.
    members: of booleans, enumerations and texts.
    null: whether null is in it.
    others: every text but the members is in it.
    """

    intervals: tuple[tuple[int, int], ...] = ()
    members: frozenset[Any] = frozenset()
    null: bool = False
    others: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.intervals or self.members or self.null or self.others)


def union(one: ValueSet, two: ValueSet) -> ValueSet:
    null = one.null or two.null
    if one.others or two.others:
        left_out = intersection(_complement_of_texts(one), _complement_of_texts(two)).members
        return ValueSet(members=left_out, null=null, others=True)
    return ValueSet(one.intervals + two.intervals, one.members | two.members, null)


def intersection(one: ValueSet, two: ValueSet) -> ValueSet:
    null = one.null and two.null
    if one.others and two.others:
        return ValueSet(members=one.members | two.members, null=null, others=True)
    if one.others or two.others:
        named, rest = (two, one) if one.others else (one, two)
        return ValueSet(members=named.members - rest.members, null=null)
    met = tuple((max(a, c), min(b, d)) for a, b in one.intervals for c, d in two.intervals if max(a, c) <= min(b, d))
    return ValueSet(met, one.members & two.members, null)


def joined_intervals(intervals: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """The intervals ascending, with those joined that touch or overlap."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(intervals):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def share_only_an_end(one: ValueSet, two: ValueSet) -> bool:
    """Whether two sets have nothing in common but the end of one range, which is the start of another."""
    wide = [[(low, high) for low, high in values.intervals if low < high] for values in (one, two)]
    shared = intersection(one, two).intervals
    return len(shared) == 1 and any(shared[0] in ((b, c), (d, a)) for a, b in wide[0] for c, d in wide[1])


# ---- cells


def values_admitted(test: Node, header: Node) -> ValueSet | None:
    """What the condition of a cell admits, its constants bound; None when it is not about constants."""
    domain = _domain(header.type)
    return None if domain is None else _admitted(test, header, domain)


def _domain(kind: types.Type) -> ValueSet | None:
    match kind:
        case types.Number(low=low, high=high) | types.Date(low, high) | types.Duration(low, high):
            return ValueSet(((low, high),), null=True)
        case types.Boolean():
            return ValueSet(members=frozenset((True, False)), null=True)
        case types.Enum(members):
            return ValueSet(members=frozenset(members), null=True)
        case types.Text():
            return ValueSet(null=True, others=True)
    return None


def _admitted(test: Node, header: Node, domain: ValueSet) -> ValueSet | None:
    match test:
        case typed.Const(value=True):
            return domain
        case typed.Let():
            return _admitted(typed.inlined(test), header, domain)
        case typed.Or(operands=operands):
            return _combine([_admitted(o, header, domain) for o in operands], union)
        case typed.And(operands=operands):
            return _combine([_admitted(o, header, domain) for o in operands], intersection)
        case typed.Not(operand=operand):
            return _complement(_admitted(operand, header, domain), operand, domain)
        case typed.Compare(operator=operator, left=left, right=typed.Const(value=value)):
            return _compared(operator, left, header, value, domain)
    return None


def _combine(sets: list[ValueSet | None], function: Callable[[ValueSet, ValueSet], ValueSet]) -> ValueSet | None:
    known = [s for s in sets if s is not None]
    return reduce(function, known) if known and len(known) == len(sets) else None


def _compared(operator: str, left: Node, header: Node, value: Any, domain: ValueSet) -> ValueSet | None:
    (operand, factor), (base, own) = typed.unscaled(left), typed.unscaled(header)
    if operand != base:
        return None
    factor //= own
    if value is None:
        return {"=": ValueSet(null=True), "!=": replace(domain, null=False)}.get(operator, ValueSet())
    if not domain.intervals:
        same = ValueSet(members=frozenset((value,)) if domain.others else frozenset((value,)) & domain.members)
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
    return ValueSet(kept, null=operator == "!=")


def _without(domain: ValueSet, one_set: ValueSet) -> ValueSet:
    """The members, or texts, of the domain that are not in the one_set."""
    return _complement_of_texts(one_set) if domain.others else ValueSet(members=domain.members - one_set.members)


def _complement_of_texts(one_set: ValueSet) -> ValueSet:
    return ValueSet(members=one_set.members, others=not one_set.others)


def _complement(one_set: ValueSet | None, operand: Node, domain: ValueSet) -> ValueSet | None:
    if one_set is None:
        return None
    only_equal = all(not isinstance(n, typed.Compare) or n.operator in ("=", "!=") for n in _nodes(operand))
    null = only_equal and not one_set.null
    if not domain.intervals:
        return replace(_without(domain, one_set), null=null)
    gaps, at = [], domain.intervals[0][0]
    for low, high in joined_intervals(one_set.intervals):
        if at < low:
            gaps.append((at, low - 1))
        at = high + 1
    if at <= domain.intervals[0][1]:
        gaps.append((at, domain.intervals[0][1]))
    return ValueSet(tuple(gaps), null=null)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in typed.operands(node):
        yield from _nodes(child)


# ---- what a header reads


@dataclass(frozen=True, slots=True)
class LinearHeader:
    """A header that is a linear function of one fact: `factor` * fact + `shift`, in scaled integers.

    A boolean header is its fact, or where the factor is -1 the negated fact. Such a function has an inverse: two values
    of the fact never give the same value of the header, and null gives null. So the values that a row admits for the
    header can be brought back to values of the fact (`facts`), and what no input reaches is left out:
    `live.orders * 3` is never 7. Headers that read different facts are independent, hence boxes over such headers have
    a point in common exactly where some input has. None of that holds for a header of several facts, or with steps or
    branches, whose bounds may be wider than its values.
    """

    fact: Fact
    domain: ValueSet
    factor: int = 1
    shift: int = 0

    def facts(self, values: ValueSet) -> ValueSet:
        """The values of the fact for which the header is in the set."""
        if not self.domain.intervals:
            flipped = frozenset(not m for m in values.members) if self.factor < 0 else values.members
            return intersection(ValueSet(members=flipped, null=values.null, others=values.others), self.domain)
        found = []
        for span in values.intervals:
            first, last = sorted(end - self.shift for end in span)
            low, high = (first, last) if self.factor > 0 else (-last, -first)
            size = abs(self.factor)
            found.append((-(-low // size), high // size))
        return intersection(ValueSet(tuple((a, b) for a, b in found if a <= b), null=values.null), self.domain)

    def shows(self, values: ValueSet) -> ValueSet:
        """The values of the header that some values of the fact give; the ends alone, which are among them."""
        if not self.domain.intervals:
            flipped = frozenset(not m for m in values.members) if self.factor < 0 else values.members
            return replace(values, members=flipped)
        ends = tuple((self.factor * a + self.shift, self.factor * b + self.shift) for a, b in values.intervals)
        return replace(values, intervals=ends)

    def scaled(self, factor: int) -> "LinearHeader":
        return replace(self, factor=self.factor * factor, shift=self.shift * factor)

    def shifted(self, by: int) -> "LinearHeader":
        return replace(self, shift=self.shift + by)


def linear_header(
    header: Node, bound: Callable[[Node], Node], decisions: Mapping[Reference, Node]
) -> LinearHeader | None:
    """How a header reads its one fact; None where that is not certain.

    Args:
        bound: a node with its constants replaced by their values.
        decisions: what own decisions that are expressions stand for.
    """
    return _linear(bound(header), bound, decisions)


def _linear(node: Node, bound: Callable[[Node], Node], decisions: Mapping[Reference, Node]) -> LinearHeader | None:
    def below(inner: Node) -> LinearHeader | None:
        return _linear(inner, bound, decisions)

    match node:
        case typed.Load(reference=reference) if reference in decisions:
            return below(bound(decisions[reference]))
        case typed.Load(type=kind, reference=Fact() as fact):
            domain = _domain(kind)
            return None if domain is None else LinearHeader(fact, domain)
        case typed.Not(operand=operand):
            found = below(operand)
            return None if found is None else found.scaled(-1)
        case typed.Call(name="days", operands=(operand,)):
            return below(operand)
        case typed.Arithmetic(operator=operator, left=left, right=right):
            return _shifted_or_scaled(operator, left, right, below)
    operand, factor = typed.unscaled(node)
    found = None if operand is node else below(operand)
    return None if found is None else found.scaled(factor)


def _shifted_or_scaled(
    operator: str, left: Node, right: Node, below: Callable[[Node], LinearHeader | None]
) -> LinearHeader | None:
    """A sum, difference or product of a linear header and a constant."""
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
