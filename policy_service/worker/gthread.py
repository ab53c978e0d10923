"""gunicorn's threaded worker, with another way in and out.

gunicorn gives a connection to a thread as soon as its first bytes come, so that a client which sends slowly holds the
thread. Here the main loop collects the request, and a thread gets it when it is whole: an idle or trickling connection
costs a little memory and no thread. Likewise an answer that its client reads slowly is sent by the main loop.

A body larger than POLICY_MAX_BODY, and one of a batch that streams, is read by the thread as it comes, and then the
client may make the thread wait for POLICY_READ_SECONDS in all.
"""

import logging
import select
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker
from werkzeug.exceptions import RequestTimeout

from policy_service.problems import kinds
from policy_service.problems.bodies import PROBLEM_JSON
from policy_service.problems.bodies import body as problem
from policy_service.telemetry import metrics
from policy_service.worker.connection import MIN_RATE, Connection, TooSlow
from policy_service.worker.framing import Incoming

MOST_HELD = 67_108_864
"""Bytes of requests not yet whole, and of answers not yet read, that a worker keeps; each."""
_AT_ONCE = 65_536
_LINGER_SECONDS = 2.0
"""How long a connection that we close stays open for the client to read the end of its answer (RFC 9112, 9.6)."""
_ALWAYS = (b"GET /healthz ", b"GET /readyz ", b"GET /metrics ")
"""Answered by a worker that is overloaded too: whoever looks after it must not take it for dead."""
_RETRY_SECONDS = 1
_LOG = logging.getLogger(__name__)
_STREAMED = (b"POST /v1/evaluate/batch",)
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Limits:
    """What a worker allows its clients; set by `serving` before gunicorn starts."""

    max_body = 1_048_576
    read_seconds = 10
    write_seconds = 20
    max_waiting = 256


class _Client(TConn):
    """A connection with what came of its next request. `deadline` is that of its state."""

    sock: Connection

    def __init__(self, cfg: Any, sock: Connection, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.data_ready = True  # gunicorn need not wait for any
        self.incoming = Incoming(Limits.max_body, _STREAMED)
        self.deadline = 0.0
        self.kept = False


_State = dict[_Client, None]


class Worker(ThreadWorker):
    """A worker that slow clients do not hold, and whose own refusals have the shape of every other."""

    wsgi: Wsgi

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: _State = {}  # between two requests
        self._reading: _State = {}  # a request is on its way, or the first is awaited
        self._writing: _State = {}  # an answer is on its way, and no thread has it
        self._closing: _State = {}  # answered; the client is to close
        self._under_way = 0  # with a thread, or waiting for one
        self.on_stop: Callable[[], None] = lambda: None
        """Called when the worker is asked to stop."""

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi = _slow_or_broken(self.wsgi)

    def watch(self) -> None:
        """Tell the metrics how many connections there are, and how many requests wait."""
        metrics.counts.watch(metrics.CONNECTIONS, lambda: [((), float(self.nr_conns))])
        metrics.counts.watch(metrics.WAITING, lambda: [((), float(max(0, self._under_way - self.cfg.threads)))])

    # ---- in

    def accept(self, listener: socket.socket) -> None:
        """Take a connection. Nothing is awaited."""
        try:
            accepted, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was first, or it is gone
        self.nr_conns += 1
        client = _Client(self.cfg, Connection(accepted), address, listener.getsockname())
        client.deadline = time.monotonic() + Limits.read_seconds
        self._reading[client] = None
        self.poller.register(client.sock, selectors.EVENT_READ, partial(self._readable, client))
        self._readable(client, client.sock)

    def _readable(self, client: _Client, sock: Connection) -> None:
        try:
            data = sock.receive(_AT_ONCE)
        except OSError:
            self._drop(client)
            return
        if data is None:
            return
        if client in self._kept:
            del self._kept[client]
            client.deadline = time.monotonic() + Limits.read_seconds
            self._reading[client] = None
        self._arrived(client, data)

    def _arrived(self, client: _Client, data: bytes) -> None:
        incoming = client.incoming
        if not data and not incoming.data:
            self._drop(client)
        elif incoming.take(data) or not data or self._too_much(self._reading):
            self._hand_over(client)  # at the end of the connection too: the parser says what is missing
        else:
            client.deadline += len(data) / MIN_RATE
            if incoming.expects and not client.sock.continued:
                with suppress(OSError):
                    client.sock.tell_to_go_on()

    def _too_much(self, reading: _State) -> bool:
        return len(reading) * Limits.max_body > MOST_HELD and sum(len(c.incoming.data) for c in reading) > MOST_HELD

    def _hand_over(self, client: _Client) -> None:
        self.poller.unregister(client.sock)
        del self._reading[client]
        incoming = client.incoming
        if self._under_way >= self.cfg.threads + Limits.max_waiting and not incoming.data.startswith(_ALWAYS):
            self._refuse(client, kinds.OVERLOADED)
            return
        client.incoming = Incoming(Limits.max_body, _STREAMED)
        client.sock.whole = incoming.whole
        client.sock.allow(Limits.read_seconds, Limits.write_seconds)
        client.init()
        client.parser.unreader.unread(bytes(incoming.data))
        self._under_way += 1
        self.enqueue_req(client)

    # ---- out

    def finish_request(self, conn: _Client, fs: "Future[bool]") -> None:
        """In the main loop: a thread is done with a request."""
        self._under_way -= 1
        kept = not fs.cancelled() and fs.exception() is None and fs.result()
        if conn.sock.broken:
            self._forget(conn)
        else:
            self._sent(conn, kept)

    def _sent(self, client: _Client, kept: bool) -> None:
        """What comes after the answer: its rest is sent, the next request awaited, or the connection closed."""
        client.sock.continued = False
        if client.sock.unsent:
            client.kept = kept
            client.deadline = time.monotonic() + Limits.write_seconds
            self._writing[client] = None
            self.poller.register(client.sock, selectors.EVENT_WRITE, partial(self._writable, client))
            while sum(len(c.sock.unsent) for c in self._writing) > MOST_HELD:
                self._drop(next(iter(self._writing)))
        elif kept:
            self._keep(client)
        else:
            self._linger(client)

    def _writable(self, client: _Client, sock: Connection) -> None:
        try:
            client.deadline += sock.push() / MIN_RATE
        except OSError:
            self._drop(client)
            return
        if not sock.unsent:
            self.poller.unregister(sock)
            del self._writing[client]
            self._sent(client, client.kept)

    def _keep(self, client: _Client) -> None:
        ahead = client.parser.unreader.take_buffered()  # of a client that did not wait for its answer
        now = time.monotonic()
        self.poller.register(client.sock, selectors.EVENT_READ, partial(self._readable, client))
        if ahead:
            client.deadline = now + Limits.read_seconds
            self._reading[client] = None
            self._arrived(client, ahead)
        else:
            client.deadline = now + (self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER)
            self._kept[client] = None

    def _linger(self, client: _Client) -> None:
        try:
            client.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._forget(client)
            return
        client.deadline = time.monotonic() + _LINGER_SECONDS
        self._closing[client] = None
        self.poller.register(client.sock, selectors.EVENT_READ, partial(self._ignore, client))
        self._ignore(client, client.sock)

    def _ignore(self, client: _Client, sock: Connection) -> None:
        try:
            if sock.receive(_AT_ONCE) == b"":
                self._drop(client)
        except OSError:
            self._drop(client)

    def _drop(self, client: _Client) -> None:
        """Close a connection that the poller knows."""
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(client.sock)
        for state in (self._kept, self._reading, self._writing, self._closing):
            state.pop(client, None)
        self._forget(client)

    def _forget(self, client: _Client) -> None:
        self.nr_conns -= 1
        client.close()

    # ---- time

    def murder_keepalived(self, force: bool = False) -> None:
        """Close what was idle for too long; with `force` all. Under many connections the longest idle makes room."""
        now = time.monotonic()
        for client in [c for c in self._kept if force or c.deadline <= now]:
            self._drop(client)
        if self._kept and self.nr_conns >= self.worker_connections:
            self._drop(next(iter(self._kept)))

    def murder_pending(self) -> None:
        """End what takes too long: a request not sent, an answer not read, a connection not closed."""
        now = time.monotonic()
        for client in [c for c in self._reading if c.deadline <= now]:
            if client.incoming.data:
                self.poller.unregister(client.sock)
                del self._reading[client]
                self._refuse(client, kinds.REQUEST_TIMEOUT)
            else:
                self._drop(client)
        for state in (self._writing, self._closing):
            for client in [c for c in state if c.deadline <= now]:
                self._drop(client)

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker stops: what is idle has until the deadline."""
        for client in [*self._kept, *(c for c in self._reading if not c.incoming.data)]:
            client.deadline = min(client.deadline, deadline)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: from now on the worker is not ready."""
        self.on_stop()
        super().handle_exit(sig, frame)

    # ---- refusals

    def _refuse(self, client: _Client, kind: kinds.Kind) -> None:
        """Answer from the main loop, and close."""
        metrics.refused(kind.name)
        try:
            client.sock.sendall(_refusal(kind))
        except OSError:
            self._forget(client)
        else:
            self._sent(client, kept=False)

    def handle_error(self, _req: Any, client: socket.socket, _addr: Any, exc: BaseException) -> None:
        """Answers what gunicorn cannot read."""
        kind = _kind(exc)
        if kind is kinds.INTERNAL:
            _LOG.error("a request failed", exc_info=exc)
        else:
            _LOG.info("a request cannot be read: %s", type(exc).__name__)  # its text quotes the request
        metrics.refused(kind.name)
        with suppress(OSError):
            client.sendall(_refusal(kind))


def _refusal(kind: kinds.Kind) -> bytes:
    body = problem(kind, kind.meaning)
    retry = f"Retry-After: {_RETRY_SECONDS}\r\n" if kind is kinds.OVERLOADED else ""
    head = (
        f"HTTP/1.1 {kind.status} {kind.title}\r\nConnection: close\r\n{retry}"
        f"Content-Type: {PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _kind(error: BaseException) -> kinds.Kind:
    if isinstance(error, LimitRequestLine):
        return kinds.PATH_TOO_LONG
    if isinstance(error, LimitRequestHeaders):
        return kinds.HEADERS_TOO_LARGE
    return kinds.BAD_REQUEST if isinstance(error, ParseException) else kinds.INTERNAL


def _slow_or_broken(wsgi: Wsgi) -> Wsgi:
    """The application, whose bodies that are not there as a whole fail in ways that Werkzeug knows."""

    def called(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ or not environ["gunicorn.socket"].whole:
            environ["wsgi.input"] = _Body(environ["wsgi.input"], environ["gunicorn.socket"])
        return wsgi(environ, start_response)

    return called


class _Body:
    """A body that comes while it is read."""

    def __init__(self, body: Any, connection: Connection) -> None:
        self._body, self._connection = body, connection

    def read(self, size: int = -1) -> bytes:
        """Raises RequestTimeout for a client that is too slow, OSError for a broken chunk or connection."""
        with _told():
            data: bytes = self._body.read(size)
        return data

    def piece(self) -> bytes:
        """What has come, waiting for a first byte only, where `read` waits for all that was asked; empty at the end."""
        reader = self._body.reader
        try:
            with _told():
                while reader.parser is not None:
                    found: bytes | None = next(reader.parser, None)
                    if found:
                        return found
                    if found is None:
                        reader.parser = None
        except OSError:
            self._body.failed = True
            raise
        return b""

    def ready(self, seconds: float) -> bool:
        """Whether more has come, or comes within some seconds; it may say no to what was read ahead."""
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(max(seconds, 0) * 1000))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except TooSlow as error:
        raise RequestTimeout from error
    except ParseException as error:
        raise OSError("a chunk of the body is broken") from error
