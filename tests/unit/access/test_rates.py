"""How fast a principal may ask, on a clock that the test holds."""

import os

from policy_service.access.rates import Rates, slot_of_key, slot_of_token

SECOND = 1_000_000_000


class Clock:
    now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


def passed(rates: Rates, slot: int, rate: int, burst: int, tries: int) -> int:
    return sum(rates.wait_seconds(slot, rate, burst) == 0 for _ in range(tries))


def test_a_burst_passes_and_the_next_waits_for_one_step() -> None:
    rates = Rates(Clock())
    assert passed(rates, 1, 10, 4, 9) == 4
    assert rates.wait_seconds(1, 10, 4) == 0.1


def test_over_time_as_many_pass_as_the_rate_says() -> None:
    clock = Clock()
    rates = Rates(clock)
    passed(rates, 1, 10, 1, 1)
    count = 0
    for _ in range(1000):
        clock.now += SECOND // 100
        count += passed(rates, 1, 10, 1, 3)
    assert count == 100


def test_after_silence_no_more_than_a_burst_is_saved_up() -> None:
    clock = Clock()
    rates = Rates(clock)
    passed(rates, 1, 10, 5, 5)
    clock.now += 3600 * SECOND
    assert passed(rates, 1, 10, 5, 50) == 5


def test_principals_are_counted_apart() -> None:
    rates = Rates(Clock())
    slots = [slot_of_key(1), slot_of_key(2), slot_of_token("oidc:a"), slot_of_token("oidc:b")]
    assert [passed(rates, slot, 1, 1, 2) for slot in slots] == [1, 1, 1, 1]


def test_further_items_count_as_requests_and_go_beyond_the_burst() -> None:
    clock = Clock()
    rates = Rates(clock)
    assert passed(rates, 1, 10, 4, 1) == 1
    rates.count(1, 10, 99)
    assert rates.wait_seconds(1, 10, 4) == 9.7  # 100 at 10 a second, of which 3 may still be due
    clock.now += 97 * SECOND // 10 - 1
    assert passed(rates, 1, 10, 4, 1) == 0
    clock.now += 1
    assert passed(rates, 1, 10, 4, 2) == 1


def test_items_after_silence_are_counted_from_now_on() -> None:
    clock = Clock()
    rates = Rates(clock)
    passed(rates, 1, 10, 4, 1)
    clock.now += 3600 * SECOND
    rates.count(1, 10, 5)
    assert rates.wait_seconds(1, 10, 4) == 0.2
    rates.count(2, 10, 0)
    assert passed(rates, 2, 10, 4, 9) == 4


def test_processes_of_one_master_count_together() -> None:
    rates = Rates(Clock())
    child = os.fork()
    if child == 0:
        os._exit(passed(rates, 1, 1, 3, 2))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 2
    assert passed(rates, 1, 1, 3, 5) == 1
