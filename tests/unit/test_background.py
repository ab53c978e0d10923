"""The periodic thread; sampling, the bounded queue, and the budget of its thread."""

import threading
from threading import Event, Semaphore

import pytest

from policy_service.background import BudgetedQueue, Periodic, Sample

DEADLINE_SECONDS = 60


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


def test_the_thread_rests_in_proportion_to_what_it_used(monkeypatch: pytest.MonkeyPatch) -> None:
    used, done, rests = iter([0.0, 0.05, 0.05, 0.07]), Semaphore(0), list[float]()
    monkeypatch.setattr(Periodic, "rest", lambda _self, seconds: rests.append(round(seconds, 6)))
    queue = BudgetedQueue("test", lambda _job: done.release(), cpu=0.2, used=lambda: next(used, 0.07))
    queue.offer(1)
    queue.offer(2)
    queue.start()
    for _ in range(2):
        assert done.acquire(timeout=DEADLINE_SECONDS)
    queue.close()
    assert rests[:2] == [0.2, 0.08]  # four times what was used: one fifth of a core


# ---- the periodic thread


class Alarm(Event):
    """A clock in a test's hand: a wait ends when the test says that its time is over, or at a call to `set`."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float | None] = []
        self.over = Semaphore(0)

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        self.over.acquire()
        return self.is_set()

    def set(self) -> None:
        super().set()
        self.over.release()


def thread_of(name: str) -> threading.Thread | None:
    return next((one for one in threading.enumerate() if one.name == name), None)


def test_the_action_is_done_each_time_that_the_seconds_are_over() -> None:
    alarm, done = Alarm(), Semaphore(0)
    periodic = Periodic("often", 7.5, done.release, alarm=alarm)
    periodic.start()
    for _ in range(3):
        assert not done.acquire(blocking=False)
        alarm.over.release()
        assert done.acquire(timeout=DEADLINE_SECONDS)
    periodic.close()
    assert set(alarm.waited) == {7.5}


def test_a_wake_does_not_wait_for_the_seconds() -> None:
    done = Semaphore(0)
    periodic = Periodic("woken", 3600, done.release)
    periodic.start()
    periodic.wake()
    assert done.acquire(timeout=DEADLINE_SECONDS)
    periodic.close()


@pytest.mark.parametrize(("error", "level"), [(OSError("away"), "WARNING"), (RuntimeError("a fault"), "ERROR")])
def test_the_thread_outlives_a_fault_and_logs_it(
    error: Exception, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    alarm, done, faults = Alarm(), Semaphore(0), [error]

    def action() -> None:
        done.release()
        if faults:
            raise faults.pop()

    periodic = Periodic("faulty", 1, action, unavailable=OSError, alarm=alarm)
    periodic.start()
    for _ in range(2):
        alarm.over.release()
        assert done.acquire(timeout=DEADLINE_SECONDS)
    periodic.close()
    (record,) = caplog.records
    assert (record.levelname, record.getMessage().startswith("faulty")) == (level, True)
    assert (record.exc_info is None) == (level == "WARNING")


def test_a_thread_runs_from_the_start_to_the_end_and_may_start_again() -> None:
    ended: list[str] = []
    periodic = Periodic("phases", 3600, lambda: None, at_end=lambda: ended.append("end"))
    assert (thread_of("phases"), periodic.running) == (None, False)
    for times in (1, 2):
        periodic.start()
        periodic.start()
        thread = thread_of("phases")
        assert thread is not None
        assert thread.daemon
        assert periodic.running
        periodic.close()
        periodic.close()
        assert (thread_of("phases"), periodic.running, ended) == (None, False, ["end"] * times)


def test_the_end_does_not_wait_for_ever_and_a_long_action_sees_it() -> None:
    began, go_on, seen = Semaphore(0), Semaphore(0), Semaphore(0)

    def action() -> None:
        began.release()
        go_on.acquire()
        periodic.rest(3600)  # not beyond the end
        if periodic.closing:
            seen.release()

    periodic = Periodic("long", 3600, action)
    periodic.start()
    periodic.wake()
    assert began.acquire(timeout=DEADLINE_SECONDS)
    periodic.close(seconds=0)
    go_on.release()
    assert seen.acquire(timeout=DEADLINE_SECONDS)
