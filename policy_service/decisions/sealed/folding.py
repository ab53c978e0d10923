"""What the service follows, folded from the orders of the log: bundles, activations, stops, keys, shadows."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from policy_service.access.keys import Key
from policy_service.decisions.ports.activations import Activation, ActivationState, NewActivation, StopEvent, Stops
from policy_service.decisions.ports.acts import Beginning, BundleFiles, Change, KeyEnd
from policy_service.decisions.ports.observations import Order


class OrderRefused(Exception):
    """An order contradicts those before it, so it is not followed; the message says how."""


@dataclass(frozen=True, slots=True)
class SigningChange:
    """A key that signs the log was added, or retired, by an act."""

    act: str
    key: str
    added: bool


@dataclass(frozen=True, slots=True)
class Step:
    """How much was ordered up to an order: the numbers of activations and of stop events, its own included."""

    act: str
    activations: int
    stops: int


@dataclass(slots=True)
class Followed:
    """The state after an order. It is changed only while it is folded; `copy` it before.

    Args:
        version, leaf, last_at: of the last order; 0 and empty before the first.
        bundles: by id.
        stored_by: id of the act that stored a bundle, by the bundle's.
        signing: changes of the keys that sign the log, in order; the first ones are those of the beginning.
        leaves: of all orders, by version.
        steps: the same.
    """

    version: int = 0
    leaf: str = ""
    last_at: str = ""
    begin: Beginning | None = None
    bundles: dict[str, BundleFiles] = field(default_factory=dict)
    stored_by: dict[str, str] = field(default_factory=dict)
    activations: list[Activation] = field(default_factory=list)
    stop_events: list[StopEvent] = field(default_factory=list)
    keys: dict[str, Key] = field(default_factory=dict)
    shadows: list[Order] = field(default_factory=list)
    signing: list[SigningChange] = field(default_factory=list)
    leaves: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    _stops: dict[tuple[str, str], StopEvent] = field(default_factory=dict)

    def copy(self) -> "Followed":
        return replace(
            self,
            bundles=dict(self.bundles),
            stored_by=dict(self.stored_by),
            activations=list(self.activations),
            stop_events=list(self.stop_events),
            keys=dict(self.keys),
            shadows=list(self.shadows),
            signing=list(self.signing),
            leaves=list(self.leaves),
            steps=list(self.steps),
            _stops=dict(self._stops),
        )

    # ---- folding

    def fold(self, act: str, leaf: str, version: int, change: Change, stored: Sequence[BundleFiles]) -> None:
        """Take over an order.

        Args:
            act: its id.
            leaf: its leaf hash, hexadecimal.
            stored: the bundles that the order stored, by the digests of their files.
        Raises:
            OrderRefused.
        """
        if (version == 1) != (change.begin is not None):
            raise OrderRefused("the first order begins the log, and no other does")
        if change.entry.at < self.last_at:
            raise OrderRefused("it is dated before the order before it")
        for bundle in stored:
            self.bundles.setdefault(bundle.id, bundle)
            self.stored_by.setdefault(bundle.id, act)
        for order in change.activations:
            self._activate(order)
        self.stop(change.stops)
        for key in change.keys:
            self._add_key(key)
        for end in change.key_ends:
            self._end_key(end)
        for shadow in change.shadows:
            self.shadows.append(Order(**asdict(shadow), sequence=len(self.shadows) + 1))
        self._change_signing(act, change)
        self.leaves.append(leaf)
        self.steps.append(Step(act, len(self.activations), len(self.stop_events)))
        self.version, self.leaf, self.last_at = version, leaf, change.entry.at

    def _activate(self, order: NewActivation) -> None:
        unknown = [one for one in (order.bundle, order.published) if one not in self.bundles]
        if unknown:
            raise OrderRefused(f"it activates the bundle {unknown[0]}, which no order has stored")
        self.activations.append(Activation(**asdict(order), sequence=len(self.activations) + 1))

    def stop(self, events: Sequence[StopEvent]) -> None:
        """Take over stops and ends of stops."""
        for event in events:
            self.stop_events.append(event)
            self._stops[event.policy, event.reward or ""] = event

    def _add_key(self, key: Key) -> None:
        if key.id in self.keys:
            raise OrderRefused(f"the key {key.id} is there already")
        self.keys[key.id] = replace(key, number=len(self.keys) + 1)

    def _end_key(self, end: KeyEnd) -> None:
        key = self.keys.get(end.id)
        if key is None:
            raise OrderRefused(f"there is no key {end.id}")
        self.keys[end.id] = replace(
            key,
            expires_at=_earlier(key.expires_at, end.expires_at),
            revoked_at=_earlier(key.revoked_at, end.revoked_at),
        )

    def _change_signing(self, act: str, change: Change) -> None:
        if change.begin is not None:
            self.begin = change.begin
            self.signing += (SigningChange(act, key, True) for key in change.begin.keys)
        self.signing += (SigningChange(act, key, True) for key in change.signing_added)
        self.signing += (SigningChange(act, key, False) for key in change.signing_retired)
        if not self.signing_keys():
            raise OrderRefused("no key would be left that signs the log")

    # ---- asking

    def signing_keys(self) -> tuple[str, ...]:
        """Texts of the keys that sign the log after this order."""
        found: dict[str, None] = {}
        for one in self.signing:
            if one.added:
                found[one.key] = None
            else:
                found.pop(one.key, None)
        return tuple(found)

    def stops(self) -> Stops:
        return Stops(self.version, self._events())

    def _events(self) -> tuple[StopEvent, ...]:
        return tuple(self._stops[pair] for pair in sorted(self._stops) if self._stops[pair].action == "stop")

    def state(self, now: str) -> ActivationState:
        """What is active at an instant, and what is pending; see ActivationState."""
        immediate = next((one for one in reversed(self.activations) if _is_immediate(one)), None)
        since = "" if immediate is None else immediate.at
        later = sorted(
            (one for one in self.activations if not _is_immediate(one) and one.effective_at > since),
            key=lambda one: (one.effective_at, one.sequence),
        )
        due = [one for one in later if one.effective_at <= now]
        pending = tuple(one for one in later if one.effective_at > now)
        return ActivationState(self.version, due[-1] if due else immediate, pending, self._events(), self.last_at)

    def rules_after(self, version: int) -> "Followed":
        """The activations and stops of the orders up to a version; of the rest there is nothing."""
        step = self.steps[version - 1]
        found = Followed(version, activations=self.activations[: step.activations], steps=self.steps[:version])
        found.stop(self.stop_events[: step.stops])
        return found

    def version_of(self, activation: Activation) -> int:
        """The version of the order that gave an activation."""
        return bisect_left(self.steps, activation.sequence, key=lambda step: step.activations) + 1

    def was_active(self, bundle: str, now: str) -> bool:
        return any(one.bundle == bundle and (_is_immediate(one) or one.effective_at <= now) for one in self.activations)


def _is_immediate(order: Activation) -> bool:
    return order.effective_at == order.at


def _earlier(one: str | None, two: str | None) -> str | None:
    return min(one, two) if one is not None and two is not None else one or two
