"""What a database still holds of values that were erased from it, and the port through which that is found out."""

from collections.abc import Sequence
from typing import Protocol


class RemainsStore(Protocol):
    """What is left of erased values, as far as the database tells. Every operation may raise StoreUnavailable."""

    beyond: Sequence[str]
    """Where else copies may be that nothing here can see, as plain sentences."""

    def kept(self, records: Sequence[str]) -> int:
        """Number of rows that are kept of the private values, private terms and idempotency keys of records."""

    def held(self) -> bool:
        """Whether somebody who began to read before still sees what was erased, so that it must be kept."""

    def renew(self) -> bool:
        """Write what is kept anew, so that the unused parts of files have nothing old; whether this was done.

        It takes as long as copying the tables, and nobody writes meanwhile.
        """
