"""Random rule folders, most of which load.

All draws come from one `random.Random`: a seed gives the same folder everywhere, and under hypothesis,
whose `randoms()` hands out such an object, a failing folder shrinks. A folder is kept as data and written out as
YAML at the end, so that a case that fails can be cut down piece by piece.
"""

from __future__ import annotations

from random import Random

from tests.differential.generator import matrix
from tests.differential.generator.author import Author
from tests.differential.generator.folder import Folder, Grid
from tests.differential.generator.kinds import LARGE, Size
from tests.differential.pairs import accepted

__all__ = ["Folder", "Grid", "Size", "write_any", "write_folder"]
PAIRS = list(accepted())


def write_folder(rng: Random, size: Size | None = None) -> Folder:
    """A random folder; most of them load. One in thirty is large, so that the rules outgrow one ruleset."""
    return Author(rng, size or (LARGE if rng.randrange(30) == 0 else Size())).folder()


def write_any(rng: Random) -> Folder:
    """A random folder, or in one of four some forms of the language over operands of types that they go with."""
    return matrix.write_pairs(rng, rng.sample(PAIRS, 40)) if rng.randrange(4) == 0 else write_folder(rng)
