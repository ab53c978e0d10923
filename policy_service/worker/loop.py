"""A gunicorn worker with a main loop of its own, and threads that answer.

The main loop takes connections, collects requests, and sends what clients are slow to read. A thread gets a request
when it is complete, so a client that sends slowly costs a little memory and no thread. `GET /healthz`, which asks
nothing of the store, is answered by the main loop, whatever the threads do.

A body larger than POLICY_MAX_BODY, and one of a batch that streams, is read by the thread as it comes, and then the
client may make the thread wait for POLICY_READ_SECONDS in all.

Of gunicorn it uses the base class that is made to be derived from, the parser and the writer of answers; which names
exactly is in tests/unit/worker/test_gunicorn.py.
"""

import logging
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.http.wsgi import create
from gunicorn.workers.base import Worker as BaseWorker

from policy_service.api.boundary import STREAMED
from policy_service.problems import kinds
from policy_service.problems.bodies import PROBLEM_JSON
from policy_service.problems.bodies import body as problem
from policy_service.telemetry import metrics
from policy_service.worker.connection import MIN_RATE, ComingBody, Connection, TooSlow
from policy_service.worker.framing import Incoming

MOST_HELD = 67_108_864
"""Bytes of requests not yet whole, and of answers not yet read, that a worker keeps; each."""
_AT_ONCE = 65_536
_CLOSING_SECONDS = 2.0
"""How long a connection that we close stays open for the client to read the end of its answer (RFC 9112, 9.6), and
how long a worker that ends waits for a request on a connection that was kept."""
_SWEEP_SECONDS = 1.0
_HEALTH = "/healthz"
_ALWAYS = (_HEALTH, "/readyz", "/metrics")
"""Answered by a worker that is overloaded too: whoever looks after it must not take it for dead."""
_RETRY_SECONDS = 1
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_LOG = logging.getLogger(__name__)


class Limits:
    """What a worker allows its clients; set by `serving` before gunicorn starts."""

    max_body = 1_048_576
    read_seconds = 10
    write_seconds = 20
    max_waiting = 256


class Worker(BaseWorker):
    """A worker that slow clients do not hold, and whose own refusals have the shape of every other."""

    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._poller = selectors.DefaultSelector()
        self._listening = False
        self._connections: dict[Connection, None] = {}
        self._busy: set[Connection] = set()  # with a thread, or waiting for one
        self._whole: SimpleQueue[Connection] = SimpleQueue()
        self._answered: deque[Connection] = deque()  # what comes next is the main loop's to do
        self._swept = 0.0
        self.on_stop: Callable[[], None] = lambda: None
        """Called when the worker is asked to stop."""

    def watch(self) -> None:
        """Tell the metrics how many connections there are, and how many requests wait."""
        metrics.counts.watch(metrics.CONNECTIONS, lambda: [((), float(len(self._connections)))])
        metrics.counts.watch(metrics.WAITING, lambda: [((), float(max(0, len(self._busy) - self.cfg.threads)))])

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: from now on the worker is not ready."""
        self.on_stop()
        super().handle_exit(sig, frame)

    # ---- the main loop

    def run(self) -> None:
        for number in range(self.cfg.threads):
            Thread(target=self._answer_all, name=f"answers-{number}", daemon=True).start()
        self._poller.register(self.PIPE[0], _READ, self._woken)
        for listener in self.sockets:
            listener.setblocking(False)
        while self.alive and self.ppid == os.getppid():
            self._turn()
        self.alive = False
        end = time.monotonic() + self.cfg.graceful_timeout
        while self._connections and time.monotonic() < end:
            self._turn()

    def _turn(self) -> None:
        self._make_room()
        self._listen(self.alive and len(self._connections) < self.cfg.worker_connections)
        for key, _ in self._poller.select(_SWEEP_SECONDS):
            key.data(key.fileobj)
        now = time.monotonic()
        if now >= self._swept + _SWEEP_SECONDS:
            self._swept = now
            self.notify()
            self._sweep(now)

    def _listen(self, wanted: bool) -> None:
        if wanted == self._listening:
            return
        self._listening = wanted
        for listener in self.sockets:
            if wanted:
                self._poller.register(listener, _READ, self._accept)
            else:
                self._poller.unregister(listener)

    def _woken(self, pipe: int) -> None:
        """A thread is done, or a signal came."""
        with suppress(BlockingIOError):
            os.read(pipe, 4096)
        while self._answered:
            self._go_on(self._answered.popleft())

    def _sweep(self, now: float) -> None:
        """Close connections that take too long."""
        if not self.alive:
            for connection in self._idle():
                connection.deadline = min(connection.deadline, now + _CLOSING_SECONDS)
        for connection in [c for c in self._connections if c.deadline <= now and c not in self._busy]:
            if connection.incoming.begun and connection.kept:
                self._refuse(connection, kinds.REQUEST_TIMEOUT)
            else:
                self._drop(connection)

    def _make_room(self) -> None:
        """Where there are as many connections as may be, the longest idle ends."""
        if len(self._connections) >= self.cfg.worker_connections and (idle := self._idle()):
            self._drop(min(idle, key=lambda c: c.deadline))

    def _idle(self) -> list[Connection]:
        return [c for c in self._connections if not (c in self._busy or c.incoming.begun or c.unsent or not c.kept)]

    # ---- in

    def _accept(self, listener: socket.socket) -> None:
        try:
            accepted, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was first, or it is gone
        incoming = self._incoming(address)
        connection = Connection(accepted, address, incoming, Limits.read_seconds, Limits.write_seconds)
        self._connections[connection] = None
        self._watch(connection, _READ)
        self._ready(connection, accepted)

    def _incoming(self, address: Any) -> Incoming:
        return Incoming(self.cfg, address, Limits.max_body, STREAMED)

    def _watch(self, connection: Connection, events: int) -> None:
        if events == connection.watched:
            return
        if not connection.watched:
            self._poller.register(connection.socket, events, partial(self._ready, connection))
        elif events:
            self._poller.modify(connection.socket, events, partial(self._ready, connection))
        else:
            self._poller.unregister(connection.socket)
        connection.watched = events

    def _ready(self, connection: Connection, _socket: socket.socket) -> None:
        try:
            if connection.watched == _READ:
                self._readable(connection, connection.socket.recv(_AT_ONCE))
            elif connection.watched == _WRITE:
                self._writable(connection, connection.push())
        except BlockingIOError:
            pass  # it is not, after all
        except OSError:
            self._drop(connection)

    def _readable(self, connection: Connection, data: bytes) -> None:
        if not data:
            connection.ended = True
            self._watch(connection, 0)
        # First kept, then asked whether a thread has the connection: a thread that gives it back does so first and
        # looks for what is kept afterwards. So one of the two sees it, and what came first is read first.
        connection.ahead += data
        if connection in self._busy or connection.unsent:
            if len(connection.ahead) > _AT_ONCE:
                self._watch(connection, 0)
            return
        arrived = bytes(connection.ahead)
        connection.ahead.clear()
        if connection.kept:
            self._take(connection, arrived)
        elif connection.ended:
            self._drop(connection)

    def _take(self, connection: Connection, data: bytes) -> None:
        """More of a request arrived, or the end of the connection."""
        incoming = connection.incoming
        if not incoming.begun:
            connection.deadline = time.monotonic() + Limits.read_seconds
        connection.deadline += len(data) / MIN_RATE
        try:
            ready = incoming.take(data)
        except Exception as error:  # noqa: BLE001  whatever the parser raises ends its request only
            self._refuse(connection, _kind(error))
            return
        if ready or (connection.ended and incoming.request is not None):
            self._hand_over(connection)
        elif connection.ended:
            self._drop(connection)
        elif len(incoming.data) > _AT_ONCE and sum(len(c.incoming.data) for c in self._connections) > MOST_HELD:
            self._refuse(connection, kinds.OVERLOADED)
        else:
            connection.tell_to_go_on()

    def _hand_over(self, connection: Connection) -> None:
        incoming = connection.incoming
        path = incoming.request.path
        if len(self._busy) >= self.cfg.threads + Limits.max_waiting and path not in _ALWAYS:
            self._refuse(connection, kinds.OVERLOADED)
            return
        connection.ahead += incoming.release()
        if not incoming.whole:
            connection.tell_to_go_on()
            self._watch(connection, 0)
            incoming.source.more = connection.recv
        connection.begin()
        self._busy.add(connection)
        if path == _HEALTH and incoming.whole:
            self._answer(connection)
        else:
            self._whole.put(connection)

    # ---- the threads

    def _answer_all(self) -> None:
        while True:
            self._answer(self._whole.get())

    def _answer(self, connection: Connection) -> None:
        """Answer a request, and wake the main loop if there is anything for it to do but wait for the next."""
        incoming = connection.incoming
        connection.kept = self._is_answered(connection) and incoming.is_read()
        connection.ahead += incoming.source.take_buffered() if not incoming.whole else b""
        connection.incoming = self._incoming(connection.address)
        connection.deadline = time.monotonic() + self.cfg.keepalive
        self._busy.discard(connection)  # from here on the main loop may read
        waits = connection.kept and connection.watched == _READ and not (connection.unsent or connection.ahead)
        if not waits or not self.alive:
            self._answered.append(connection)
            with suppress(BlockingIOError):  # full of other wake-ups
                os.write(self.PIPE[1], b"\0")

    def _is_answered(self, connection: Connection) -> bool:
        """Whether an answer was given, and another may follow it."""
        incoming = connection.incoming
        try:
            response, environ = create(incoming.request, connection, connection.address, connection.server, self.cfg)
            environ["wsgi.multithread"] = True
            if not incoming.whole or "HTTP_TRANSFER_ENCODING" in environ:
                environ["wsgi.input"] = ComingBody(environ["wsgi.input"], connection)
            self.nr += 1
            self.alive = self.alive and self.nr < self.max_requests
            if not self.alive:
                response.force_close()
            pieces = self.wsgi(environ, response.start_response)
            try:
                for piece in pieces:
                    response.write(piece)
                response.close()
            finally:
                if hasattr(pieces, "close"):
                    pieces.close()
            connection.flush()
        except (ConnectionError, TooSlow):
            connection.broken = True
            return False
        except Exception as error:  # noqa: BLE001  whatever the application raises ends its request only
            kind = _kind(error)
            if not connection.begun:
                connection.unsent += _refusal(kind)
            return False
        return not response.should_close()

    # ---- what follows an answer

    def _go_on(self, connection: Connection) -> None:
        """The rest of an answer is sent, the next request taken, or the connection closed."""
        if connection not in self._connections or connection in self._busy:
            return  # it has gone on since
        if connection.broken:
            self._drop(connection)
        elif connection.unsent:
            connection.deadline = time.monotonic() + Limits.write_seconds
            self._watch(connection, _WRITE)
            self._bound_unsent()
        elif not connection.kept:
            self._close(connection)
        else:
            self._watch(connection, 0 if connection.ended else _READ)
            if connection.ahead or connection.ended:
                data = bytes(connection.ahead)
                connection.ahead.clear()
                self._take(connection, data)

    def _writable(self, connection: Connection, sent: int) -> None:
        connection.deadline += sent / MIN_RATE
        if not connection.unsent:
            connection.deadline = time.monotonic() + self.cfg.keepalive
            self._go_on(connection)

    def _bound_unsent(self) -> None:
        for connection in [c for c in self._connections if c.unsent and c not in self._busy]:
            if sum(len(c.unsent) for c in self._connections) <= MOST_HELD:
                return
            self._drop(connection)

    def _close(self, connection: Connection) -> None:
        """Close once the client has: it may still be sending, and would lose the end of its answer."""
        with suppress(OSError):  # reading says so too
            connection.socket.shutdown(socket.SHUT_WR)
        connection.deadline = time.monotonic() + _CLOSING_SECONDS
        if connection.ended:
            self._drop(connection)
        else:
            self._watch(connection, _READ)

    def _drop(self, connection: Connection) -> None:
        """Close at once; a thread that is answering is let finish."""
        self._watch(connection, 0)
        if connection in self._busy:
            connection.broken = True
        else:
            del self._connections[connection]
            connection.socket.close()

    # ---- refusals

    def _refuse(self, connection: Connection, kind: kinds.Kind) -> None:
        """Answer from the main loop, and close."""
        connection.kept = False
        connection.unsent += _refusal(kind)
        with suppress(OSError):
            connection.push()
        self._go_on(connection)


def _refusal(kind: kinds.Kind) -> bytes:
    metrics.refused(kind.name)
    body = problem(kind, kind.meaning)
    retry = f"Retry-After: {_RETRY_SECONDS}\r\n" if kind is kinds.OVERLOADED else ""
    head = (
        f"HTTP/1.1 {kind.status} {kind.title}\r\nConnection: close\r\n{retry}"
        f"Content-Type: {PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _kind(error: Exception) -> kinds.Kind:
    """What a request is refused with that cannot be read, or whose answer fails; it is logged."""
    if not isinstance(error, ParseException):
        _LOG.error("a request failed", exc_info=error)
        return kinds.INTERNAL
    _LOG.info("a request cannot be read: %s", type(error).__name__)  # its text quotes the request
    if isinstance(error, LimitRequestLine):
        return kinds.PATH_TOO_LONG
    return kinds.HEADERS_TOO_LARGE if isinstance(error, LimitRequestHeaders) else kinds.BAD_REQUEST
