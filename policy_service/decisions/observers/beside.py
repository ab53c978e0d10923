"""Work beside requests: a share of them, in a bounded queue, in a thread that keeps to a share of a core."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

from policy_service.decisions.ports.records import StoreUnavailable

_TICK_SECONDS = 1.0
_LOG = logging.getLogger(__name__)
Job = TypeVar("Job")


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


class Beside(Generic[Job]):
    """A queue and the thread that works it off.

    Args:
        name: of the thread.
        work: does one job.
        tick: called about once a second, and at the end.
        most: jobs that wait; what comes to a full queue is dropped and counted.
        cpu: share of one core that the thread may use, above 0, at most 1.
        count: told of every job that came to nothing: `dropped` or `failed`.
    Attributes:
        counts: `taken`, `dropped`, `done`, `failed` since the start of the process.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Job], None],
        *,
        cpu: float,
        tick: Callable[[], None] = lambda: None,
        count: Callable[[str], None] = lambda _outcome: None,
        most: int = 1000,
        used: Callable[[], float] = time.thread_time,
    ) -> None:
        self._name, self._work, self._tick, self._used = name, work, tick, used
        self._count = count
        self._rest = 1 / cpu - 1
        self._queue: Queue[Job] = Queue(most)
        self._closing = Event()
        self._thread: Thread | None = None
        self.counts = {"taken": 0, "dropped": 0, "done": 0, "failed": 0}

    def offer(self, job: Job) -> None:
        """Leaves a job; never waits."""
        try:
            self._queue.put_nowait(job)
            self.counts["taken"] += 1
        except Full:
            self.counts["dropped"] += 1
            self._count("dropped")

    def start(self) -> None:
        """Begin; in the process that offers, after any fork."""
        if self._thread is None:
            self._closing.clear()
            self._thread = Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def close(self, seconds: float = 5.0) -> None:
        """Work off what waits, as far as that takes no longer than some seconds, and end."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._closing.set()
            thread.join(seconds)

    def drain(self) -> None:
        """Do all that waits, in the calling thread."""
        while True:
            try:
                self._do(self._queue.get_nowait())
            except Empty:
                break
        self._guarded(self._tick)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._closing.is_set():
            before = self._used()
            with suppress(Empty):
                self._do(self._queue.get(timeout=_TICK_SECONDS))
            if time.monotonic() >= due:
                self._guarded(self._tick)
                due = time.monotonic() + _TICK_SECONDS
            self._closing.wait((self._used() - before) * self._rest)
        self.drain()

    def _do(self, job: Job) -> None:
        if self._guarded(lambda: self._work(job)):
            self.counts["done"] += 1
        else:
            self.counts["failed"] += 1
            self._count("failed")

    def _guarded(self, act: Callable[[], None]) -> bool:
        """Whether it was done. The thread outlives any fault, which is told."""
        try:
            act()
        except StoreUnavailable as error:
            _LOG.warning("%s: the store is unavailable: %s", self._name, error)
        except Exception:  # noqa: BLE001  beside the requests, so nobody else would tell
            _LOG.exception("%s failed", self._name)
        else:
            return True
        return False
