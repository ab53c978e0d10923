"""Group commit: threads that wait at the same moment share a transaction.

The first to come becomes the leader. It begins, takes all that wait by then, commits them, and wakes each with the
outcome of its item; then the oldest of those that came meanwhile leads. A thread that comes alone pays two locks.
"""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from policy_service.decisions.ports.records import StoreUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

Take = Callable[[], Sequence[Item]]
Commit = Callable[[Take[Item]], Sequence[Result | Exception]]


class _Waiting(Generic[Item, Result]):
    """A thread's item, and a lock that opens when the thread is to lead, or when its result is there."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.result: Result | Exception | None = None
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()


class GroupCommit(Generic[Item, Result]):
    """Commits items together.

    Args:
        commit: called by one thread at a time. It begins a transaction, calls what it is given, once, for the items
            that wait by then, and returns the result of each, in order; an exception in its place is raised by the
            thread whose item it was. What it raises itself is raised by all of the group.
    """

    def __init__(self, commit: Commit[Item, Result]) -> None:
        self._commit = commit
        self._forget()
        _groups.add(self)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[_Waiting[Item, Result]] = []
        self._led = False

    def __call__(self, item: Item) -> Result:
        """What became of the item; raises what stands in its place."""
        mine: _Waiting[Item, Result] = _Waiting(item)
        with self._lock:
            self._queue.append(mine)
            mine.leads, self._led = not self._led, True
        if not mine.leads:
            self._wait(mine)
        if mine.leads:
            self._lead(mine)
        if isinstance(mine.result, Exception):
            raise mine.result
        assert mine.result is not None  # noqa: S101  nobody is woken without
        return mine.result

    def _wait(self, mine: _Waiting[Item, Result]) -> None:
        try:
            mine.woken.acquire()
        except BaseException:  # the thread is told to end
            with self._lock:
                if mine in self._queue:
                    self._queue.remove(mine)
                if mine.leads:
                    self._pass_on()
            raise

    def _lead(self, mine: _Waiting[Item, Result]) -> None:
        group: list[_Waiting[Item, Result]] = []

        def take() -> list[Item]:
            with self._lock:
                group.extend(self._queue)
                self._queue.clear()
            return [one.item for one in group]

        fault = StoreUnavailable("the commit was broken off")
        try:
            for one, result in zip(group, self._commit(take), strict=True):
                one.result = result
        except StoreUnavailable as raised:
            fault = raised
            raise
        finally:
            if not group:
                take()
            with self._lock:
                self._pass_on()
            for one in group:
                if one is not mine:
                    if one.result is None:
                        one.result = StoreUnavailable(*fault.args)
                    one.woken.release()

    def _pass_on(self) -> None:
        """The oldest that waits leads, if there is one."""
        self._led = bool(self._queue)
        if self._queue:
            self._queue[0].leads = True
            self._queue[0].woken.release()


_groups: WeakSet[GroupCommit[Any, Any]] = WeakSet()


def _forget_inherited() -> None:
    """In the child of a fork, forget the threads that lead or wait: it has none of them."""
    for group in _groups:
        group._forget()


os.register_at_fork(after_in_child=_forget_inherited)
