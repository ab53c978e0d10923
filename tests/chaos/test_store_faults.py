"""A store that fails under a live service: the disk is full, the database locked, PostgreSQL away; and comes back."""

import os
import resource
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from policy_service.decisions.audit.findings import GivenReceipt
from policy_service.proofs.receipts import Receipt
from tests import postgres
from tests.hosts.host import Answered, Host, inside, traffic, until
from tests.hosts.kept import claims, names, number_of_acts

_BODIES = traffic.bodies(20)
_MOST = 3000
pytestmark = pytest.mark.slow
_SPARE = 8_388_608
"""Bytes that the disk has left before it is full: more than the store writes to get under way."""


class Asked:
    """Decisions asked for under keys, and what was answered."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.decided: dict[str, Answered] = {}
        self.refused: dict[str, Answered] = {}

    def one(self) -> Answered:
        return self.under(f"fault-{len(self.decided) + len(self.refused)}")

    def under(self, key: str) -> Answered:
        answered = self._host.post(traffic.EVALUATE, _BODIES[int(key.split("-")[1]) % len(_BODIES)], key)
        assert answered.status in (201, 503), answered.body
        (self.decided if answered.status == 201 else self.refused)[key] = answered
        return answered

    def until_refused(self) -> Answered:
        for _ in range(_MOST):
            if (answered := self.one()).status == 503:
                return answered
        raise AssertionError("the store takes everything")

    def until_decided(self) -> None:
        """Each that was refused is decided under its own key in the end, on the same service."""
        workers = self._host.workers()
        for key in list(self.refused):
            answered = until(lambda key=key: (found := self.under(key)).status == 201 and found, f"{key} is decided")
            assert "idempotent-replayed" not in answered.headers  # the refusal had left nothing
            del self.refused[key]
        assert self._host.workers() == workers


def _is_store_problem(answered: Answered) -> None:
    assert answered.status == 503
    assert answered.json["type"] == "/problems/store-unavailable"
    assert answered.headers["content-type"] == "application/problem+json"
    assert int(answered.headers["retry-after"]) >= 1


def _is_whole(asked: Asked, url: str, folder: Path) -> None:
    """All that was answered is stored as it was, nothing else is, and the log verifies."""
    answers = {key: answered.json for key, answered in asked.decided.items()}
    given = [GivenReceipt(answer["decision_id"], Receipt.parse(answer["receipt"])) for answer in answers.values()]
    with inside(url, folder) as known:
        assert known.auditing is not None
        log = known.auditing.log
        until(lambda: log.waiting() == 0, "what waits is sealed")
        acts = number_of_acts(url)
        assert known.service.decisions.count() == len(answers) == log.size() - acts
        kept = claims(url)
        assert kept.keys() == answers.keys()
        for key, answer in answers.items():
            assert (kept[key].decision, names(kept[key])) == (answer["decision_id"], True)
            assert known.service.decision(answer["decision_id"])["receipt"] == answer["receipt"]
        verified = known.auditing.verify(given=given)
    assert (verified.findings, verified.records) == ((), len(answers) + acts)


# ---- the disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB; skipped where none may be mounted, the test below does without."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a file system may not be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def _filled(folder: Path) -> Iterator[None]:
    """Nothing more fits than `_SPARE` bytes."""
    state = os.statvfs(folder)
    filler = folder / "filler"
    filler.write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - _SPARE)))
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def _limited(host: Host, _folder: Path) -> Iterator[None]:
    """No file of a worker may grow beyond `_SPARE` bytes."""
    before = {worker: resource.prlimit(worker, resource.RLIMIT_FSIZE) for worker in host.workers()}
    for worker, (_, hard) in before.items():
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (_SPARE // 2, hard))
    try:
        yield
    finally:
        for worker, limits in before.items():
            resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)


def _fails_and_recovers(folder: Path, store: Path, failing: Callable[[Host], object]) -> None:
    url = f"sqlite:///{store / 'policy.sqlite3'}"
    with Host(url, folder, "service") as host:
        asked = Asked(host)
        assert asked.one().status == 201
        with failing(host):
            _is_store_problem(asked.until_refused())
            for _ in range(5):
                asked.one()
            assert host.get("/v1/decisions/" + asked.decided["fault-0"].json["decision_id"]).status == 200
        asked.until_decided()
        assert asked.one().status == 201
        _is_whole(asked, url, folder)


def test_a_full_disk_is_answered_503_and_nothing_is_half_written(tmp_path: Path, small_disk: Path) -> None:
    _fails_and_recovers(tmp_path, small_disk, lambda _host: _filled(small_disk))


def test_a_file_that_cannot_grow_is_answered_503_and_nothing_is_half_written(tmp_path: Path) -> None:
    _fails_and_recovers(tmp_path, tmp_path, lambda host: _limited(host, tmp_path))


# ---- the lock


def test_a_locked_database_is_answered_503_until_it_is_free(tmp_path: Path) -> None:
    file = tmp_path / "policy.sqlite3"
    url = f"sqlite:///{file}"
    with Host(url, tmp_path, "service") as host:
        asked = Asked(host)
        assert asked.one().status == 201
        with closing(sqlite3.connect(file, isolation_level=None, timeout=60)) as other:
            other.execute("BEGIN IMMEDIATE")
            _is_store_problem(asked.one())
            preview = host.post(traffic.EVALUATE, _BODIES[0] | {"purpose": "preview"})
            assert preview.status == 200  # it writes nothing
            other.execute("ROLLBACK")
        asked.until_decided()
        _is_whole(asked, url, tmp_path)


# ---- PostgreSQL


def test_a_postgresql_that_is_away_is_answered_503_until_it_is_back(tmp_path: Path) -> None:
    folder = tempfile.TemporaryDirectory()  # the user of the server may not enter `tmp_path`
    server = Path(folder.name) / "postgresql"
    with (
        folder,
        postgres.running(server) as socket,
        postgres.database(socket) as url,
        Host(url, tmp_path, "service") as host,
    ):
        asked = Asked(host)
        for end in (postgres.stop, postgres.kill):
            assert asked.one().status == 201
            end(server)
            _is_store_problem(asked.one())
            _is_store_problem(asked.one())
            postgres.start(server)
            asked.until_decided()
        _is_whole(asked, url, tmp_path)
        assert "Traceback" not in "".join(log.read_text() for log in host.logs)
