"""A connection that a thread may use as if it blocked, while the time it makes the thread wait is bounded."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from gunicorn.http.body import Body
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import RequestTimeout

from policy_service.worker.framing import Incoming
from policy_service.worker.permits import Permit

MIN_RATE = 16_384
"""Bytes a second: who sends or reads faster than this on average is not cut off, however long it takes."""
MOST_UNSENT = 1_048_576
"""Bytes of an answer that wait for their client without a thread."""
MOST_UNREAD = 16_777_216
"""As many, where no more threads may wait for clients; a client that leaves more unread loses its answer."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class TooSlow(TimeoutError):
    """The client made a thread wait for too long."""


class BrokenBody(OSError):
    """The rest of a body means nothing, or does not come."""


class Allowance:
    """Seconds that a client may still make a thread wait; every MIN_RATE bytes it moves earn it one."""

    def __init__(self, seconds: float) -> None:
        self._left = self._most = seconds

    def wait(self, ready: socket.socket, event: int) -> None:
        """Until the socket is ready. Raises TooSlow."""
        began = time.monotonic()
        if self._left <= 0 or not is_ready(ready, event, self._left):
            raise TooSlow
        self._left -= time.monotonic() - began

    def earn(self, moved: int) -> None:
        self._left = min(self._most, self._left + moved / MIN_RATE)


class Connection:
    """A client's connection, whose socket never blocks. A thread has it while it answers, else the main loop.

    Args:
        incoming: the request that is on its way, or the next.
        reading, writing: seconds that the client may make a thread wait, in all of a request.
    Attributes:
        ahead: bytes that arrived while a request was answered.
        ended: the client sends no more.
        begun: an answer has begun.
        unsent: the part of an answer that the client did not take yet.
        kept: another request may follow the one that was answered.
        broken: nothing can be sent or read any more.
        watched: the events of the socket that the main loop waits for.
        deadline: when the main loop is to close the connection if it is still in the same state.
        permit: with which a thread may wait for the client.
    """

    def __init__(
        self, sock: socket.socket, address: Any, incoming: Incoming, permit: Permit, reading: float, writing: float
    ) -> None:
        sock.setblocking(False)
        self.socket, self.address, self.server, self.permit = sock, address, sock.getsockname(), permit
        self.incoming, self.ahead, self.unsent = incoming, bytearray(), bytearray()
        self.kept, self.ended, self.broken = True, False, False
        self.watched, self.deadline = 0, time.monotonic() + reading
        self._seconds = reading, writing

    def begin(self) -> None:
        """A request is to be answered."""
        self.begun = False
        self._reading, self._writing = map(Allowance, self._seconds)

    # ---- for the thread that answers

    def recv(self, size: int) -> bytes:
        """The next bytes. Raises TooSlow."""
        while True:
            try:
                data = self.socket.recv(size)
            except BlockingIOError:
                self._reading.wait(self.socket, select.POLLIN)
            else:
                self._reading.earn(len(data))
                return data

    def send(self, data: bytes) -> int:
        """What gunicorn sends before an answer is `100 Continue`, which the main loop has sent if it is needed."""
        return len(data)

    def sendall(self, data: bytes) -> None:
        """Leave data to be sent; a head goes with what follows it. Raises TooSlow."""
        self.unsent += data
        if self.begun:
            self.flush()
        self.begun = True

    def flush(self) -> None:
        """Send what the client takes. A thread waits only while more than MOST_UNSENT is left, and only if it may wait.

        Raises:
            TooSlow: it waited for too long; or it may not wait, and more than MOST_UNREAD is left.
        """
        self.push()
        while len(self.unsent) > MOST_UNSENT:
            if not self.permit.take():
                if len(self.unsent) > MOST_UNREAD:
                    raise TooSlow
                return
            self._writing.wait(self.socket, select.POLLOUT)
            self._writing.earn(self.push())

    # ---- for both

    def push(self) -> int:
        """Send what the client takes now; the number of bytes."""
        try:
            sent = self.socket.send(self.unsent)
        except BlockingIOError:
            return 0
        del self.unsent[:sent]
        return sent

    def tell_to_go_on(self) -> None:
        """Send `100 Continue`, once, if the client waits for it before it sends the body."""
        if self.incoming.expects:
            self.incoming.expects = False
            self.unsent += _CONTINUE
            with suppress(OSError):  # reading says so too
                self.push()


class ComingBody:
    """A body that is read while it arrives, or that the parser may still refuse; its errors are ones Werkzeug knows."""

    def __init__(self, body: Body, connection: Connection) -> None:
        self._body, self._connection = body, connection

    def read(self, size: int = -1) -> bytes:
        """Raises RequestTimeout for a client that is too slow, BrokenBody, or OSError for a broken connection."""
        with _werkzeug_errors():
            data: bytes = self._body.read(size)
        return data

    def piece(self) -> bytes:
        """What has come, waiting for a first byte only, where `read` waits for all that was asked; empty at the end."""
        reader = self._body.reader
        with _werkzeug_errors():
            while reader.parser is not None:
                found: bytes | None = next(reader.parser, None)
                if found:
                    return found
                if found is None:
                    reader.parser = None
        return b""

    def ready(self, seconds: float) -> bool:
        """Whether more has come, or comes within some seconds; it may say no to what was read ahead."""
        return is_ready(self._connection.socket, select.POLLIN, max(seconds, 0))


@contextmanager
def _werkzeug_errors() -> Iterator[None]:
    try:
        yield
    except TooSlow as error:
        raise RequestTimeout from error
    except (ParseException, NoMoreData) as error:
        raise BrokenBody from error


def is_ready(sock: socket.socket, event: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(sock, event)
    return bool(poll.poll(seconds * 1000))
