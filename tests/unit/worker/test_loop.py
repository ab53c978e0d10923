"""Between a thread that gives a connection back and the main loop that goes on with it, bytes stay in order."""

import selectors
import socket
from collections import deque
from collections.abc import Iterator
from queue import SimpleQueue

import pytest
from gunicorn.config import Config

from policy_service.worker.connection import Connection
from policy_service.worker.framing import Incoming
from policy_service.worker.loop import Worker

HEAD = b"POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n"
BODY = b'{"a":1}'


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker whose threads are not started."""
    made = Worker.__new__(Worker)
    made.cfg, made.alive = Config(), True
    made._poller, made._whole, made._answered = selectors.DefaultSelector(), SimpleQueue(), deque()
    made._connections, made._busy = {}, set()
    yield made
    made._poller.close()


@pytest.fixture
def connection(worker: Worker) -> Iterator[Connection]:
    ours, theirs = socket.socketpair()
    found = Connection(ours, ("127.0.0.1", 1), Incoming(worker.cfg, ("127.0.0.1", 1), 1000), 10, 10)
    worker._connections[found] = None
    worker._watch(found, selectors.EVENT_READ)
    yield found
    ours.close()
    theirs.close()


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
