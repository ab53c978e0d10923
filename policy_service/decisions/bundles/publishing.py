"""Bundles stored, activated, stopped and rolled back.

Changes use optimistic concurrency on a version: an operation reads the `ActivationState` with its version, and its
change is written only if that version is still the last. Otherwise the store raises `StaleVersion`, and the operation
is tried again on the new state. So if two people act at once, neither loses what the other did.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import TypeVar

from policy_service.access import instants
from policy_service.access.trail import Act
from policy_service.decisions.bundles.checking import CheckedBundle, Checker, checked
from policy_service.decisions.bundles.evaluators import Evaluators, NoActiveBundle, UnusableBundle, imminent
from policy_service.decisions.bundles.results import (
    BadInstant,
    Busy,
    NothingBefore,
    NotStopped,
    Ordered,
    Stopped,
    UnknownPolicy,
    UnknownReward,
    Uploaded,
)
from policy_service.decisions.ports.activations import (
    Activation,
    ActivationState,
    BundleSources,
    BundleStore,
    Kind,
    NewActivation,
    StaleVersion,
    StopEvent,
)
from policy_service.decisions.ports.acts import Change, Orders
from policy_service.decisions.ports.records import DecisionStore
from policy_service.policies.bundle import (
    Bundle,
    changed_days,
    former_id,
    is_known,
    is_suspended,
    suspending,
)
from policy_service.policies.loader import Sources
from policy_service.policies.model import Suspension
from policy_service.policies.stretches import joined

_TRIES = 8
_LATEST = timedelta(days=366)
_MOST_NAMED = 20
"""Policies that the trail names of those that changed."""
Done = TypeVar("Done")
_LOG = logging.getLogger(__name__)


class Publishing:
    """The operations on bundles that the HTTP face and the command line call. Each may raise StoreUnavailable.

    Args:
        check: checks what is uploaded.
    """

    def __init__(
        self,
        bundles: BundleStore,
        orders: Orders,
        decisions: DecisionStore,
        evaluators: Evaluators,
        *,
        now: Callable[[], datetime],
        check: Checker = checked,
    ) -> None:
        self.bundles, self._orders, self.decisions = bundles, orders, decisions
        self.evaluators, self._now = evaluators, now
        self._check, self._checking = check, Lock()

    def activation_state(self) -> ActivationState:
        """What is active and pending now, and what is stopped."""
        return self.bundles.activation_state(instants.text(self._now()))

    # ---- bundles

    def upload(self, sources: Sources, act: Act, *, label: str | None = None) -> Uploaded:
        """Check rule files as `policyctl check` does, and store them as a bundle.

        Args:
            label: instead of that in bundle.yaml.
        Raises:
            BundleInvalid: with every diagnostic.
            CheckTooCostly.
            Busy: this process has another one checked: a check takes seconds of the processor.
        """
        if not self._checking.acquire(blocking=False):
            raise Busy("another bundle is being checked")
        try:
            found = self._check(sources)
        finally:
            self._checking.release()
        return self._store(found, act, label or found.label)

    def _store(self, found: CheckedBundle, act: Act, label: str | None) -> Uploaded:
        def tried(state: ActivationState, now: str) -> Uploaded:
            entry = self.bundles.bundle(found.id)
            if entry is None:
                said = act.entry(now, "bundle.upload", found.id, {"label": label or "", "files": str(len(files))})
                change = Change(said, [BundleSources(found.id, label, found.sources)])
                self._orders.give(change, state.version)
                return Uploaded(found.id, label, True, files, found.warnings)
            return Uploaded(found.id, entry.label, False, files, found.warnings)

        files = tuple(sorted(found.sources))
        return self._until_done(tried)

    def adopt_folder(self, found: Bundle, *, actor: str) -> str:
        """Store a folder's bundle, and activate it if it is not what the folder gave at the last start.

        Returns the id of the bundle that is active then.
        """
        self.evaluators.keep(found)
        act = Act(actor, "rules folder")

        def tried(state: ActivationState, now: str) -> None:
            if self.bundles.last_from_folder() not in (found.id, former_id(found.rules)):
                new = BundleSources(found.id, found.label, found.sources)
                self._order(found, "folder", now, now, act, state, [new])

        self._until_done(tried)
        active = self.evaluators.refresh()
        if active is None:
            raise NoActiveBundle("no bundle is active")
        return active.bundle.id

    def activate(self, id: str, act: Act, *, at: datetime | None = None) -> Ordered:
        """Order that a stored bundle be the active one, now or at an instant.

        Raises:
            UnknownBundle: it is not stored.
            BadInstant: it lies in the past, or more than a year ahead.
            Busy.
        """
        if at is not None and at.astimezone(UTC) > self._now() + _LATEST:
            raise BadInstant(f"it lies more than {_LATEST.days} days ahead")
        chosen = self.evaluators.of(id).bundle

        def tried(state: ActivationState, now: str) -> Ordered:
            effective_at = now if at is None else instants.text(at.astimezone(UTC))
            if effective_at < now:
                raise BadInstant("it lies in the past")
            return self._order(chosen, "activate", now, effective_at, act, state)

        return self._refreshed(self._until_done(tried))

    def rollback(self, act: Act) -> Ordered:
        """Activate the bundle that was published before the present one; a second rollback returns to the present one.

        Raises:
            NoActiveBundle, NothingBefore, Busy.
        """

        def tried(state: ActivationState, now: str) -> Ordered:
            if state.active is None:
                raise NoActiveBundle("no bundle is active")
            id_ = self._before(state.active.published, now)
            return self._order(self.evaluators.of(id_).bundle, "rollback", now, now, act, state)

        return self._refreshed(self._until_done(tried))

    def _before(self, published: str, now: str) -> str:
        last: dict[str, Activation] = {}
        held = []
        for one in self.bundles.activations():  # the newest first
            later = last.setdefault(one.effective_at, one)
            if one.effective_at <= now and (later is one or later.at == one.effective_at):
                held.append(one)  # of several orders for an instant to come only the last ever held
        for one in sorted(held, key=lambda one: (one.effective_at, one.sequence), reverse=True):
            if one.published != published:
                return one.published
        raise NothingBefore("no other bundle was published before the present one")

    def _order(
        self,
        chosen: Bundle,
        kind: Kind,
        now: str,
        effective_at: str,
        act: Act,
        state: ActivationState,
        stored: Sequence[BundleSources] = (),
    ) -> Ordered:
        """Order the activation of a published bundle, with the stops in force merged into it."""
        derived = self._with(chosen, state.stops)
        order = NewActivation(derived.id, chosen.id, kind, now, effective_at, act.actor, act.reason)
        replaces = state.active.published if state.active is not None else None
        policies, decisions = self._touched(replaces, chosen)
        detail = {"kind": kind, "bundle": derived.id, "effective_at": effective_at, "replaces": replaces or ""}
        if policies:
            detail |= {"policies": ", ".join(policies[:_MOST_NAMED]), "policies_changed": str(len(policies))}
            detail["decisions_touched"] = str(decisions)
        entry = act.entry(now, f"bundle.{'rollback' if kind == 'rollback' else 'activate'}", chosen.id, detail)
        new = [*stored, *self._derived(derived, chosen)]
        self._orders.give(Change(entry, new, [order]), state.version)
        return Ordered(order, replaces, policies, decisions)

    def _touched(self, replaces: str | None, chosen: Bundle) -> tuple[tuple[str, ...], int]:
        """The policies that differ between two published bundles, and how many decisions were made for those days."""
        if replaces is None or replaces == chosen.id:
            return (), 0
        try:
            before = self.evaluators.of(replaces).bundle.rules
        except UnusableBundle as error:
            _LOG.error("%s: what the new bundle changes is not known", error)
            return (), 0
        found = changed_days(before, chosen.rules)
        days = joined(one for stretches in found.values() for one in stretches)
        texts = [(one.start.isoformat(), (one.end or date.max).isoformat()) for one in days]
        return tuple(found), self.decisions.count_as_of(texts) if texts else 0

    # ---- stops

    def stop(self, policy: str, reward: str | None, act: Act) -> Stopped:
        """Stop a policy, or one reward of it, now and in every bundle activated later, until it is resumed.

        Raises:
            NoActiveBundle, UnknownPolicy, UnknownReward, Busy.
        """

        def tried(state: ActivationState, now: str) -> Stopped:
            active = _active(state)
            rules = self.evaluators.of(active.published).bundle.rules
            if not is_known(rules, policy, None):
                raise UnknownPolicy(policy)
            if reward is not None and not is_known(rules, policy, reward):
                raise UnknownReward(policy, reward)
            by_file = is_suspended(rules, policy, reward)
            known = _event(state, policy, reward)
            if known is not None and is_suspended(self.evaluators.of(active.bundle).bundle.rules, policy, reward):
                return Stopped(known, False, active.bundle, by_file)  # and it holds
            event = StopEvent("stop", policy, reward, now, act.actor, act.reason)
            return Stopped(event, True, self._change_stops(state, (*state.stops, event), event, act), by_file)

        return self._refreshed(self._until_done(tried))

    def resume(self, policy: str, reward: str | None, act: Act) -> Stopped:
        """End a stop: the active bundle and each pending one grant again what their published rules say.

        Raises:
            NoActiveBundle, NotStopped, Busy.
            UnknownPolicy: it is not stopped, and the active bundle does not have it.
        """

        def tried(state: ActivationState, now: str) -> Stopped:
            active = _active(state)
            rules = self.evaluators.of(active.published).bundle.rules
            known = _event(state, policy, reward)
            if known is None:
                if not is_known(rules, policy, None):
                    raise UnknownPolicy(policy)
                raise NotStopped("it is not stopped")
            event = StopEvent("resume", policy, reward, now, act.actor, act.reason)
            left = tuple(one for one in state.stops if one is not known)
            bundle = self._change_stops(state, left, event, act)
            return Stopped(event, True, bundle, is_suspended(rules, policy, reward))

        return self._refreshed(self._until_done(tried))

    def _change_stops(self, state: ActivationState, stops: tuple[StopEvent, ...], event: StopEvent, act: Act) -> str:
        """Record the stop or its end, and order bundles with the new stops: one for now in place of the active bundle,
        and one in place of each pending bundle at its own instant. Returns the id of the bundle that is active then.
        """
        active = _active(state)
        new: dict[str, BundleSources] = {}
        orders = []
        for one in (active, *imminent(state.pending)):
            try:
                published = self.evaluators.of(one.published).bundle
            except UnusableBundle as error:
                if one is active:
                    raise
                _LOG.error("%s: it keeps the stops it was ordered with", error)  # nobody can answer by it either
                continue
            derived = self._with(published, stops)
            effective_at = event.at if one is active else one.effective_at
            if derived.id != one.bundle:
                new |= {sources.id: sources for sources in self._derived(derived, published)}
                orders.append(
                    NewActivation(
                        derived.id, one.published, event.action, event.at, effective_at, act.actor, act.reason
                    )
                )
        now_active = orders[0].bundle if orders and orders[0].effective_at == event.at else active.bundle
        detail = {"bundle": now_active, "published": active.published, "pending": str(len(state.pending))}
        if event.reward is not None:
            detail["reward"] = event.reward
        entry = act.entry(event.at, f"policy.{event.action}", event.policy, detail)
        self._orders.give(Change(entry, list(new.values()), orders, [event]), state.version)
        return now_active

    def _with(self, published: Bundle, stops: Sequence[StopEvent]) -> Bundle:
        """The published bundle with stops merged into its `suspended`; kept ready in `evaluators`."""
        ordered = sorted(stops, key=lambda one: (one.policy, one.reward or ""))
        derived = suspending(published, [Suspension(one.policy, one.reward, one.reason) for one in ordered])
        if derived is not published:
            self.evaluators.keep(derived)
        return derived

    def _derived(self, derived: Bundle, published: Bundle) -> list[BundleSources]:
        if derived is published:
            return []
        entry = self.bundles.bundle(published.id)
        label = entry.label if entry is not None else published.label
        return [BundleSources(derived.id, label, derived.sources)]

    # ---- optimistic concurrency

    def _until_done(self, tried: Callable[[ActivationState, str], Done]) -> Done:
        for _ in range(_TRIES):
            state, now = self._read()
            try:
                return tried(state, now)
            except StaleVersion:
                continue
        raise Busy("others changed the active bundle at the same time")

    def _read(self) -> tuple[ActivationState, str]:
        """The state at an instant that none of its orders is later than, and that instant.

        Orders hold in their sequence: a clock that was set back is behind it, and an order may come while it is read.
        """
        now = instants.text(self._now())
        while (state := self.bundles.activation_state(now)).last_at > now:
            now = state.last_at
        return state, now

    def _refreshed(self, done: Done) -> Done:
        """The same result, after this process has looked for the bundle that is active now."""
        self.evaluators.catch_up()
        return done


def _active(state: ActivationState) -> Activation:
    if state.active is None:
        raise NoActiveBundle("no bundle is active")
    return state.active


def _event(state: ActivationState, policy: str, reward: str | None) -> StopEvent | None:
    return next((one for one in state.stops if (one.policy, one.reward) == (policy, reward)), None)
