"""Evaluators by bundle id: the active one always, a few others on demand."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Lock, Thread

from policy_service.decisions.activations import BundleStore, Standing
from policy_service.decisions.days import business_day, instant
from policy_service.decisions.evaluate import Evaluator
from policy_service.decisions.records import StoreUnavailable
from policy_service.engines.contract import Engine
from policy_service.policies.bundle import Bundle, bundle

_KEPT = 4
_LOG = logging.getLogger(__name__)


class UnknownBundle(Exception):
    """No bundle with this id is stored."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"there is no bundle `{id_}`")
        self.id = id_


@dataclass(frozen=True, slots=True)
class _Live:
    """What this process answers by, replaced as one."""

    evaluator: Evaluator | None
    standing: Standing
    looked_at: float


class Evaluators:
    """Compiled bundles of one process. A request that holds an evaluator keeps its bundle to its end.

    Args:
        now: the clock that activations are judged by.
        elapsed: seconds that only grow, for `refresh_seconds`.
    """

    def __init__(
        self,
        store: BundleStore,
        engine: Engine,
        *,
        now: Callable[[], datetime],
        elapsed: Callable[[], float],
        refresh_seconds: float,
    ) -> None:
        self._store, self._engine = store, engine
        self._now, self._elapsed, self._refresh_seconds = now, elapsed, refresh_seconds
        self._known: OrderedDict[str, Evaluator] = OrderedDict()
        self._lock = Lock()
        self._live: _Live | None = None
        self._stop: Event | None = None

    def active(self) -> Evaluator | None:
        """The evaluator of the active bundle; None before the first activation.

        It may be `refresh_seconds` and a compilation late. While `keep_fresh` runs no request waits for either.
        """
        live = self._live
        if live is None or (self._stop is None and self._elapsed() - live.looked_at >= self._refresh_seconds):
            return self.refresh()
        return live.evaluator

    def refresh(self) -> Evaluator | None:
        """Look for the active bundle now; a new one is compiled for today before it replaces the old."""
        looked_at = self._elapsed()
        moment = self._now()
        standing = self._store.standing(instant(moment))
        found = None
        if standing.active is not None:
            live = self._live
            found = self.of(standing.active.bundle)
            if live is None or live.evaluator is not found:
                found.answering(business_day(moment, found.bundle.rules))
        self._live = _Live(found, standing, looked_at)
        return found

    def keep_fresh(self) -> None:
        """From now on a thread of this process looks for the active bundle, until `close`."""
        if self._stop is None:
            self._stop = Event()
            Thread(target=self._refresh_until, args=(self._stop,), name="bundle-refresh", daemon=True).start()

    def close(self) -> None:
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    def _refresh_until(self, stop: Event) -> None:
        while not stop.wait(self._refresh_seconds):
            try:
                self.refresh()
            except StoreUnavailable as error:
                _LOG.warning("the active bundle cannot be looked up, the last one answers: %s", error)
            except Exception:  # noqa: BLE001  the thread must outlive any fault, which is told
                _LOG.exception("the active bundle cannot be taken over, the last one answers")

    def of(self, id_: str) -> Evaluator:
        """The evaluator of a stored bundle.

        Raises:
            UnknownBundle: it is not stored.
        """
        with self._lock:
            found = self._known.get(id_)
            if found is not None:
                self._known.move_to_end(id_)
                return found
            return self._add(self._load(id_))

    def apart(self, loaded: Bundle) -> Evaluator:
        """An evaluator of a bundle that is not stored, on the engine of the others; it is not kept."""
        return Evaluator(loaded, self._engine)

    def keep(self, loaded: Bundle) -> None:
        """Take a bundle that is loaded already, so that it is not read again."""
        with self._lock:
            if loaded.id not in self._known:
                self._add(loaded)

    def _add(self, loaded: Bundle) -> Evaluator:
        made = self._known[loaded.id] = Evaluator(loaded, self._engine)
        live = self._live
        while len(self._known) > _KEPT:
            oldest = next(i for i, one in self._known.items() if live is None or one is not live.evaluator)
            del self._known[oldest]  # a request may still be inside; its engines go with the last reference
        return made

    def _load(self, id_: str) -> Bundle:
        sources = self._store.sources(id_)
        if sources is None:
            raise UnknownBundle(id_)
        found, diagnostics = bundle(sources)
        if found is None or found.id != id_:
            raise RuntimeError(
                f"the stored sources of {id_} do not give that bundle: {found.id if found else diagnostics[0].message}"
            )
        return found
