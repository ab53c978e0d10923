"""`make bench-log`, and a part of `make bench`: what the durable log costs, as a ratio.

The service answers the same requests without the log, as previews, and with it, as decisions; beside it two trivial
Flask endpoints under the same gunicorn settings: an echo, and one that commits a row as large as a record before it
echoes. The rate with the log by the rate without it is to be no smaller than the committing echo's by the echo's. All
take turns in every round. Then the same in this process, without a network: processor time apart from waiting.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent / "http"))

import client
import run as over_http
import servers
import traffic

from policy_service.assembly import assemble, load_folder
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.settings import Settings

CONNECTIONS = (1, 16)
WITH, WITHOUT, COMMIT, ECHO = "service, decisions", "service, previews", "committing echo", "echo"
_ALL_SECONDS = 100.0
_EXPECTED = {WITH: 201, WITHOUT: 200, COMMIT: 201, ECHO: 200}


def main() -> int:
    """Run and print; 1 when an answer was not the one expected. Whether the aim is reached is for the reader."""
    options = _options()
    start = perf_counter()
    stores = [options.store] if options.store else ["sqlite", "postgresql"]
    seconds, rounds = (0.5, 1) if options.quick else (1.5, 4)
    wrong = 0
    for number, store in enumerate(stores):
        wrong += _measured(store, seconds, rounds, start + _ALL_SECONDS * (number + 1) / len(stores))
    print(f"{perf_counter() - start:.0f} s in all")
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what the durable log costs.")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), help="only on this store; both by default")
    return parser.parse_args()


def _measured(store: str, seconds: float, rounds: int, until: float) -> int:
    """Number of answers that were not the expected ones."""
    with ExitStack() as stack:
        folder = stack.enter_context(servers.folder())
        database = stack.enter_context(servers.databases(store, folder))
        _tell_inside(store, database("inside"), folder)
        service = stack.enter_context(servers.running(servers.service(database("service"), folder / "service.log")))
        row = over_http.record_bytes(service.address)
        beside = stack.enter_context(servers.running(servers.beside(database("beside"), folder / "beside.log", row)))
        print(f"{store}, over HTTP: 2 workers, rounds of {seconds} s, one record {row:,} bytes")
        posts = {
            WITHOUT: (service.address, traffic.posts(traffic.EVALUATE, purpose="preview")),
            WITH: (service.address, traffic.posts(traffic.EVALUATE)),
            ECHO: (beside.address, traffic.posts("/echo")),
            COMMIT: (beside.address, traffic.posts("/commit")),
        }
        for address, requests in posts.values():
            client.load(address, requests, 16, min(seconds, 1.0))  # warm
        return _told(posts, seconds, rounds, until)


def _told(posts: dict[str, tuple[client.Address, Iterator[bytes]]], seconds: float, rounds: int, until: float) -> int:
    loads: dict[tuple[str, int], client.Load] = {}
    shares: dict[tuple[str, int], list[float]] = {}
    for number in range(rounds):
        if number and perf_counter() > until:
            print(f"  stopped after {number} of {rounds} rounds: the time was up")
            break
        for connections in CONNECTIONS:
            rate = {}
            for name, (address, requests) in posts.items():
                found = client.load(address, requests, connections, seconds)
                loads.setdefault((name, connections), client.Load()).add(found)
                rate[name] = found.rate
            shares.setdefault(("service", connections), []).append(rate[WITH] / rate[WITHOUT])
            shares.setdefault(("echo", connections), []).append(rate[COMMIT] / rate[ECHO])
    wrong = 0
    print(f"  {'':<20}{'connections':>12}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for (name, connections), load in sorted(loads.items(), key=lambda one: one[0][1]):
        numbers = f"{load.rate:>12,.0f}{load.quantile(0.5):>9.2f}{load.quantile(0.99):>9.2f}"
        print(f"  {name:<20}{connections:>12}{numbers}")
        unexpected = {status: n for status, n in load.statuses.items() if status != _EXPECTED[name]}
        if unexpected:
            print(f"    UNEXPECTED: {unexpected}")
        wrong += sum(unexpected.values())
    for connections in CONNECTIONS:
        ours, echo = (statistics.median(shares[name, connections]) for name in ("service", "echo"))
        print(
            f"  {connections:>2} connections: with the log {ours:.2f} of the rate without (echo: {echo:.2f}); "
            f"no worse than the echo: {'reached' if ours >= echo else 'missed'}"
        )
    return wrong


def _tell_inside(store: str, url: str, folder: Path) -> None:
    """Milliseconds of a request in this process, one at a time: preview and decision taking turns."""
    settings = Settings(rules=servers.ROOT / "rules", database_url=url, signing_key=servers.signing_key(folder))
    assembled = assemble(settings)
    found, _, _ = load_folder(settings.rules)
    assert found is not None
    assembled.publishing.adopt_folder(found, actor="bench")
    took: dict[str, list[float]] = {"preview": [], "decide": []}
    for body in traffic.bodies() * 2:
        for purpose, times in took.items():
            request = EvaluateRequest(body["facts"], body["as_of"], purpose, policies=tuple(body["policies"]))
            start = perf_counter()
            assembled.service.evaluate(request)
            times.append((perf_counter() - start) * 1000)
    preview, decide = (statistics.median(times[50:]) for times in took.values())
    told = f"{preview:.2f} ms without the log, {decide:.2f} ms with it, {decide / preview:.1f} times"
    print(f"\n{store}, in this process: {told}")


if __name__ == "__main__":
    sys.exit(main())
