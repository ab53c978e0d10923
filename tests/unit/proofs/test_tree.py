"""Roots and proofs agree with the published vectors and with the definition written down as it reads."""

from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_service.proofs import tree
from policy_service.proofs.tree import EMPTY_ROOT, leaf_hash, node_hash
from tests.unit.proofs.published import CONSISTENCY, INCLUSION, LEAVES, ROOTS

MOST = 600
HASHES = [sha256(b"%d" % number).digest() for number in range(MOST)]
"""Stand for leaf hashes."""


class Listed:
    """The nodes over a list of leaf hashes."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves

    def node(self, level: int, index: int) -> bytes:
        end = index + 1 << level
        assert end <= len(self.leaves)
        if level == 0:
            return self.leaves[index]
        return node_hash(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))


PUBLISHED = Listed([leaf_hash(data) for data in LEAVES])
NODES = Listed(HASHES)


# The definitions of RFC 9162, sections 2.1.1, 2.1.3.1 and 2.1.4.1, over HASHES[start:end], as they are written there.


def _largest_power_below(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


@cache
def mth(start: int, end: int) -> bytes:
    n = end - start
    if n == 0:
        return sha256().digest()
    if n == 1:
        return HASHES[start]
    k = _largest_power_below(n)
    return sha256(b"\x01" + mth(start, start + k) + mth(start + k, end)).digest()


def path(m: int, start: int, end: int) -> list[bytes]:
    n = end - start
    if n == 1:
        return []
    k = _largest_power_below(n)
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def subproof(m: int, start: int, end: int, whole: bool) -> list[bytes]:
    n = end - start
    if m == n:
        return [] if whole else [mth(start, end)]
    k = _largest_power_below(n)
    if m <= k:
        return [*subproof(m, start, start + k, whole), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, False), mth(start, start + k)]


def test_the_roots_are_the_published_ones() -> None:
    for size, root in enumerate(ROOTS):
        assert tree.root(PUBLISHED, size) == root
        assert tree.root_of(PUBLISHED.leaves[:size]) == root
    assert ROOTS[0] == EMPTY_ROOT


@pytest.mark.parametrize(("place", "hashes"), INCLUSION.items())
def test_the_inclusion_proofs_are_the_published_ones(place: tuple[int, int], hashes: tuple[str, ...]) -> None:
    index, size = place
    proof = tree.inclusion_proof(PUBLISHED, index, size)
    assert tuple(step.hex() for step in proof) == hashes
    assert tree.verify_inclusion(PUBLISHED.leaves[index], index, size, proof, ROOTS[size])


@pytest.mark.parametrize(("sizes", "hashes"), CONSISTENCY.items())
def test_the_consistency_proofs_are_the_published_ones(sizes: tuple[int, int], hashes: tuple[str, ...]) -> None:
    old, new = sizes
    proof = tree.consistency_proof(PUBLISHED, old, new)
    assert tuple(step.hex() for step in proof) == hashes
    assert tree.verify_consistency(old, new, proof, ROOTS[old], ROOTS[new])


def test_roots_of_all_sizes_are_those_of_the_definition() -> None:
    for size in range(MOST + 1):
        assert tree.root(NODES, size) == mth(0, size) == tree.root_of(HASHES[:size])


@settings(max_examples=40, deadline=None)
@given(st.one_of(st.integers(1, MOST), st.sampled_from([1, 2, 255, 256, 257, 511, 512, 513])))
def test_inclusion_of_every_leaf_of_a_tree_is_that_of_the_definition_and_verifies(size: int) -> None:
    root = mth(0, size)
    for index in range(size):
        proof = tree.inclusion_proof(NODES, index, size)
        assert list(proof) == path(index, 0, size)
        assert tree.verify_inclusion(HASHES[index], index, size, proof, root)


@settings(max_examples=40, deadline=None)
@given(st.one_of(st.integers(1, MOST), st.sampled_from([1, 2, 255, 256, 257, 511, 512, 513])))
def test_consistency_with_every_earlier_tree_is_that_of_the_definition_and_verifies(new: int) -> None:
    for old in range(1, new + 1):
        proof = tree.consistency_proof(NODES, old, new)
        assert list(proof) == subproof(old, 0, new, True)
        assert tree.verify_consistency(old, new, proof, mth(0, old), mth(0, new))


def _mutations(proof: tuple[bytes, ...]) -> list[list[bytes]]:
    """Proofs that differ from a right one by a step more, less, changed, cut, or elsewhere."""
    found = [[*proof, proof[-1] if proof else HASHES[0]], [HASHES[1], *proof], [*proof, EMPTY_ROOT]]
    for at, step in enumerate(proof):
        before, behind = list(proof[:at]), list(proof[at + 1 :])
        found += [before + behind, [*before, step, step, *behind]]
        found += [[*before, changed, *behind] for changed in (bytes([step[0] ^ 1]) + step[1:], step[:-1], step + b"\0")]
        if behind and behind[0] != step:
            found.append([*before, behind[0], step, *behind[1:]])
    return found


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_changed_inclusion_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, MOST))
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = tree.inclusion_proof(NODES, index, size), mth(0, size), HASHES[index]
    for changed in _mutations(proof):
        assert not tree.verify_inclusion(leaf, index, size, changed, root)
    for other in range(size):
        assert tree.verify_inclusion(leaf, other, size, proof, root) == (other == index)
    for other in (-1, size, size + 1, index - size, index + (1 << size.bit_length())):
        assert not tree.verify_inclusion(leaf, other, size, proof, root)
    assert not tree.verify_inclusion(HASHES[index - 1] if size > 1 else EMPTY_ROOT, index, size, proof, root)
    assert not tree.verify_inclusion(leaf, index, size, proof, leaf_hash(root))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_changed_consistency_proof_is_refused(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, MOST))
    old = data.draw(st.integers(1, new))
    proof = tree.consistency_proof(NODES, old, new)
    for changed in _mutations(proof):
        assert not tree.verify_consistency(old, new, changed, mth(0, old), mth(0, new))
    for other in range(1, new + 1):
        fits = tree.verify_consistency(other, new, proof, mth(0, old), mth(0, new))
        assert fits == (other == old)
    assert not tree.verify_consistency(old, new, proof, leaf_hash(b""), mth(0, new))
    assert not tree.verify_consistency(old, new, proof, mth(0, old), leaf_hash(b""))
    assert not tree.verify_consistency(-1, new, proof, mth(0, old), mth(0, new))


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    four = tree.root_of(HASHES[:4])
    inner = node_hash(HASHES[0], HASHES[1])
    proof = tree.inclusion_proof(NODES, 0, 4)
    assert not tree.verify_inclusion(inner, 0, 4, proof[1:], four)
    assert leaf_hash(HASHES[0] + HASHES[1]) != inner


def test_the_empty_tree_is_the_beginning_of_every_tree_and_holds_no_leaf() -> None:
    assert tree.consistency_proof(NODES, 0, 5) == ()
    assert tree.verify_consistency(0, 5, (), EMPTY_ROOT, mth(0, 5))
    assert tree.verify_consistency(0, 0, (), EMPTY_ROOT, EMPTY_ROOT)
    assert not tree.verify_consistency(0, 5, (), mth(0, 1), mth(0, 5))
    assert not tree.verify_consistency(0, 5, (HASHES[0],), EMPTY_ROOT, mth(0, 5))
    assert not tree.verify_consistency(0, 0, (), HASHES[0], HASHES[0])
    assert not tree.verify_consistency(5, 0, (), mth(0, 5), EMPTY_ROOT)
    assert not tree.verify_inclusion(HASHES[0], 0, 0, (), EMPTY_ROOT)


def test_a_smaller_tree_is_no_later_one() -> None:
    assert not tree.verify_consistency(6, 5, (), mth(0, 6), mth(0, 5))
    assert not tree.verify_consistency(5, 5, (), mth(0, 5), mth(0, 6))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (6, 5), (-1, 5), (0, -1)])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="is not in a tree"):
        tree.inclusion_proof(NODES, index, size)


@pytest.mark.parametrize(("old", "new"), [(6, 5), (-1, 5), (0, -1)])
def test_there_is_no_proof_between_trees_in_the_wrong_order(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no later tree"):
        tree.consistency_proof(NODES, old, new)


def test_a_tree_has_no_negative_size() -> None:
    with pytest.raises(ValueError, match="-1 leaves"):
        tree.root(NODES, -1)
