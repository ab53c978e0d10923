"""Work that a process does beside its requests, in threads of its own."""

import logging
import time
from collections.abc import Callable
from itertools import count
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

_TICK_SECONDS = 1.0
_LOG = logging.getLogger(__name__)
Job = TypeVar("Job")


def _nothing() -> None:
    """Does nothing."""


class Periodic:
    """A daemon thread that does an action every so many seconds, from `start` until `close`.

    It is started by the process that is to do the work, since threads do not survive a fork. A fault is logged, and
    the thread goes on.

    Args:
        name: of the thread.
        seconds: between the end of one action and the beginning of the next; the first waits as long.
        at_end: done once by the thread before it ends.
        unavailable: the exception that says that something outside cannot be used now. It is logged as a warning in one
            line, every other one as an error with its traceback.
        alarm: ends a wait early when it is set; a test gives one of its own in place of a clock.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        action: Callable[[], object],
        *,
        at_end: Callable[[], object] = _nothing,
        unavailable: type[Exception] | tuple[()] = (),
        alarm: Event | None = None,
    ) -> None:
        self.name, self._seconds, self._action, self._at_end = name, seconds, action, at_end
        self._unavailable = unavailable
        self._alarm = Event() if alarm is None else alarm
        self._closing = Event()
        self._thread: Thread | None = None

    @property
    def running(self) -> bool:
        """Whether it was started and not closed."""
        return self._thread is not None

    @property
    def closing(self) -> bool:
        """Whether the thread is to end; a long action looks at it from time to time."""
        return self._closing.is_set()

    def start(self) -> None:
        """Begin; once is enough."""
        if self._thread is None:
            self._closing = Event()
            self._thread = Thread(target=self._run, args=(self._closing,), name=self.name, daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Do the action now, or once more after the one under way."""
        self._alarm.set()

    def rest(self, seconds: float) -> None:
        """For the action: wait, but not beyond `close`."""
        self._closing.wait(seconds)

    def close(self, seconds: float = 5.0) -> None:
        """End the thread, and wait a few seconds for the action under way."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._closing.set()
            self._alarm.set()
            thread.join(seconds)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Whether an action was done without a fault; a fault is logged."""
        try:
            action()
        except self._unavailable as error:
            _LOG.warning("%s: unavailable: %s", self.name, error)
        except Exception:  # noqa: BLE001  nobody waits for the result, so nobody else would tell
            _LOG.exception("%s failed", self.name)
        else:
            return True
        return False

    def _run(self, closing: Event) -> None:
        while not closing.is_set():
            self._alarm.wait(self._seconds)
            self._alarm.clear()
            if not closing.is_set():
                self.attempt(self._action)
        self.attempt(self._at_end)


class Sample:
    """Every n-th of what passes, evenly; `share` is from 0 to 1 and may change at any time."""

    def __init__(self, share: float) -> None:
        self.share = share
        self._passed = count(1)

    def takes(self) -> bool:
        """Whether the next one belongs to the sample."""
        share = self.share
        if share <= 0:
            return False
        passed = next(self._passed)
        return int(passed * share) > int((passed - 1) * share)


class BudgetedQueue(Generic[Job]):
    """A bounded queue of jobs, and one thread that does them within a budget of processor time.

    Args:
        name: of the thread.
        work: does one job.
        tick: called about once a second, and at the end.
        most: jobs that wait; a job offered to a full queue is dropped and counted.
        cpu: share of one core that the thread may use, above 0, at most 1.
        count: called with `dropped` or `failed` for every job that was not done.
        unavailable: as for `Periodic`.
        used: processor seconds that the calling thread has used.
    Attributes:
        counts: `taken`, `dropped`, `done`, `failed` since the start of the process.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Job], None],
        *,
        cpu: float,
        tick: Callable[[], None] = _nothing,
        count: Callable[[str], None] = lambda _outcome: None,
        most: int = 1000,
        unavailable: type[Exception] | tuple[()] = (),
        used: Callable[[], float] = time.thread_time,
    ) -> None:
        self._work, self._tick, self._used, self._count = work, tick, used, count
        self._rest = 1 / cpu - 1
        self._queue: Queue[Job] = Queue(most)
        self._due = 0.0
        self._periodic = Periodic(name, _TICK_SECONDS, self._turn, at_end=self.drain, unavailable=unavailable)
        self.counts = {"taken": 0, "dropped": 0, "done": 0, "failed": 0}

    def offer(self, job: Job) -> None:
        """Adds a job; never waits."""
        try:
            self._queue.put_nowait(job)
        except Full:
            self.counts["dropped"] += 1
            self._count("dropped")
        else:
            self.counts["taken"] += 1
            self._periodic.wake()

    @property
    def running(self) -> bool:
        """Whether it was started and not closed."""
        return self._periodic.running

    def start(self) -> None:
        """Begin; in the process that offers, after any fork."""
        self._periodic.start()

    def close(self, seconds: float = 5.0) -> None:
        """Do the jobs that wait, for a few seconds at most, and end."""
        self._periodic.close(seconds)

    def drain(self) -> None:
        """Do all that waits, in the calling thread and without a budget."""
        while self._do_next():
            pass
        self._periodic.attempt(self._tick)

    def _turn(self) -> None:
        """Do the jobs that wait, and pause after each as the budget demands."""
        waits = True
        while waits and not self._periodic.closing:
            before = self._used()
            waits = self._do_next()
            self._tick_if_due()
            self._periodic.rest((self._used() - before) * self._rest)

    def _do_next(self) -> bool:
        """Whether a job was there."""
        try:
            job = self._queue.get_nowait()
        except Empty:
            return False
        if self._periodic.attempt(lambda: self._work(job)):
            self.counts["done"] += 1
        else:
            self.counts["failed"] += 1
            self._count("failed")
        return True

    def _tick_if_due(self) -> None:
        if time.monotonic() >= self._due:
            self._periodic.attempt(self._tick)
            self._due = time.monotonic() + _TICK_SECONDS
