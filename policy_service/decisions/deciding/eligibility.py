"""Which bundles may decide: those that are or were active, and grant nothing that was stopped since."""

from collections.abc import Sequence

from policy_service.decisions.answers.evaluate import Evaluator
from policy_service.decisions.ports.activations import BundleStore, StopEvent, Stops
from policy_service.policies.bundle import is_known, is_suspended


class BundleNotActive(Exception):
    """The request names a bundle that is not and never was active, so it must not decide."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"bundle `{id_}` is not and was not active")
        self.id = id_


class BundleWithdrawn(Exception):
    """The bundle still grants what was stopped since, so it must not decide."""

    def __init__(self, id_: str, stops: Sequence[StopEvent]) -> None:
        super().__init__(f"bundle `{id_}` grants what is stopped")
        self.id, self.stops = id_, tuple(stops)


class Eligibility:
    """Which bundles may decide under the stops in force after an order. Nothing is asked of the store, but whether a
    bundle that a request names was ever active.
    """

    def __init__(self, bundles: BundleStore, stops: Stops, now: str) -> None:
        self._bundles, self._now = bundles, now
        self.stops = stops
        self._was_active: dict[str, bool] = {}

    def check_pinned(self, pinned: str, evaluator: Evaluator) -> None:
        """Raises BundleNotActive or BundleWithdrawn where a request names a bundle that must not decide."""
        if pinned not in self._was_active:
            self._was_active[pinned] = self._bundles.was_active(pinned, self._now)
        if not self._was_active[pinned]:
            raise BundleNotActive(pinned)
        self.check_not_withdrawn(evaluator)

    def check_not_withdrawn(self, evaluator: Evaluator) -> None:
        """Raises BundleWithdrawn for a bundle that still grants what was stopped."""
        rules = evaluator.bundle.rules
        missed = [
            stop
            for stop in self.stops.events
            if is_known(rules, stop.policy, stop.reward) and not is_suspended(rules, stop.policy, stop.reward)
        ]
        if missed:
            raise BundleWithdrawn(evaluator.bundle.id, missed)
