"""Which items of a batch are answered together: as many as their answers may be in memory."""

from itertools import chain

import pytest

from policy_service.decisions.deciding.batch import MOST_ELEMENTS, Item, together
from policy_service.decisions.deciding.resolving import EvaluateRequest


@pytest.mark.parametrize(
    ("elements", "runs"),
    [
        ([], []),
        ([0] * 5, [5]),
        ([MOST_ELEMENTS - 1, 1, 0], [3]),
        ([MOST_ELEMENTS, 1], [1, 1]),
        ([MOST_ELEMENTS + 1, 0], [1, 1]),
        ([1, MOST_ELEMENTS + 1, 1], [1, 1, 1]),
        ([MOST_ELEMENTS // 2] * 5, [2, 2, 1]),
    ],
    ids=str,
)
def test_items_are_answered_together_up_to_so_many_elements(elements: list[int], runs: list[int]) -> None:
    found = [list(range(len(elements)))[run] for run in together(elements)]
    assert [len(run) for run in found] == runs
    assert list(chain(*found)) == list(range(len(elements)))


def test_the_elements_of_all_lists_of_an_item_count() -> None:
    facts = {"merchant": {"id": "m-1"}, "products": [{}, {}], "lives": [{}]}
    assert Item(EvaluateRequest(facts)).elements == 3
