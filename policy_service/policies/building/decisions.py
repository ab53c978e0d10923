"""Decisions of a policy file, each after those that it needs."""

from dataclasses import replace

from policy_service.diagnostics import Span
from policy_service.diagnostics.catalogue import CYCLE, TYPE_MISMATCH
from policy_service.language import references, types
from policy_service.language.checking import FAULTY
from policy_service.language.typed import Load
from policy_service.policies.building.context import Context
from policy_service.policies.building.expressions import build_expression, is_shown
from policy_service.policies.building.named_types import with_types
from policy_service.policies.building.order import ordered
from policy_service.policies.building.relations import build_relation
from policy_service.policies.building.tables import build_table
from policy_service.policies.drafts import DraftDecision, DraftExpression, DraftRelation, DraftTable
from policy_service.policies.model import Decision, Expression, RelationTable, Table
from policy_service.policies.names import value_names


def build_decisions(context: Context) -> dict[str, Decision]:
    """The decisions of a file, each usable by its name from then on, and by other policies unless it is a relation."""
    found: dict[str, Decision] = {}
    names = context.names
    for name in _order(context):
        draft = context.draft.decisions[name]
        built = _body(draft, context)
        if built is None or names.get(name) is FAULTY:
            names[name] = FAULTY
            continue
        body, kind = built
        found[name] = Decision(name, draft.title, body, kind, draft.span)
        names[name] = Load(kind, references.Decision(context.draft.id, name))
        if isinstance(kind, types.Relation):
            context.relations[name] = kind
        else:
            _offer(f"{context.draft.id}.{name}", kind, draft.span, context)
    faulty = (f"{context.draft.id}.{name}" for name, node in names.items() if node is FAULTY)
    context.registry.faulty.add("decision", *faulty)
    return found


def _order(context: Context) -> list[str]:
    """Each after those that it needs; of those that need each other none is checked."""
    drafted = context.draft.decisions
    needs = {
        name: [
            needed
            for tree in draft.trees()
            for needed in value_names(tree)
            if needed in drafted and needed not in context.clashing
        ]
        for name, draft in drafted.items()
    }
    order, loops = ordered(needs)
    for loop in loops:
        message = f"decisions need each other: {' -> '.join(loop)}"
        related = [(drafted[name].span, f"`{name}`") for name in loop[1:-1]]
        context.report.add(CYCLE, drafted[loop[0]].span, message, related=related)
        context.names.update(dict.fromkeys(loop, FAULTY))
    return order


def _body(draft: DraftDecision, context: Context) -> tuple[Table | RelationTable | Expression, types.Type] | None:
    match draft.body:
        case DraftExpression() as expression:
            return _expression(expression, context)
        case DraftTable() as table:
            outputs = with_types(table.outputs, context.registry)
            return build_table(replace(table, outputs=outputs), context) if outputs is not None else None
        case DraftRelation() as relation:
            columns = with_types(relation.columns, context.registry)
            if columns is None:
                return None
            return build_relation(draft.name, replace(relation, columns=columns), context)


def _expression(draft: DraftExpression, context: Context) -> tuple[Expression, types.Type] | None:
    found = build_expression(draft, context.scope, context.report)
    if found is None or not is_shown(found.type, draft.span, context.report):
        return None
    return found, found.type


def _offer(name: str, kind: types.Type, span: Span, context: Context) -> None:
    """Make `policy.decision` known to other policies, with a type that holds the decision of every file."""
    registry = context.registry
    known = registry.decisions.get(name, kind)
    joined = types.across_files(known, kind)
    misfit = _misfit(known, kind, joined)
    if joined is None or misfit is not None:
        inner = f" in field `{'.'.join(misfit.path)}`" if misfit is not None and misfit.path else ""
        message = f"`{name}` is of another type or unit{inner} in another file of the policy"
        hint = "declare the members once, dated, in types.yaml" if isinstance(kind, types.Enum) else None
        context.report.add(TYPE_MISMATCH, span, message, hint=hint)
        return
    registry.decisions[name] = joined
    registry.subjects[context.draft.id] = context.draft.subject.value if context.draft.subject else ""


def _misfit(one: types.Type, two: types.Type, joined: types.Type | None) -> types.Misfit | None:
    """Where two types differ so that no value of theirs can be read as one of both."""
    if joined is None:
        return types.clash(one, two)
    return types.misfit(one, joined) or types.misfit(two, joined)
