"""`make chaos`: SIGKILL under load, round after round; what was answered must be there, once, and prove it.

Connections ask for decisions under idempotency keys, alone and in NDJSON batches, and for some again. At a random
moment a worker ends by SIGKILL, or the master with all its workers, and on PostgreSQL a backend, or all of the server.
What ended is started again, and when the load goes on the round is judged: every answer that arrived whole is stored
as it was answered, and its receipt holds; each key stands for one decision, also when it is asked for again; the log
is sealed without gaps, and its verification, with all receipts, finds nothing. One line a round; 1 on a violation,
and then the folder with store and logs is kept.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policy_service import canonical
from policy_service.assembly import Assembled
from policy_service.decisions.audit.findings import GivenReceipt, Progress
from policy_service.decisions.deciding.recording import answer_of
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.proofs.receipts import Receipt
from tests import postgres
from tests.hosts.host import ROOT, Host, Talk, inside, parsed, servers, traffic, until
from tests.hosts.kept import bodies, claims, names, number_of_acts

_CONNECTIONS = 6
_BATCH = 5
_AGAIN = 40
"""Keys of a round that are asked for again when it is over, of those answered and of those not."""
_VICTIMS = {"sqlite": ("worker", "master"), "postgresql": ("worker", "master", "backend", "postgresql")}


@dataclass(slots=True)
class Round:
    """What a round saw. Shared by its threads.

    asked: number of the state by key, of every request sent.
    answers: compared bytes by key, of every answer that arrived whole.
    refused: 503, by type of problem. They are no violation: their caller knows to ask again under the key.
    """

    asked: dict[str, int] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    broken: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, key: str, answer: dict[str, Any]) -> None:
        told = canonical.trusted(answer)
        with self.lock:
            if self.answers.setdefault(key, told) != told:
                self.faults.append(f"{key} was answered in two ways: {self.answers[key]!r} and {told!r}")

    def fault(self, text: str) -> None:
        with self.lock:
            self.faults.append(text)


@dataclass(slots=True)
class Totals:
    """What all rounds of a store saw."""

    asked: int = 0
    answers: dict[str, bytes] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    heads: list[str] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    verified: Progress = field(default_factory=Progress)
    faults: list[str] = field(default_factory=list)


def main() -> int:
    """Run and print; 1 on a violation."""
    options = _options()
    seed = random.randrange(2**32) if options.seed is None else options.seed
    stores = ["sqlite", "postgresql"] if options.store == "both" else [options.store]
    faults = 0
    for store in stores:
        faults += _stormed(store, options.rounds, seed)
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill processes under load, and look for what was answered.")
    parser.add_argument("--rounds", type=int, default=50, help="on each store")
    parser.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--seed", type=int, help="of what is asked and killed; printed when left out")
    return parser.parse_args()


def _stormed(store: str, rounds: int, seed: int) -> int:
    """Number of violations."""
    print(f"chaos: {rounds} rounds on {store}, seed {seed}", flush=True)
    draw, totals, began = random.Random(f"{seed} {store}"), Totals(), time.monotonic()
    with servers.folder() as folder, servers.databases(store, folder) as database:
        url = database("chaos")
        with Host(url, folder, "service") as host, inside(url, folder) as known:
            for number in range(1, rounds + 1):
                victim = _VICTIMS[store][(number - 1) % len(_VICTIMS[store])]
                totals.killed[victim] += 1
                totals.faults += _round(number, victim, host, folder, known, url, totals, draw)
                if totals.faults:
                    break
            if not totals.faults:
                totals.faults += _whole(known, url, totals)
        said = "".join(log.read_text(errors="replace") for log in host.logs)
        if "Traceback" in said:
            totals.faults.append("a traceback in the service's log")
        if totals.faults:
            _keep(folder, store, seed, totals)
    killed = ", ".join(f"{times} times {victim}" for victim, times in totals.killed.items())
    print(
        f"{store}: killed {killed}; {totals.asked:,} asked, {len(totals.answers):,} answered, "
        f"{totals.verified.records:,} sealed and verified, {len(totals.faults)} violations, "
        f"{time.monotonic() - began:.0f} s",
        flush=True,
    )
    return len(totals.faults)


def _round(
    number: int, victim: str, host: Host, folder: Path, known: Assembled, url: str, totals: Totals, draw: random.Random
) -> list[str]:
    seen, over = Round(), threading.Event()
    askers = [_Asker(host, seen, over, f"{number}-{place}", draw.random()) for place in range(_CONNECTIONS)]
    threads = [threading.Thread(target=asker.run) for asker in askers]
    for thread in threads:
        thread.start()
    until(lambda: len(seen.answers) >= _CONNECTIONS or seen.faults, "the load is under way")
    time.sleep(draw.uniform(0.0, 1.0))  # the moment is what is tried
    before = _kill(victim, host, folder, draw)
    done = len(seen.answers)
    until(lambda: len(seen.answers) >= done + 3 * _CONNECTIONS or seen.faults, f"answers after the end of {victim}")
    over.set()
    for thread in threads:
        thread.join(60)
    if any(thread.is_alive() for thread in threads):
        seen.fault("a request was not answered within a minute")
    first = dict(seen.answers)
    _again(host, seen, draw)
    faults = seen.faults + _judged(known, url, first, seen, totals)
    print(
        f"  {number:>3} {victim:<10} {before}: {len(seen.asked):>4} asked, {len(first):>4} answered, "
        f"{seen.broken} broken off, refused {dict(seen.refused) or 'none'}, log {totals.verified.records}; "
        f"{'ok' if not faults else faults[0]}",
        flush=True,
    )
    return faults


def _kill(victim: str, host: Host, folder: Path, draw: random.Random) -> str:
    """Ends it by SIGKILL, starts what does not start by itself; what was killed."""
    server = folder / "postgresql"
    if victim == "worker":
        one = draw.choice(host.workers())
        os.kill(one, signal.SIGKILL)
        return "one of two"
    if victim == "master":
        host.kill()
        host.start()
        return "with its workers"
    if victim == "backend":
        os.kill(draw.choice(until(lambda: postgres.backends(server), "the service has a connection")), signal.SIGKILL)
        return "one connection's"
    postgres.kill(server)
    time.sleep(draw.uniform(0.0, 0.5))  # some are refused meanwhile
    postgres.start(server)
    return "all of it"


# ---- the load


class _Asker:
    """A connection that asks under keys until `over`, and opens another when it breaks."""

    def __init__(self, host: Host, seen: Round, over: threading.Event, name: str, seed: float) -> None:
        self._host, self._seen, self._over, self._name = host, seen, over, name
        self._draw, self._bodies, self._number = random.Random(seed), traffic.bodies(), 0
        self._talk: Talk | None = None

    def run(self) -> None:
        while not self._over.is_set():
            asks = self._batch if self._draw.random() < 0.1 else self._one
            try:
                self._talk = self._talk or self._host.talk()
                asks(self._talk)
            except (OSError, HTTPException):
                with self._seen.lock:
                    self._seen.broken += 1
                self._close()
                time.sleep(0.1)
            except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
                self._seen.fault(f"{asks.__name__}: {error!r}")
                return self._close()
        return self._close()

    def _one(self, talk: Talk) -> None:
        key, number = self._key()
        answered = talk.post(traffic.EVALUATE, self._bodies[number], key)
        if answered.status == 201:
            self._seen.answered(key, answered.json)
        else:
            self._not(answered.status, answered.body)

    def _batch(self, talk: Talk) -> None:
        """Lines that arrived are answers, whatever becomes of the rest."""
        chosen = [self._key() for _ in range(_BATCH)]
        lines = [traffic.text(self._bodies[number] | {"idempotency_key": key}) + b"\n" for key, number in chosen]
        answer = talk.begin(traffic.BATCH, b"".join(lines), kind="application/x-ndjson")
        if answer.status != 200:
            self._not(answer.status, answer.read())
            return
        for key, _ in chosen:
            line = answer.readline()
            if not line.endswith(b"\n"):
                raise ConnectionError("the batch was broken off")
            item = parsed(line)
            if item["status"] == 201:
                self._seen.answered(key, item["decision"])
            else:
                self._not(item["status"], line)
        answer.read()

    def _key(self) -> tuple[str, int]:
        """A new key and a state; or, at times, an earlier one, answered or not."""
        with self._seen.lock:
            if self._seen.asked and self._draw.random() < 0.15:
                return self._draw.choice(list(self._seen.asked.items())[-50:])
            self._number += 1
            key, number = f"chaos-{self._name}-{self._number}", self._draw.randrange(len(self._bodies))
            self._seen.asked[key] = number
            return key, number

    def _not(self, status: int, body: bytes) -> None:
        if status == 503 and b"/problems/" in body:
            with self._seen.lock:
                self._seen.refused[body.split(b"/problems/")[1].split(b'"')[0].decode()] += 1
        else:
            self._seen.fault(f"status {status}: {body[:300]!r}")

    def _close(self) -> None:
        if self._talk is not None:
            self._talk.close()
            self._talk = None


def _again(host: Host, seen: Round, draw: random.Random) -> None:
    """Asks for keys once more: those answered must be answered alike, and the others now are."""
    bodies, lost = traffic.bodies(), [key for key in seen.asked if key not in seen.answers]
    known = draw.sample(sorted(seen.answers), min(_AGAIN, len(seen.answers)))

    def whole(key: str) -> bool:
        try:
            answered = host.post(traffic.EVALUATE, bodies[seen.asked[key]], key)
        except (OSError, HTTPException):
            return False
        if answered.status == 201:
            seen.answered(key, answered.json)
        return answered.status == 201

    for key in lost[:_AGAIN] + known:
        until(lambda key=key: whole(key), f"an answer under {key}")


# ---- the verdict


def _judged(known: Assembled, url: str, first: dict[str, bytes], seen: Round, totals: Totals) -> list[str]:
    """What is wrong in the store after a round."""
    assert known.auditing is not None
    auditing = known.auditing
    _settled(lambda: auditing.log.waiting() == 0, "what waits is sealed")
    totals.asked += len(seen.asked)
    totals.keys |= set(seen.asked)
    totals.answers |= seen.answers
    found, given, kept = [], [], claims(url)
    for key, told in seen.answers.items():
        answer = parsed(told)
        given.append(GivenReceipt(answer["decision_id"], Receipt.parse(answer["receipt"])))
        record = known.service.decisions.decision(answer["decision_id"])
        if record is None:
            found.append(f"{key}: the answered decision {answer['decision_id']} is not stored")
        elif canonical.trusted(answer_of(record)) != told:
            found.append(f"{key}: decision {record.id} is stored otherwise than answered")
        elif key not in kept or kept[key].decision != record.id or not names(kept[key]):
            found.append(f"{key}: decision {record.id} is stored under another key")
    if not first:
        found.append("nothing was answered")
    verified = auditing.verify(heads=totals.heads, given=given, resume=totals.verified)
    totals.verified = verified.progress
    totals.heads.append(auditing.head().note)
    return found + [f"{one.kind}: {one.message}" for one in verified.findings]


def _settled(holds: Callable[[], bool], what: str) -> None:
    """Waits; the store may not yet be there."""

    def now() -> bool:
        try:
            return holds()
        except StoreUnavailable:
            return False

    until(now, what)


def _whole(known: Assembled, url: str, totals: Totals) -> list[str]:
    """What is wrong in the store after all rounds, the log verified from its first record with every receipt."""
    assert known.auditing is not None
    stands, stored = claims(url), {record["decision_id"]: record for record in bodies(url)}
    tags = Counter(record.get("idempotency") for record in stored.values())
    found = [f"{tag} has {times} decisions" for tag, times in tags.items() if times != 1]
    found += [f"{key} is stored, and was never asked" for key in stands if key not in totals.keys]
    found += [f"{key} is not what its decision was made for" for key, claim in stands.items() if not names(claim)]
    decided = {key: parsed(told)["decision_id"] for key, told in totals.answers.items()}
    found += [
        f"{key} stands for another decision than answered"
        for key, id_ in decided.items()
        if key not in stands or stands[key].decision != id_
    ]
    if len(stands) != len(stored):  # each decision has a key, and with the lines above a key of its own
        found.append(f"{len(stands)} keys, {len(stored)} decisions")
    given = [
        GivenReceipt(answer["decision_id"], Receipt.parse(answer["receipt"]))
        for answer in map(parsed, totals.answers.values())
    ]
    verified = known.auditing.verify(heads=totals.heads, given=given)
    found += [f"{one.kind}: {one.message}" for one in verified.findings]
    if verified.records != (records := len(stored) + number_of_acts(url)):
        found.append(f"{verified.records} records are sealed, {records} stored")
    return found


def _keep(folder: Path, store: str, seed: int, totals: Totals) -> None:
    """Store, logs and answers, for who looks for the cause."""
    kept = ROOT / "var" / f"chaos-{store}-{seed}"
    shutil.rmtree(kept, ignore_errors=True)
    if store == "postgresql":
        postgres.stop(folder / "postgresql")
    shutil.copytree(folder, kept, ignore=shutil.ignore_patterns("*.pem", "socket", ".s.*"))
    if store == "postgresql":
        postgres.start(folder / "postgresql")
    evidence = {"faults": totals.faults, "answers": {key: told.decode() for key, told in totals.answers.items()}}
    (kept / "chaos.json").write_text(json.dumps(evidence, ensure_ascii=False, indent=1), "utf-8")
    print(f"  kept in {kept.relative_to(ROOT)}: " + "; ".join(totals.faults[:5]), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"PostgreSQL did not start again: {error}")
