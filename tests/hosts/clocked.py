"""A host whose clock jumps: `clocked.py URL KEY GUARD NAME HOURS DECISIONS SEED`.

It decides, one by one and in batches, while a thread of its own stops, resumes and activates. Prints `ready`, waits for
a line, works, and prints as JSON what came of it; see `Done`.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Lock, Semaphore, Thread
from typing import Any

from policy_service.access import instants
from policy_service.access.trail import Act
from policy_service.assembly import Assembled, assemble_on
from policy_service.decisions.bundles.results import BadInstant, Busy, NothingBefore, NotStopped, UnknownPolicy
from policy_service.decisions.deciding.batch import Batch, Item
from policy_service.decisions.deciding.eligibility import BundleNotActive, BundleWithdrawn
from policy_service.decisions.deciding.ids import DecisionIds
from policy_service.decisions.deciding.resolving import EvaluateRequest
from policy_service.decisions.deciding.service import Evaluated
from policy_service.policies.bundle import Bundle
from policy_service.settings import Settings
from policy_service.store import connect
from tests.bundles import edited, loaded

CLUB = Path(__file__).parents[1] / "unit" / "decisions" / "club"
MORNING = datetime(2023, 4, 2, 4, 0, tzinfo=UTC)
STOPPED = (("club.hours", None), ("club.hours", "badge"), ("club.member", None), ("club.prices", None))
DECISIONS_PER_ORDER, BATCH, DECIDERS = 12, 5, 2


class JumpingClock:
    """A minute later with each jump, and besides anywhere within an hour of that, before it or behind."""

    def __init__(self, hours: float, random: Random) -> None:
        self._home, self._random = MORNING + timedelta(hours=hours), random
        self._lock = Lock()
        self.jumps, self._read, self._away = 0, 0, timedelta()

    def __call__(self) -> datetime:
        with self._lock:
            self._read += 1
            return self._home + self._away + timedelta(minutes=self.jumps, milliseconds=self._read)

    def jump(self) -> None:
        with self._lock:
            self.jumps += 1
            self._away = timedelta(minutes=self._random.uniform(-60, 60))

    def milliseconds(self) -> int:
        return int(self().timestamp() * 1000)


@dataclass
class Done:
    """What a host did.

    decided: answers, by how they were asked for: `single`, `batch`, `pinned`.
    refused: decisions that were rightly refused, by the name of the exception.
    orders: those given, and those rightly refused by the name of the exception.
    stops: calls of `stop`, as (policy, reward, whether it was new, orders before the call, orders behind it).
    faults: what should not have happened.
    """

    decided: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    stops: list[tuple[str, str | None, bool, int, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    jumps: int = 0


class Host:
    """The operations on a database, by a clock and a guard of their own."""

    def __init__(self, url: str, key: str, guard: str, name: str, hours: float, seed: int) -> None:
        self.name, self.random = name, Random(f"{seed}-{name}")
        self.clock = JumpingClock(hours, Random(f"{seed}-{name}-clock"))
        settings = Settings(engine="reference", signing_key=key, guard=guard, bundle_refresh_ms=20, seal_ms=100)
        self.on: Assembled = assemble_on(
            connect(url), settings, now=self.clock, new_id=DecisionIds(self.clock.milliseconds, os.urandom).next
        )
        self.done, self._lock = Done(), Lock()
        self._turns, self._over = Semaphore(0), False
        self.published = [bundle.id for bundle in self._bundles()]

    def _bundles(self) -> list[Bundle]:
        """The club, with another number of hours, and without the prices."""
        club = loaded(CLUB)
        found = [club, edited(club, "hours.yaml", ("| 5                   |", "| 6                   |"))]
        self.on.publishing.adopt_folder(club, actor=self.name)
        for one in found[1:]:
            self.on.publishing.upload(one.sources, self._act())
        fewer = {path: text for path, text in club.sources.items() if path != "prices.yaml"}
        thin = self.on.publishing.upload(fewer, self._act())
        return [*found, self.on.service.evaluators.of(thin.id).bundle]

    def _act(self) -> Act:
        return Act(self.name, "wrong numbers")

    # ---- at work

    def work(self, decisions: int) -> Done:
        auditing = self.on.auditing
        assert auditing is not None
        auditing.sealer.start()
        deciders = [Thread(target=self._decide, args=(decisions // DECIDERS, n)) for n in range(DECIDERS)]
        orders = Thread(target=self._order)
        for thread in (orders, *deciders):
            thread.start()
        for thread in deciders:
            thread.join()
        self._over = True
        self._turns.release()
        orders.join()
        auditing.sealer.close(60)
        auditing.sealer.seal_all()
        self.done.jumps = self.clock.jumps
        return self.done

    def _decide(self, most: int, number: int) -> None:
        random, made = Random(f"{self.name}-{number}"), 0
        ways: tuple[Callable[[Random], int], ...] = (self._single, self._batch, self._pinned)
        while made < most and not self.done.faults:
            try:
                made += random.choices(ways, (6, 1, 2))[0](random)
            except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
                self.done.faults.append(f"{self.name} decides: {error!r}")
            if random.random() < 0.1:
                self.clock.jump()

    def _request(self, random: Random, bundle: str | None = None) -> EvaluateRequest:
        facts = {
            "merchant": {"id": "m-1", "hours": random.randint(5, 20)},
            "member": {"id": "u-1", "points": random.randint(1, 100), "joined_on": "2022-02-03"},
            "products": [{"id": "p-1", "price": 5}],
        }
        return EvaluateRequest(facts, "2023-04-01", bundle=bundle)

    def _single(self, random: Random) -> int:
        self.on.service.evaluate(self._request(random), caller=self.name)
        return self._made("single", 1)

    def _batch(self, random: Random) -> int:
        items = [Item(self._request(random)) for _ in range(BATCH)]
        results = Batch(self.on.service, self.name, 60.0).answer(items)
        wrong = [one for one in results if not isinstance(one, Evaluated | BundleWithdrawn)]
        self.done.faults += map(repr, wrong)
        refused = sum(isinstance(one, BundleWithdrawn) for one in results)
        self._count(self.done.refused, "BundleWithdrawn", refused)
        return self._made("batch", len(results) - refused)

    def _pinned(self, random: Random) -> int:
        known = self.on.service.bundles.activations(limit=6)
        try:
            self.on.service.evaluate(self._request(random, random.choice(known).bundle), caller=self.name)
        except (BundleWithdrawn, BundleNotActive) as refusal:
            self._count(self.done.refused, type(refusal).__name__, 1)
            return 0
        return self._made("pinned", 1)

    def _made(self, way: str, many: int) -> int:
        self._count(self.done.decided, way, many)
        return many

    def _count(self, counts: Counter[str], name: str, many: int) -> None:
        with self._lock:
            before = sum(self.done.decided.values())
            counts[name] += many
            for _ in range(before // DECISIONS_PER_ORDER, sum(self.done.decided.values()) // DECISIONS_PER_ORDER):
                self._turns.release()

    # ---- orders

    def _order(self) -> None:
        """One order for every few decisions."""
        ways: tuple[Callable[[], Any], ...] = (self._stop, self._resume, self._activate, self._schedule, self._rollback)
        while self._turns.acquire() and not self._over and not self.done.faults:
            self.clock.jump()
            way = self.random.choices(ways, (5, 4, 2, 3, 1))[0]
            try:
                way()
                self.done.orders[way.__name__.strip("_")] += 1
            except (BadInstant, Busy, NotStopped, NothingBefore, UnknownPolicy) as refusal:
                self.done.orders[type(refusal).__name__] += 1
            except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
                self.done.faults.append(f"{self.name} orders: {error!r}")
            self.clock.jump()

    def _stop(self) -> None:
        policy, reward = self.random.choice(STOPPED)
        before = self._given()
        found = self.on.publishing.stop(policy, reward, self._act())
        self.done.stops.append((policy, reward, found.new, before, self._given()))

    def _resume(self) -> None:
        self.on.publishing.resume(*self.random.choice(STOPPED), self._act())

    def _activate(self) -> None:
        self.on.publishing.activate(self.random.choice(self.published), self._act())

    def _schedule(self) -> None:
        """For some minutes after the last order, which may be in the past of this host."""
        last = instants.moment(self.on.publishing.activation_state().last_at)
        assert last is not None
        at = last + timedelta(minutes=self.random.uniform(0, 30))
        self.on.publishing.activate(self.random.choice(self.published), self._act(), at=at)

    def _rollback(self) -> None:
        self.on.publishing.rollback(self._act())

    def _given(self) -> int:
        return self.on.publishing.activation_state().version


def main(url: str, key: str, guard: str, name: str, hours: str, decisions: str, seed: str) -> None:
    host = Host(url, key, guard, name, float(hours), int(seed))
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(vars(host.work(int(decisions)))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
