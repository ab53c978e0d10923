"""Counts, over threads and processes."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from policy_service.telemetry import metrics
from policy_service.telemetry.metrics import Counts, Folder, Snapshot

ANSWER = {
    "policies": [{"policy": "a.b", "status": "applied"}, {"policy": "a.c", "status": "not_in_effect"}],
    "rewards": [{"policy": "a.b", "kind": "cash"}, {"policy": "a.b", "kind": "cash"}],
    "not_granted": [{"policy": "a.c", "reason": "not_in_effect"}],
}


def value(text: bytes, name: str, **labels: str) -> float | None:
    """What Prometheus' own parser reads of a sample."""
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Counts:
    found = Counts()
    monkeypatch.setattr(metrics, "counts", found)
    return found


def test_a_decision_counts_what_it_says_and_a_preview_only_itself(own: Counts) -> None:
    metrics.answered(ANSWER, decided=True)
    metrics.answered(ANSWER, decided=False)
    metrics.answered({}, decided=True, replayed=True)
    text = metrics.exposed(own.snapshot())
    assert value(text, "policy_evaluations_total", purpose="decide") == 1
    assert value(text, "policy_evaluations_total", purpose="preview") == 1
    assert value(text, "policy_rewards_total", policy="a.b", kind="cash") == 2
    assert value(text, "policy_statuses_total", policy="a.c", status="not_in_effect") == 1
    assert value(text, "policy_not_granted_total", policy="a.c", reason="not_in_effect") == 1
    assert value(text, "policy_idempotent_replays_total") == 1


def test_a_histogram_has_each_value_in_its_bucket_and_those_above(own: Counts) -> None:
    for size in (1, 2, 3, 2000):
        metrics.committed(size, 0.25)
    text = metrics.exposed(own.snapshot())
    found = [value(text, "policy_commit_decisions_bucket", le=le) for le in ("1.0", "2.0", "4.0", "1024.0", "+Inf")]
    assert found == [1, 2, 3, 3, 4]
    assert value(text, "policy_commit_decisions_sum") == 2006
    assert value(text, "policy_commit_seconds_count") == 4


def test_no_count_of_many_threads_is_lost(own: Counts) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: [metrics.answered(ANSWER, decided=True) for _ in range(500)], range(8)))
    assert own.snapshot().counts["policy_evaluations", ("decide",)] == 4000


def test_labels_without_end_are_counted_under_other(own: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MOST_SERIES", 3)
    for number in range(10):
        metrics.refused(f"p{number}")
        metrics.requested(f"/{number}", "GET", 200, 0.1)
    found = own.snapshot()
    assert {labels[0]: n for (_, labels), n in found.counts.items()} == {"p0": 1, "p1": 1, "p2": 1, "other": 7}
    assert sum(found.spreads["policy_http_request_seconds", ("other",) * 3].counts) == 7


def test_a_gauge_is_summed_or_the_largest_over_workers_and_ends_with_its_worker(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for pid, age in ((1, 0.5), (2, 3.0)):
        folder.write(Snapshot(gauges={("policy_connections", ()): 4.0, ("policy_bundle_age_seconds", ()): age}), pid)
    assert folder.read().gauges == {("policy_connections", ()): 8.0, ("policy_bundle_age_seconds", ()): 3.0}
    folder.bury(2)
    assert folder.read().gauges == {("policy_connections", ()): 4.0, ("policy_bundle_age_seconds", ()): 0.5}


def test_what_ended_workers_counted_stays_and_their_files_go(own: Counts, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    for pid in range(1, 21):
        own.clear()
        metrics.committed(1, 0.1)
        metrics.refused("not-found")
        folder.write(own.snapshot(), pid)
        folder.bury(pid)
        folder.bury(pid)  # a second time there is nothing left to add
    assert sorted(one.name for one in tmp_path.iterdir()) == ["ended", "lock"]
    text = metrics.exposed(folder.read())
    assert value(text, "policy_problems_total", problem="not-found") == 20
    assert value(text, "policy_commit_seconds_count") == 20


@pytest.fixture
def shared(tmp_path: Path, own: Counts) -> Iterator[Path]:
    metrics.share(tmp_path)
    yield tmp_path
    metrics.share(None)
    metrics._flusher = None


def test_a_worker_that_is_killed_leaves_what_it_counted(shared: Path, own: Counts) -> None:
    own.add(metrics.STORE_FAILURES)  # of the parent: no worker's
    child = os.fork()
    if child == 0:  # pragma: no cover  in another process
        metrics.begin()
        metrics.store_failed()
        while True:
            time.sleep(1)
    left = shared / str(child)
    _until(lambda: left.exists() and Folder(shared).read().counts.get(("policy_store_failures", ())) == 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    metrics.ended(child)
    assert Folder(shared).read().counts == {("policy_store_failures", ()): 1}


def test_the_end_of_a_worker_writes_its_last_counts(shared: Path, own: Counts) -> None:
    end = metrics.begin()
    metrics.refused("not-found")
    end()
    assert Folder(shared).read().counts == {("policy_problems", ("not-found",)): 1}


def test_a_scrape_sees_what_its_own_worker_counted_just_now(shared: Path, own: Counts) -> None:
    end = metrics.begin()
    Folder(shared).write(Snapshot({("policy_problems", ("not-found",)): 5}), 1)
    metrics.refused("not-found")
    assert value(metrics.text(), "policy_problems_total", problem="not-found") == 6
    end()


def test_a_counter_that_never_counted_is_there_as_0(own: Counts) -> None:
    assert value(metrics.exposed(own.snapshot()), "policy_store_failures_total") == 0


def test_every_metric_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(policy_[a-z_]+)`", page))
    assert set(metrics.METRICS) <= named


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
