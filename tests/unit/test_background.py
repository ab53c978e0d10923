"""Sampling, the bounded queue, and the thread that keeps to its share of a core."""

import threading
import time

import pytest

from policy_service.background import BudgetedQueue, Sample


@pytest.mark.parametrize(("share", "taken"), [(0.0, 0), (0.001, 1), (0.01, 10), (0.25, 250), (0.3, 300), (1.0, 1000)])
def test_a_share_of_a_thousand_is_taken(share: float, taken: int) -> None:
    sample = Sample(share)
    assert sum(sample.takes() for _ in range(1000)) == taken


def test_the_sample_is_even() -> None:
    sample = Sample(0.25)
    assert [sample.takes() for _ in range(8)] == [False, False, False, True] * 2


def test_what_comes_to_a_full_queue_is_dropped_and_counted() -> None:
    told: list[str] = []
    done: list[int] = []
    queue = BudgetedQueue("test", done.append, cpu=1.0, most=2, count=told.append)
    for job in range(5):
        queue.offer(job)
    queue.drain()
    assert (done, told) == ([0, 1], ["dropped"] * 3)
    assert queue.counts == {"taken": 2, "dropped": 3, "done": 2, "failed": 0}


@pytest.mark.parametrize("error", [OSError("away"), RuntimeError("a fault")])
def test_a_job_that_fails_is_counted_and_the_next_is_done(error: Exception) -> None:
    done: list[int] = []

    def work(job: int) -> None:
        if job == 0:
            raise error
        done.append(job)

    queue = BudgetedQueue("test", work, cpu=1.0)
    queue.offer(0)
    queue.offer(1)
    queue.drain()
    assert done == [1]
    assert queue.counts == {"taken": 2, "dropped": 0, "done": 1, "failed": 1}


def test_no_thread_runs_before_the_start_and_none_after_the_end_and_what_waits_is_done() -> None:
    before = threading.active_count()
    done: list[int] = []
    queue = BudgetedQueue("test", done.append, cpu=1.0)
    queue.offer(1)
    assert threading.active_count() == before
    queue.start()
    queue.start()
    queue.offer(2)
    queue.close()
    assert threading.active_count() == before
    assert done == [1, 2]


def test_the_thread_rests_in_proportion_to_what_it_used() -> None:
    used = iter([0.0, 0.05, 0.05])
    began: list[float] = []
    queue = BudgetedQueue("test", lambda _job: began.append(time.monotonic()), cpu=0.2, used=lambda: next(used, 0.05))
    queue.offer(1)
    queue.offer(2)
    queue.start()
    end = time.monotonic() + 60
    while len(began) < 2 and time.monotonic() < end:
        time.sleep(0.001)
    queue.close()
    assert began[1] - began[0] >= 0.05 * 4  # a rest of four times what was used, which a loaded machine may lengthen
