"""The guard: a file outside the database that remembers how far this host has seen the log.

A database can be set back, by a restored backup or by whoever may write it, and looks whole all the same. The file
does not go back with it: behind it nothing is signed.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from policy_service.decisions.ports.acts import LogState
from policy_service.decisions.ports.records import StoreUnavailable

NOTHING = LogState(0, "", 0, "")


class Held(StoreUnavailable):
    """The store is behind what was signed before, so nothing is signed on it."""


class GuardRefused(ValueError):
    """The file of the guard cannot be used; the message says why."""


class Guard:
    """The guard of one log on this host.

    Args:
        path: null for none: nothing is remembered beyond this process.
    """

    def __init__(self, path: Path | None, origin: str) -> None:
        self.path, self._origin = path, origin
        self._last = NOTHING
        self.held: str | None = None
        """Why nothing is signed; null while all is well."""

    def check(self) -> None:
        """Raises Held while nothing may be signed."""
        if self.held is not None:
            raise Held(self.held)

    def last(self) -> LogState:
        """The farthest state that was seen.

        Raises:
            GuardRefused: the file cannot be read, or is of another log.
        """
        found = NOTHING if self.path is None or not self.path.exists() else self._read(self.path)
        self._last = _farther(self._last, found)
        return self._last

    def advance(self, state: LogState, at: str) -> None:
        """Remember a state whose head is durable; one that is not farther changes nothing.

        Raises:
            GuardRefused: the file cannot be written.
        """
        self._write(lambda known: _farther(known, state), at)

    def set_back(self, state: LogState, at: str) -> None:
        """Remember a state that is not as far: a person has adopted a restored store. Raises GuardRefused."""
        self._last = NOTHING
        self._write(lambda _: state, at)
        self.held = None

    def _write(self, chosen: Callable[[LogState], LogState], at: str) -> None:
        if self.path is None:
            self._last = chosen(self._last)
            return
        try:
            with _alone(self.path):
                known = self._read(self.path) if self.path.exists() else NOTHING
                self._last = chosen(_farther(self._last, known))  # the file may have been taken away meanwhile
                if self._last != known:
                    _replace(self.path, {"origin": self._origin, **asdict(self._last), "at": at})
        except OSError as error:
            raise GuardRefused(f"the guard `{self.path}` cannot be written: {error.strerror}") from error

    def _read(self, path: Path) -> LogState:
        try:
            found = json.loads(path.read_text("utf-8"))
            if found.pop("origin") != self._origin:
                raise GuardRefused(f"the guard `{path}` is of another log")
            found.pop("at")
            return _state(found)
        except OSError as error:
            raise GuardRefused(f"the guard `{path}` cannot be read: {error.strerror}") from error
        except GuardRefused:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise GuardRefused(f"the guard `{path}` was not written by this service") from error


def _state(found: dict[str, Any]) -> LogState:
    state = LogState(**found)
    if not (type(state.size) is int and type(state.version) is int and min(state.size, state.version) >= 0):
        raise ValueError
    if state.size and len(bytes.fromhex(state.root)) != 32:
        raise ValueError
    return state


def _farther(one: LogState, two: LogState) -> LogState:
    """Of two states of one log the farther: heads and orders each grow."""
    head = two if two.size > one.size else one
    order = two if two.version > one.version else one
    return LogState(head.size, head.root, order.version, order.order)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time: all workers of a host share the file."""
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _replace(path: Path, found: dict[str, Any]) -> None:
    """The file is the old or the new one, whenever the machine stops."""
    written = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(found, file)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
