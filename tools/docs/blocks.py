"""Generated blocks of a page that is otherwise written by hand.

A block stands between `<!-- generated: NAME -->` and `<!-- end -->`, each on a line of its own.
"""

import re
from collections.abc import Callable, Mapping

Blocks = Mapping[str, Callable[[], str]]
BLOCK = re.compile(r"^(<!-- generated: ([^\n]*?) -->)\n(.*?)^(<!-- end -->)$", re.MULTILINE | re.DOTALL)
_MARKER = re.compile(r"^<!-- (?:generated: .*|end) -->$", re.MULTILINE)


class BlockFault(Exception):
    """A page has a marker without its partner, or a block that nothing generates."""


def filled(text: str, blocks: Blocks) -> str:
    """The page with every block as it is generated now. Raises BlockFault."""
    for name in names(text):
        if name not in blocks:
            raise BlockFault(f"nothing generates `{name}`; there are {', '.join(sorted(blocks))}")
    return BLOCK.sub(lambda match: f"{match[1]}\n{blocks[match[2]]().strip()}\n{match[4]}", text)


def names(text: str) -> list[str]:
    """The names of a page's blocks, in their order. Raises BlockFault."""
    found = list(BLOCK.finditer(text))
    if len(_MARKER.findall(text)) != 2 * len(found) or any(_MARKER.search(match[3]) for match in found):
        raise BlockFault("a marker `<!-- generated: NAME -->` or `<!-- end -->` has no partner")
    return [match[2] for match in found]


def written(text: str) -> str:
    """The page without what is generated."""
    return BLOCK.sub(lambda match: f"{match[1]}\n{match[4]}", text)
