"""A worker with its threads and main loop, on a real socket, and clients that hold on to what they get.

Nothing here waits for a time to pass: what never comes fails by the sockets' and queues' own limit.
"""

import json
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from ipaddress import ip_network
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest
from gunicorn.config import Config

from policy_service.telemetry import metrics
from policy_service.worker import Limits, Worker, connection

PATIENCE = 60.0
BATCH = b"POST /v1/evaluate/batch HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
POST = b"POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n"
WHOLE = POST + b"Content-Length: 2\r\n\r\n{}"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
PIECE = 262_144
Start = Callable[..., Any]


class Application:
    """Reads bodies, unless the path or a header says that it refuses them; tells which requests it has begun."""

    def __init__(self) -> None:
        self.begun: SimpleQueue[str] = SimpleQueue()

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterator[bytes]:
        self.begun.put(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/large":
            start_response("200 OK", [("Content-Length", str(64 * PIECE))])
            yield from [b"x" * PIECE] * 64
            return
        refused, body = environ.get("HTTP_X_REFUSED"), b""
        try:
            body = b"" if refused else environ["wsgi.input"].read()
        except OSError:
            refused = "400 Bad Request"
        start_response(refused or "200 OK", [("Content-Length", "1")])
        yield b"%d" % (len(body) % 10)


class Running:
    """A worker under way, and clients of it."""

    def __init__(self, listener: socket.socket, threads: int, connections: int) -> None:
        cfg = Config()
        cfg.set("threads", threads)
        cfg.set("worker_connections", connections)
        self.app = Application()
        self.port = listener.getsockname()[1]
        self._worker = Worker(1, os.getppid(), [listener], None, 30, cfg, None)
        self._worker.PIPE, self._worker.wsgi = os.pipe(), self.app
        self._clients = ExitStack()
        for end in self._worker.PIPE:
            os.set_blocking(end, False)
        self._loop = Thread(target=self._worker.run)
        self._loop.start()

    def client(self, sent: bytes = b"", host: str = "127.0.0.1") -> socket.socket:
        """A connection from an address of this machine, on which something was sent."""
        made = socket.socket()
        self._clients.callback(made.close)
        made.settimeout(PATIENCE)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.bind((host, 0))
        made.connect(("127.0.0.1", self.port))
        made.sendall(sent)
        return made

    def ask(self, sent: bytes = WHOLE) -> int:
        """The status that a client of its own gets."""
        return status(self.client(sent))

    def begun(self, count: int) -> list[str]:
        """Waits for the application to begin some requests."""
        return [self.app.begun.get(timeout=PATIENCE) for _ in range(count)]

    def stop(self) -> None:
        self._clients.close()
        self._worker.alive = False
        os.write(self._worker.PIPE[1], b"\0")
        self._loop.join(PATIENCE)
        for thread in self._worker._threads:
            thread.join(PATIENCE)
        for end in self._worker.PIPE:
            os.close(end)
        self._worker._poller.close()
        self._worker.tmp.close()


def status(client: socket.socket) -> int:
    """The status of the next answer."""
    return int(client.recv(65536)[9:12])


def until_end(client: socket.socket) -> bytes:
    """What comes up to the end of the connection."""
    return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Running]]:
    """Starts a worker that waits for its clients as good as for ever."""
    with ExitStack() as stack:

        def begin(threads: int = 4, connections: int = 1000, **limits: Any) -> Running:
            patience = {"read_seconds": 10_000, "write_seconds": 10_000, "larger": {"/v1/evaluate/batch": 10_000_000}}
            for name, value in (patience | limits).items():
                monkeypatch.setattr(Limits, name, value)
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=500))
            running = Running(listener, threads, connections)
            stack.callback(running.stop)
            return running

        yield begin


def displaced(bound: str) -> float:
    return metrics.counts.snapshot().counts.get((metrics.DISPLACED.name, (bound,)), 0)


# ---- threads that wait for bodies


COMING = {
    "a batch in chunks": BATCH + b"5\r\n1",
    "a chunk of nine digits": BATCH + b"fffffffff\r\n1",
    "a batch longer than is collected": BATCH.replace(b"Transfer-Encoding: chunked", b"Content-Length: 2000000") + b"1",
}


@pytest.mark.parametrize("sent", COMING.values(), ids=COMING)
@pytest.mark.parametrize(("threads", "permits"), [(4, 2), (3, 1), (1, 1)])
def test_at_most_half_of_the_threads_wait_for_bodies(
    start: Callable[..., Running], sent: bytes, threads: int, permits: int
) -> None:
    running = start(threads)
    clients = [running.client(sent) for _ in range(20)]
    assert running.begun(permits) == ["/v1/evaluate/batch"] * permits
    for client in clients:
        client.sendall(b"2")
    # What came before an answered request has been looked at by the main loop, which takes connections in their order.
    assert [running.ask() for _ in range(5)] == [200] * 5
    assert running.begun(5) == ["/v1/evaluate"] * 5
    assert running.ask(HEALTH) == 200
    assert running.begun(1) == ["/healthz"]
    assert running.app.begun.empty()


def test_a_body_that_waits_for_a_permit_is_read_when_another_ends(start: Callable[..., Running]) -> None:
    running = start()
    clients = [running.client(BATCH + b"3\r\n1") for _ in range(6)]
    for client in clients:
        assert running.begun(1) == ["/v1/evaluate/batch"]
        client.sendall(b"23\r\n0\r\n\r\n")
        assert client.recv(65536).endswith(b"\r\n\r\n3")


def test_a_body_that_becomes_whole_while_it_waits_needs_no_permit(start: Callable[..., Running]) -> None:
    running = start()
    for _ in range(2):
        running.client(BATCH + b"3\r\n1")
    assert running.begun(2) == ["/v1/evaluate/batch"] * 2
    late = running.client(BATCH + b"3\r\n1")
    assert running.ask() == 200
    late.sendall(b"23\r\n0\r\n\r\n")
    assert late.recv(65536).endswith(b"\r\n\r\n3")


def test_a_client_that_sends_no_more_is_answered_without_a_permit(start: Callable[..., Running]) -> None:
    running = start()
    for _ in range(2):
        running.client(BATCH + b"3\r\n1")
    assert running.begun(2) == ["/v1/evaluate/batch"] * 2
    cut = running.client(BATCH + b"3\r\n1")
    cut.shutdown(socket.SHUT_WR)
    assert int(until_end(cut)[9:12]) == 400


# ---- bodies refused unread


REFUSED = {
    "longer than its path takes": (POST + b"Content-Length: 99999999\r\n\r\n", 413),
    "a chunk of nine digits": (POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n", 413),
    "a chunk of more digits than are counted": (BATCH + b"0" * 16 + b"5\r\n1", 400),
    "a chunk of a size that is none": (POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400),
    "a batch longer than is taken": (BATCH.replace(b"Transfer-Encoding: chunked", b"Content-Length: 10000001"), 413),
    "a batch of nobody": (BATCH.replace(b"Host", b"X-Refused: 401 Unauthorized\r\nHost"), 401),
    "a batch of another type": (BATCH.replace(b"Host", b"X-Refused: 415 Unsupported Media Type\r\nHost"), 415),
    "a long batch of nobody": (
        BATCH.replace(b"Transfer-Encoding: chunked", b"Content-Length: 2000000\r\nX-Refused: 401 Unauthorized"), 401,
    ),
    "a client that asks before it sends": (POST + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n", 413),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_body_refused_unread_ends_its_connection_and_frees_its_permit(
    start: Callable[..., Running], sent: bytes, expected: int
) -> None:
    running = start()
    clients = [running.client(sent) for _ in range(6)]
    for client in clients:
        answer = until_end(client)  # the client sends no more, and closes nothing
        assert int(answer[9:12]) == expected
        assert b"\r\nConnection: close\r\n" in answer
    batch = running.client(BATCH + b"1\r\n1\r\n0\r\n\r\n")
    assert status(batch) == 200


# ---- connections whose request has not wholly arrived


UNFINISHED = {
    "silent": (b"", WHOLE),
    "a head that goes on": (POST, b"\r\n"),
    "a body that goes on": (POST + b"Content-Length: 9\r\n\r\n1", b"23456789"),
    "chunks that go on": (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n1", b"2345\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize(("sent", "rest"), UNFINISHED.values(), ids=UNFINISHED)
@pytest.mark.parametrize(
    ("bound", "limits", "hosts"),
    [
        ("address", {"unfinished_per_address": 3}, ["127.0.0.1"]),
        ("unfinished", {"unfinished": 3}, ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]),
        ("connections", {"connections": 3}, ["127.0.0.1", "127.0.0.2"]),
    ],
)
def test_the_oldest_makes_room_and_a_new_one_is_never_refused(
    start: Callable[..., Running], sent: bytes, rest: bytes, bound: str, limits: dict[str, int], hosts: Sequence[str]
) -> None:
    before = displaced(bound)
    running = start(**limits)
    clients = [running.client(sent, hosts[at % len(hosts)]) for at in range(8)]
    for oldest in clients[:5]:
        answer = until_end(oldest)
        assert (answer == b"") is (sent == b"")
        if answer:
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "/problems/overloaded"
    assert displaced(bound) == before + 5
    for youngest in clients[5:]:
        youngest.sendall(rest)
        assert status(youngest) == 200


def test_clients_of_one_address_do_not_displace_those_of_another(start: Callable[..., Running]) -> None:
    running = start(unfinished_per_address=2)
    other = running.client(POST, "127.0.0.2")
    flood = [running.client(POST) for _ in range(20)]
    assert [until_end(one)[9:12] for one in flood[:18]] == [b"503"] * 18
    other.sendall(b"\r\n")
    assert status(other) == 200


def test_clients_of_a_proxy_are_bounded_only_in_all(start: Callable[..., Running]) -> None:
    running = start(unfinished_per_address=2, proxies=[ip_network("127.0.0.0/30")])
    clients = [running.client(POST) for _ in range(10)]
    for client in clients:
        client.sendall(b"\r\n")
        assert status(client) == 200


def test_a_connection_that_was_answered_is_unfinished_only_with_its_next_request(start: Callable[..., Running]) -> None:
    running = start(unfinished_per_address=2)
    kept = running.client(WHOLE)
    assert status(kept) == 200
    silent = [running.client() for _ in range(4)]
    assert [until_end(one) for one in silent[:2]] == [b"", b""]
    kept.sendall(WHOLE)
    assert status(kept) == 200
    kept.sendall(POST)
    assert until_end(silent[2]) == b""
    kept.sendall(b"\r\n")
    assert status(kept) == 200


def test_what_a_thread_answers_is_never_displaced(start: Callable[..., Running]) -> None:
    running = start(connections=3, unfinished=2, unfinished_per_address=2)
    held = running.client(BATCH + b"3\r\n1")
    assert running.begun(1) == ["/v1/evaluate/batch"]
    silent = [running.client() for _ in range(6)]
    assert [until_end(one) for one in silent[:4]] == [b""] * 4
    held.sendall(b"23\r\n0\r\n\r\n")
    assert held.recv(65536).endswith(b"\r\n\r\n3")


# ---- answers that nobody reads


def test_at_most_half_of_the_threads_wait_for_readers(
    start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_UNSENT", PIECE)
    monkeypatch.setattr(connection, "MOST_UNREAD", 4 * PIECE)
    running = start()
    readers = [running.client(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") for _ in range(6)]
    assert running.begun(6) == ["/large"] * 6  # four threads: so two of them have given up a reader, or the answer
    assert running.ask() == 200
    answers = sorted(len(until_or_reset(one)) > 64 * PIECE for one in readers)
    assert answers[-2:] == [True, True]


def test_a_reader_that_is_only_slow_gets_all_even_where_no_thread_may_wait(
    start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST_UNSENT", PIECE)
    running = start()
    readers = [running.client(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") for _ in range(4)]
    assert running.begun(4) == ["/large"] * 4
    assert running.ask() == 200
    assert all(len(until_or_reset(one)) > 64 * PIECE for one in reversed(readers))


def until_or_reset(client: socket.socket) -> bytes:
    """What comes up to the end, or up to where the answer is given up."""
    found = bytearray()
    try:
        while data := client.recv(PIECE):
            found += data
    except ConnectionResetError:
        pass
    return bytes(found)
