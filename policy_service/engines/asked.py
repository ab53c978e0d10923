"""What is wanted of one evaluation, and that it took too long."""

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
        """Go on while there is time.

        Raises:
            TookTooLong: there is none left.
        """
        if not self.within():
            raise TookTooLong("the time of the evaluation is over")
