"""`make bench-before BEFORE=FOLDER`: what a decision costs in two checkouts, an earlier one and this one.

In process: microseconds of the processor for a decision, for one with an idempotency key, and for sealing a record; on
PostgreSQL also with those of its server. Over HTTP: requests a second, and milliseconds of the processor that the
server's processes spend on one, sealing included. Both checkouts decide by the rules of this one, so both hide the same
values; each has a database of its own. They are asked in turn in every round, and in the other order in the next; of
each the best round counts, as whatever else the machine does only adds to it.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent / "http"))

import client
import servers
import traffic

INSIDE = {
    ("decide", 200): "a decision",
    ("keyed", 200): "a decision with an idempotency key",
    ("seal", 200): "sealing a record, of 200 together",
    ("others", 200): "sealing a record of another worker, of 200 together",
    ("seal", 1): "sealing a record alone",
}
CONNECTIONS = (1, 16)
_RULES = servers.ROOT / "rules"
_TICK = os.sysconf("SC_CLK_TCK")
Rounds = dict[str, list[float]]
"""Numbers by checkout, one for each round."""


def main() -> int:
    options = _options()
    roots = {"before": options.before.resolve(), "after": servers.ROOT}
    for store in [options.store] if options.store else ["sqlite", "postgresql"]:
        with ExitStack() as stack:
            folder = stack.enter_context(servers.folder())
            database = stack.enter_context(servers.databases(store, folder))
            urls = {name: database(name) for name in roots}
            if options.only != "http":
                _tell_inside(store, roots, urls, folder, options.rounds)
            if options.only != "inside":
                _tell_http(store, roots, urls, folder, options.rounds)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare what a decision costs in two checkouts.")
    parser.add_argument("before", type=Path, help="folder of the earlier checkout")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), help="only on this store; both by default")
    parser.add_argument("--only", choices=("inside", "http"), help="only in process, or only over HTTP")
    parser.add_argument("--rounds", type=int, default=8)
    return parser.parse_args()


def _tell(store: str, what: str, found: Rounds, unit: str, best: Callable[[list[float]], float] = min) -> None:
    before, after = best(found["before"]), best(found["after"])
    middle = median(new / old for old, new in zip(found["before"], found["after"], strict=True))
    numbers = f"{before:>10,.2f}{after:>10,.2f} {unit:<11}"
    print(f"{store:<11} {what:<52}{numbers} ratio {after / before:.2f}, in the median round {middle:.2f}", flush=True)


def _in_turn(number: int, of: dict[str, Path]) -> list[str]:
    return sorted(of, reverse=bool(number % 2))


# ---- in process


def _tell_inside(store: str, roots: dict[str, Path], urls: dict[str, str], folder: Path, rounds: int) -> None:
    server = (lambda: _spent(_postmaster(folder))) if store == "postgresql" else (lambda: 0.0)
    found: dict[tuple[str, int], tuple[Rounds, Rounds]] = {one: ({}, {}) for one in INSIDE}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(_inside(roots[name], urls[name], folder / name)) for name in roots}
        for number in range(rounds + 1):
            for (way, many), (alone, both) in found.items():
                for name in _in_turn(number, roots):
                    start = server()
                    took = _asked(workers[name], f"{way} {many}\n")
                    if number:  # the first round warms
                        alone.setdefault(name, []).append(took)
                        both.setdefault(name, []).append(took + (server() - start) / many * 1e6)
    for one, (alone, both) in found.items():
        _tell(store, INSIDE[one], alone, "µs")
        if (
            store == "postgresql" and one[1] > 1 and one[0] in ("decide", "keyed")
        ):  # the server counts in hundredths of a second
            _tell(store, f"{INSIDE[one]}, and PostgreSQL", both, "µs")


@contextmanager
def _inside(root: Path, url: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    folder.mkdir()
    program = Path(__file__).with_name("log_inside.py").resolve()
    command = [
        sys.executable,
        str(program),
        url,
        str(_RULES),
        servers.signing_key(folder.parent),
        str(folder / "guard"),
    ]
    known = {k: v for k, v in os.environ.items() if not k.startswith("POLICY_")}
    with subprocess.Popen(
        command,
        cwd=root,
        env=known | {"PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        yield worker  # it ends when its input does


def _asked(worker: "subprocess.Popen[str]", line: str) -> float:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(line)
    worker.stdin.flush()
    return float(worker.stdout.readline())


# ---- over HTTP


def _tell_http(store: str, roots: dict[str, Path], urls: dict[str, str], folder: Path, rounds: int) -> None:
    rates: dict[int, Rounds] = {connections: {} for connections in CONNECTIONS}
    spent: dict[int, Rounds] = {connections: {} for connections in CONNECTIONS}
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(servers.running(_served(root, urls[name], folder / f"{name}.log", folder / name)))
            for name, root in roots.items()
        }
        for number in range(rounds + 1):
            for connections in CONNECTIONS:
                for name in _in_turn(number, roots):
                    rate, took = _loaded(running[name], connections)
                    if number:
                        rates[connections].setdefault(name, []).append(rate)
                        spent[connections].setdefault(name, []).append(took)
    for connections in CONNECTIONS:
        _tell(store, f"HTTP, {connections} connections", rates[connections], "requests/s", max)
        _tell(store, f"HTTP, {connections} connections, processor of the server", spent[connections], "ms")


def _served(root: Path, url: str, log: Path, folder: Path) -> servers.Server:
    folder.mkdir(exist_ok=True)
    return servers.service(url, log, root=root, rules=_RULES, POLICY_GUARD=str(folder / "guard"))


def _loaded(server: servers.Server, connections: int, seconds: float = 2.0) -> tuple[float, float]:
    """Requests a second, and milliseconds of the server's processes for one. Raises SystemExit on another answer."""
    start = _spent(server.process.pid)
    load = client.load(server.address, traffic.posts(traffic.EVALUATE), connections, seconds)
    if set(load.statuses) != {201}:
        raise SystemExit(f"the server answered {load.statuses}")
    return load.rate, (_spent(server.process.pid) - start) / len(load.latencies) * 1000


# ---- the processor's time


def _spent(process: int) -> float:
    """Seconds that a process and its children have run."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    found = 0
    for one in (str(process), *children):
        said = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        found += sum(map(int, said[11:13]))
    return found / _TICK


def _postmaster(folder: Path) -> int:
    return int((folder / "postgresql" / "data" / "postmaster.pid").read_text().split()[0])


if __name__ == "__main__":
    sys.exit(main())
