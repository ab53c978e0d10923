"""A host of the service for tests: a gunicorn master with its workers, on a store that others may use too.

    with Host(url, folder, "a") as host:
        answered = host.post("/v1/evaluate", body, key="k-1")

Hosts in one folder sign with one key; `inside` opens their store in this process.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks" / "http")]

import servers  # noqa: E402
import traffic  # noqa: E402
from expected import parsed  # noqa: E402

from policy_service.assembly import Assembled, assemble_on  # noqa: E402
from policy_service.settings import Settings  # noqa: E402
from policy_service.store import connect  # noqa: E402
from tests.bundles import one_family  # noqa: E402

DEADLINE = 90.0
"""Seconds after which what must come about is taken not to."""
_SILENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that arrived whole; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return parsed(self.body)


class Talk:
    """A kept-alive connection. Raises OSError where nobody listens."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._connection = HTTPConnection(*address, timeout=_SILENT_SECONDS)
        self._connection.connect()

    def post(self, path: str, body: Any, key: str | None = None) -> Answered:
        """Raises OSError or HTTPException where no whole answer comes."""
        answer = self.begin(path, traffic.text(body), key=key)
        return Answered(answer.status, _headers(answer), answer.read())

    def begin(self, path: str, body: bytes, *, key: str | None = None, kind: str = "application/json") -> HTTPResponse:
        """An answer whose body is still to be read."""
        headers = {"Content-Type": kind} | ({} if key is None else {"Idempotency-Key": key})
        self._connection.request("POST", path, body, headers)
        return self._connection.getresponse()

    def get(self, path: str) -> Answered:
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        return Answered(answer.status, _headers(answer), answer.read())

    def close(self) -> None:
        self._connection.close()


class Host:
    """`policyctl serve` in processes of its own, on the one family of policies that `traffic` asks for.

    Args:
        settings: environment variables.
    """

    def __init__(self, url: str, folder: Path, name: str, *, workers: int = 2, **settings: str) -> None:
        self.rules = one_family(folder / name)
        self._start: Callable[[Path], servers.Server] = lambda log: servers.service(
            url, log, workers=workers, rules=self.rules, **settings
        )
        self._folder, self._name, self._starts = folder, name, 0
        self.start()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, also again after it ended; the port is another one then."""
        self._starts += 1
        self.server = self._start(self._folder / f"{self._name}-{self._starts}.log")

    def stop(self) -> None:
        self.server.stop()

    def kill(self) -> None:
        """The master and its workers end at once, by SIGKILL."""
        os.killpg(self.server.process.pid, signal.SIGKILL)
        self.server.process.wait()

    @property
    def logs(self) -> list[Path]:
        return sorted(self._folder.glob(f"{self._name}-*.log"))

    def workers(self) -> list[int]:
        return self.server.workers()

    def talk(self) -> Talk:
        return Talk(self.server.address)

    def post(self, path: str, body: Any, key: str | None = None) -> Answered:
        """On a connection of its own."""
        with closing(self.talk()) as talk:
            return talk.post(path, body, key)

    def get(self, path: str) -> Answered:
        with closing(self.talk()) as talk:
            return talk.get(path)


@contextmanager
def inside(url: str, folder: Path) -> Iterator[Assembled]:
    """The same store and key in this process, once a host has made them ready."""
    engine = connect(url)
    try:
        settings = Settings(rules=ROOT / "rules", database_url=url, signing_key=servers.signing_key(folder))
        yield assemble_on(engine, settings)
    finally:
        engine.dispose()


def until(holds: Callable[[], Any], what: str) -> Any:
    """The first true value that comes. Raises AssertionError after the deadline."""
    end = time.monotonic() + DEADLINE
    while True:
        if found := holds():
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not in {DEADLINE:g} s: {what}")
        time.sleep(0.05)


def _headers(answer: HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.getheaders()}
