"""What the answer of one evaluation is to show, and the exception for one that took too long."""

from collections.abc import Callable, Collection
from typing import NamedTuple


def always() -> bool:
    return True


class TookTooLong(Exception):
    """An evaluation was given up: its time was over."""


class Wanted(NamedTuple):
    """What an answer shows: rows that fired, also those that did not, claims, and which policies (None: all).

    within: whether there is time left; asked before each policy of the single subjects and each element of a list.
    """

    traced: bool
    full: bool
    claims: bool
    shown: Collection[str] | None
    within: Callable[[], bool] = always

    def go_on(self) -> None:
        """Check that there is time left.

        Raises:
            TookTooLong: there is none left.
        """
        if not self.within():
            raise TookTooLong("the time of the evaluation is over")
