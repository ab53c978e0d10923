"""Bundles stored, activated, stopped and taken back."""

from collections.abc import Callable
from datetime import datetime

from policy_service.decisions.activations import BundleSources, BundleStore, Change, NewActivation, Outrun
from policy_service.decisions.asking import NoActiveBundle
from policy_service.decisions.days import instant
from policy_service.decisions.evaluators import Evaluators
from policy_service.policies.bundle import Bundle

_TRIES = 8


class Publishing:
    """The operations on bundles that the HTTP face and the command line call."""

    def __init__(self, bundles: BundleStore, evaluators: Evaluators, *, now: Callable[[], datetime]) -> None:
        self.bundles, self.evaluators, self._now = bundles, evaluators, now

    def adopt_folder(self, found: Bundle, *, actor: str) -> str:
        """Store a folder's bundle, and activate it if it is not what the folder gave at the last start.

        Returns the id of the bundle that is active then.
        """
        self.evaluators.keep(found)
        for _ in range(_TRIES):
            now = instant(self._now())
            standing = self.bundles.standing(now)
            activations = []
            if self.bundles.last_from_folder() != found.id:
                activations = [NewActivation(found.id, found.id, "folder", now, now, actor, "rules folder")]
            change = Change([BundleSources(found.id, found.label, found.sources)], activations)
            try:
                self.bundles.apply(change, now, standing.version)
                break
            except Outrun:
                continue
        active = self.evaluators.refresh()
        if active is None:
            raise NoActiveBundle("no bundle is active")
        return active.bundle.id

    def activate(self, id: str, *, actor: str, reason: str) -> None:
        """Make a stored bundle the active one."""
        now = instant(self._now())
        standing = self.bundles.standing(now)
        order = NewActivation(id, id, "activate", now, now, actor, reason)
        self.bundles.apply(Change(activations=[order]), now, standing.version)
        self.evaluators.refresh()
