"""The nodes of a tree in tiles of 256: what is stored of it, and how it grows.

The tile (level, number) holds the hashes of the tree's nodes (8 * level, number * 256 + i), i from 0, as far as those
subtrees are complete. The nodes between two tile levels are hashed again when they are asked for.

Source: C2SP tlog-tiles, "Merkle Tree" (https://c2sp.org/tlog-tiles). Unlike there, the last tile of a level is one that
grows, not one copy for each width: a shorter tile is its beginning.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from policy_service.proofs.tree import HASH_SIZE, root, root_of

HEIGHT = 8
WIDTH = 1 << HEIGHT


@dataclass(frozen=True, slots=True)
class Tile:
    """Up to 256 hashes of one level.

    Args:
        hashes: 32 bytes each, one after the other.
    """

    level: int
    number: int
    hashes: bytes

    @property
    def width(self) -> int:
        return len(self.hashes) // HASH_SIZE


class Tiles(Protocol):
    """Where the tiles of one tree are read."""

    def get(self, level: int, number: int) -> bytes | None:
        """The hashes of a tile, 32 bytes each; null for one that is not stored."""


class TreeDamaged(Exception):
    """A tile lacks hashes that the tree's size says it has, or has some that it must not have yet."""


class TileNodes:
    """The nodes of the tree in these tiles. It keeps the tiles it has read: make one for each question."""

    def __init__(self, tiles: Tiles) -> None:
        self._tiles = tiles
        self._read: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> bytes:
        """The hash over the `2**level` leaves from `index * 2**level`.

        Raises:
            TreeDamaged: a tile lacks it.
        """
        below = level % HEIGHT
        first, count = index << below, 1 << below
        return root_of(self._hashes(level // HEIGHT, first, count))

    def _hashes(self, level: int, first: int, count: int) -> Iterator[bytes]:
        """`count` hashes of a tile level; they are all in one tile, since `count` divides `first`."""
        number, place = divmod(first, WIDTH)
        if (level, number) not in self._read:
            self._read[level, number] = self._tiles.get(level, number) or b""
        found = self._read[level, number][place * HASH_SIZE : (place + count) * HASH_SIZE]
        if len(found) != count * HASH_SIZE:
            raise TreeDamaged(f"tile {level}/{number} lacks hashes from {place} to {place + count}")
        return _apart(found)


def extend(tiles: Tiles, size: int, leaves: Iterable[bytes]) -> tuple[list[Tile], bytes]:
    """The tiles to write when leaves come behind the first `size` ones, and the root over all of them.

    Args:
        leaves: leaf hashes.
    Returns:
        every tile that is new or longer, whole; and the new root. A tile that is written replaces the shorter one.
    Raises:
        TreeDamaged: the tiles are not those of a tree of `size`: nothing may be written.
        ValueError: a leaf is no hash, or the size is negative.
    """
    if size < 0:
        raise ValueError(f"a tree has no {size} leaves")
    added = list(leaves)
    if any(len(leaf) != HASH_SIZE for leaf in added):
        raise ValueError(f"a leaf hash has {HASH_SIZE} bytes")
    total = size + len(added)
    changed: dict[tuple[int, int], Tile] = {}
    level = 0
    while added:
        grown = list(_grown(tiles, level, size >> HEIGHT * level, added))
        changed |= {(tile.level, tile.number): tile for tile in grown}
        added = [root_of(_apart(tile.hashes)) for tile in grown if tile.width == WIDTH]
        level += 1
    return list(changed.values()), root(TileNodes(_Written(changed, tiles)), total)


def _grown(tiles: Tiles, level: int, count: int, added: list[bytes]) -> Iterator[Tile]:
    """The tiles of a level of `count` hashes that `added` change."""
    number, width = divmod(count, WIDTH)
    held = tiles.get(level, number) or b""
    if len(held) != width * HASH_SIZE:
        raise TreeDamaged(f"tile {level}/{number} has {len(held)} bytes, {width} hashes are due")
    hashes = held + b"".join(added)
    for start in range(0, len(hashes), WIDTH * HASH_SIZE):
        yield Tile(level, number, hashes[start : start + WIDTH * HASH_SIZE])
        number += 1


@dataclass(frozen=True, slots=True)
class _Written:
    """Tiles over which changed ones lie."""

    changed: dict[tuple[int, int], Tile]
    below: Tiles

    def get(self, level: int, number: int) -> bytes | None:
        found = self.changed.get((level, number))
        return found.hashes if found is not None else self.below.get(level, number)


def _apart(hashes: bytes) -> Iterator[bytes]:
    return (hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE))
