"""A gunicorn worker with a main loop of its own, and threads that answer.

The main loop takes connections, collects requests, and sends what clients are slow to read. A thread gets a request
when it is complete, so a client that sends slowly costs a little memory and no thread. `GET /healthz`, which asks
nothing of the store, is answered by the main loop, whatever the threads do, and so is what nobody will read.

A bundle or a batch larger than POLICY_MAX_BODY, and a batch that streams, are read by a thread as they come. Such a
request waits for a permit, of which there are half as many as threads; then the client may make the thread wait for
POLICY_READ_SECONDS in all.

Of gunicorn it uses the base class that is made to be derived from, the parser and the writer of answers; which names
exactly is in tests/unit/worker/test_gunicorn.py.
"""

import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import Any

from gunicorn.workers.base import Worker as BaseWorker

from policy_service.api.boundary import STREAMED
from policy_service.problems import kinds
from policy_service.telemetry import metrics
from policy_service.worker.answering import is_answered
from policy_service.worker.connection import MIN_RATE, Connection
from policy_service.worker.framing import Arrival, Incoming
from policy_service.worker.limits import Limits
from policy_service.worker.permits import Permit, permits_of, started_of
from policy_service.worker.refusals import kind_of, refusal
from policy_service.worker.unfinished import Unfinished

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
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Worker(BaseWorker):
    """A worker that slow clients do not hold, and whose own refusals have the shape of every other."""

    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._poller = selectors.DefaultSelector()
        self._listening = False
        self._connections: dict[Connection, None] = {}
        self._busy: set[Connection] = set()  # with a thread, or waiting for one
        self._unfinished = Unfinished(Limits.unfinished, Limits.unfinished_per_address, Limits.proxies)
        self._coming: dict[Connection, None] = {}  # whose bodies wait for a permit
        self._permits = BoundedSemaphore(permits_of(self.cfg.threads))
        self._threads: list[Thread] = []
        self._whole: SimpleQueue[Connection | None] = SimpleQueue()  # null ends a thread
        self._answered: deque[Connection] = deque()  # what comes next is the main loop's to do
        self._swept = 0.0
        self.on_stop: Callable[[], None] = lambda: None
        """Called when the worker is asked to stop."""

    def watch(self) -> None:
        """Tell the metrics how many connections there are, and how many requests wait."""
        metrics.counts.watch(metrics.CONNECTIONS, lambda: [((), float(len(self._connections)))])
        metrics.counts.watch(metrics.UNFINISHED, lambda: [((), float(len(self._unfinished)))])
        metrics.counts.watch(metrics.COMING, lambda: [((), float(len(self._coming)))])
        metrics.counts.watch(metrics.WAITING, lambda: [((), float(max(0, len(self._busy) - self.cfg.threads)))])

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: from now on the worker is not ready."""
        self.on_stop()
        super().handle_exit(sig, frame)

    # ---- the main loop

    def run(self) -> None:
        numbers = range(started_of(self.cfg.threads))
        self._threads = [Thread(target=self._answer_all, name=f"answers-{n}", daemon=True) for n in numbers]
        for thread in self._threads:
            thread.start()
        self._poller.register(self.PIPE[0], _READ, self._woken)
        for listener in self.sockets:
            listener.setblocking(False)
        while self.alive and self.ppid == os.getppid():
            self._turn()
        self.alive = False
        end = time.monotonic() + self.cfg.graceful_timeout
        while self._connections and time.monotonic() < end:
            self._turn()
        for _ in self._threads:
            self._whole.put(None)

    def _turn(self) -> None:
        self._listen(self.alive and len(self._busy) < self.cfg.worker_connections)
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
        self._begin_coming()

    def _sweep(self, now: float) -> None:
        """Close connections that take too long."""
        if not self.alive:
            for connection in self._idle():
                connection.deadline = min(connection.deadline, now + _CLOSING_SECONDS)
        for connection in [c for c in self._connections if c.deadline <= now and c not in self._busy]:
            if connection in self._coming:
                self._refuse(connection, kinds.OVERLOADED)
            elif connection.incoming.begun and connection.kept:
                self._refuse(connection, kinds.REQUEST_TIMEOUT)
            else:
                self._drop(connection)

    def _idle(self) -> list[Connection]:
        return [c for c in self._connections if not (c in self._busy or c.incoming.begun or c.unsent or not c.kept)]

    # ---- room for new connections

    def _unfinish(self, connection: Connection) -> None:
        """Its request is awaited: where too many are, the oldest ends."""
        if (found := self._unfinished.add(connection)) is not None:
            self._displace(found.connection, found.bound)

    def _make_room(self, new: Connection) -> None:
        """Where there are more connections than may be, the one that loses least ends."""
        if len(self._connections) > self.cfg.worker_connections:
            others = [c for c in self._connections if c is not new and c not in self._busy]
            if others:  # else all others got a thread in this turn, and the next one takes no more
                self._displace(min(others, key=lambda c: (_loss(c), c.deadline)), "connections")

    def _displace(self, connection: Connection, bound: str) -> None:
        """Close at once, with a refusal for the request that was begun, if the client takes it."""
        metrics.displaced(bound)
        if connection.incoming.begun and connection.kept and not connection.unsent:
            connection.unsent += refusal(kinds.OVERLOADED)
            with suppress(OSError):
                connection.push()
        self._drop(connection)

    # ---- in

    def _accept(self, listener: socket.socket) -> None:
        try:
            accepted, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was first, or it is gone
        incoming = self._incoming(address)
        permit = Permit(self._permits)
        connection = Connection(accepted, address, incoming, permit, Limits.read_seconds, Limits.write_seconds)
        self._connections[connection] = None
        self._watch(connection, _READ)
        self._unfinish(connection)
        self._make_room(connection)
        self._ready(connection, accepted)

    def _incoming(self, address: Any) -> Incoming:
        return Incoming(self.cfg, address, Limits.max_body, STREAMED, Limits.larger)

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
            arrival = incoming.take(data)
        except Exception as error:  # noqa: BLE001  whatever the parser raises ends its request only
            self._refuse(connection, kind_of(error))
            return
        if arrival is Arrival.TOO_LARGE:
            self._refuse(connection, kinds.BODY_TOO_LARGE)
        elif arrival in (Arrival.WHOLE, Arrival.BROKEN) or (connection.ended and incoming.request is not None):
            self._hand_over(connection)
        elif connection.ended:
            self._drop(connection)
        else:
            self._await(connection, coming=arrival is Arrival.COMING)

    def _await(self, connection: Connection, *, coming: bool) -> None:
        """More of a request has to arrive: here, or once there is a permit for it with a thread."""
        self._unfinish(connection)
        held = len(connection.incoming.data)
        if held > _AT_ONCE and sum(len(c.incoming.data) for c in self._connections) > MOST_HELD:
            self._refuse(connection, kinds.OVERLOADED)
        elif coming:
            if held > Limits.max_body:
                self._watch(connection, 0)
            self._coming[connection] = None
            self._begin_coming()
        else:
            connection.tell_to_go_on()

    def _begin_coming(self) -> None:
        """Hand bodies over that are read as they come, as long as there are permits.

        A thread frees its permit first and looks whether a body waits afterwards, and here it is the other way round:
        so one of the two sees the other.
        """
        while (connection := next(iter(self._coming), None)) is not None and connection.permit.take():
            self._hand_over(connection, coming=True)

    def _hand_over(self, connection: Connection, *, coming: bool = False) -> None:
        """Let a thread answer; it waits for the rest of the body only where that is `coming`."""
        incoming = connection.incoming
        path = incoming.request.path
        self._awaited(connection)
        if len(self._busy) >= self.cfg.threads + Limits.max_waiting and path not in _ALWAYS:
            connection.permit.free()
            self._refuse(connection, kinds.OVERLOADED)
            return
        connection.ahead += incoming.release()
        if coming:
            connection.tell_to_go_on()
            incoming.source.more = connection.recv
        if not incoming.whole:
            self._watch(connection, 0)
        connection.begin()
        self._busy.add(connection)
        if path == _HEALTH and incoming.whole:
            self._answer(connection)
        else:
            self._whole.put(connection)

    def _awaited(self, connection: Connection) -> None:
        """Nothing more is awaited here of its request."""
        self._unfinished.remove(connection)
        self._coming.pop(connection, None)

    # ---- the threads

    def _answer_all(self) -> None:
        while (connection := self._whole.get()) is not None:
            self._answer(connection)

    def _answer(self, connection: Connection) -> None:
        """Answer a request, and wake the main loop if there is anything for it to do but wait for the next."""
        incoming = connection.incoming
        self.nr += 1
        self.alive = self.alive and self.nr < self.max_requests
        connection.kept = is_answered(connection, self.cfg, self.wsgi, is_last=not self.alive) and incoming.is_read()
        connection.ahead += incoming.source.take_buffered() if not incoming.whole else b""
        connection.incoming = self._incoming(connection.address)
        connection.deadline = time.monotonic() + self.cfg.keepalive
        connection.permit.free()
        self._busy.discard(connection)  # from here on the main loop may read
        waits = connection.kept and connection.watched == _READ and not (connection.unsent or connection.ahead)
        if not waits or self._coming or not self.alive:
            self._answered.append(connection)
            with suppress(BlockingIOError):  # full of other wake-ups
                os.write(self.PIPE[1], b"\0")

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
        """End the answer at once, and close once the client has: what it still sends would cost it that end."""
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
        self._awaited(connection)
        if connection in self._busy:
            connection.broken = True
        else:
            del self._connections[connection]
            connection.socket.close()

    # ---- refusals

    def _refuse(self, connection: Connection, kind: kinds.Kind) -> None:
        """Answer from the main loop, and close."""
        self._awaited(connection)
        connection.kept = False
        connection.unsent += refusal(kind)
        with suppress(OSError):
            connection.push()
        self._go_on(connection)


def _loss(connection: Connection) -> int:
    """What is lost with a connection: its client's last words, nothing, a part of a request, or one of an answer."""
    if connection.unsent:
        return 3
    return 0 if not connection.kept else 1 + connection.incoming.begun
