"""`make soak`: minutes of steady load on a real server while bundles change and workers are killed.

Eight connections mix decisions, previews, repeats under one idempotency key and NDJSON batches. Every few seconds
another bundle is activated, or a policy stopped or resumed; about every twenty a worker is killed with SIGKILL at a
random moment. It fails on: an answer that is not, byte for byte, what the reference engine says under the bundle that
the answer names; a bundle that was no longer the active one long ago; a batch of two bundles; a status that was not
asked for; a broken connection without a killed worker; a repeat with another answer; an answered decision that is not
in the store, or a stored one that nobody can have asked for; memory or handles that grow.
"""

import argparse
import json
import os
import random
import signal
import socket
import statistics
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import client
import servers
import traffic
from expected import Expected, compared, parsed
from sqlalchemy import create_engine, text

from policy_service.access.trail import Act
from policy_service.assembly import Assembled, assemble
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.policies.bundle import Bundle, bundle
from policy_service.policies.loader import read_folder
from policy_service.settings import Settings

_CONNECTIONS = 8
_BATCH = 20
_WITHDRAWN = "/problems/bundle-withdrawn"
"""What becomes of the items of a batch when its bundle grants what was stopped meanwhile."""
_OVERLOADED = b'"/problems/overloaded"'
"""What a worker answers that has as many batches as it takes; they are asked for again, as `Retry-After` says."""
_STATES = 60
"""Different requests; the reference engine answers each of them under every bundle."""
_LAG_SECONDS = 8.0
"""How long after an activation the bundle before it may still answer, compilation on a busy machine included."""
_GRACE_SECONDS = 5.0
"""How long after a kill its connections may break: kept-alive ones show it at their next request."""
_YOUNG_SECONDS = 90.0
"""A worker that is younger still warms up: it keeps the last six bundles ready, some 25 MiB each, and has to meet them
first. Its memory is not judged."""
_MOST_GROWTH, _MOST_HANDLES = 24.0, 24
"""MiB, and open files above those of its middle age; the connections of a killed worker go to the other one."""
_HOURS = "| [10..30)                      | 10  "
_ACT = Act("soak", "soak")


@dataclass(slots=True)
class Log:
    """What was seen; shared by all threads, each of which only appends."""

    faults: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    decided: list[str] = field(default_factory=list)
    keyed: dict[str, str] = field(default_factory=dict)
    broken: list[float] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    active: list[tuple[float, str]] = field(default_factory=list)
    stops: list[float] = field(default_factory=list)
    lag: float = 0.0
    unanswered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, text: str) -> None:
        with self.lock:
            self.faults.append(text)

    def stopped_since(self, moment: float) -> bool:
        with self.lock:
            return any(stop >= moment for stop in self.stops)

    def may_answer(self, named: str, begun: float) -> bool:
        """Whether a bundle was, or might still have been taken for, the active one when a request began."""
        with self.lock:
            for place in range(len(self.active) - 1, -1, -1):
                if self.active[place][1] != named:
                    continue
                ended = self.active[place + 1][0] if place + 1 < len(self.active) else float("inf")
                self.lag = max(self.lag, begun - ended)
                return begun - ended <= _LAG_SECONDS
        return False


def main() -> int:
    """Run and print a line for each check; 1 when one fails."""
    options = _options()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    print(f"soak: {options.minutes:g} minutes on {options.store}, seed {seed}")
    with servers.folder() as folder, servers.databases(options.store, folder) as database:
        url = database("soak")
        with servers.running(servers.service(url, folder / "service.log")) as server:
            settings = Settings(database_url=url, signing_key=servers.signing_key(folder))
            log, memory = _soaked(server, settings, options.minutes * 60, random.Random(seed))
        fine = _judged(log, memory, url)
        said = server.log.read_text(errors="replace")
        if not fine or "Traceback" in said:
            kept = Path("var") / f"soak-{seed}.log"
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(said, "utf-8")
        fine = _say("no traceback in the service's log", "Traceback" not in said, f"{len(said):,} characters") and fine
    return 0 if fine else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Steady load, changing bundles, killed workers.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, help="of what is asked, changed and killed; printed when left out")
    return parser.parse_args()


def _soaked(server: servers.Server, settings: Settings, seconds: float, draw: random.Random) -> tuple[Log, "Memory"]:
    operator = assemble(settings)
    log, memory, over = Log(), Memory(server), threading.Event()
    bundles = _bundles(operator, log)
    expected = Expected(operator, traffic.bodies(_STATES))
    for one in bundles:
        expected.of(one.id, "decide", 0)
    askers = [_Asker(server.address, log, expected, random.Random(draw.random()), n, over) for n in range(_CONNECTIONS)]
    threads = [threading.Thread(target=asker.run) for asker in askers]
    for thread in threads:
        thread.start()
    start = time.monotonic()
    change, kill = start + 4, start + 10
    try:
        while (now := time.monotonic()) < start + seconds:
            if now >= change:
                _change(operator, bundles, log, draw)
                change = time.monotonic() + draw.uniform(3, 6)
            if now >= kill and now < start + seconds - _GRACE_SECONDS:
                _kill(server, log, draw, only_youngest=now - start > seconds * 0.4)
                kill = now + draw.uniform(15, 25)
            memory.look()
            time.sleep(0.2)
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
            if thread.is_alive():
                log.fault("hang: a request was not answered within a minute")
    return log, memory


# ---- what changes


def _bundles(operator: Assembled, log: Log) -> list[Bundle]:
    """The shipped rules and two that differ in a number, stored; the first is active."""
    sources = read_folder(servers.ROOT / "rules")
    path = "chuanliu/traffic_hours.yaml"
    assert sources[path].count(_HOURS) == 1
    found = []
    for hours in ("10", "11", "12"):
        one, diagnostics = bundle(
            {**sources, path: sources[path].replace(_HOURS, _HOURS.replace("10  ", f"{hours}  "))}
        )
        assert one is not None, diagnostics
        operator.publishing.upload(one.sources, _ACT, label=f"{hours} hours")
        found.append(one)
    _note(operator, log)
    return found


def _change(operator: Assembled, bundles: list[Bundle], log: Log, draw: random.Random) -> None:
    """Another bundle, or a stop, or its end."""
    publishing, policy = operator.publishing, "chuanliu.traffic_hours"
    stopped = bool(publishing.activation_state().stops)
    try:
        if draw.random() < 0.75:
            publishing.activate(draw.choice(bundles).id, _ACT)
        elif stopped:
            publishing.resume(policy, None, _ACT)
        else:
            with log.lock:
                log.stops.append(time.monotonic())
            publishing.stop(policy, None, _ACT)
    except StoreUnavailable as error:
        log.fault(f"an activation failed: {error}")
    _note(operator, log)


def _note(operator: Assembled, log: Log) -> None:
    active = operator.publishing.activation_state().active
    assert active is not None
    with log.lock:
        if not log.active or log.active[-1][1] != active.bundle:
            log.active.append((time.monotonic(), active.bundle))


def _kill(server: servers.Server, log: Log, draw: random.Random, *, only_youngest: bool) -> None:
    """One of two; in the later part the youngest, so that a worker grows old and its memory can be judged."""
    workers = server.workers()
    if len(workers) < 2:
        return
    victim = workers[-1] if only_youngest else draw.choice(workers)
    with log.lock:
        log.kills.append(time.monotonic())
    os.kill(victim, signal.SIGKILL)


# ---- what is asked


class _Asker:
    """One connection that asks, checks, and asks again."""

    def __init__(
        self,
        address: client.Address,
        log: Log,
        expected: Expected,
        draw: random.Random,
        place: int,
        over: threading.Event,
    ) -> None:
        self._address, self._log, self._expected, self._draw, self._over = address, log, expected, draw, over
        self._place, self._number = place, 0
        self._bodies = traffic.bodies(_STATES)
        self._socket: socket.socket | None = None
        self._repeats: list[tuple[str, int]] = []
        self._retry = 1.0

    def run(self) -> None:
        kinds = [(self._decide, 50), (self._preview, 25), (self._repeat, 20), (self._batch, 5)]
        while not self._over.is_set():
            chosen = self._draw.choices([k for k, _ in kinds], [w for _, w in kinds])[0]
            try:
                chosen()
            except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
                self._log.fault(f"{chosen.__name__}: {error!r}")
                self._close()

    def _decide(self) -> None:
        number = self._draw.randrange(len(self._bodies))
        self._single("decide", number, 201)

    def _preview(self) -> None:
        number = self._draw.randrange(len(self._bodies))
        self._single("preview", number, 200)

    def _repeat(self) -> None:
        """A request under a key, or an earlier one again, which must have the same decision."""
        if self._repeats and self._draw.random() < 0.5:
            key, number = self._draw.choice(self._repeats)
        else:
            self._number += 1
            key, number = f"soak-{self._place}-{self._number}", self._draw.randrange(len(self._bodies))
            self._repeats = [*self._repeats[-50:], (key, number)]
        self._single("decide", number, 201, key)

    def _single(self, purpose: str, number: int, wanted: int, key: str | None = None) -> None:
        body = self._bodies[number] | {"purpose": purpose}
        headers = [f"Idempotency-Key: {key}"] if key else []
        self._log.asked["keyed" if key else purpose] += 1
        begun = time.monotonic()
        status, answered = self._ask(client.post(traffic.EVALUATE, traffic.text(body), *headers))
        if status is None:
            with self._log.lock:
                self._log.unanswered += purpose == "decide" and key is None
            return
        if status != wanted:
            self._log.fault(f"{purpose}: status {status}: {answered[:300]!r}")
            return
        self._check(parsed(answered), purpose, number, begun, key)

    def _check(self, answer: dict[str, Any], purpose: str, number: int, begun: float, key: str | None) -> None:
        if compared(answer) != self._expected.of(answer["bundle"], purpose, number):
            self._log.fault(
                f"wrong answer to request {number} under {answer['bundle']}: {json.dumps(answer, default=str)[:2000]}"
            )
        log, id_ = self._log, answer.get("decision_id")
        repeated = key is not None and key in log.keyed  # then the bundle is that of the first time
        if not repeated and not log.may_answer(answer["bundle"], begun):
            log.fault(f"{answer['bundle']} answered, which was not active any more")
        if purpose != "decide":
            return
        with log.lock:
            if key is not None and log.keyed.setdefault(key, id_) != id_:
                log.faults.append(f"the key {key} stands for {log.keyed[key]} and {id_}")
            if key is None:
                log.decided.append(id_)

    def _batch(self) -> None:
        numbers = [self._draw.randrange(len(self._bodies)) for _ in range(_BATCH)]
        purposes = ["decide" if self._draw.random() < 0.8 else "preview" for _ in numbers]
        items = [traffic.text(self._bodies[n] | {"purpose": p}) + b"\n" for n, p in zip(numbers, purposes, strict=True)]
        self._log.asked["batch"] += 1
        request = client.post(traffic.BATCH, b"".join(items), kind="application/x-ndjson")
        begun = time.monotonic()
        status, answered = self._ask(request)
        while status == 503 and _OVERLOADED in answered and not self._over.wait(self._retry):
            self._log.asked["batch again"] += 1
            begun = time.monotonic()
            status, answered = self._ask(request)
        if status == 503 and _OVERLOADED in answered:
            return
        if status is None:
            with self._log.lock:
                self._log.unanswered += purposes.count("decide")
            return
        lines = [parsed(line) for line in answered.splitlines()] if status == 200 else []
        if len(lines) != _BATCH:
            self._log.fault(f"batch: status {status}, {len(lines)} lines: {answered[:300]!r}")
            return
        if len({line["decision"]["bundle"] for line in lines if "decision" in line}) > 1:
            self._log.fault("a batch of two bundles")
        for line, number, purpose in zip(lines, numbers, purposes, strict=True):
            if line.get("problem", {}).get("type") == _WITHDRAWN and self._log.stopped_since(begun - _LAG_SECONDS):
                self._log.asked["item refused after a stop"] += 1
                continue
            if line["status"] != (201 if purpose == "decide" else 200):
                self._log.fault(f"item of a batch: {line}")
                continue
            self._check(line["decision"], purpose, number, begun, None)

    # ---- the connection

    def _ask(self, request: bytes) -> tuple[int | None, bytes]:
        """Status and body; no status where the connection broke."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, timeout=30)
            self._socket.sendall(request)
            return self._answer(self._socket)
        except TimeoutError:
            self._log.fault("hang: no answer within 30 s")
            self._close()
        except OSError:
            with self._log.lock:
                self._log.broken.append(time.monotonic())
            self._close()
            time.sleep(0.05)
        return None, b""

    def _answer(self, connection: socket.socket) -> tuple[int, bytes]:
        with connection.makefile("rb") as stream:
            status = int((stream.readline() or _closed()).split()[1])
            length, chunked, closes, self._retry = -1, False, False, 1.0
            while (line := stream.readline() or _closed()) != b"\r\n":
                name, _, value = line.decode().lower().partition(":")
                length = int(value) if name == "content-length" else length
                self._retry = float(value) if name == "retry-after" else self._retry
                chunked = chunked or (name == "transfer-encoding" and "chunked" in value)
                closes = closes or (name == "connection" and "close" in value)
            body = _chunks(stream) if chunked else _exactly(stream, length)
        if closes:
            self._close()
        return status, body

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _chunks(stream: Any) -> bytes:
    body = b""
    while size := int(stream.readline() or _closed(), 16):
        body += _exactly(stream, size + 2)[:-2]
    stream.readline()
    return body


def _exactly(stream: Any, size: int) -> bytes:
    found: bytes = stream.read(size)
    return found if len(found) == size else _closed()


def _closed() -> bytes:
    raise ConnectionError("closed in the middle")


# ---- memory and handles


class Memory:
    """Resident memory and open files of each worker by its age."""

    def __init__(self, server: servers.Server) -> None:
        self._server = server
        self._born: dict[int, float] = {}
        self.seen: dict[int, list[tuple[float, float, int]]] = {}

    def look(self) -> None:
        now = time.monotonic()
        for pid in [self._server.process.pid, *self._server.workers()]:
            age = now - self._born.setdefault(pid, now)
            try:
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                handles = len(os.listdir(f"/proc/{pid}/fd"))
            except OSError:
                continue  # it was killed just now
            self.seen.setdefault(pid, []).append((age, pages * os.sysconf("SC_PAGE_SIZE") / 2**20, handles))

    def grown(self) -> list[tuple[int, float, float, int]]:
        """Of each process that grew old: id, age, growth in MiB and in handles, from the first third to the last."""
        found = []
        for pid, seen in self.seen.items():
            old = [one for one in seen if one[0] >= _YOUNG_SECONDS]
            if not old or old[-1][0] < 2 * _YOUNG_SECONDS:
                continue
            third = max(1, len(old) // 3)
            early, late = old[:third], old[-third:]
            growth = statistics.median(m for _, m, _ in late) - statistics.median(m for _, m, _ in early)
            handles = max(h for _, _, h in late) - max(h for _, _, h in early)
            found.append((pid, old[-1][0], growth, handles))
        return found


# ---- the verdict


def _judged(log: Log, memory: Memory, url: str) -> bool:
    asked = ", ".join(f"{count:,} {kind}" for kind, count in sorted(log.asked.items()))
    print(f"  asked: {asked}; {len(log.active):,} bundles active in turn, {len(log.kills)} workers killed")
    for fault, times in Counter(log.faults).most_common(10):
        print(f"    {times} times: {fault}")
    lost = [moment for moment in log.broken if not any(0 <= moment - kill <= _GRACE_SECONDS for kill in log.kills)]
    grown = memory.grown()
    told = "; ".join(f"{age:.0f} s old: {mib:+.1f} MiB, {handles:+d} handles" for _, age, mib, handles in grown)
    checks = [
        _say("every answer right, by the active bundle, of one bundle", not log.faults, f"largest lag {log.lag:.1f} s"),
        _say("connections break only at kills", not lost, f"{len(log.broken)} broken, {len(lost)} without a kill"),
        _stored(log, url),
        _say(
            "no growth of memory or handles",
            all(mib <= _MOST_GROWTH and handles <= _MOST_HANDLES for _, _, mib, handles in grown),
            told or "too short to tell",
        ),
    ]
    return all(checks)


def _stored(log: Log, url: str) -> bool:
    """Every answered decision is stored, none was made twice, and none that was not asked for."""
    database = create_engine(url)
    with database.connect() as connection:
        stored = set(connection.scalars(text("select id from decisions")))
        keys = dict(connection.execute(text("select key, decision from idempotency")).all())
    database.dispose()
    answered = set(log.decided) | set(log.keyed.values())
    twice = len(log.decided) - len(set(log.decided))
    wrong_keys = sum(keys.get(key) != id_ for key, id_ in log.keyed.items())
    unasked = len(stored - answered - set(keys.values()))
    fine = bool(answered) and answered <= stored and not twice and not wrong_keys and unasked <= log.unanswered
    return _say(
        "every answered decision is in the store, none twice",
        fine,
        f"{len(answered):,} answered, of them {len(answered - stored)} not stored, {twice} twice; "
        f"{wrong_keys} wrong keys; {unasked} stored whose answer was lost, of {log.unanswered} lost",
    )


def _say(what: str, fine: bool, detail: str) -> bool:
    print(f"  {'ok  ' if fine else 'FAIL'} {what} ({detail})")
    return fine


if __name__ == "__main__":
    sys.exit(main())
