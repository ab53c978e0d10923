"""Evaluators by bundle id: that of the active bundle is always kept, a few others are loaded on demand."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

from policy_service.access import instants
from policy_service.background import Periodic
from policy_service.decisions.answers.days import business_day
from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.ports.activations import Activation, ActivationState, BundleStore
from policy_service.decisions.ports.records import StoreUnavailable
from policy_service.engines.contracts import Engine
from policy_service.policies.bundle import Bundle, stored
from policy_service.telemetry import metrics

_KEPT = 2
"""Evaluators ready at a time: the active one, and the one used last of the others. One holds some ten MiB."""
_PREPARED = 2
"""Pending bundles that are compiled beforehand at a time."""
_SOON = timedelta(seconds=60)
"""How long before it is needed a pending bundle, or the next day, is compiled."""
_RETRY_SECONDS = 30.0
"""How long a bundle that cannot be loaded is left alone."""
_LOG = logging.getLogger(__name__)


class UnknownBundle(Exception):
    """No bundle with this id is stored."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"there is no bundle `{id_}`")
        self.id = id_


class NoActiveBundle(Exception):
    """No bundle was activated yet."""


class UnusableBundle(Exception):
    """The stored sources do not give the bundle, or it could not be loaded or compiled within the last half minute."""


@dataclass(frozen=True, slots=True)
class _Live:
    """The active bundle of this process, and the state it was read from; replaced as a whole, never changed."""

    evaluator: Evaluator | None
    state: ActivationState
    looked_at: float


class Evaluators:
    """The compiled bundles of one process. A request goes on with the evaluator that it got at its beginning.

    Args:
        now: the clock that decides whether an activation is in effect.
        elapsed: a monotonic clock in seconds, for `refresh_seconds`.
        warm: whether a bundle is compiled for today before it answers.
    """

    def __init__(
        self,
        store: BundleStore,
        engine: Engine,
        *,
        now: Callable[[], datetime],
        elapsed: Callable[[], float],
        refresh_seconds: float,
        warm: bool = True,
    ) -> None:
        self._store, self._engine = store, engine
        self._now, self._elapsed, self._refresh_seconds = now, elapsed, refresh_seconds
        self._warm = warm
        self._known: OrderedDict[str, Evaluator] = OrderedDict()
        self._lock = Lock()
        self._loading, self._refreshing = Lock(), Lock()
        self._live: _Live | None = None
        self._soon: frozenset[str] = frozenset()
        self._broken: dict[str, float] = {}
        self._active_fault: str | None = None
        self._pending_fault: str | None = None
        self._refresher = Periodic("bundle-refresh", refresh_seconds, self._look_ahead)

    @property
    def fault(self) -> str | None:
        """Why the active bundle does not answer, or a pending one will not; None while all is well.

        It names bundles, and no file, rule or fact of them.
        """
        return self._active_fault or self._pending_fault

    @property
    def seconds_since_look(self) -> float | None:
        """Seconds since the store last said which bundle is active; None if it never did."""
        live = self._live
        return None if live is None else max(0.0, self._elapsed() - live.looked_at)

    # ---- the active one

    def active(self) -> Evaluator | None:
        """The evaluator of the active bundle; None before the first activation.

        It may be late by `refresh_seconds` and the time to compile. While the thread of `keep_fresh` runs, no request
        waits for either. Without it one request looks for the active bundle, and those that come meanwhile get the one
        known before. If the store cannot be read or the new bundle cannot be used, the one known before stays.

        Raises:
            StoreUnavailable: and none was known before.
        """
        live = self._live
        if live is None or live.evaluator is None:
            return self._first()
        due = not self._refresher.running and self._elapsed() - live.looked_at >= self._refresh_seconds
        if due and self._refreshing.acquire(blocking=False):
            try:
                self._attempt()
            finally:
                self._refreshing.release()
            live = self._live or live
        return live.evaluator

    def _first(self) -> Evaluator | None:
        try:
            return self.refresh()
        except StoreUnavailable:
            raise
        except UnusableBundle as error:
            _LOG.error("%s, and none answers", error)
        except Exception:  # noqa: BLE001  whatever a stored bundle raises, the request is told that there is none
            _LOG.exception("the active bundle cannot be taken over, and none answers")
        return None

    def refresh(self) -> Evaluator | None:
        """Look for the active bundle now; a new one is compiled for today before it replaces the old.

        Raises:
            StoreUnavailable, or whatever loading and compiling the bundle raises; the last one stays.
        """
        with self._refreshing:
            return self._look()

    def _look(self) -> Evaluator | None:
        looked_at = self._elapsed()
        moment = self._now()
        state = self._store.activation_state(instants.text(moment))
        found = None
        if state.active is not None:
            try:
                found = self._taken(state.active.bundle, moment)
            except StoreUnavailable:
                raise
            except Exception:
                self._active_fault = f"the active bundle {state.active.bundle} cannot be used"
                raise
        before, self._live = self._live, _Live(found, state, looked_at)
        self._active_fault = None
        if before is not None and before.evaluator is not found:
            self._shed()
        return found

    def _taken(self, id_: str, moment: datetime) -> Evaluator:
        """The evaluator of a bundle, compiled for a day. One that failed is not tried again for half a minute."""
        tried = self._broken.get(id_)
        if tried is not None and self._elapsed() - tried < _RETRY_SECONDS:
            raise UnusableBundle(f"the bundle {id_} cannot be used")
        try:
            found = self.of(id_)
            if self._warm:
                found.ready(business_day(moment, found.bundle.rules))
        except StoreUnavailable:
            raise
        except Exception:
            self._broken[id_] = self._elapsed()
            raise
        self._broken.pop(id_, None)
        return found

    def catch_up(self) -> None:
        """Look for the active bundle now, as `refresh` does, but log a fault instead of raising it."""
        with self._refreshing:
            self._attempt()

    def _attempt(self) -> None:
        """Look, and log a fault instead of raising it; the bundle known before goes on answering."""
        try:
            self._look()
        except StoreUnavailable as error:
            _LOG.warning("the active bundle cannot be looked up, the last one answers: %s", error)
        except UnusableBundle as error:
            _LOG.error("%s, the last one answers", error)
        except Exception:  # noqa: BLE001  whatever a stored bundle raises, the last one must go on answering
            _LOG.exception("the active bundle cannot be taken over, the last one answers")
        else:
            return
        metrics.refresh_failed()
        if self._live is not None:
            self._live = replace(self._live, looked_at=self._elapsed())

    # ---- in the background

    def keep_fresh(self) -> None:
        """Start the thread that looks for the active bundle every `refresh_seconds`, until `close`."""
        self._refresher.start()

    def close(self) -> None:
        """End the thread; if it is compiling, wait for it, but only a few seconds."""
        self._refresher.close()

    def _look_ahead(self) -> None:
        self.catch_up()
        self._prepare()

    def _prepare(self) -> None:
        """Compile what is needed within a minute: pending bundles, and the next day of the active bundle."""
        live = self._live
        if live is None:
            return
        soon = self._now() + _SOON
        pending = imminent(live.state.pending, instants.text(soon))[:_PREPARED]
        self._soon = frozenset(one.bundle for one in pending)
        fault = f"the bundle to be activated at {pending[0].effective_at} cannot be used" if pending else None
        try:
            if live.evaluator is not None:
                live.evaluator.ready(business_day(soon, live.evaluator.bundle.rules))
            for one in pending:
                self._taken(one.bundle, soon)
        except StoreUnavailable as error:
            _LOG.warning("a bundle that is activated soon cannot be read: %s", error)
        except UnusableBundle:
            self._pending_fault = fault
        except Exception:  # noqa: BLE001  the thread must outlive any fault, which is logged
            self._pending_fault = fault
            _LOG.exception("a bundle that is activated soon cannot be used")
        else:
            self._pending_fault = None

    # ---- any of them

    def of(self, id_: str) -> Evaluator:
        """The evaluator of a stored bundle.

        Raises:
            UnknownBundle: it is not stored.
            UnusableBundle: its sources do not give it.
        """
        found = self._found(id_)
        if found is not None:
            return found
        with self._loading:  # one bundle at a time is loaded; a request for one that is ready does not wait
            found = self._found(id_)
            return found if found is not None else self._add(self._load(id_))

    def keep(self, loaded: Bundle) -> None:
        """Add a bundle that the caller has loaded already, so that it is not loaded again."""
        with self._loading:
            if self._found(loaded.id) is None:
                self._add(loaded)

    def uncached(self, loaded: Bundle) -> Evaluator:
        """A new evaluator on the same engine, of a bundle that need not be stored; it is not kept here."""
        return Evaluator(loaded, self._engine)

    def _found(self, id_: str) -> Evaluator | None:
        with self._lock:
            found = self._known.get(id_)
            if found is not None:
                self._known.move_to_end(id_)
            return found

    def _add(self, loaded: Bundle) -> Evaluator:
        made = Evaluator(loaded, self._engine)
        with self._lock:
            self._known[loaded.id] = made
            spared = {made.bundle.id, *self._spared()}
            for id_ in [one for one in self._known if one not in spared][: max(0, len(self._known) - _KEPT)]:
                del self._known[id_]  # a request may still be inside; its engines go with the last reference
        return made

    def _spared(self) -> set[str]:
        """Ids of the active bundle and of those that are about to be."""
        live = self._live.evaluator if self._live is not None else None
        return {*self._soon} | ({live.bundle.id} if live is not None else set())

    def _shed(self) -> None:
        """After a take-over: free most of what was compiled of other bundles, since few requests still name them.

        The epoch used last stays: requests under way and retries pin the bundle that was active before.
        """
        with self._lock:
            spared = self._spared()
            others = [one for id_, one in self._known.items() if id_ not in spared]
        for one in others:
            one.shed()

    def _load(self, id_: str) -> Bundle:
        sources = self._store.sources(id_)
        if sources is None:
            raise UnknownBundle(id_)
        found = stored(sources, id_)
        if found is None:
            raise UnusableBundle(f"the stored sources of {id_} do not give that bundle")
        return found


def imminent(pending: tuple[Activation, ...], until: str | None = None) -> list[Activation]:
    """The pending activations up to an instant; of several for the same instant only the last, which takes effect."""
    return list({one.effective_at: one for one in pending if until is None or one.effective_at <= until}.values())
