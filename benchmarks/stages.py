"""Where the time of a decision goes, measured from outside on a second service with clocks between its parts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from time import perf_counter
from typing import Any

from states import AS_OF, Facts
from subject import service

from policy_service.engines.contracts import Engine, Prepared
from policy_service.engines.plan import Plan, PolicyPlan
from policy_service.engines.rete.compile import ProjectedPen
from policy_service.engines.rete.pen import Pen

STAGES = {
    "validate": "posted JSON to typed slots (`StateReader.read`)",
    "derive": "the facts of the match: plain slots and computed fields (`ProjectedPen.mark` without the match)",
    "match": "durable-rules, its text and its messages included (`Pen.match`)",
    "hit policies": "decisions of each policy: marks to values (`Prepared.decide` without the two above)",
    "answer": "the rest: statuses, rewards, exceptions, recommendations, texts, trace",
}
Call = Callable[..., Any]


class _Clock:
    """Time by stage; what an inner stage takes is not the outer one's."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._inner = [0.0]

    def around(self, stage: str, call: Call) -> Call:
        seconds, inner = self.seconds, self._inner

        @wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            inner.append(0.0)
            start = perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                took = perf_counter() - start
                seconds[stage] += took - inner.pop()
                inner[-1] += took

        return timed


class _ClockedEngine:
    """An engine whose decisions are clocked."""

    def __init__(self, engine: Engine, clock: _Clock) -> None:
        self.name, self._engine, self._clock = engine.name, engine, clock

    def prepare(self, plan: Plan) -> Prepared:
        prepared: Prepared = _ClockedPrepared(self._engine.prepare(plan), self._clock)
        return prepared


class _ClockedPrepared:
    def __init__(self, prepared: Prepared, clock: _Clock) -> None:
        self._prepared, self._clock = prepared, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._prepared, name)

    def decide(self, policy: PolicyPlan) -> Call:
        return self._clock.around("hit policies", self._prepared.decide(policy))


@contextmanager
def _clocked_match(clock: _Clock) -> Iterator[None]:
    mark, match = ProjectedPen.mark, Pen.match
    ProjectedPen.mark, Pen.match = clock.around("derive", mark), clock.around("match", match)
    try:
        yield
    finally:
        ProjectedPen.mark, Pen.match = mark, match


def shares(facts: list[Facts], passes: int) -> dict[str, float]:
    """Each stage's share of a decision with trace `fired`; they sum to 1."""
    clock = _Clock()
    subject = service(lambda engine: _ClockedEngine(engine, clock))
    question = subject.question("fired")
    read, evaluate = clock.around("validate", subject.evaluator.reader.read), subject.evaluator.evaluate
    whole = clock.around("answer", lambda one: evaluate(read(one, AS_OF), question))
    with _clocked_match(clock):
        for _ in range(passes):
            for one in facts:
                whole(one)
    subject.evaluator.close()
    total = sum(clock.seconds.values())
    return {stage: seconds / total for stage, seconds in clock.seconds.items()}
