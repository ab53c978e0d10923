"""The Merkle tree of a log: hashes, roots and proofs, and how they are verified.

A tree of `size` leaves has nodes of a level and an index: the node (level, index) is the root over the leaves from
`index * 2**level` up to, not including, `(index + 1) * 2**level`. Such a node never changes once its leaves are there,
so every root and proof of every earlier size can be put together from the nodes of the present tree.

Source: RFC 9162, section 2.1 (the tree of RFC 6962, section 2.1); SHA-256.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Protocol

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of no leaves (RFC 9162, section 2.1.1)."""


class Nodes(Protocol):
    """Where the hashes of complete subtrees are read."""

    def node(self, level: int, index: int) -> bytes:
        """The hash over the `2**level` leaves from `index * 2**level`; it is asked only where all of them exist."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry: SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that grows leaf by leaf, and keeps no more of itself than its root takes.

    complete: its complete subtrees from the left, each with its level, levels falling.
    """

    def __init__(self, complete: Iterable[tuple[int, bytes]] = ()) -> None:
        self.complete = list(complete)

    def add(self, leaf: bytes) -> list[tuple[int, bytes]]:
        """The subtrees that a leaf hash completes, each with its level, without the leaf itself."""
        level, found, completed = 0, leaf, []
        while self.complete and self.complete[-1][0] == level:
            found = node_hash(self.complete.pop()[1], found)
            level += 1
            completed.append((level, found))
        self.complete.append((level, found))
        return completed

    def root(self) -> bytes:
        return _joined([found for _, found in self.complete])


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes, in order."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


def root(nodes: Nodes, size: int) -> bytes:
    """The root over the first `size` leaves.

    Raises:
        ValueError: the size is negative.
    """
    if size < 0:
        raise ValueError(f"a tree has no {size} leaves")
    return _range(nodes, 0, size)


def inclusion_proof(nodes: Nodes, index: int, size: int) -> tuple[bytes, ...]:
    """The hashes that lead from a leaf to the root over the first `size` leaves, lowest first.

    Raises:
        ValueError: the leaf is not among them.
    Source: RFC 9162, section 2.1.3.1.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range(nodes, middle, end))
            end = middle
        else:
            proof.append(_range(nodes, start, middle))
            start = middle
    return tuple(reversed(proof))


def consistency_proof(nodes: Nodes, old: int, new: int) -> tuple[bytes, ...]:
    """The hashes that show that the first `old` of `new` leaves are the leaves of the old tree.

    Empty where there is nothing to show: `old` is 0 or equals `new`.

    Raises:
        ValueError: `old` is negative or greater than `new`.
    Source: RFC 9162, section 2.1.4.1.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} is no later tree than one of {old}")
    if old in (0, new):
        return ()
    proof: list[bytes] = []
    start, end = 0, new
    while old < end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_range(nodes, middle, end))
            end = middle
        else:
            proof.append(_range(nodes, start, middle))
            start = middle
    if start > 0:  # else the subtree is the whole old tree, whose root the verifier has
        proof.append(_range(nodes, start, end))
    return tuple(reversed(proof))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` is the leaf hash at `index` of the tree of `size` leaves with this root.

    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size or not _hashes(leaf, root, *proof):
        return False
    node, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(step, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, step)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the tree of `old` leaves with `old_root` is the beginning of the tree of `new` leaves with `new_root`.

    An empty tree is the beginning of every tree, and a tree of itself; both take the empty proof alone.

    Source: RFC 9162, section 2.1.4.2, for 0 < old < new.
    """
    if not 0 <= old <= new or not _hashes(old_root, new_root, *proof):
        return False
    if old == new:
        return not proof and old_root == new_root and (old > 0 or old_root == EMPTY_ROOT)
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if not proof:
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    before = after = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, step)
        node, last = node >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(width: int) -> int:
    """The largest power of two smaller than a width above 1."""
    return 1 << (width - 1).bit_length() - 1


def _range(nodes: Nodes, start: int, end: int) -> bytes:
    """The root over the leaves from `start` to `end`, where `start` is one that a split gives."""
    return _joined([nodes.node(level, index) for level, index in _complete(start, end)])


def _complete(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees from `start` to `end`, left to right, levels falling."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _joined(complete: list[bytes]) -> bytes:
    """The root over subtrees of falling levels: the smaller ones at the right are joined first."""
    if not complete:
        return EMPTY_ROOT
    found = complete[-1]
    for left in reversed(complete[:-1]):
        found = node_hash(left, found)
    return found


def _hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
