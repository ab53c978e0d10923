"""Work that a process does from time to time, beside its requests."""

import logging
from collections.abc import Callable
from threading import Event, Thread

_LOG = logging.getLogger(__name__)


class Periodic:
    """A thread that does some work every so many seconds, the first time after as many, until `close`."""

    def __init__(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        self._seconds, self._work, self._stop = seconds, work, Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._work()
            except Exception:  # noqa: BLE001  the thread outlives any fault, which is told
                _LOG.exception("%s failed, and is tried again in %s seconds", self._thread.name, self._seconds)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
