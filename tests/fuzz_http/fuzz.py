"""Sends hostile inputs to a live server until COUNT of them were answered well; `make fuzz-http`.

Never a status of 500 or more (but 503 `overloaded`, and 503 `busy`, upon which the input is sent again until it is
judged), never silence, never a decision, never a worker that ends; every 4xx is `application/problem+json` of the one
shape. An input that is met otherwise is kept in tests/fuzz_http/failures/ with the command that sends it again.
"""

import argparse
import json
import random
import socket
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "benchmarks" / "http"), str(HERE.parents[1])]

import client  # noqa: E402
import inputs  # noqa: E402
import servers  # noqa: E402
from inputs import Input  # noqa: E402

from tests.bundles import one_family  # noqa: E402

FAILURES = HERE / "failures"
THREADS = 4
DEADLINE = 30.0
_PROBLEM = {"type": str, "title": str, "status": int, "detail": str, "errors": list}
Answer = tuple[int, dict[str, str], bytes]


def main() -> int:
    """Run and print; 1 when an input was met wrongly."""
    options = _options()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    with servers.folder() as folder:
        database = folder / "fuzz.sqlite3"
        started = servers.service(f"sqlite:///{database}", folder / "service.log", rules=one_family(folder))
        with servers.running(started) as server:
            if options.replay:
                data = options.replay.read_bytes()
                found = fault(server.address, Input("replayed", data, answered=False))
                print(found or "well answered")
                return 1 if found else 0
            return run(server, database, options.count, seed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Send hostile inputs to a live server.")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, help="of the inputs; printed when left out")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="send one kept input")
    return parser.parse_args()


def run(server: servers.Server, database: Path, count: int, seed: int) -> int:
    """Send `count` inputs; 1 when one was met wrongly."""
    healthy(server.address)
    paths = _paths(server.address)
    draw = random.Random(seed)
    made = (inputs.generated(draw, paths) for _ in range(count))
    workers, kinds, faults, start = server.workers(), Counter[str](), 0, time.monotonic()
    print(f"{count:,} inputs, seed {seed}, {len(paths)} paths")
    with ThreadPoolExecutor(THREADS) as pool:
        for sent in _batched(made, 200):
            for one, found in zip(sent, pool.map(lambda i: fault(server.address, i), sent), strict=True):
                kinds[one.kind] += 1
                if found:
                    faults += 1
                    print(f"  {one.kind}: {found}\n    kept: {keep(one, seed, faults)}")
            healthy(server.address)
            if faults >= 20:
                print("  stopped: enough")
                break
    decided = decisions(database)
    if decided:
        print(f"  {decided} decisions were made")
    if server.workers() != workers:
        print(f"  workers ended: {workers} were there, {server.workers()} are")
    said = server.log.read_text(errors="replace")
    if "Traceback" in said:
        (FAILURES / f"{seed}.log").write_text(said) if FAILURES.exists() else print(said[-4000:])
        print("  the service logged a traceback")
    print(f"{sum(kinds.values()):,} inputs of {len(kinds)} kinds in {time.monotonic() - start:.0f} s, {faults} faults")
    return 1 if faults or decided or server.workers() != workers or "Traceback" in said else 0


def _batched(made: Iterator[Input], size: int) -> Iterator[list[Input]]:
    while batch := [one for _, one in zip(range(size), made, strict=False)]:
        yield batch


def _paths(address: client.Address) -> dict[str, list[str]]:
    """The methods of each path of the contract."""
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    ((_, _, body),) = answers(exchanged(address, asked))
    return {path: list(methods) for path, methods in json.loads(body)["paths"].items()}


def healthy(address: client.Address) -> None:
    """A good request is still answered. Raises AssertionError."""
    preview = inputs.post(json.dumps(inputs.examples.REQUEST | {"purpose": "preview"}).encode())
    ((status, _, body),) = answers(exchanged(address, preview))
    assert status == 200, (status, body)


def decisions(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        (count,) = connection.execute("select count(*) from decisions").fetchone()
    return int(count)


# ---- one input


def fault(address: client.Address, sent: Input) -> str | None:
    """How an input was met wrongly; None when it was met well."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            received = exchanged(address, sent.data)
        except TimeoutError:
            return f"no end within {DEADLINE:.0f} s"
        try:
            found = answers(received)
        except (ValueError, IndexError) as error:
            return f"what came is no HTTP ({error}): {received[:200]!r}"
        if not any(_is_busy(*one) for one in found) or time.monotonic() > end:
            break
        time.sleep(0.1)
    if not found and sent.answered:
        return "no answer"
    return next((wrong for one in found if (wrong := _wrong(*one))), None)


def exchanged(address: client.Address, data: bytes) -> bytes:
    """All that comes back until the server closes. Raises TimeoutError."""
    received, end = b"", time.monotonic() + DEADLINE
    with socket.create_connection(address, timeout=DEADLINE) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except TimeoutError:
            raise
        except OSError:
            pass  # it has answered and closed already
        while True:
            connection.settimeout(max(0.01, end - time.monotonic()))
            try:
                more = connection.recv(1 << 20)
            except ConnectionResetError:
                return received  # it closed before it had read all
            if not more:
                return received
            received += more


def answers(received: bytes) -> list[Answer]:
    """The answers one after the other. Raises ValueError where that is not what came."""
    found = []
    while received:
        head, separator, rest = received.partition(b"\r\n\r\n")
        if not separator or not head.startswith(b"HTTP/1."):
            raise ValueError("no head")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        status = int(line.split()[1])
        if status == 100:
            received = rest
            continue
        if headers.get("transfer-encoding") == "chunked":
            body, received = _unchunked(rest)
        else:
            length = int(headers.get("content-length", len(rest)))
            # HEAD is answered with a length and no body
            body, received = (b"", rest) if rest.startswith(b"HTTP/1.") else (rest[:length], rest[length:])
            if 0 < len(body) < length:
                raise ValueError("the body is cut")
        found.append((status, headers, body))
    return found


def _unchunked(rest: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body, rest = body + rest[:length], rest[length + 2 :]
        if not length:
            return body, rest


def _is_busy(status: int, headers: dict[str, str], body: bytes) -> bool:
    """A process checks one bundle at a time: that another input's is being checked judges nothing of this one."""
    return status == 503 and "retry-after" in headers and b'"/problems/busy"' in body


def _wrong(status: int, headers: dict[str, str], body: bytes) -> str | None:
    kind = headers.get("content-type", "")
    if status == 201:
        return f"a decision, or something made: {body[:200]!r}"
    if status == 200 and kind.startswith("application/x-ndjson"):
        lines = [json.loads(line) for line in body.splitlines()]
        return next((f"in a batch: {one}"[:300] for one in lines if one["status"] == 201 or one["status"] >= 500), None)
    if status < 400:
        return None
    problem: Any = None
    if body and kind == "application/problem+json":
        problem = json.loads(body)
    if status >= 500 and (problem is None or problem.get("type") != "/problems/overloaded"):
        return f"status {status}: {body[:300]!r}"
    if body and not _is_problem(problem, status):
        return f"status {status} is no problem: {kind}, {body[:200]!r}"
    return None


def _is_problem(problem: Any, status: int) -> bool:
    if not isinstance(problem, dict) or problem.get("status") != status:
        return False
    return all(isinstance(problem.get(name), kind) for name, kind in _PROBLEM.items())


def keep(sent: Input, seed: int, number: int) -> str:
    """Write an input that was met wrongly; gives the command that sends it again."""
    FAILURES.mkdir(exist_ok=True)
    path = FAILURES / f"{seed}-{number}.bin"
    path.write_bytes(sent.data)
    return f"python tests/fuzz_http/fuzz.py --replay {path.relative_to(HERE.parents[1])}"


if __name__ == "__main__":
    sys.exit(main())
