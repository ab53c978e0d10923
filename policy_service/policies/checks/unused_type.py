"""Types of types.yaml that no fact, parameter, output or column is of."""

from collections.abc import Iterator

from policy_service.diagnostics import Report
from policy_service.diagnostics.catalogue import TYPE_UNUSED
from policy_service.language import types
from policy_service.policies.model import Policy, RelationTable, Rules, Table


def check(rules: Rules, report: Report) -> None:
    kinds = [fact.type for fact in rules.dictionary]
    kinds += [kind for policy in rules.policies for kind in _declared(policy)]
    used = {kind.name for kind in kinds if isinstance(kind, types.Enum)}
    for name, named in rules.types.items():
        if name not in used:
            report.add(TYPE_UNUSED, named.span, f"type `{name}` is the type of nothing", hint="use it, or delete it")


def _declared(policy: Policy) -> Iterator[types.Type]:
    yield from (parameter.type for parameter in policy.parameters.values())
    for decision in policy.decisions.values():
        match decision.body:
            case Table(outputs=columns) | RelationTable(columns=columns):
                yield from (column.type for column in columns)
