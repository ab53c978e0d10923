"""Which of very many rows meet or cover a row, without comparing each with each.

The values of an input are cut where a row begins or ceases to admit them. For each stretch between two cuts a whole
number holds the rows that admit it, one bit a row; a tree over the stretches joins those of a range. A question takes
a few such numbers an input, so a row costs the logarithm of the rows of a block, and a bit for every row.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import and_, or_
from typing import Any

from policy_service.policies.boxes.sides import Side, merged

_BLOCK = 1024
"""Rows whose bits stand in one number: memory grows with the rows of a block, not with all of them."""
_ALL = -1
Box = Sequence[Side]
Spans = list[tuple[int, int]]


class Rows:
    """Boxes of rows by their number."""

    def __init__(self, boxes: Mapping[int, Box]) -> None:
        numbers = sorted(boxes)
        parts = [numbers[at : at + _BLOCK] for at in range(0, len(numbers), _BLOCK)]
        self._blocks = [_Block(part, [boxes[number] for number in part]) for part in parts]

    def meeting(self, box: Box, before: int | None = None) -> Iterator[tuple[Sequence[int], int]]:
        """Of each block with rows that share a value with the box: the numbers of its rows, and the bits of those.

        Args:
            before: only rows with lower numbers.
        """
        return self._asked(box, before, _Block.meeting)

    def covering(self, box: Box, before: int) -> Iterator[tuple[Sequence[int], int]]:
        """Likewise the rows that admit all values of the box, side by side."""
        return self._asked(box, before, _Block.covering)

    def _asked(
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
        self._inputs = [_Input(sides) for sides in zip(*boxes, strict=True)]

    def meeting(self, box: Box) -> int:
        return self._asked(box, _Input.meeting)

    def covering(self, box: Box) -> int:
        return self._asked(box, _Input.covering)

    def _asked(self, box: Box, ask: "Callable[[_Input, Side], int]") -> int:
        found = _ALL
        for one, side in zip(self._inputs, box, strict=True):
            found &= ask(one, side)
            if not found:
                break
        return found


class _Input:
    """One input of the rows of a block."""

    def __init__(self, sides: Sequence[Side]) -> None:
        self._names = {name: at for at, name in enumerate(sorted({m for side in sides for m in side.members}))}
        self._nulls = sum(1 << row for row, side in enumerate(sides) if side.null)
        cuts: dict[int, int] = {}
        for row, side in enumerate(sides):
            for low, high in self._spans(side):
                cuts[low] = cuts.get(low, 0) ^ (1 << row)
                cuts[high + 1] = cuts.get(high + 1, 0) ^ (1 << row)
        self._cuts = sorted(cuts)
        admitting = [0]
        for cut in self._cuts:
            admitting.append(admitting[-1] ^ cuts[cut])
        self._some, self._every = _Tree(admitting, or_, 0), _Tree(admitting, and_, _ALL)

    def meeting(self, side: Side) -> int:
        found = self._nulls if side.null else 0
        for low, high in self._spans(side):
            found |= self._some.over(bisect_right(self._cuts, low), bisect_right(self._cuts, high))
        return found

    def covering(self, side: Side) -> int:
        found = self._nulls if side.null else _ALL
        for low, high in self._spans(side):
            found &= self._every.over(bisect_right(self._cuts, low), bisect_right(self._cuts, high))
        return found

    def _spans(self, side: Side) -> Spans:
        """The side as ascending intervals; of texts, in the order of those that the rows name, then all others."""
        if side.intervals:
            return merged(side.intervals)
        last = len(self._names)
        named = sorted({self._names.get(member, last) for member in side.members})
        if not side.others:
            return merged(tuple((place, place) for place in named))
        left_out = [-1, *(place for place in named if place < last), last + 1]
        return [(one + 1, two - 1) for one, two in pairwise(left_out) if one + 1 < two]


class _Tree:
    """What a run of numbers comes to under an operation, in the logarithm of their count."""

    def __init__(self, leaves: Sequence[int], operation: Callable[[Any, Any], Any], nothing: int) -> None:
        self._size, self._operation, self._nothing = len(leaves), operation, nothing
        self._nodes = [nothing] * self._size + list(leaves)
        for at in range(self._size - 1, 0, -1):
            self._nodes[at] = operation(self._nodes[2 * at], self._nodes[2 * at + 1])

    def over(self, first: int, last: int) -> int:
        """Of the leaves from the first to the last, both included."""
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
