"""Between a thread that gives a connection back and the main loop that goes on with it, bytes stay in order."""

import os
import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import BoundedSemaphore
from typing import Any

import pytest
from gunicorn.config import Config

from policy_service.worker.connection import Connection
from policy_service.worker.loop import Worker
from policy_service.worker.permits import Permit
from policy_service.worker.unfinished import Unfinished

HEAD = b"POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n"
BODY = b'{"a":1}'
STREAM = b"POST /v1/evaluate/batch HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker whose threads are not started."""
    made = Worker.__new__(Worker)
    made.cfg, made.alive = Config(), True
    made._poller, made._whole, made._answered = selectors.DefaultSelector(), SimpleQueue(), deque()
    made._connections, made._busy, made._coming = {}, set(), {}
    made._unfinished, made._permits = Unfinished(10, 10), BoundedSemaphore(1)
    made.PIPE, made.nr, made.max_requests = os.pipe(), 0, 10
    made._listening, made._swept, made.sockets = False, float("inf"), []
    made._poller.register(made.PIPE[0], selectors.EVENT_READ, made._woken)
    for end in made.PIPE:
        os.set_blocking(end, False)
    yield made
    made._poller.close()
    for end in made.PIPE:
        os.close(end)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Our end of a connection, and the client's."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(60)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def connection(worker: Worker, pair: tuple[socket.socket, socket.socket]) -> Connection:
    ours, _ = pair
    incoming = worker._incoming(("127.0.0.1", 1))
    found = Connection(ours, ("127.0.0.1", 1), incoming, Permit(worker._permits), 10, 10)
    worker._connections[found] = None
    worker._watch(found, selectors.EVENT_READ)
    return found


def test_what_came_while_a_thread_answered_is_read_before_what_comes_next(
    worker: Worker, connection: Connection
) -> None:
    worker._busy.add(connection)
    worker._readable(connection, HEAD)
    worker._busy.discard(connection)  # by the thread, which has not told the main loop yet
    worker._readable(connection, BODY)
    assert worker._whole.get_nowait() is connection
    assert connection.incoming.whole
    assert not connection.unsent


def test_what_comes_in_the_moment_of_giving_back_is_seen_by_the_main_loop(
    worker: Worker, connection: Connection
) -> None:
    """The thread gives back between the arrival and the question whether it still answers."""

    class GivenBack(set[Connection]):
        def __contains__(self, one: object) -> bool:
            if found := super().__contains__(one):
                self.discard(connection)  # the thread runs here: it looks at `ahead` next
                seen.append(bytes(connection.ahead))
            return found

    seen: list[bytes] = []
    worker._busy = GivenBack({connection})
    worker._readable(connection, HEAD + BODY)
    assert seen == [HEAD + BODY]  # so the thread hands the connection to the main loop
    worker._answered.append(connection)
    worker._go_on(worker._answered.popleft())
    assert worker._whole.get_nowait() is connection


def test_what_comes_on_a_connection_that_closes_is_dropped(worker: Worker, connection: Connection) -> None:
    connection.kept = False
    worker._readable(connection, HEAD)
    assert not connection.ahead
    assert worker._whole.empty()


def test_what_comes_after_a_refusal_is_not_kept_and_waited_for_only_so_long(
    worker: Worker, connection: Connection
) -> None:
    worker._readable(connection, HEAD.replace(b"7", b"9999999"))
    worker._readable(connection, BODY)
    assert (len(connection.incoming.data), len(connection.ahead)) == (0, 0)
    assert connection in worker._connections
    worker._sweep(float("inf"))
    assert connection not in worker._connections
    assert connection.socket.fileno() == -1


def test_a_body_that_got_no_permit_in_time_is_told_to_come_again(
    worker: Worker, connection: Connection, pair: tuple[socket.socket, socket.socket]
) -> None:
    assert worker._permits.acquire(blocking=False)
    worker._readable(connection, STREAM)
    assert (list(worker._coming), worker._whole.empty()) == ([connection], True)
    worker._sweep(float("inf"))
    assert (list(worker._coming), len(worker._unfinished), connection.kept) == ([], 0, False)
    assert pair[1].recv(65536).startswith(b"HTTP/1.1 503 ")


def test_a_body_looks_for_a_permit_only_when_a_thread_that_frees_one_can_see_it(
    worker: Worker, connection: Connection
) -> None:
    seen: list[list[Connection]] = []

    class Watched(BoundedSemaphore):
        def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
            seen.append(list(worker._coming))
            return super().acquire(blocking, timeout)

    connection.permit = Permit(Watched(1))
    worker._readable(connection, STREAM)
    assert seen == [[connection]]
    assert worker._whole.get_nowait() is connection


def test_a_thread_frees_its_permit_before_it_looks_for_a_body_that_waits(
    worker: Worker, connection: Connection
) -> None:
    class Watched(BoundedSemaphore):
        def release(self, n: int = 1) -> None:
            super().release(n)
            worker._coming[connection] = None  # the main loop runs here, and found no permit a moment ago

    def app(environ: dict[str, object], start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "0")])  # type: ignore[operator]
        return []

    worker.wsgi = app
    connection.permit = Permit(Watched(1))
    worker._readable(connection, STREAM + b"0\r\n\r\n")
    assert connection.permit.take()
    worker._answer(connection)
    assert list(worker._answered) == [connection]  # so the main loop is woken, though there is nothing else to do


def test_without_permits_left_a_large_body_is_collected_only_to_a_bound(worker: Worker, connection: Connection) -> None:
    assert worker._permits.acquire(blocking=False)
    worker._readable(connection, STREAM)
    assert connection.watched == selectors.EVENT_READ
    worker._readable(connection, b"fffffff\r\n" + b"x" * 2_000_000)
    assert connection.watched == 0


def test_where_threads_have_all_connections_a_new_one_stays_and_no_more_are_taken(
    worker: Worker, connection: Connection
) -> None:
    worker.cfg.set("worker_connections", 1)
    worker._readable(connection, HEAD + BODY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        worker.sockets = [listener]
        with socket.create_connection(listener.getsockname()):
            worker._accept(listener)
            assert len(worker._connections) == 2
            worker._listen(True)
            os.write(worker.PIPE[1], b"0")
            worker._turn()
            assert not worker._listening
            (new,) = worker._connections.keys() - {connection}
            worker._drop(new)


@pytest.mark.parametrize(("rest", "status"), [(b"", b"408"), (b"zz\r\n", b"400"), (None, b"400")])
def test_a_body_that_fails_while_its_answer_has_not_begun_is_the_fault_of_the_client(
    worker: Worker,
    connection: Connection,
    pair: tuple[socket.socket, socket.socket],
    caplog: pytest.LogCaptureFixture,
    rest: bytes | None,
    status: bytes,
) -> None:
    """As a batch of lines does, whose body is read after its view has returned. Null: the client sends no more."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield environ["wsgi.input"].piece()

    worker.wsgi = app
    connection._seconds = 0, 10
    worker._readable(connection, STREAM)
    assert worker._whole.get_nowait() is connection
    if rest is None:
        pair[1].shutdown(socket.SHUT_WR)
    else:
        pair[1].sendall(rest)
    worker._answer(connection)
    worker._turn()  # woken
    worker._turn()  # the client takes it
    assert pair[1].recv(65536).startswith(b"HTTP/1.1 " + status)
    assert "ERROR" not in caplog.text
