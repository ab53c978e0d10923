"""What is measured: the shipped rules on the rete engine, asked for the 川流 family."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from states import AS_OF, Facts

from policy_service.assembly import load_folder
from policy_service.decisions.evaluate import Evaluator, Question, Trace
from policy_service.engines.registry import engine

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
        return evaluator.evaluate(evaluator.door.read(facts, AS_OF), question)

    def question(self, trace: Trace) -> Question:
        """The whole family on the day, as a payable decision."""
        return Question(AS_OF, "decide", trace, self.family)

    def counts(self) -> dict[str, int]:
        """Conditions of the bundle on the day by who decides them; see `cells`."""
        _, prepared = self.evaluator.prepared(AS_OF)
        found: dict[str, int] = prepared.counts  # type: ignore[attr-defined]  # of the rete engine only
        return found


def service() -> Service:
    """The service on the shipped rules, ready."""
    bundle, diagnostics, _ = load_folder(_RULES)
    if bundle is None:
        raise SystemExit(f"the rules have faults: {diagnostics[0].message}")
    made = Service(Evaluator(bundle, engine("rete")),
                   frozenset(p.id for p in bundle.rules.policies if p.id.startswith(_FAMILY)))
    made.evaluator.prepared(AS_OF)
    return made
