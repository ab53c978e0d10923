"""Two gunicorn masters, each with two workers, on one PostgreSQL."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import postgres
from tests.hosts.host import Host, Talk, inside, traffic, until
from tests.hosts.kept import claims, names, number_of_acts

from expected import Expected, compared  # isort: skip  # found beside the load generator, by tests.hosts.host

from policy_service.assembly import Assembled
from policy_service.decisions.audit.findings import GivenReceipt
from policy_service.policies.bundle import bundle
from policy_service.policies.loader import read_folder
from policy_service.proofs.receipts import Receipt
from policy_service.proofs.tree import verify_consistency

_BODIES = traffic.bodies(8)
_HOURS = "| [10..30)                      | 10  "
_POLICY = "chuanliu.traffic_hours"
pytestmark = pytest.mark.slow


class Pair(NamedTuple):
    """Two hosts on a store, and the store opened here."""

    a: Host
    b: Host
    inside: Assembled
    url: str

    @property
    def both(self) -> tuple[Host, Host]:
        return self.a, self.b


@pytest.fixture(scope="module")
def pair(postgresql_server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("hosts")
    with postgres.database(postgresql_server) as url, ThreadPoolExecutor(2) as pool:
        hosts = list(pool.map(lambda name: Host(url, folder, name), "ab"))
        try:
            with inside(url, folder) as known:
                yield Pair(*hosts, known, url)
        finally:
            list(pool.map(Host.stop, hosts))


class Load:
    """Decisions asked for over kept-alive connections to both hosts, until `stop`; each waits for its answer."""

    def __init__(self, hosts: tuple[Host, ...], connections: int) -> None:
        self._over = threading.Event()
        self.seen: list[list[tuple[int, dict[str, Any]]]] = []
        """By connection: number of the request, and its answer."""
        self.faults: list[str] = []
        self._threads = []
        for host in hosts * connections:
            self.seen.append([])
            self._threads.append(threading.Thread(target=self._ask, args=(host.talk(), self.seen[-1])))
        for thread in self._threads:
            thread.start()

    def _ask(self, talk: Talk, seen: list[tuple[int, dict[str, Any]]]) -> None:
        with closing(talk):
            while not self._over.is_set():
                number = len(seen) % len(_BODIES)
                try:
                    answered = talk.post(traffic.EVALUATE, _BODIES[number])
                except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
                    self.faults.append(repr(error))
                    return
                if answered.status != 201:
                    self.faults.append(f"{answered.status}: {answered.body[:300]!r}")
                    return
                seen.append((number, answered.json))

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def by(self, id_: str, times: int) -> bool:
        """Whether each connection's last answers are by a bundle."""
        if self.faults:
            return True  # the test ends
        return all(
            len(some) >= times and all(answer["bundle"] == id_ for _, answer in some[-times:]) for some in self.seen
        )


def _other_rules(rules: Path) -> dict[str, str]:
    sources = read_folder(rules)
    path = "chuanliu/traffic_hours.yaml"
    return {**sources, path: sources[path].replace(_HOURS, _HOURS.replace("10  ", "11  "))}


def _workers_by(host: Host, id_: str) -> float:
    """Number of workers of a host that say they answer by a bundle."""
    said = host.get("/metrics").body.decode()
    counts = [line.rsplit(" ", 1) for line in said.splitlines() if line.startswith("policy_active_bundle{")]
    return sum(float(count) for name, count in counts if id_ in name)


def test_one_activation_switches_every_worker_of_both_hosts_and_no_answer_mixes_two_bundles(pair: Pair) -> None:
    before = pair.a.get("/readyz") and pair.inside.publishing.activation_state().active
    assert before is not None
    other, _ = bundle(_other_rules(pair.a.rules))
    assert other is not None
    files = {"files": other.sources}
    assert pair.a.post("/v1/bundles", files).status in (200, 201)
    expected = Expected(pair.inside, _BODIES)

    with Load(pair.both, 3) as load:
        until(lambda: load.by(before.bundle, 3), "every connection was answered by the first bundle")
        activated = pair.a.post(f"/v1/bundles/{other.id}/activate", {"reason": "other hours"})
        assert activated.status == 200
        until(lambda: load.by(other.id, 3), "every connection is answered by the other bundle")
        for host in pair.both:
            until(lambda host=host: _workers_by(host, other.id) == 2, "both workers answer by the other bundle")

    assert load.faults == []
    differs = [
        answer["decision_id"]
        for number, answer in (one for some in load.seen for one in some)
        if compared(answer) != expected.of(answer["bundle"], "decide", number)
    ]
    assert differs == []
    assert any(
        expected.of(before.bundle, "decide", n) != expected.of(other.id, "decide", n) for n in range(len(_BODIES))
    )
    for some in load.seen:  # a connection stays with its worker, and that never goes back
        order = [answer["bundle"] for _, answer in some]
        assert set(order) == {before.bundle, other.id}
        assert order == sorted(order, key=(before.bundle, other.id).index)


def test_one_idempotency_key_posted_to_both_hosts_at_once_gives_one_decision(pair: Pair) -> None:
    keys = [f"both-{number}" for number in range(50)]
    barrier = threading.Barrier(4)

    def ask(host: Host) -> list[Any]:
        with closing(host.talk()) as talk:
            found = []
            for number, key in enumerate(keys):
                barrier.wait(60)
                found.append(talk.post(traffic.EVALUATE, _BODIES[number % len(_BODIES)], key))
            return found

    with ThreadPoolExecutor(4) as pool:
        by_connection = list(pool.map(ask, pair.both * 2))

    ids = set()
    for together in zip(*by_connection, strict=True):
        assert {one.status for one in together} == {201}
        assert len({one.body for one in together}) == 1
        ids.add(together[0].json["decision_id"])
    assert len(ids) == len(keys)
    said = Counter("idempotent-replayed" in one.headers for some in by_connection for one in some)
    assert said == {False: len(keys), True: 3 * len(keys)}
    kept = claims(pair.url)
    assert {kept[key].decision for key in keys} == ids
    assert all(names(kept[key]) for key in keys)
    tags = Counter(claim.tag for claim in kept.values())
    assert {tags[kept[key].tag] for key in keys} == {1}


def test_a_stop_on_one_host_reaches_pinned_decisions_of_the_other_at_once(pair: Pair) -> None:
    active = pair.inside.publishing.activation_state().active
    assert active is not None
    pinned = _BODIES[0] | {"bundle": active.bundle}
    talks = [pair.a.talk() for _ in range(6)]  # of both workers, that is
    assert {talk.post(traffic.EVALUATE, pinned).status for talk in talks} == {201}
    stopped = pair.b.post(f"/v1/policies/{_POLICY}/stop", {"reason": "wrong hours"})
    try:
        assert stopped.status == 200
        refused = [talk.post(traffic.EVALUATE, pinned) for talk in talks]
        assert {one.status for one in refused} == {409}
        assert {one.json["type"] for one in refused} == {"/problems/bundle-withdrawn"}
        derived = stopped.json["bundle"]
        assert derived != active.bundle
        for host in pair.both:
            until(lambda host=host: _workers_by(host, derived) == 2, "both workers answer by the derived bundle")
        for talk in talks:
            answer = talk.post(traffic.EVALUATE, _BODIES[0]).json
            assert answer["bundle"] == derived
            assert not [one for one in answer["rewards"] if one["policy"] == _POLICY]
    finally:
        for talk in talks:
            talk.close()
        resumed = pair.b.post(f"/v1/policies/{_POLICY}/resume", {"reason": "right again"})
    assert resumed.status == 200
    assert pair.a.post(traffic.EVALUATE, pinned).status == 201


def test_four_workers_seal_one_log_without_gaps(pair: Pair) -> None:
    auditing = pair.inside.auditing
    assert auditing is not None
    heads = []
    with Load(pair.both, 3) as load:
        for _ in range(3):  # heads come while decisions do, from whichever worker
            size = heads[-1].size if heads else auditing.log.size()
            until(lambda size=size: auditing.log.size() > size or load.faults, "the log grows under load")
            heads.append(auditing.head())
    assert load.faults == []
    until(lambda: auditing.log.waiting() == 0, "what waits is sealed")

    answers = [answer for some in load.seen for _, answer in some]
    given = [GivenReceipt(answer["decision_id"], Receipt.parse(answer["receipt"])) for answer in answers]
    size = auditing.log.size()
    assert size == pair.inside.service.decisions.count() + number_of_acts(pair.url)
    assert pair.inside.service.decisions.count() >= len(answers) > 0
    verified = auditing.verify(heads=[head.note for head in heads], given=given)
    assert (verified.findings, verified.records, verified.waiting) == ((), size, 0)
    indices = [entry.index for entry in auditing.log.entries(0, size + 1)]
    assert indices == list(range(size))
    places = {auditing.place(answer["decision_id"]).index for answer in answers[:50]}
    assert len(places) == len(answers[:50])
    for old in heads:
        new, hashes = auditing.consistency(old.size)
        assert verify_consistency(old.size, new.size, hashes, bytes.fromhex(old.root), bytes.fromhex(new.root))
