"""The shadow: a draft bundle evaluated beside the active one, on a share of the requests, to see what it changes."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple

from policy_service import canonical
from policy_service.access import instants
from policy_service.access.trail import Act
from policy_service.background import BudgetedQueue, Sample
from policy_service.decisions.answers.differences import comparable, differences
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.decisions.bundles.evaluators import Evaluators, UnknownBundle
from policy_service.decisions.deciding.observing import Exchange
from policy_service.decisions.deciding.recording import parsed
from policy_service.decisions.deciding.resolving import matching
from policy_service.decisions.ports.observations import (
    EXAMPLES_KEPT,
    Counts,
    Example,
    Findings,
    NewOrder,
    Order,
    ShadowStore,
)
from policy_service.decisions.ports.records import NotFound, StoreUnavailable
from policy_service.diagnostics import InvalidInput
from policy_service.engines.answer import PARTS, ComparedPart, Part
from policy_service.telemetry import metrics

UNREADABLE = "*"
"""Stands for all policies where the draft refuses the facts of the request."""
_MOST_POINTERS = 20


@dataclass(frozen=True, slots=True)
class Shadowed:
    """The last shadow of a bundle; `ended_at` is null while it goes on."""

    order: Order
    ended_at: str | None
    findings: Findings


class NotShadowing(Exception):
    """The bundle has no shadow that could be ended or shown."""

    def __init__(self, bundle: str) -> None:
        super().__init__(f"the bundle `{bundle}` has no shadow")
        self.bundle = bundle


class _Running(NamedTuple):
    """The shadow under way."""

    order: Order
    draft: Evaluator
    sample: Sample


class Shadow:
    """Evaluates a draft on requests that were answered, in a thread of its own once it is started.

    At most one draft is evaluated at a time: beginning another ends the one before.

    Args:
        cpu: share of a processor core that it may use, from 0 to 1.
    """

    def __init__(self, store: ShadowStore, evaluators: Evaluators, *, now: Callable[[], datetime], cpu: float) -> None:
        self._store, self._evaluators, self._now = store, evaluators, now
        self._running: _Running | None = None
        self._evaluated: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()
        self._examples: list[Example] = []
        self._lock = Lock()
        self.queue: BudgetedQueue[tuple[_Running, Exchange]] = BudgetedQueue(
            "shadow", self._compare, cpu=cpu, tick=self.look, count=metrics.shadowed, unavailable=StoreUnavailable
        )

    # ---- operations

    def begin(self, bundle: str, share: str, act: Act) -> None:
        """Evaluate a stored bundle on a share of the requests from now on.

        Raises:
            NotFound: it is not stored.
        """
        try:
            self._evaluators.of(bundle)
        except UnknownBundle as error:
            raise NotFound(str(error)) from error
        now = instants.text(self._now())
        last = self._store.last()
        orders = [NewOrder("start", bundle, share, now, act.actor, act.reason)]
        if last is not None and last.action == "start":
            orders.insert(0, NewOrder("end", last.bundle, last.share, now, act.actor, f"another begins: {act.reason}"))
        self._store.order(orders, act.entry(now, "shadow.start", bundle, {"share": share}))
        self.look()

    def end(self, bundle: str, act: Act) -> None:
        """Evaluate it no more. Raises NotShadowing."""
        last = self._store.last()
        if last is None or last.action != "start" or last.bundle != bundle:
            raise NotShadowing(bundle)
        now = instants.text(self._now())
        self._store.order(
            [NewOrder("end", bundle, last.share, now, act.actor, act.reason)],
            act.entry(now, "shadow.end", bundle, {}),
        )
        self.look()

    def shown(self, bundle: str) -> Shadowed:
        """The last shadow of a bundle. Raises NotShadowing."""
        orders = self._store.orders(bundle)
        begun = next((one for one in orders if one.action == "start"), None)
        if begun is None:
            raise NotShadowing(bundle)
        ended = orders[0].at if orders[0].action == "end" else None
        return Shadowed(begun, ended, self._store.findings(begun.sequence))

    # ---- in the background

    def observe(self, exchange: Exchange) -> None:
        """See Observer. A request that names its bundle is not compared: it asked for those rules."""
        running = self._running
        if running is not None and exchange.request.bundle is None and running.sample.takes():
            self.queue.offer((running, exchange))

    def look(self) -> None:
        """Store what was found since the last look, and read which shadow is ordered now."""
        self._flush()
        last = self._store.last()
        running = self._running
        if last is None or last.action == "end":
            self._running = None
        elif running is None or running.order.sequence != last.sequence:
            self._running = _Running(last, self._evaluators.of(last.bundle), Sample(float(last.share)))

    def _compare(self, job: tuple[_Running, Exchange]) -> None:
        running, exchange = job
        if running is not self._running:
            return  # it has ended, or another began
        live = _by_policy(exchange.answer)
        try:
            draft = _by_policy(self._drafted(running.draft, exchange))
            evaluated = live.keys() | draft.keys()
            changed = {
                policy: p for policy in sorted(evaluated) if (p := _pointers(live.get(policy), draft.get(policy)))
            }
        except InvalidInput as error:
            evaluated = {UNREADABLE}
            changed = {UNREADABLE: [one.pointer for one in error.faults]}
        at = instants.text(self._now())
        with self._lock:
            self._evaluated.update(evaluated)
            self._changed.update(changed.keys())
            self._examples += [
                Example(policy, exchange.decision_id, at, tuple(pointers[:_MOST_POINTERS]))
                for policy, pointers in changed.items()
                if self._changed[policy] <= EXAMPLES_KEPT
            ]
        metrics.shadowed("different" if changed else "same")

    def _drafted(self, draft: Evaluator, exchange: Exchange) -> ComparedPart:
        """What the draft answers. Facts that it does not declare are left out, not refused."""
        request, question = exchange.request, exchange.resolved.question
        state = draft.reader.read(request.facts, question.as_of, merchant_id=request.merchant_id, report_unknown=True)
        shown = matching(request.policies, draft.bundle.rules)
        return draft.evaluate(state, Question(question.as_of, question.purpose, question.trace, shown))

    def _flush(self) -> None:
        running = self._running
        with self._lock:
            evaluated, changed, examples = self._evaluated, self._changed, self._examples
            self._evaluated, self._changed, self._examples = Counter(), Counter(), []
        if running is not None and evaluated:
            counts = {policy: Counts(evaluated[policy], changed[policy]) for policy in sorted(evaluated)}
            self._store.add(running.order.sequence, Findings(counts, examples))


def _by_policy(answer: ComparedPart) -> dict[str, dict[Part, list[Any]]]:
    """The entries of an answer by policy and part, without what another bundle changes by itself."""
    found: dict[str, dict[Part, list[Any]]] = {}
    kept = comparable(answer)
    for part in PARTS:
        for entry in kept[part]:
            found.setdefault(entry["policy"], {name: [] for name in PARTS})[part].append(entry)
    return found


def _pointers(live: Mapping[Part, list[Any]] | None, draft: Mapping[Part, list[Any]] | None) -> list[str]:
    """Pointers to where the entries of a policy differ; the pointer to the whole, "", where one side has none."""
    if live is None or draft is None:
        return [""]
    one, two = canonical.trusted(live), canonical.trusted(draft)
    if one == two:
        return []
    return [difference.pointer for difference in differences(parsed(one), parsed(two))]
