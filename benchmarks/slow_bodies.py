"""`make bench-slow`: how long ordinary requests take while 200 connections hold on to what they get.

One server, two workers, no keys, so that attackers are let in like everybody; each attack lasts a minute, with a minute
without any before. An attacker's connection sends a byte or a line each second, and is opened again a second after it
was closed. Meanwhile decisions are asked for on a kept connection and on new ones, and `/healthz` on new ones, each 20
times a second. All is on one machine, so the attackers' own processor time counts against the service.
"""

import argparse
import itertools
import selectors
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic, sleep

sys.path.insert(0, str(Path(__file__).resolve().parent / "http"))

import client
import servers
import traffic

_CONNECTIONS = 200
_EVERY_SECONDS = 0.05
_MOST_SECONDS = 1.0
"""What the 99th percentile of ordinary requests is to stay under."""
_PATIENCE_SECONDS = 15.0
_TRICKLE_SECONDS = 1.0
_BEGUN = 40
"""Connections that an attack opens in each of its first seconds, before the measurement."""
_SETTLE_SECONDS = 3.0
_HOST = "HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_JSON, _LINES, _ZIP = (f"Content-Type: application/{kind}\r\n" for kind in ("json", "x-ndjson", "zip"))
_EVALUATE = f"POST {traffic.EVALUATE} {_HOST}{_JSON}"
_BATCH = f"POST {traffic.BATCH} {_HOST}{_LINES}"
_CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Attack:
    """What a connection sends at its beginning, and what each second after it; `reads`: answers are taken."""

    begins: str
    trickles: str = ""
    reads: bool = True


ATTACKS = {
    "a length beyond the limit": Attack(f"{_EVALUATE}Content-Length: 99999999\r\n\r\n", " "),
    "a long batch": Attack(f"{_BATCH}Content-Length: 20000000\r\n\r\n", " "),
    "a bundle": Attack(f"POST /v1/bundles {_HOST}{_ZIP}Content-Length: 3000000\r\n\r\n", " "),
    "a batch in chunks": Attack(f"{_BATCH}{_CHUNKED}", "1\r\n \r\n"),
    "a chunk of eight digits": Attack(f"{_EVALUATE}{_CHUNKED}000fffff\r\n", " "),
    "a chunk of nine digits": Attack(f"{_EVALUATE}{_CHUNKED}0000fffff\r\n", " "),
    "a huge chunk of nine digits": Attack(f"{_EVALUATE}{_CHUNKED}fffffffff\r\n", " "),
    "slow heads": Attack(_EVALUATE, "X-Slow: 1\r\n"),
    "silent connections": Attack(""),
    "answers never read": Attack(f"GET /openapi.json {_HOST}\r\n" * 2, reads=False),
}


def main() -> int:
    """Run and print; 1 when ordinary requests took too long or were not answered under an attack."""
    options = _options()
    if options.attacker:
        name, port = options.attacker
        _attack(ATTACKS[name], ("127.0.0.1", int(port)), options.connections)
        return 0
    fine = True
    with servers.folder() as folder:
        server = servers.service(f"sqlite:///{folder / 'slow'}.sqlite3", folder / "service.log")
        with servers.running(server):
            _tell_head(options)
            _measured(server.address, min(options.seconds, 15.0))  # warm
            _tell("none", _measured(server.address, options.seconds), Counter())
            for name in [one for one in ATTACKS if options.only in one]:
                with _under(name, server.address, options.connections) as heard:
                    found = _measured(server.address, options.seconds)
                fine = _tell(name, found, heard) and fine
                sleep(_SETTLE_SECONDS)
    print("all under a second" if fine else "NOT all under a second")
    return 0 if fine else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Ordinary requests while slow clients attack.")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each attack")
    parser.add_argument("--connections", type=int, default=_CONNECTIONS, help="of the attackers")
    parser.add_argument("--only", default="", metavar="WORD", help="only attacks with this in their names")
    parser.add_argument("--attacker", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


# ---- ordinary requests


@dataclass(slots=True)
class Asked:
    """Seconds of each answer, and what came instead of those that did not come."""

    seconds: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)

    def quantile(self, share: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else float("nan")


Kinds = dict[str, Asked]


def _measured(address: client.Address, seconds: float) -> Kinds:
    bodies = itertools.cycle([traffic.text(one) for one in traffic.bodies()])
    found: Kinds = {kind: Asked() for kind in ("kept", "new", "health")}
    until = monotonic() + seconds

    def asking(kind: str) -> None:
        connection = HTTPConnection(*address, timeout=_PATIENCE_SECONDS)
        due = monotonic()
        while due < until:
            sleep(max(0.0, due - monotonic()))
            _ask(connection, None if kind == "health" else next(bodies), found[kind])
            if kind != "kept" or found[kind].failed:
                connection.close()
            due = max(due + _EVERY_SECONDS, monotonic())
        connection.close()

    threads = [threading.Thread(target=asking, args=(kind,)) for kind in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def _ask(connection: HTTPConnection, body: bytes | None, asked: Asked) -> None:
    """A decision, or health where there is no body."""
    begun = monotonic()
    try:
        if body is None:
            connection.request("GET", "/healthz")
        else:
            connection.request("POST", traffic.EVALUATE, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (200, 201):
            asked.failed[str(answer.status)] += 1
    except (OSError, HTTPException) as error:
        asked.failed[type(error).__name__] += 1
        connection.close()
    asked.seconds.append(monotonic() - begun)


def _tell_head(options: argparse.Namespace) -> None:
    print(f"{options.connections} connections for {options.seconds:g} s each; milliseconds: median, 99th, longest")
    print(f"{'attack':<29}{'decisions, kept':>22}{'decisions, new':>22}{'/healthz, new':>22}  attackers' answers")


def _tell(name: str, found: Kinds, heard: Counter[str]) -> bool:
    """Print a line; whether all was answered, and in time."""
    numbers = [[one.quantile(0.5), one.quantile(0.99), max(one.seconds) * 1000] for one in found.values()]
    shown = "".join(f"{median:>8.1f}{late:>7.0f}{last:>7.0f}" for median, late, last in numbers)
    said = ", ".join(f"{status}: {count}" for status, count in sorted(heard.items()))
    print(f"{name:<29}{shown}  {said}", flush=True)
    failed = sum((one.failed for one in found.values()), Counter[str]())
    if failed:
        print(f"    NOT ANSWERED: {dict(failed)} of {sum(len(one.seconds) for one in found.values())}", flush=True)
    return not failed and all(late < _MOST_SECONDS * 1000 for _, late, _ in numbers)


# ---- attackers, in a process of their own


@contextmanager
def _under(name: str, address: client.Address, connections: int) -> Iterator[Counter[str]]:
    """An attack; afterwards what the attackers were answered, by status, and how often they were closed."""
    command = [sys.executable, __file__, "--connections", str(connections), "--attacker", name, str(address[1])]
    heard: Counter[str] = Counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()  # nearly all are connected
        yield heard
        process.stdin.close()
        for line in process.stdout:
            if line.strip():
                status, count = line.split()
                heard[status] = int(count)


class Attacker:
    """One connection of an attack, opened again after its end."""

    def __init__(self, attack: Attack, address: client.Address, heard: Counter[str]) -> None:
        self._attack, self._address, self._heard = attack, address, heard
        self.socket: socket.socket | None = None

    def step(self, watch: Callable[["Attacker"], None]) -> None:
        """What is done each second: more is sent, or the connection is opened again."""
        if self.socket is None:
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            with suppress(OSError):
                self.socket.connect(self._address)
            self.socket.setblocking(False)
            if self._attack.reads:
                watch(self)
            self._send(self._attack.begins)
        else:
            self._send(self._attack.trickles)

    def hear(self) -> bool:
        """Takes what came; whether the connection has ended."""
        assert self.socket is not None
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if data.startswith(b"HTTP/1.1 "):
            self._heard[data[9:12].decode()] += 1
        self._heard["closed"] += not data
        return not data

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _send(self, text: str) -> None:
        assert self.socket is not None
        try:
            self.socket.send(text.encode())
        except BlockingIOError:
            pass
        except OSError:
            if not self._attack.reads:  # else its end is heard
                self._heard["closed"] += 1
                self.close()


def _attack(attack: Attack, address: client.Address, connections: int) -> None:
    """Hold on to connections until standard input ends."""
    heard: Counter[str] = Counter()
    poller = selectors.DefaultSelector()
    poller.register(sys.stdin, selectors.EVENT_READ)

    def watch(one: Attacker) -> None:
        assert one.socket is not None
        poller.register(one.socket, selectors.EVENT_READ, one)

    attackers = [Attacker(attack, address, heard) for _ in range(connections)]
    begun, due = 0, 0.0
    while True:
        if monotonic() >= due:
            due = monotonic() + _TRICKLE_SECONDS
            if begun < connections <= begun + _BEGUN:
                print("connected", flush=True)
            begun = min(connections, begun + _BEGUN)
            for one in attackers[:begun]:
                one.step(watch)
        for key, _ in poller.select(max(0.0, due - monotonic())):
            if key.data is None:
                print(*(f"{status} {count}" for status, count in heard.items()), sep="\n")
                return
            if key.data.hear():
                poller.unregister(key.data.socket)
                key.data.close()


if __name__ == "__main__":
    sys.exit(main())
