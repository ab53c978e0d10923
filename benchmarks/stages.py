"""Where the time of a decision goes, measured from outside: the functions of each stage are wrapped for one pass."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from time import perf_counter
from typing import Any

from policy_service.engines.rete import compile as rete_compile
from policy_service.engines.rete import pen as rete_pen
from policy_service.engines.rete import run as rete_run
from policy_service.facts import Door

STAGES = {
    "validate": "posted JSON to typed slots (`Door.read`)",
    "derive": "the facts of the match: plain slots and computed fields (`ProjectedPen.mark` without the match)",
    "match": "durable-rules, with its text in and its messages out (`Pen.match`)",
    "hit policies": "decisions of all policies: marks to values (`_View.decide`)",
    "answer": "the rest: statuses, rewards, exceptions, recommendations, texts, trace",
}
_WHOLE = "answer"


def _targets() -> list[tuple[str, type, str]]:
    view = rete_run._View  # measured from outside, so private names are known here and nowhere else
    return [("validate", Door, "read"), ("derive", rete_compile.ProjectedPen, "mark"),
            ("match", rete_pen.Pen, "match"), ("hit policies", view, "decide")]


class _Clock:
    """Time by stage; what an inner stage takes is not the outer one's."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._inner = [0.0]

    def around(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
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


@contextmanager
def _wrapped(clock: _Clock) -> Iterator[None]:
    before = [(owner, name, getattr(owner, name)) for _, owner, name in _targets()]
    for stage, owner, name in _targets():
        setattr(owner, name, clock.around(stage, getattr(owner, name)))
    try:
        yield
    finally:
        for owner, name, original in before:
            setattr(owner, name, original)


def shares(decide: Callable[[Any], Any], inputs: Sequence[Any], passes: int) -> dict[str, float]:
    """Each stage's share of the whole, summing to 1."""
    clock = _Clock()
    with _wrapped(clock):
        whole = clock.around(_WHOLE, decide)
        for _ in range(passes):
            for one in inputs:
                whole(one)
    total = sum(clock.seconds.values())
    return {stage: seconds / total for stage, seconds in clock.seconds.items()}
