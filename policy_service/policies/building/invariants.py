"""Invariants, typed; whether they hold is for an engine to prove."""

from policy_service.diagnostics.catalogue import REFERENCE_UNKNOWN, TYPE_MISMATCH
from policy_service.language import types
from policy_service.language.checking import FAULTY
from policy_service.language.typed import Load
from policy_service.policies.building.context import Context
from policy_service.policies.building.expressions import build_expression
from policy_service.policies.drafts import DraftInvariant, Written
from policy_service.policies.model import Invariant


def build_invariant(draft: DraftInvariant, context: Context) -> Invariant | None:
    """The invariant; None where what it is about has a fault, which is reported."""
    scope, report = context.scope, context.report
    target = build_expression(draft.target, scope, report)
    if target is None:
        return None
    if not isinstance(target.type, types.Number | types.Duration | types.Date):
        message = f"an invariant is about numbers, this is a {types.kind(target.type)}"
        report.add(TYPE_MISMATCH, draft.target.span, message)
        return None
    low, high = build_expression(draft.low, scope, report), build_expression(draft.high, scope, report)
    if draft.argument is not None:
        _check_argument(draft.argument, context)
    argument = draft.argument.value if draft.argument else None
    return Invariant(draft.name, "monotone" if draft.form == "monotone" else "bounded", target, argument, low, high)


def _check_argument(argument: Written, context: Context) -> None:
    known = context.names.get(argument.value)
    if not isinstance(known, Load) and known is not FAULTY:
        message = f"`{argument.value}` is not a fact or decision in reach"
        context.report.add(REFERENCE_UNKNOWN, argument.span, message)
