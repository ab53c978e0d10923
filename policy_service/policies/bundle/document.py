"""Rules as JSON: what the id of a bundle is the digest of."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from policy_service import canonical
from policy_service.facts import Fact, NamedType, Section
from policy_service.language import references, types
from policy_service.language.format import print_node
from policy_service.language.values import exact, shown
from policy_service.policies import model
from policy_service.policies.model import Expression, Policy, Rules


def frame_document(rules: Rules) -> bytes:
    """The canonical JSON of the document without its policies."""
    return canonical.trusted({**document(rules), "policies": []})


def policy_document(policy: Policy) -> bytes:
    """The canonical JSON of what the document says of one file of a policy."""
    return canonical.trusted(_policy(policy))


def document(rules: Rules) -> dict[str, Any]:
    """The model as JSON: what the id is the digest of.

    Not in it: comments, layout, owner, cases, file names, the label. In order are rows, columns and outputs, members of
    enumerations, rewards and recommendations, and every list of a file but `needs` and `optional`, which are sets:
    answers show them so, or name the first that holds. What is found by its name, as sections, facts, parameters and
    decisions are, has no order.
    """
    settings = rules.settings
    return {
        "language": model.LANGUAGE_VERSION,
        "bundle": {
            "time_zone": settings.time_zone,
            "day_starts": settings.day_starts,
            "stacking": {
                g.id: {"combine": g.combine, "unit": g.unit, "cap": None if g.cap is None else exact(g.cap, g.scale)}
                for g in settings.stacking.values()
            },
            "exclusions": [_exclusion(e) for e in settings.exclusions],
            "ceilings": {c.kind: c.amount for c in settings.ceilings.values()},
            "suspended": [{"policy": s.policy, "reward": s.reward, "reason": s.reason} for s in settings.suspended],
        },
        "facts": {section.name: _section(section) for section in rules.dictionary.sections.values()},
        "campaigns": {
            c.id: {"title": dict(c.title), "period": _period(c.period), "basis": c.basis, "source": _plain(c.source)}
            for c in rules.campaigns.values()
        },
        "policies": [_policy(p) for p in rules.policies],
        **({"types": {name: _named(t) for name, t in rules.types.items()}} if rules.types else {}),
    }


def _named(found: NamedType) -> dict[str, Any]:
    return {
        "values": [{"from": _day(day), "members": list(members)} for day, members in found.kind.dated],
        "labels": {member: dict(label) for member, label in found.labels.items()},
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "element": section.element,
        "label": dict(section.label),
        "facts": {fact.name: _fact(fact) for fact in section.facts.values()},
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "type": _type(fact.type),
        "label": dict(fact.label),
        "unit": fact.unit,
        "id": fact.is_id,
        "max_length": fact.max_length,
        "values": {k: dict(v) for k, v in fact.values.items()} if not _is_named(fact.type) else {},
        "sensitive": fact.sensitive,
        "may_be_future": fact.may_be_future,
        "actionable": None
        if fact.actionable is None
        else {"direction": fact.actionable.direction, "step": fact.actionable.step, "effort": fact.actionable.effort},
        "definition": _plain(fact.definition),
        "window": _plain(fact.window),
        "reduce": fact.reduce,
        "basis": fact.basis,
        "source": _plain(fact.source),
    }


def _type(kind: types.Type) -> Any:
    match kind:
        case types.Number(scale, low, high):
            return {"scale": scale, "range": [exact(low, scale), exact(high, scale)]}
        case types.Enum(members) if not _is_named(kind):
            return {"enum": list(members)}
    return str(kind)


def _is_named(kind: types.Type) -> bool:
    """Whether its members stand in types.yaml."""
    return isinstance(kind, types.Enum) and kind.name is not None


def _plain(mapping: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if mapping is None else dict(mapping)


def _period(period: model.Period) -> list[str | None]:
    return [_day(period.start), _day(period.end)]


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _policy(policy: Policy) -> dict[str, Any]:
    effective = policy.effective
    return {
        "policy": policy.id,
        "title": dict(policy.title),
        "subject": policy.subject,
        "effective": {
            "period": _period(effective.period),
            "campaign": effective.campaign,
            "basis": effective.basis,
            "source": _plain(effective.source),
        },
        "basis": policy.basis,
        "source": _plain(policy.source),
        "needs": sorted(policy.needs),
        "applies": _text(policy.applies),
        "optional": sorted(one.name if isinstance(one, references.Fact) else one.full_name for one in policy.optional),
        "readings": [{"id": r.id, "basis": r.basis, "text": dict(r.text)} for r in policy.readings],
        "parameters": {p.name: _parameter(p) for p in policy.parameters.values()},
        "decisions": {d.name: _decision(d) for d in policy.decisions.values()},
        "rewards": [_reward(r) for r in policy.rewards],
        "recommendations": [
            {"id": r.id, "row": _row(r.row), "when": _text(r.when), "priority": r.priority, "text": _texts(r.text)}
            for r in policy.recommendations
        ],
        "invariants": [
            {
                "name": i.name,
                "form": i.form,
                "target": i.target.text,
                "in": i.argument,
                "between": [_text(i.low), _text(i.high)],
            }
            for i in policy.invariants
        ],
    }


def _text(expression: Expression | None) -> str | None:
    return None if expression is None else expression.text


def _texts(texts: model.Texts) -> dict[str, str]:
    return {tongue: template.text for tongue, template in texts.items()}


def _row(row: model.RowOf | None) -> list[str] | None:
    return None if row is None else [row.relation, row.row]


def _parameter(parameter: model.Parameter) -> dict[str, Any]:
    return {
        "type": parameter.declared,
        "unit": parameter.unit,
        "values": [
            {
                "from": _day(v.start),
                "value": shown(parameter.type, v.value),
                "basis": v.basis,
                "source": _plain(v.source),
            }
            for v in parameter.values
        ],
    }


def _decision(decision: model.Decision) -> dict[str, Any]:
    title = _plain(decision.title)
    match decision.body:
        case Expression() as expression:
            return {"title": title, "expression": expression.text}
        case model.Table() as table:
            return {
                "title": title,
                "hit": table.hit,
                "aggregation": table.aggregation,
                "inputs": [i.text for i in table.inputs],
                "outputs": [[o.name, o.declared] for o in table.outputs],
                "rows": [
                    {
                        "row": r.id,
                        "cells": [_cell(c) for c in r.cells],
                        "outputs": [o.text for o in r.outputs],
                        "notes": dict(r.notes),
                    }
                    for r in table.rows
                ],
                "default": None if table.default is None else [d.text for d in table.default],
            }
        case model.RelationTable() as relation:
            return {
                "title": title,
                "columns": [[c.name, c.declared] for c in relation.columns],
                "relation": [
                    {"row": r.id, "cells": [c.text for c in r.cells], "notes": dict(r.notes)} for r in relation.rows
                ],
            }


def _cell(cell: model.CellTest) -> str:
    return print_node(cell.tree)


def _exclusion(exclusion: model.Exclusion) -> dict[str, Any]:
    return {"id": exclusion.id, "when": exclusion.when.text, "text": _texts(exclusion.text), "basis": exclusion.basis}


def _reward(reward: model.Reward) -> dict[str, Any]:
    return {
        "id": reward.id,
        "row": _row(reward.row),
        "title": dict(reward.title),
        "kind": reward.kind,
        "when": _text(reward.when),
        "amount": reward.amount.text,
        "unit": reward.unit,
        "details": {n: e.text for n, e in reward.details.items()},
        "claim": [reward.claim.per, reward.claim.on_increase, reward.claim.on_decrease],
        "except": [_exclusion(e) for e in reward.exceptions],
        "stack": reward.stack,
        "priority": reward.priority,
        "validity": reward.validity,
    }
