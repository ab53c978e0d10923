"""`make bench-http`: how many requests a second the service answers, durable log on, beside two trivial endpoints.

Three endpoints take turns in every round, so that what else the machine does meets all of them: the service's
POST /v1/evaluate with the 川流 family, a Flask endpoint that echoes JSON, and one that commits one row as large as a
decision's through the same store before it echoes. All run under the same gunicorn settings with two workers, each with
its database in the same folder. The client is one process of the same machine; its share of a processor is shown.
"""

import argparse
import contextlib
import itertools
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from typing import Any

import client
import servers
import traffic

CONNECTIONS = (1, 16, 64)
SERVICE, KEYED, COMMIT, ECHO = "service", "service, keyed", "commit and echo", "echo"
_AIM_SHARE, _AIM_BATCH = 0.6, 5.0
_ALL_SECONDS = 225.0
Loads = dict[tuple[str, int], client.Load]


def main() -> int:
    """Run and print; 1 when an answer was not the one expected. Aims are for the reader."""
    options = _options()
    start = perf_counter()
    stores = [options.store] if options.store else ["sqlite", "postgresql"]
    seconds, rounds, items = (0.8, 1, 400) if options.quick else (2.5, 3, 3000)
    found: dict[str, Any] = {}
    wrong = 0
    for number, store in enumerate(stores):
        until = start + _ALL_SECONDS * (number + 1) / len(stores)
        found[store], faults = _measured(store, seconds, rounds, items, until)
        wrong += faults
    print(f"\n{perf_counter() - start:.0f} s in all")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure POST /v1/evaluate beside trivial endpoints.")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), help="only on this store; both by default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to a file too")
    return parser.parse_args()


def _measured(store: str, seconds: float, rounds: int, items: int, until: float) -> tuple[dict[str, Any], int]:
    with ExitStack() as stack:
        folder = stack.enter_context(servers.folder())
        database = stack.enter_context(servers.databases(store, folder))
        service = stack.enter_context(servers.running(servers.service(database("service"), folder / "service.log")))
        row = record_bytes(service.address)
        beside = stack.enter_context(servers.running(servers.beside(database("beside"), folder / "beside.log", row)))
        print(f"\n{store}: 2 workers, rounds of {seconds} s, one record {row:,} bytes")
        posts = {
            SERVICE: (service.address, traffic.posts(traffic.EVALUATE)),
            COMMIT: (beside.address, traffic.posts("/commit")),
            ECHO: (beside.address, traffic.posts("/echo")),
            KEYED: (service.address, traffic.keyed(traffic.EVALUATE, "bench")),
        }
        for address, requests in posts.values():
            client.load(address, requests, 16, min(seconds, 1.0))  # warm
        loads = _raced(posts, seconds, rounds, until)
        wrong = _told(loads)
        batch = {n: _batched(service.address, n, items) for n in (1, 2)}
        _tell_batch(batch, loads)
        return _values(loads, batch), wrong


def record_bytes(address: client.Address) -> int:
    """Bytes of a stored record: those of GET /v1/decisions/{id}, which gives it whole."""
    connection = HTTPConnection(*address, timeout=60)
    sizes = []
    with contextlib.closing(connection):
        for body in traffic.bodies(20):
            connection.request("POST", traffic.EVALUATE, traffic.text(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            posted = answer.read()
            if answer.status != 201:
                raise SystemExit(f"the service answers {answer.status}: {posted[:500]!r}")
            connection.request("GET", answer.headers["Location"])
            sizes.append(len(connection.getresponse().read()))
    return sum(sizes) // len(sizes)


def _raced(
    posts: dict[str, tuple[client.Address, Iterator[bytes]]], seconds: float, rounds: int, until: float
) -> Loads:
    loads: Loads = {}
    for number in range(rounds):
        if number and perf_counter() > until:
            print(f"  stopped after {number} of {rounds} rounds: the time was up")
            break
        for connections, (name, (address, requests)) in itertools.product(CONNECTIONS, posts.items()):
            if name == KEYED and connections != 16:
                continue
            found = client.load(address, requests, connections, seconds)
            loads.setdefault((name, connections), client.Load()).add(found)
    return loads


def _told(loads: Loads) -> int:
    """Prints the table; the number of answers that were not the expected ones."""
    print(f"  {'endpoint':<16}{'connections':>12}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'client CPU':>12}")
    wrong = 0
    for connections, name in itertools.product(CONNECTIONS, (SERVICE, KEYED, COMMIT, ECHO)):
        found = loads.get((name, connections))
        if found is None:
            continue
        share = found.processor / found.seconds
        numbers = f"{found.rate:>12,.0f}{found.quantile(0.5):>9.2f}{found.quantile(0.99):>9.2f}{share:>12.0%}"
        print(f"  {name:<16}{connections:>12}{numbers}")
        unexpected = {s: n for s, n in found.statuses.items() if s != (200 if name == ECHO else 201)}
        if unexpected:
            print(f"    UNEXPECTED: {unexpected}")
        wrong += sum(unexpected.values())
    for connections in CONNECTIONS:
        ours = loads[SERVICE, connections].rate
        of_commit, of_echo = ours / loads[COMMIT, connections].rate, ours / loads[ECHO, connections].rate
        print(
            f"  {connections:>2} connections: {of_commit:.2f} of the committing echo (aim {_AIM_SHARE}), "
            f"{of_echo:.2f} of the echo"
        )
    return wrong


def _batched(address: client.Address, connections: int, items: int) -> float | None:
    """Items per second of NDJSON batches, one on each connection; None where the service has no batches."""
    body, good = traffic.lines(items), [0] * connections

    def one(place: int) -> None:
        connection = HTTPConnection(*address, timeout=120)
        with contextlib.closing(connection):
            connection.request("POST", traffic.BATCH, body, {"Content-Type": "application/x-ndjson"})
            answer = connection.getresponse()
            while block := answer.read(1 << 20):
                good[place] += block.count(b"\n") if answer.status == 200 else 0

    start = perf_counter()
    threads = [threading.Thread(target=one, args=(place,)) for place in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = perf_counter() - start
    return sum(good) / took if sum(good) == items * connections else None


def _tell_batch(batch: dict[int, float | None], loads: Loads) -> None:
    for connections, rate in batch.items():
        if rate is None:
            print(f"  batch on {connections}: not every item was answered")
            continue
        ratios = ", ".join(f"{rate / loads[SERVICE, n].rate:.1f} times the {n}" for n in CONNECTIONS)
        print(f"  batch NDJSON on {connections}: {rate:,.0f} items/s, {ratios} connections' (aim {_AIM_BATCH:.0f})")


def _values(loads: Loads, batch: dict[int, float | None]) -> dict[str, Any]:
    return {
        "endpoints": [
            {
                "endpoint": name,
                "connections": connections,
                "rate": round(found.rate, 1),
                "p50_ms": round(found.quantile(0.5), 3),
                "p99_ms": round(found.quantile(0.99), 3),
                "client_processor": round(found.processor / found.seconds, 3),
            }
            for (name, connections), found in sorted(loads.items())
        ],
        "batch_items_per_second": batch,
    }


if __name__ == "__main__":
    sys.exit(main())
