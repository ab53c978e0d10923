"""Processes that share a store lose nothing, whenever they start, fork or die."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy_service.decisions.ports.acts import StoredAct
from policy_service.decisions.ports.records import DecisionRecord, IdempotencyClaim
from policy_service.store import SqlBundleContents, SqlDecisionStore, SqlLogStore, connect, migrate
from policy_service.store.bundles import save
from policy_service.store.database import writing
from tests import postgres
from tests.signed import new_keys

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PROCESSES, ROUNDS = 4, 100

Line = tuple[str, str, str]  # round or `-`, id, whether replayed


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / program), *arguments]
    environment = {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def say_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def parsed(text: str) -> list[Line]:
    lines = [tuple(line.split()) for line in text.splitlines()]
    return [(key, id, replayed) for key, id, replayed in lines]


@pytest.fixture
def store(url: str) -> Iterator[SqlDecisionStore]:
    """The store as a new process finds it."""
    engine = connect(url)
    yield SqlDecisionStore(engine)
    engine.dispose()


class Race:
    """Four processes that start at once on an empty folder and append under the same keys."""

    def __init__(self, url: str) -> None:
        self.url = url
        processes = [start("appending.py", url, str(ROUNDS)) for _ in range(PROCESSES)]
        for process in processes:
            read_line(process)
        for process in processes:
            say_go(process)
        self.printed = [parsed(process.communicate()[0]) for process in processes]
        self.codes = [process.returncode for process in processes]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def race(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Race]:
    if request.param == "sqlite":
        yield Race(f"sqlite:///{tmp_path_factory.mktemp('race')}/policy.db")
    else:
        with postgres.database(request.getfixturevalue("postgresql_server")) as url:
            yield Race(url)


@pytest.fixture
def raced(race: Race) -> Iterator[SqlDecisionStore]:
    engine = connect(race.url)
    yield SqlDecisionStore(engine)
    engine.dispose()


def test_processes_that_start_at_once_all_come_up(race: Race) -> None:
    assert race.codes == [0] * PROCESSES
    assert [len(lines) for lines in race.printed] == [2 * ROUNDS] * PROCESSES


def test_of_processes_that_race_for_a_key_one_decides_and_all_answer_alike(race: Race) -> None:
    answers: dict[str, set[str]] = defaultdict(set)
    decided: dict[str, int] = defaultdict(int)
    for key, id, replayed in (line for lines in race.printed for line in lines):
        if key != "-":
            answers[key].add(id)
            decided[key] += replayed == "False"
    assert len(answers) == ROUNDS
    assert all(len(ids) == 1 for ids in answers.values())
    assert set(decided.values()) == {1}


def test_no_decision_of_a_race_is_lost_and_none_is_left_over(race: Race, raced: SqlDecisionStore) -> None:
    ids = {id for lines in race.printed for _, id, _ in lines}
    assert all(raced.decision(id) is not None for id in ids)
    assert raced.count() == len(ids) == ROUNDS + PROCESSES * ROUNDS


def test_a_bundle_that_all_save_at_once_is_stored_once(race: Race) -> None:
    engine = connect(race.url)
    assert len(SqlBundleContents(engine).bundles()) == 1
    engine.dispose()


def test_every_append_that_returned_outlives_a_kill(url: str, store: SqlDecisionStore) -> None:
    survivors: list[Line] = []
    for lines_before_death in (1, 10, 60):
        process = start("appending.py", url, "endless")
        read_line(process)
        say_go(process)
        seen = [read_line(process) for _ in range(lines_before_death)]
        process.kill()
        rest, _ = process.communicate()
        survivors += parsed("".join(seen) + rest)
        assert len(survivors) >= lines_before_death
    for key, id, _ in survivors:
        kept = store.decision(id)
        assert kept is not None
        assert kept.body == id.encode() * 100
        if key != "-":
            found = store.claimed(IdempotencyClaim("payer", key, "d"))
            assert found is not None
            assert found.record == kept


@pytest.mark.parametrize("moment", ["idle", "forgotten"])
def test_a_child_and_its_parent_share_nothing_but_the_file(url: str, store: SqlDecisionStore, moment: str) -> None:
    process = start("forking.py", url, moment)
    printed = [line.split(maxsplit=1) for line in process.communicate()[0].splitlines()]
    assert [who for who, _ in printed] == ["parent", "child", "child"]
    assert all(store.decision(id) is not None for _, id in printed)
    assert store.count() == 3


def test_of_a_sqlite_file_a_child_forked_while_its_parent_was_using_it_is_refused(database: Path) -> None:
    url = f"sqlite:///{database}"
    process = start("forking.py", url, "busy")
    printed = [line.split(maxsplit=1) for line in process.communicate()[0].splitlines()]
    assert [who for who, _ in printed] == ["parent", "child", "child"]
    assert all("forked while its parent" in result for who, result in printed if who == "child")
    engine = connect(url)
    assert SqlDecisionStore(engine).count() == 1
    engine.dispose()


# ---- orders


BUNDLE = "sha256:" + "b" * 64


@pytest.mark.slow
def test_no_decision_of_any_process_comes_behind_an_order_that_it_does_not_know(url: str, tmp_path: Path) -> None:
    """The queue of the sealer has them in the order in which they held the lock that orders are written under."""
    new_keys(tmp_path)
    engine = connect(url)
    migrate(engine)
    with writing(engine) as connection:
        save(connection, BUNDLE, None, {}, "2023-04-01T12:00:00.000Z")
    work = (("orders", 30), ("orders", 30), ("decisions", 60), ("decisions", 60))
    key = str(tmp_path / "log.pem")
    processes = [start("obeying.py", url, key, what, str(most)) for what, most in work]
    for process in processes:
        read_line(process)
    for process in processes:
        say_go(process)
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0] * len(work)
    last, decided = 0, 0
    for one in SqlLogStore(engine).unsealed(1000):
        if isinstance(one.record, StoredAct):
            assert one.record.version == last + 1
            last += 1
        elif isinstance(one.record, DecisionRecord):
            assert int(one.record.body) == last
            decided += 1
    engine.dispose()
    assert (last, decided) == (60, 120)
