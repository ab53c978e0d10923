"""A connection that a thread may use as if it blocked, while the time it makes the thread wait is bounded."""

import errno
import select
import socket
import time
from typing import Any

MIN_RATE = 16_384
"""Bytes a second: who sends or reads faster than this on average is not cut off, however long it takes."""
MOST_UNSENT = 1_048_576
"""Bytes of an answer that wait for their client without a thread."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class TooSlow(TimeoutError):
    """The client made a thread wait for too long. gunicorn takes it for a connection that was reset."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the client is too slow")


class Allowance:
    """Seconds that a client may still make a thread wait; every MIN_RATE bytes it moves earn it one."""

    __slots__ = ("_left", "_most")

    def __init__(self, seconds: float) -> None:
        self._left = self._most = seconds

    def wait(self, connection: "Connection", event: int) -> None:
        """Until the connection is ready. Raises TooSlow."""
        if self._left <= 0:
            raise TooSlow
        poll = select.poll()
        poll.register(connection, event)
        began = time.monotonic()
        ready = poll.poll(self._left * 1000)
        self._left -= time.monotonic() - began
        if not ready:
            self._left = 0.0
            raise TooSlow

    def earn(self, moved: int) -> None:
        self._left = min(self._most, self._left + moved / MIN_RATE)


class Connection(socket.socket):
    """An accepted connection, which never blocks in the kernel.

    Attributes:
        unsent: the part of the answer that the client did not take yet; sent when the thread is done.
        broken: what was to be sent cannot be.
        continued: the client was told to send its body.
        whole: the request under way was there as a whole before a thread took it.
    """

    __slots__ = ("_reading", "_writing", "broken", "continued", "unsent", "whole")

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(False)
        self.unsent = bytearray()
        self.broken = self.continued = False
        self.whole = True
        self.allow(0, 0)

    def setblocking(self, flag: bool) -> None:
        """Nothing: gunicorn asks for both, and the waiting is done here."""

    def settimeout(self, value: float | None) -> None:
        """Nothing, likewise."""

    def allow(self, reading: float, writing: float) -> None:
        """Seconds that the client may make a thread wait during the next request."""
        self._reading, self._writing = Allowance(reading), Allowance(writing)

    def receive(self, size: int) -> bytes | None:
        """What is there now; empty at the end, None if nothing is."""
        try:
            return super().recv(size)
        except BlockingIOError:
            return None

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """The next bytes, as a thread reads them. Raises TooSlow."""
        while True:
            try:
                data = super().recv(bufsize, flags)
            except BlockingIOError:
                self._reading.wait(self, select.POLLIN)
            else:
                self._reading.earn(len(data))
                return data

    def send(self, data: Any, flags: int = 0) -> int:
        """Only for the interim answer, which is sent once."""
        if data == _CONTINUE and self.continued:
            return len(data)
        return super().send(data, flags)

    def tell_to_go_on(self) -> None:
        self.sendall(_CONTINUE)
        self.continued = True

    def sendall(self, data: Any, _flags: int = 0) -> None:
        """Leave data to be sent. A thread waits only while more than MOST_UNSENT waits. Raises TooSlow."""
        if self.unsent:
            self.unsent += data
        else:
            sent = self._sent(data)
            if sent == len(data):
                return
            self.unsent += memoryview(data)[sent:]
        while len(self.unsent) > MOST_UNSENT:
            try:
                self._writing.wait(self, select.POLLOUT)
            except TooSlow:
                self.broken = True
                raise
            self._writing.earn(self.push())

    def push(self) -> int:
        """Send what the client takes now of what is unsent; the number of bytes."""
        sent = self._sent(self.unsent)
        del self.unsent[:sent]
        return sent

    def _sent(self, data: Any) -> int:
        try:
            return super().send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.broken = True
            raise
