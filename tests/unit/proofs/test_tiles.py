"""A tree kept in tiles grows by any steps, and answers for each of its earlier sizes."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_service.proofs import tree
from policy_service.proofs.tiles import Tile, TileNodes, TreeDamaged, extend

LEAVES = [sha256(b"%d" % number).digest() for number in range(70_000)]


class Kept:
    """Tiles in memory; they count what is written."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}

    def get(self, level: int, number: int) -> bytes | None:
        return self.tiles.get((level, number))

    def write(self, tiles: list[Tile]) -> None:
        for tile in tiles:
            assert tile.hashes.startswith(self.tiles.get((tile.level, tile.number), b""))
            self.tiles[tile.level, tile.number] = tile.hashes


def grown(size: int) -> Kept:
    kept = Kept()
    kept.write(extend(kept, 0, LEAVES[:size])[0])
    return kept


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=12))
def test_a_tree_that_grew_by_steps_is_the_tree_that_grew_at_once(steps: list[int]) -> None:
    kept, size = Kept(), 0
    for step in steps:
        tiles, root = extend(kept, size, LEAVES[size : size + step])
        kept.write(tiles)
        size += step
        assert root == tree.root_of(LEAVES[:size])
    assert kept.tiles == grown(size).tiles
    for earlier in range(0, size, 37):
        assert tree.root(TileNodes(kept), earlier) == tree.root_of(LEAVES[:earlier])


def test_the_tiles_of_70000_leaves_are_those_of_the_specification() -> None:
    """C2SP tlog-tiles, "Partial Tiles", names them."""
    kept = grown(70_000)
    widths = {place: len(hashes) // 32 for place, hashes in kept.tiles.items()}
    assert widths == {
        **{(0, number): 256 for number in range(273)},
        (0, 273): 112,
        (1, 0): 256,
        (1, 1): 17,
        (2, 0): 1,
    }


def test_a_tree_of_256_has_a_full_tile_and_one_of_width_1_above() -> None:
    assert {place: len(hashes) // 32 for place, hashes in grown(256).tiles.items()} == {(0, 0): 256, (1, 0): 1}


def test_a_step_writes_the_last_tile_of_each_level_it_reaches_and_no_other() -> None:
    kept = grown(70_000)
    assert [(t.level, t.number, t.width) for t in extend(kept, 70_000, LEAVES[:1])[0]] == [(0, 273, 113)]
    over = extend(kept, 70_000, LEAVES[:200])[0]
    assert [(t.level, t.number, t.width) for t in over] == [(0, 273, 256), (0, 274, 56), (1, 1, 18)]
    assert extend(kept, 70_000, [])[0] == []


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_proofs_from_tiles_verify_for_every_earlier_size(data: st.DataObject) -> None:
    kept = BIG
    size = data.draw(st.integers(1, 70_000))
    old, index = data.draw(st.integers(0, size)), data.draw(st.integers(0, size - 1))
    nodes = TileNodes(kept)
    root = tree.root(nodes, size)
    assert root == tree.root_of(LEAVES[:size])
    assert tree.verify_inclusion(LEAVES[index], index, size, tree.inclusion_proof(nodes, index, size), root)
    before = tree.root_of(LEAVES[:old])
    assert tree.verify_consistency(old, size, tree.consistency_proof(nodes, old, size), before, root)


BIG = grown(70_000)


@pytest.mark.parametrize("size", [69_999, 70_001, 69_888, 0, 256])
def test_tiles_of_another_size_are_not_extended(size: int) -> None:
    with pytest.raises(TreeDamaged):
        extend(BIG, size, LEAVES[:300])


def test_a_lost_tile_is_named() -> None:
    kept = grown(600)
    del kept.tiles[0, 1]
    with pytest.raises(TreeDamaged, match="tile 0/1"):
        tree.inclusion_proof(TileNodes(kept), 300, 600)


def test_a_tile_cut_short_is_named() -> None:
    kept = grown(600)
    kept.tiles[0, 2] = kept.tiles[0, 2][:-1]
    with pytest.raises(TreeDamaged, match="tile 0/2"):
        tree.root(TileNodes(kept), 600)
    with pytest.raises(TreeDamaged, match="tile 0/2"):
        extend(kept, 600, LEAVES[:1])


def test_what_is_no_leaf_is_not_taken() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        extend(Kept(), 0, [LEAVES[0], b"short"])
    with pytest.raises(ValueError, match="-1 leaves"):
        extend(Kept(), -1, LEAVES[:1])
