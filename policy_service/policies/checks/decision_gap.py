"""Decisions that a file needs on days on which no file of their policy gives them: the reader then lacks them."""

from collections.abc import Iterable, Iterator

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import DECISION_GAP
from policy_service.language import ast
from policy_service.language.references import Decision
from policy_service.policies.model import Period, Policy, Rules, Table
from policy_service.policies.names import decision_names
from policy_service.policies.stretches import gap


def check(rules: Rules, report: Report) -> None:
    for reader in rules.policies:
        for (owner, decision), span in _required(reader, rules.order).items():
            given = [p.effective.period for p in rules.versions(owner) if decision in p.decisions]
            lacking = gap(reader.effective.period, given)
            if lacking is not None:
                _warn(owner, decision, lacking, span, report)


def _required(reader: Policy, ids: Iterable[str]) -> dict[tuple[str, str], Span]:
    """Policy and decision of what a file cannot do without, where it is named first."""
    found: dict[tuple[str, str], Span] = {}
    for name, span in sorted(_references(reader), key=lambda reference: reference[1]):
        owner = next((id_ for id_ in ids if name.startswith(f"{id_}.")), None)
        if owner is None:
            continue
        decision = name.removeprefix(f"{owner}.").partition(".")[0]
        if Decision(owner, decision) not in reader.optional:
            found.setdefault((owner, decision), span)
    return found


def _references(reader: Policy) -> Iterator[tuple[str, Span]]:
    for tree in _trees(reader):
        yield from decision_names(tree)


def _trees(reader: Policy) -> Iterator[ast.Node]:
    yield from (expression.tree for expression in reader.expressions())
    for decision in reader.decisions.values():
        if isinstance(decision.body, Table):
            yield from (cell.tree for row in decision.body.rows for cell in row.cells)


def _warn(owner: str, decision: str, days: Period, span: Span, report: Report) -> None:
    shown = f"from {days.start} on" if days.end is None else f"from {days.start} to {days.end}"
    report.add(
        DECISION_GAP,
        span,
        f"no file of `{owner}` has `{decision}` {shown}",
        hint=f"end this file there, give `{owner}` a file that has it, or list `decision({owner}.{decision})` "
        "under `optional`",
    )
