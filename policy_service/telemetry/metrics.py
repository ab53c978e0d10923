"""What is counted, and the text that a scrape gets.

A count is one addition in a dictionary. Once a second, and at its end, each worker writes all it has counted since its
start to a file of its own, which it replaces as one; a scrape adds the files up. When a worker ends, the master adds
its file to that of the workers that ended before, so that no count is lost and the files do not grow in number. A
worker that is killed loses what it counted since its last second.
"""

import fcntl
import os
import pickle
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from policy_service.background import Periodic

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"
MOST_SERIES = 5000
"""Of one metric, in one worker; what comes beyond is counted under `other`."""
OTHER = "other"
_FLUSH_SECONDS = 1.0
_ENDED = "ended"

Labels = tuple[str, ...]
Key = tuple[str, Labels]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. A gauge is the sum over the workers, or with `largest` the largest of them."""

    name: str
    kind: str
    labels: Labels
    help: str
    bounds: tuple[float, ...] = ()
    largest: bool = False


_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
REQUESTS = Metric(
    "policy_http_request_seconds", "histogram", ("route", "method", "status"),
    "Seconds from a request's reading to the end of its answer.", _SECONDS,
)  # fmt: skip
PROBLEMS = Metric("policy_problems", "counter", ("problem",), "Requests refused, by the end of the problem's type.")
EVALUATIONS = Metric("policy_evaluations", "counter", ("purpose",), "States answered: `decide` or `preview`.")
STATUSES = Metric("policy_statuses", "counter", ("policy", "status"), "Policies in decisions, by their status.")
REWARDS = Metric("policy_rewards", "counter", ("policy", "kind"), "Rewards granted in decisions.")
NOT_GRANTED = Metric("policy_not_granted", "counter", ("policy", "reason"), "Rewards not granted in decisions.")
REPLAYS = Metric("policy_idempotent_replays", "counter", (), "Requests answered by an earlier decision of their key.")
COMMITS = Metric("policy_commit_seconds", "histogram", (), "Seconds of a commit of decisions.", _SECONDS)
COMMIT_SIZES = Metric(
    "policy_commit_decisions", "histogram", (), "Decisions that one commit made durable.",
    (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
)  # fmt: skip
STORE_FAILURES = Metric("policy_store_failures", "counter", (), "Uses of the store that failed: it was unavailable.")
REFRESH_FAILURES = Metric(
    "policy_bundle_refresh_failures", "counter", (), "Looks for the active bundle that failed; the last one answers."
)
JUDGED = Metric("policy_judged", "counter", ("outcome",), "Answers recomputed by the reference engine.")
SHADOWED = Metric("policy_shadowed", "counter", ("outcome",), "Requests answered by the shadow bundle too.")
ACTIVE = Metric("policy_active_bundle", "gauge", ("bundle",), "Workers that answer by the bundle.")
LOOKED = Metric(
    "policy_bundle_age_seconds", "gauge", (), "Seconds since a worker last saw which bundle is active.", largest=True
)
FAULTY = Metric(
    "policy_bundle_fault", "gauge", (), "1 while the active or a pending bundle cannot be used.", largest=True
)
LOG_LAG = Metric(
    "policy_log_lag_seconds", "gauge", (), "Seconds that the oldest record has waited for its index.", largest=True
)
SEAL_REFUSED = Metric("policy_seal_refused", "counter", (), "Rows of the queue that were no records of the service.")
RECORDS_MISSING = Metric("policy_records_missing", "counter", (), "Records that were committed and then gone.")
PUSHED = Metric(
    "policy_heads_pushed", "counter", ("place", "outcome"), "Heads shown to witnesses or put into the folder."
)
CONTRADICTED = Metric(
    "policy_log_contradicted",
    "gauge",
    (),
    "1 while a witness or the folder of heads contradicts the log.",
    largest=True,
)
CONNECTIONS = Metric("policy_connections", "gauge", (), "Open connections.")
WAITING = Metric("policy_requests_waiting", "gauge", (), "Whole requests that wait for a thread.")
METRICS: Mapping[str, Metric] = {
    one.name: one
    for one in (
        REQUESTS, PROBLEMS, EVALUATIONS, STATUSES, REWARDS, NOT_GRANTED, REPLAYS, COMMITS, COMMIT_SIZES, STORE_FAILURES,
        REFRESH_FAILURES, JUDGED, SHADOWED, ACTIVE, LOOKED, FAULTY, LOG_LAG, SEAL_REFUSED, RECORDS_MISSING,
        PUSHED, CONTRADICTED, CONNECTIONS, WAITING,
    )
}  # fmt: skip


@dataclass(slots=True)
class _Spread:
    """What a histogram holds for one set of labels: `counts` of each bucket alone, the last without a bound."""

    counts: list[float]
    total: float = 0.0

    def add(self, other: "_Spread") -> None:
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


@dataclass(slots=True)
class Snapshot:
    """All that one process counted."""

    counts: dict[Key, float] = field(default_factory=dict)
    spreads: dict[Key, _Spread] = field(default_factory=dict)
    gauges: dict[Key, float] = field(default_factory=dict)

    def add(self, other: "Snapshot") -> None:
        for key, value in other.counts.items():
            self.counts[key] = self.counts.get(key, 0) + value
        for key, spread in other.spreads.items():
            self.spreads.setdefault(key, _Spread([0.0] * len(spread.counts))).add(spread)
        for key, value in other.gauges.items():
            known = self.gauges.get(key, 0.0)
            self.gauges[key] = max(known, value) if METRICS[key[0]].largest else known + value


Gauge = Callable[[], Iterable[tuple[Labels, float]]]


class Counts:
    """What this process counted. May be used by all threads."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all; a worker begins without what the master counted, and with a lock that no thread of it holds."""
        self._lock = Lock()
        self._counts: dict[Key, float] = {}
        self._spreads: dict[Key, _Spread] = {}
        self._series: dict[str, int] = {}
        self._gauges: dict[str, Gauge] = {}

    def add(self, metric: Metric, labels: Labels = (), amount: float = 1) -> None:
        self.add_all([(metric, labels)], amount)

    def add_all(self, found: Iterable[tuple[Metric, Labels]], amount: float = 1) -> None:
        counts = self._counts
        with self._lock:
            for metric, labels in found:
                key = (metric.name, labels)
                if key not in counts:
                    key = self._bounded(metric, labels)
                counts[key] = counts.get(key, 0) + amount

    def observe(self, metric: Metric, labels: Labels, value: float) -> None:
        key = (metric.name, labels)
        with self._lock:
            spread = self._spreads.get(key)
            if spread is None:
                key = self._bounded(metric, labels)
                spread = self._spreads.setdefault(key, _Spread([0.0] * (len(metric.bounds) + 1)))
            spread.counts[bisect_left(metric.bounds, value)] += 1
            spread.total += value

    def _bounded(self, metric: Metric, labels: Labels) -> Key:
        if not labels:
            return metric.name, labels
        known = self._series.get(metric.name, 0)
        if known >= MOST_SERIES:
            return metric.name, (OTHER,) * len(labels)
        self._series[metric.name] = known + 1
        return metric.name, labels

    def watch(self, metric: Metric, gauge: Gauge) -> None:
        """Take the gauge's value from a function, at each flush from now on."""
        self._gauges[metric.name] = gauge

    def snapshot(self) -> Snapshot:
        gauges = {(name, labels): value for name, gauge in list(self._gauges.items()) for labels, value in gauge()}
        with self._lock:
            spreads = {key: _Spread(list(one.counts), one.total) for key, one in self._spreads.items()}
            return Snapshot(dict(self._counts), spreads, gauges)


counts = Counts()
"""Those of this process."""


# ---- what the service counts


def answered(answer: Mapping[str, Any], *, decided: bool, replayed: bool = False) -> None:
    """An answer was given. What it grants is counted of new decisions only."""
    if replayed:
        counts.add(REPLAYS)
        return
    if not decided:
        counts.add(EVALUATIONS, ("preview",))
        return
    found: list[tuple[Metric, Labels]] = [(EVALUATIONS, ("decide",))]
    found += [(STATUSES, (one["policy"], one["status"])) for one in answer["policies"]]
    found += [(REWARDS, (one["policy"], one["kind"])) for one in answer["rewards"]]
    found += [(NOT_GRANTED, (one["policy"], one["reason"])) for one in answer["not_granted"]]
    counts.add_all(found)


def requested(route: str, method: str, status: int, seconds: float) -> None:
    counts.observe(REQUESTS, (route, method, str(status)), seconds)


def refused(problem: str) -> None:
    counts.add(PROBLEMS, (problem,))


def committed(decisions: int, seconds: float) -> None:
    """A commit made decisions durable."""
    counts.observe(COMMIT_SIZES, (), decisions)
    counts.observe(COMMITS, (), seconds)


def store_failed() -> None:
    counts.add(STORE_FAILURES)


def seal_refused(rows: int) -> None:
    counts.add(SEAL_REFUSED, (), rows)


def record_missing() -> None:
    counts.add(RECORDS_MISSING)


def refresh_failed() -> None:
    counts.add(REFRESH_FAILURES)


def judged(outcome: str) -> None:
    """An answer was recomputed: `same`, `different` or `failed`."""
    counts.add(JUDGED, (outcome,))


def shadowed(outcome: str) -> None:
    """A request was answered by the shadow bundle: `same`, `different`, `failed` or `dropped`."""
    counts.add(SHADOWED, (outcome,))


def pushed(place: str, outcome: str) -> None:
    """A head was shown to a place outside the store; see `decisions.sealed.asking` for what came of it."""
    counts.add(PUSHED, (place, outcome))


# ---- over processes


class Folder:
    """Where workers leave what they counted."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with (self.path / "lock").open("ab") as lock:
            fcntl.flock(lock, how)
            yield

    def _put(self, name: str, snapshot: Snapshot) -> None:
        unfinished = self.path / f".{name}"
        unfinished.write_bytes(pickle.dumps(snapshot))
        unfinished.replace(self.path / name)

    def write(self, snapshot: Snapshot, pid: int) -> None:
        with self._locked(fcntl.LOCK_SH):
            self._put(str(pid), snapshot)

    def bury(self, pid: int) -> None:
        """Add the counts of a worker that ended to those of the workers that ended before. Its gauges are dropped."""
        with self._locked(fcntl.LOCK_EX):
            left = self.path / str(pid)
            if not left.exists():
                return
            whole = self._read(_ENDED) or Snapshot()
            ended = self._read(str(pid)) or Snapshot()
            ended.gauges.clear()
            whole.add(ended)
            self._put(_ENDED, whole)
            left.unlink()

    def read(self) -> Snapshot:
        """All that the workers counted, those that ended included."""
        whole = Snapshot()
        with self._locked(fcntl.LOCK_SH):
            for one in sorted(self.path.iterdir()):
                if one.name == _ENDED or one.name.isdigit():
                    whole.add(self._read(one.name) or Snapshot())
        return whole

    def _read(self, name: str) -> Snapshot | None:
        try:
            data = (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        found: Snapshot = pickle.loads(data)  # noqa: S301  written by this service, in a folder of mode 700
        return found


class Flusher:
    """Writes what this process counts to the folder, once a second and at `close`."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._periodic = Periodic("metrics", _FLUSH_SECONDS, self.flush)
        self._periodic.start()

    def flush(self) -> None:
        self._folder.write(counts.snapshot(), os.getpid())

    def close(self) -> None:
        self._periodic.close(_FLUSH_SECONDS)
        self.flush()


_flusher: Flusher | None = None
_folder: Folder | None = None


def share(folder: Path | None) -> None:
    """Name the folder of the workers that are forked from now on."""
    global _folder  # noqa: PLW0603  inherited by the workers
    _folder = None if folder is None else Folder(folder)


def shared_folder() -> Path | None:
    return None if _folder is None else _folder.path


def begin() -> Callable[[], None]:
    """Begin to count as a worker, from zero; returns the function that ends it."""
    global _flusher  # noqa: PLW0603  one for the process
    counts.clear()
    if _folder is None:
        return lambda: None
    _flusher = Flusher(_folder)
    return _flusher.close


def ended(pid: int) -> None:
    """For the master: a worker ended."""
    if _folder is not None:
        _folder.bury(pid)


def text() -> bytes:
    """All metrics of all workers, as Prometheus reads them."""
    if _folder is None or _flusher is None:
        return exposed(counts.snapshot())
    _flusher.flush()
    return exposed(_folder.read())


def exposed(snapshot: Snapshot) -> bytes:
    """A snapshot in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest  # here, so that the command line starts fast
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
    from prometheus_client.registry import Collector

    families: dict[str, Any] = {}
    for one in METRICS.values():
        made = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
        families[one.name] = made[one.kind](one.name, one.help, labels=one.labels)
        if one.kind == "counter" and not one.labels:
            snapshot.counts.setdefault((one.name, ()), 0)  # a counter that is 0 is there, so that its rate is known
    for (name, labels), value in sorted((snapshot.counts | snapshot.gauges).items()):
        families[name].add_metric(labels, value)
    for (name, labels), spread in sorted(snapshot.spreads.items(), key=lambda one: one[0]):
        bounds = [*(repr(float(bound)) for bound in METRICS[name].bounds), "+Inf"]
        below, buckets = 0.0, []
        for bound, count in zip(bounds, spread.counts, strict=True):
            below += count
            buckets.append((bound, below))
        families[name].add_metric(labels, buckets, spread.total)

    class Found(Collector):
        def collect(self) -> Iterable[Any]:
            return families.values()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Found())
    return generate_latest(registry)
