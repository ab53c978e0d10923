"""A real service, as its own process on a free port; and one that answers as a test tells it to."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from policy_client import PolicyClient, Retries

from tests.bundles import one_family

ROOT = Path(__file__).parents[2]
DEADLINE = 120.0
SERVE = """
import sys
from policy_service.serving import serve
from policy_service.settings import read_settings
sys.exit(serve(read_settings(), "127.0.0.1", 0, 1))
"""


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("POLICY_", "GUNICORN"))}
    environment |= {
        "POLICY_DATABASE_URL": f"sqlite:///{folder / 'policy.sqlite3'}",
        "POLICY_RULES": str(one_family(folder)),
    }
    with (folder / "errors.txt").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True,
            start_new_session=True,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found, (folder / "errors.txt").read_text()
        yield found[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(DEADLINE)
        process.stdout.close()


@pytest.fixture
def client(url: str) -> Iterator[PolicyClient]:
    with closing(PolicyClient(url)) as made:
        yield made


class Scripted:
    """A server that answers each request with the next text of a script; null: it closes the connection unanswered.

    Every connection is closed behind its answer. `requests` are the requests as they came.
    """

    def __init__(self, script: list[bytes | None]) -> None:
        self.requests: list[bytes] = []
        self._script = iter(script)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for answer in self._script:
            connection, _ = self._socket.accept()
            with connection:
                connection.settimeout(DEADLINE)
                request = _whole(connection)
                if not request:
                    return  # the end of the test
                self.requests.append(request)
                if answer is not None:
                    connection.sendall(answer)

    def close(self) -> None:
        if self._thread.is_alive():
            with socket.create_connection(self._socket.getsockname()):
                pass
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()
        self._socket.close()


def _whole(connection: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        part = connection.recv(65536)
        if not part:
            return b""
        found += part
    head, _, body = found.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def http(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    """An answer as text; `length` is announced instead of the true one."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body) if length is None else length}", "Connection: close"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


Script = Callable[..., tuple[PolicyClient, Scripted]]


@pytest.fixture
def scripted() -> Iterator[Script]:
    """A client of a server that follows a script of (status, body, *headers), bytes, or None."""
    begun: list[tuple[PolicyClient, Scripted]] = []

    def begin(
        *script: tuple[object, ...] | bytes | None, retries: Retries | None = None
    ) -> tuple[PolicyClient, Scripted]:
        texts = [one if one is None or isinstance(one, bytes) else http(*one) for one in script]
        server = Scripted(texts)
        patient = retries or Retries(pause=0.001, longest_pause=0.002, deadline=60)
        begun.append((PolicyClient(server.url, "psk_test_secret", retries=patient), server))
        return begun[-1]

    yield begin
    for client, server in begun:
        client.close()
        server.close()
