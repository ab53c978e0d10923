"""A batch of lines on the real server: both ways at once, in bounded memory, and no answered item lost."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from policy_service.api import examples
from policy_service.assembly import assemble
from policy_service.settings import Settings
from tests.bundles import one_family

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow
SERVE = """
import sys
from policy_service.serving import serve
from policy_service.settings import read_settings
sys.exit(serve(read_settings(), "127.0.0.1", 0, 1))
"""
HEAD = (
    b"POST /v1/evaluate/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
LINE = json.dumps(examples.REQUEST).encode() + b"\n"
DEADLINE = 180.0


class Server:
    """One worker on a database of its own."""

    def __init__(self, folder: Path, rules: Path) -> None:
        self.database = f"sqlite:///{folder / 'policy.sqlite3'}"
        known = {k: v for k, v in os.environ.items() if not k.startswith(("POLICY_", "GUNICORN"))}
        known |= {"POLICY_DATABASE_URL": self.database, "POLICY_RULES": str(rules)}
        self.errors = (folder / "errors.txt").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            cwd=ROOT, env=known, stdout=subprocess.PIPE, stderr=self.errors, text=True, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().split("http://127.0.0.1:")[1].split(",")[0])

    def worker(self) -> int:
        (pid,) = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(pid)

    def memory(self) -> int:
        """Bytes that the worker holds in memory."""
        return int(Path(f"/proc/{self.worker()}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.errors.close()


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    begun = Server(folder, one_family(folder))
    try:
        yield begun
    finally:
        begun.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One that a test has for itself."""
    with serving(tmp_path) as begun:
        yield begun


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("shared")) as begun:
        yield begun


class Stream:
    """A batch under way; what is sent and what is read are in the test's hands."""

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self._connection.sendall(HEAD)
        self._answer = self._connection.makefile("rb")
        self._rest = b""
        self._begun = False

    def send(self, data: bytes) -> None:
        self._connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self._connection.sendall(b"0\r\n\r\n")

    def lines(self) -> Iterator[dict[str, Any]]:
        """The answers as they come, to the end of the answer or of the connection."""
        if not self._begun:
            self._begun = True
            assert self._answer.readline().startswith(b"HTTP/1.1 200 ")
            while self._answer.readline().strip():
                pass
        while size := int(self._answer.readline().strip() or b"0", 16):
            *ended, self._rest = (self._rest + self._answer.read(size)).split(b"\n")
            self._answer.readline()
            yield from map(json.loads, ended)
        self._answer.readline()

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


def test_a_line_is_answered_while_the_body_goes_on_and_the_connection_serves_again(shared: Server) -> None:
    stream = Stream(shared.port)
    answers = stream.lines()
    for index in range(3):
        stream.send(LINE)
        found = next(answers)
        assert (found["index"], found["status"]) == (index, 201)
    stream.end()
    assert list(answers) == []
    stream._connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert stream._answer.readline().startswith(b"HTTP/1.1 200 ")
    stream.close()


def test_memory_does_not_grow_with_the_number_of_lines(shared: Server) -> None:
    def run(lines: int) -> int:
        """Bytes held after a batch; a hundred lines are sent, then their answers read."""
        stream = Stream(shared.port)
        answers = stream.lines()
        for begun in range(0, lines, 100):
            stream.send(LINE * 100)
            assert [next(answers)["index"] for _ in range(100)] == list(range(begun, begun + 100))
        stream.end()
        assert list(answers) == []
        stream.close()
        return shared.memory()

    before = run(1000)  # compiles, and fills the caches
    assert run(10_000) - before < 24 * 1024 * 1024  # the answers alone have ten


def test_a_kill_between_chunks_loses_no_item_that_was_answered(server: Server) -> None:
    stream = Stream(server.port)
    answers = stream.lines()
    answered = []
    for _ in range(5):
        stream.send(LINE * 100)
        answered += [next(answers)["decision"]["decision_id"] for _ in range(100)]
    stream.send(LINE * 100)  # under way
    server.kill()
    stream.close()
    decisions = assemble(Settings(database_url=server.database)).service.decisions
    assert len(set(answered)) == 500
    assert [id_ for id_ in answered if decisions.decision(id_) is None] == []


def test_a_reader_that_goes_away_frees_its_place(shared: Server) -> None:
    for _ in range(6):  # more than there are places
        stream = Stream(shared.port)
        stream.send(LINE)
        assert next(stream.lines())["status"] == 201
        stream.close()
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        stream = Stream(shared.port)
        stream.send(LINE)
        stream.end()
        status = stream._answer.readline()
        stream.close()
        if status.startswith(b"HTTP/1.1 200 "):
            return
        time.sleep(0.05)
    pytest.fail("no place became free")
