"""An index of boxes: which of very many rows intersect or cover a row, without comparing each with each.

The values of an input are cut where a row begins or ceases to admit them. For each interval between two cuts a bit set
holds the rows that admit it; a segment tree over the intervals combines those of a range. A query combines a few bit
sets for each input, so a row costs the logarithm of the rows of a block, and a bit for every row.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import and_, or_
from typing import Any

from policy_service.policies.boxes.values import ValueSet, joined_intervals

_BLOCK = 1024
"""Rows whose bits stand in one number: memory grows with the rows of a block, not with all of them."""
_ALL = -1
Box = Sequence[ValueSet]
Spans = list[tuple[int, int]]


class Rows:
    """Boxes of rows by their number."""

    def __init__(self, boxes: Mapping[int, Box]) -> None:
        numbers = sorted(boxes)
        parts = [numbers[at : at + _BLOCK] for at in range(0, len(numbers), _BLOCK)]
        self._blocks = [_Block(part, [boxes[number] for number in part]) for part in parts]

    def intersecting(self, box: Box, before: int | None = None) -> Iterator[tuple[Sequence[int], int]]:
        """The rows that share a value with the box, by block: the numbers of its rows, and the bits of those found.

        Args:
            before: only rows with lower numbers.
        """
        return self._query(box, before, _Block.intersecting)

    def covering(self, box: Box, before: int) -> Iterator[tuple[Sequence[int], int]]:
        """Likewise the rows that admit all values of the box."""
        return self._query(box, before, _Block.covering)

    def _query(
        self, box: Box, before: int | None, ask: "Callable[[_Block, Box], int]"
    ) -> Iterator[tuple[Sequence[int], int]]:
        for block in self._blocks:
            most = len(block.numbers) if before is None else bisect_left(block.numbers, before)
            found = ask(block, box) & ((1 << most) - 1)
            if found:
                yield block.numbers, found


def chosen(numbers: Sequence[int], bits: int) -> Iterator[int]:
    """The numbers whose bits are set, ascending."""
    while bits:
        last = bits & -bits
        yield numbers[last.bit_length() - 1]
        bits ^= last


class _Block:
    def __init__(self, numbers: Sequence[int], boxes: Sequence[Box]) -> None:
        self.numbers = numbers
        self._inputs = [_Input(sets) for sets in zip(*boxes, strict=True)]

    def intersecting(self, box: Box) -> int:
        return self._query(box, _Input.intersecting)

    def covering(self, box: Box) -> int:
        return self._query(box, _Input.covering)

    def _query(self, box: Box, ask: "Callable[[_Input, ValueSet], int]") -> int:
        found = _ALL
        for one, values in zip(self._inputs, box, strict=True):
            found &= ask(one, values)
            if not found:
                break
        return found


class _Input:
    """One input of the rows of a block."""

    def __init__(self, sets: Sequence[ValueSet]) -> None:
        self._names = {name: at for at, name in enumerate(sorted({m for values in sets for m in values.members}))}
        self._nulls = sum(1 << row for row, values in enumerate(sets) if values.null)
        cuts: dict[int, int] = {}
        for row, values in enumerate(sets):
            for low, high in self._spans(values):
                cuts[low] = cuts.get(low, 0) ^ (1 << row)
                cuts[high + 1] = cuts.get(high + 1, 0) ^ (1 << row)
        self._cuts = sorted(cuts)
        admitting = [0]
        for cut in self._cuts:
            admitting.append(admitting[-1] ^ cuts[cut])
        self._some, self._every = _Tree(admitting, or_, 0), _Tree(admitting, and_, _ALL)

    def intersecting(self, values: ValueSet) -> int:
        found = self._nulls if values.null else 0
        for low, high in self._spans(values):
            found |= self._some.over(bisect_right(self._cuts, low), bisect_right(self._cuts, high))
        return found

    def covering(self, values: ValueSet) -> int:
        found = self._nulls if values.null else _ALL
        for low, high in self._spans(values):
            found &= self._every.over(bisect_right(self._cuts, low), bisect_right(self._cuts, high))
        return found

    def _spans(self, values: ValueSet) -> Spans:
        """The values as ascending intervals; of texts, in the order of those that the rows name, then all others."""
        if values.intervals:
            return joined_intervals(values.intervals)
        last = len(self._names)
        named = sorted({self._names.get(member, last) for member in values.members})
        if not values.others:
            return joined_intervals(tuple((place, place) for place in named))
        left_out = [-1, *(place for place in named if place < last), last + 1]
        return [(one + 1, two - 1) for one, two in pairwise(left_out) if one + 1 < two]


class _Tree:
    """A segment tree: an operation over a run of leaves, in the logarithm of their number."""

    def __init__(self, leaves: Sequence[int], operation: Callable[[Any, Any], Any], nothing: int) -> None:
        self._size, self._operation, self._nothing = len(leaves), operation, nothing
        self._nodes = [nothing] * self._size + list(leaves)
        for at in range(self._size - 1, 0, -1):
            self._nodes[at] = operation(self._nodes[2 * at], self._nodes[2 * at + 1])

    def over(self, first: int, last: int) -> int:
        """The operation over the leaves from the first to the last, both included."""
        nodes, operation, found = self._nodes, self._operation, self._nothing
        first, last = first + self._size, last + self._size + 1
        while first < last:
            if first & 1:
                found = operation(found, nodes[first])
                first += 1
            if last & 1:
                last -= 1
                found = operation(found, nodes[last])
            first, last = first // 2, last // 2
        return found
