"""From bundle, state and day to the compared part of an answer: the same bytes on every engine."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from threading import Lock
from typing import Any, Literal

from policy_service.decisions.answers.epoch import EpochProgram
from policy_service.decisions.answers.sensitivity import Sensitivity
from policy_service.engines.answer import ComparedPart
from policy_service.engines.asked import TookTooLong, Wanted, always
from policy_service.engines.changes import changes
from policy_service.engines.contracts import Engine, EngineRefused, Online, Oracle, WholeAnswers
from policy_service.engines.plan import Plan, plan_of
from policy_service.facts import State, StateReader
from policy_service.policies.bundle import Bundle
from policy_service.policies.model import Period
from policy_service.policies.stretches import epochs, holding

__all__ = ["FORMAT", "Evaluator", "Purpose", "Question", "TookTooLong", "Trace"]
FORMAT = 1
Trace = Literal["none", "fired", "full"]
Purpose = Literal["decide", "preview"]
_EPOCHS_KEPT = 8


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a bundle.

    shown: ids of the policies that the answer shows; None for all.
    report_ignored: whether the answer lists the posted facts that are not declared.
    """

    as_of: date
    purpose: Purpose = "decide"
    trace: Trace = "fired"
    shown: Collection[str] | None = None
    report_ignored: bool = False


class Evaluator:
    """Evaluates states by one bundle on one engine; keeps the last used epochs compiled. Safe for several threads."""

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        self.bundle, self.engine = bundle, engine
        self._whole: WholeAnswers | None = engine.answers(bundle.rules) if isinstance(engine, Oracle) else None
        self.reader = StateReader(bundle.rules.dictionary)
        self._epochs = epochs(bundle.rules)
        self._ready: OrderedDict[Period, EpochProgram] = OrderedDict()
        self._latest: tuple[Period, EpochProgram] | None = None
        self._lock = Lock()

    def evaluate(self, state: State, question: Question, within: Callable[[], bool] = always) -> ComparedPart:
        """The compared part of the answer. Entries may be shared between answers, so do not change them.

        Args:
            within: says whether there is time left.
        Raises:
            TookTooLong: there is no time left.
        """
        parts = self.ready(question.as_of).answer(
            state,
            question.as_of,
            Wanted(
                question.trace != "none", question.trace == "full", question.purpose == "decide", question.shown, within
            ),
        )
        answer: ComparedPart = {
            "format": FORMAT,
            "bundle": self.bundle.id,
            "as_of": question.as_of.isoformat(),
            "purpose": question.purpose,
            "rewards": parts["rewards"],
            "not_granted": parts["not_granted"],
            "recommendations": parts["recommendations"],
            "policies": parts["policies"],
        }
        if question.report_ignored:
            answer["ignored_facts"] = list(state.ignored)
        return answer

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """What a record of a decision by this bundle must not show."""
        return Sensitivity(self.bundle.rules)

    def sensitive_places(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
        """Where a record shows what is sensitive; see `Sensitivity.places`."""
        return self.sensitivity.places(request, answer)

    def ready(self, day: date) -> WholeAnswers:
        """What computes the answers for a day, compiled if it was not yet."""
        return self._whole if self._whole is not None else self.epoch_program(day)

    def epoch_program(self, day: date) -> EpochProgram:
        """The program of the day's epoch, compiled if it was not yet. The one used last is returned without a lock."""
        latest = self._latest
        if latest is not None and day in latest[0]:
            return latest[1]
        epoch = holding(self._epochs, day)
        found = self._of(epoch)
        self._latest = (epoch, found)
        return found

    def _of(self, epoch: Period) -> EpochProgram:
        with self._lock:
            found = self._ready.get(epoch)
            if found is not None:
                self._ready.move_to_end(epoch)
                return found
            made: Plan = plan_of(self.bundle.rules, epoch)
            self._ready[epoch] = found = EpochProgram(made, self._compiler().prepare(made))
            if len(self._ready) > _EPOCHS_KEPT:
                # Another thread may still be inside; the engine is freed with the last reference to it.
                self._ready.popitem(last=False)
            return found

    @property
    def compiled(self) -> int:
        """Number of epochs that are compiled now."""
        return len(self._ready)

    def shed(self) -> None:
        """Drop all compiled epochs but the one used last; they are compiled again when a request needs them."""
        with self._lock:
            while len(self._ready) > 1:
                self._ready.popitem(last=False)  # as above, freed with the last reference
            self._latest = None

    def _compiler(self) -> Online:
        if isinstance(self.engine, Oracle):
            raise TypeError(f"{self.engine.name} compiles nothing")
        return self.engine

    def try_all(self) -> None:
        """Compile all that is new in any epoch, so that what the engine refuses shows now and not at a request.

        Raises:
            EngineRefused: the first refusal, with the days of its epoch.
        """
        if self._whole is not None:
            return  # an oracle compiles nothing, and refuses nothing
        for plan in changes(self.bundle.rules):
            try:
                self._compiler().prepare(plan).close()
            except EngineRefused as refusal:
                raise refusal.on(f"from {plan.epoch.start} to {plan.epoch.last}") from refusal

    def close(self) -> None:
        """Free the compiled epochs; no evaluation may be running."""
        with self._lock:
            for program in self._ready.values():
                program.prepared.close()
            self._ready.clear()
            self._latest = None
