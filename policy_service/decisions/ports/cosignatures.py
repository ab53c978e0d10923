"""Cosignatures of heads, and the port through which they are kept.

They are outside the log: what is kept here proves nothing until it is verified with the key of the witness.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeptCosignature:
    """A cosignature as a witness gave it.

    size: of the head.
    key: the label `name+hash` of the witness's key.
    line: as it stands in a note, with the newline at its end.
    at: when it was kept.
    """

    size: int
    key: str
    line: str
    at: str


class CosignatureStore(Protocol):
    """One cosignature for each head and witness. Every operation may raise StoreUnavailable."""

    def keep(self, found: KeptCosignature) -> None:
        """Keep it, in place of an earlier one for the same head and witness."""

    def of_head(self, size: int) -> list[KeptCosignature]:
        """Those of the head of a size, by key."""

    def largest(self, key: str) -> int:
        """Size of the largest head that a witness cosigned; 0 where it cosigned none."""

    def before(self, size: int | None, heads: int = 500) -> list[KeptCosignature]:
        """Those of heads below a size, or of all, by size descending, then by key; of so many heads at most."""
