"""Evaluators by bundle id: the active one always, a few others on demand."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from policy_service.decisions.evaluate import Evaluator
from policy_service.decisions.records import BundleStore
from policy_service.engines.contract import Engine
from policy_service.policies.bundle import Bundle, bundle

_KEPT = 4


class UnknownBundle(Exception):
    """No bundle with this id is stored."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"there is no bundle `{id_}`")
        self.id = id_


class Evaluators:
    """Compiled bundles of one process. A request that holds an evaluator keeps its bundle to its end."""

    def __init__(self, store: BundleStore, engine: Engine, now: Callable[[], float], refresh_seconds: float) -> None:
        self._store, self._engine, self._now, self._refresh = store, engine, now, refresh_seconds
        self._known: OrderedDict[str, Evaluator] = OrderedDict()
        self._lock = Lock()
        self._active: str | None = None
        self._looked_at: float | None = None

    def active(self) -> Evaluator | None:
        """The evaluator of the active bundle, at most `refresh_seconds` late; None before the first activation."""
        moment = self._now()
        if self._looked_at is None or moment - self._looked_at >= self._refresh:
            self._active = self._store.active()
            self._looked_at = moment
        return None if self._active is None else self.of(self._active)

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

    def keep(self, loaded: Bundle) -> None:
        """Take a bundle that is loaded already, so that it is not read again."""
        with self._lock:
            if loaded.id not in self._known:
                self._add(loaded)

    def _add(self, loaded: Bundle) -> Evaluator:
        made = self._known[loaded.id] = Evaluator(loaded, self._engine)
        while len(self._known) > _KEPT:
            oldest = next(i for i in self._known if i != self._active)
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

    def forget_active(self) -> None:
        """Look for the active bundle anew at the next request."""
        self._looked_at = None
