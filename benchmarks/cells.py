"""Who decides the cells and conditions of a plan: the pen, on what is posted or computed before, or a closure."""

from collections.abc import Iterator

from policy_service.engines.plan import Formula, Plan, PolicyPlan, TablePlan
from policy_service.engines.rete.compile import conditions
from policy_service.engines.rete.lowering import Fields, lower
from policy_service.language import typed
from policy_service.language.typed import is_ready


def counts(plan: Plan) -> dict[str, int]:
    """How many are decided by whom; see report.py for the words."""
    found = {"fact": 0, "number": 0, "flag": 0, "closure": 0}
    for policy in plan.policies:
        if policy.can_apply:
            for node in _cells(policy):
                found[_kind(node)] += 1
            for formula in conditions(policy):
                if _counts(formula):
                    found[_kind(formula.typed) if is_ready(formula.typed) else "closure"] += 1
    return found


def _cells(policy: PolicyPlan) -> Iterator[typed.Node]:
    for decision in policy.decisions:
        if isinstance(decision.body, TablePlan):
            yield from (cell.typed for row in decision.body.rows for cell in row.cells if cell is not None)


def _counts(formula: Formula) -> bool:
    """Constants do not count, nor does a bare name of a decision or column."""
    ready = is_ready(formula.typed)
    return bool(typed.references(formula.typed)) and (ready or not isinstance(formula.typed, typed.Load))


def _kind(node: typed.Node) -> str:
    fields = Fields()
    lower(node, fields)
    kinds = {field.kind for field in fields.known.values()}
    return "flag" if "flag" in kinds else "number" if "number" in kinds else "fact"
