"""`make bench-memory`: what a worker holds while one bundle after the other becomes the active one.

Each bundle is the shipped rules with another number in one parameter. It is published from outside, as another host
would; then some decisions are asked for on several days, some of them pinned to the bundle before. Two processes are
measured, each on a database of its own: a gunicorn worker, and the operations alone without HTTP. The measure is the
proportional set size (PSS): a page that several processes share counts in each by its part.
"""

import argparse
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import client
import servers
import traffic

from policy_service.assembly import assemble
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.policies.bundle import bundle
from policy_service.policies.loader import read_folder
from policy_service.settings import Settings

_MOST_GROWTH = 30.0
"""MiB above the first bundle, active and warm."""
_FILE, _VALUE = "chuanliu/traffic_hours.yaml", "{from: 2023-01-01, value: 4}"
_DAYS = (0, 60, 300, 600)
"""Days after the states' own day: they meet several epochs of the rules."""
_STATES = 10
_SETTLE_SECONDS = 3.0
"""For what a worker does in the background after it took a bundle over."""
_PATIENCE_SECONDS = 30.0
_SETTINGS = {
    "POLICY_JUDGE_SHARE": "0.2",
    "POLICY_JUDGE_CPU": "0.5",
    "POLICY_BUNDLE_REFRESH_MS": "200",
    "POLICY_REQUEST_SECONDS": "120",
}

Exchange = Callable[[list[dict[str, Any]]], str]
"""Asks for decisions; the bundle that the last of them names."""


def main() -> int:
    """Print a line for each bundle; 1 when a process grew too much."""
    options = _options()
    if options.inside is not None:
        _answer_from_stdin(options.inside)
        return 0
    print(f"PSS in MiB after each of {options.bundles} bundles; each answered {_STATES} states on {len(_DAYS)} days")
    with servers.folder() as folder:
        fine = [
            _measured(name, subject, folder, options.bundles)
            for name, subject in (("worker", _worker), ("operations", _operations))
            if options.only in (None, name)
        ]
    return 0 if all(fine) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Memory of a worker over bundles that are taken over.")
    parser.add_argument("--bundles", type=int, default=20)
    parser.add_argument("--only", choices=("worker", "operations"), help="measure one of the two processes")
    parser.add_argument("--inside", metavar="DATABASE", help=argparse.SUPPRESS)
    return parser.parse_args()


def _measured(name: str, subject: Any, folder: Path, bundles: int) -> bool:
    found: list[float] = []
    settings = Settings(database_url=f"sqlite:///{folder / name}.sqlite3", signing_key=servers.signing_key(folder))
    publishing = assemble(settings).publishing
    variants = _variants()
    first, _ = bundle(next(variants))
    assert first is not None
    publishing.adopt_folder(first, actor="memory")
    before = first.id
    with subject(settings.database_url, folder) as (pid, ask):
        _take_over(ask, first.id, None)
        for number in range(bundles):
            found.append(_pss(pid))
            print(f"{name:12} {number:3} {found[-1]:8.1f} {found[-1] - found[0]:+8.1f}", flush=True)
            loaded, _ = bundle(next(variants))
            assert loaded is not None
            publishing.adopt_folder(loaded, actor="memory")
            _take_over(ask, loaded.id, before)
            before = loaded.id
        found.append(_pss(pid))
    grown = max(found) - found[0]
    half = max(found[len(found) // 2 :]) - max(found[: len(found) // 2])
    print(f"{name}: at most {grown:.1f} MiB above its start (at most {_MOST_GROWTH:g}); later half {half:+.1f}")
    return grown <= _MOST_GROWTH


def _variants() -> Iterator[dict[str, str]]:
    """The sources of one bundle after the other."""
    sources = read_folder(servers.ROOT / "rules")
    assert sources[_FILE].count(_VALUE) == 1
    for number in itertools.count():
        value = Decimal(400 + number) / 100
        yield {**sources, _FILE: sources[_FILE].replace(_VALUE, _VALUE.replace("value: 4", f"value: {value}"))}


def _take_over(ask: Exchange, id_: str, before: str | None) -> None:
    """Wait until the process answers by a bundle, and use it."""
    end = monotonic() + _PATIENCE_SECONDS
    while ask(_bodies()[:1]) != id_:
        if monotonic() > end:
            raise SystemExit("the process does not take the bundle over")
        sleep(0.1)
    ask(_bodies())
    if before is not None:
        ask([one | {"bundle": before} for one in _bodies()[:_STATES]])
    sleep(_SETTLE_SECONDS)


def _bodies() -> list[dict[str, Any]]:
    posted = traffic.states.states(_STATES)
    days = [(traffic.states.AS_OF + timedelta(days)).isoformat() for days in _DAYS]
    return [{"as_of": day, "facts": facts} for day in days for facts in posted]


def _pss(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


# ---- a gunicorn worker


@contextmanager
def _worker(database: str, folder: Path) -> Iterator[tuple[int, Exchange]]:
    with servers.running(servers.service(database, folder / "service.log", workers=1, **_SETTINGS)) as server:

        def ask(bodies: list[dict[str, Any]]) -> str:
            answers: list[bytes] = []
            requests = iter([client.post(traffic.EVALUATE, traffic.text(one)) for one in bodies])
            for request in requests:
                client.load(server.address, iter([request]), 1, 0.0, answers.append)
            last = answers[-1].split(b"\r\n\r\n", 1)[1]
            if b'"bundle"' not in last:
                raise SystemExit(f"the worker refuses: {last.decode()}")
            return str(json.loads(last)["bundle"])

        while not server.workers():  # it listens before it forks
            sleep(0.1)
        yield server.workers()[0], ask


# ---- the operations alone


@contextmanager
def _operations(database: str, folder: Path) -> Iterator[tuple[int, Exchange]]:
    command = [sys.executable, __file__, "--inside", database]
    environment = {**_SETTINGS, "POLICY_SIGNING_KEY": servers.signing_key(folder), "PYTHONPATH": str(servers.ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def ask(bodies: list[dict[str, Any]]) -> str:
            stdin.write(traffic.text(bodies) + b"\n")
            stdin.flush()
            return str(json.loads(stdout.readline())["bundle"])

        yield process.pid, ask
        stdin.close()


def _answer_from_stdin(database: str) -> None:
    """Decide each list of requests that comes as a line, and write down the last answer's bundle."""
    from policy_service.settings import read_settings

    assembled = assemble(Settings(**{**_fields(read_settings()), "database_url": database}))
    service = assembled.service
    service.evaluators.keep_fresh()
    assembled.judge.queue.start()
    for line in sys.stdin:
        answer: dict[str, Any] = {}
        for body in json.loads(line, parse_float=Decimal):
            answer = service.evaluate(EvaluateRequest(body["facts"], body["as_of"], bundle=body.get("bundle"))).answer
        print(json.dumps({"bundle": answer["bundle"], "blocks": sys.getallocatedblocks()}), flush=True)


def _fields(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


if __name__ == "__main__":
    sys.exit(main())
