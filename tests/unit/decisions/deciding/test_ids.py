"""Ids are UUIDv7 and sort as they were made, whatever clock and randomness do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_service.decisions.deciding.ids import RANDOM_BYTES, DecisionIds, decision_id, new_decision_id

INSTANTS = st.integers(0, 2**48 - 2)
RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
ONES = b"\xff" * RANDOM_BYTES


def instant(id: str) -> int:
    return UUID(id).int >> 80


def test_the_example_of_rfc_9562_comes_out() -> None:
    random = 0xCC3 << 62 | 0x18C4DC0C0C07398F  # appendix A.6: rand_a and rand_b
    assert decision_id(1645557742000, random.to_bytes(10)) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(now_ms=INSTANTS, random=RANDOM)
def test_every_id_is_a_uuid_of_version_7_that_holds_its_instant(now_ms: int, random: bytes) -> None:
    id = decision_id(now_ms, random)
    assert UUID(id).version == 7
    assert UUID(id).variant == RFC_4122
    assert instant(id) == now_ms
    assert str(UUID(id)) == id


@given(earlier=INSTANTS, later=INSTANTS, one=RANDOM, other=RANDOM)
def test_ids_sort_by_their_instants(earlier: int, later: int, one: bytes, other: bytes) -> None:
    if earlier < later:
        assert decision_id(earlier, one) < decision_id(later, other)


def test_all_random_bits_but_six_are_used() -> None:
    bits = int.from_bytes(ONES) >> 6
    ids = {decision_id(0, (1 << n).to_bytes(10)) for n in range(80)}
    assert len(ids) == bits.bit_length() + 1  # and one for all that are not used


@pytest.mark.parametrize("random", [b"", bytes(9), bytes(11)])
def test_another_number_of_random_bytes_is_refused(random: bytes) -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        decision_id(0, random)


@pytest.mark.parametrize("now_ms", [-1, 2**48])
def test_an_instant_that_does_not_fit_is_refused(now_ms: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        decision_id(now_ms, bytes(10))


@given(draws=st.lists(st.tuples(st.integers(0, 3), RANDOM, RANDOM), min_size=2, max_size=30))
def test_each_id_of_a_process_is_greater_than_the_one_before(draws: list[tuple[int, bytes, bytes]]) -> None:
    def values() -> Iterator[bytes]:
        for _, drawn, step in draws:
            yield drawn
            yield step

    clock = iter(ms for ms, _, _ in draws)
    random = values()
    made = DecisionIds(lambda: next(clock), lambda _: next(random))
    ids = [made.next() for _ in draws]
    assert all(one < other for one, other in pairwise(ids))
    assert {UUID(id).version for id in ids} == {7}


def test_a_clock_set_back_does_not_set_ids_back() -> None:
    clock = iter([2000, 1000])
    ids = DecisionIds(lambda: next(clock), bytes)
    first, second = ids.next(), ids.next()
    assert first < second
    assert instant(second) == 2000


def test_a_millisecond_that_is_used_up_runs_over_into_the_next() -> None:
    ids = DecisionIds(lambda: 1000, lambda _: ONES)
    first, second = ids.next(), ids.next()
    assert instant(first) == 1000
    assert instant(second) == 1001


def test_steps_within_a_millisecond_are_random() -> None:
    random = iter([bytes(10), bytes(10), bytes(5) + ONES[:5]])
    ids = DecisionIds(lambda: 1000, lambda _: next(random))
    first, second = (UUID(ids.next()).int for _ in range(2))
    assert second - first == 2**40


def test_threads_never_get_the_same_id() -> None:
    ids = DecisionIds(lambda: 1000, bytes)
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: ids.next(), range(400)))
    assert len(set(made)) == 400


def test_new_ids_grow() -> None:
    ids = [new_decision_id() for _ in range(100)]
    assert ids == sorted(set(ids))
