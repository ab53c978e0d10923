"""What is measured: the shipped rules on the rete engine, asked for the 川流 family."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cells
from states import AS_OF, Facts

from policy_service.decisions.answers.evaluate import Evaluator, Question, Trace
from policy_service.engines.contracts import Engine
from policy_service.engines.registry import engine
from policy_service.policies.bundle import bundle
from policy_service.policies.loader import read_folder

_RULES = Path(__file__).resolve().parent.parent / "rules"
_FAMILY = "chuanliu."


@dataclass(frozen=True, slots=True)
class Service:
    """In-process decisions: posted facts, parsed, to the answer as a dict; nothing is logged or serialised."""

    evaluator: Evaluator
    family: frozenset[str]

    def decide(self, facts: Facts, question: Question) -> dict[str, Any]:
        """Validate and evaluate."""
        evaluator = self.evaluator
        return evaluator.evaluate(evaluator.reader.read(facts, AS_OF), question)

    def question(self, trace: Trace) -> Question:
        """The whole family on the day, as a payable decision."""
        return Question(AS_OF, "decide", trace, self.family)

    def counts(self) -> dict[str, int]:
        """Cells and conditions of the bundle on the day by who decides them."""
        return cells.counts(self.evaluator.epoch_program(AS_OF).plan)


def service(wrapped: Callable[[Engine], Engine] | None = None) -> Service:
    """The service on the shipped rules, ready.

    Args:
        wrapped: what stands between the evaluator and its engine.
    """
    shipped, diagnostics = bundle(read_folder(_RULES), _RULES.name)
    if shipped is None:
        raise SystemExit(f"the rules have faults: {diagnostics[0].message}")
    chosen = engine("rete")
    made = Service(
        Evaluator(shipped, chosen if wrapped is None else wrapped(chosen)),
        frozenset(p.id for p in shipped.rules.policies if p.id.startswith(_FAMILY)),
    )
    made.evaluator.epoch_program(AS_OF)
    return made
