"""The catalogue for callers: the policies with their tables as texts, and the state to post as JSON Schema."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from policy_service.facts import MAX_ELEMENTS, Fact, Section
from policy_service.language import references, types
from policy_service.language.format import print_node
from policy_service.language.references import Needed
from policy_service.language.references import shown as named
from policy_service.language.values import exact, shown
from policy_service.policies import model
from policy_service.policies.bundle import Bundle
from policy_service.policies.dependencies import Dependencies, needed_policies
from policy_service.policies.model import Expression, Policy, Rules

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ID_PATTERN = "^[A-Za-z0-9._:-]{1,64}$"
_COMMON = (
    "(?:19|20|21)[0-9]{2}-"
    "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_LEAP = "(?:(?:19|20|21)(?:0[48]|[2468][048]|[13579][26])|2000)-02-29"
DAY_PATTERN = f"(?:{_COMMON}|{_LEAP})"
"""Exactly the days from FIRST_DAY to LAST_DAY."""
_FIT_PATTERN = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"


# ---- policies


def policies(bundle: Bundle, day: date) -> dict[str, Any]:
    """Every policy id, sorted, with its periods, and whether one of them contains the day."""
    rules = bundle.rules
    return {
        "bundle": bundle.id,
        "as_of": day.isoformat(),
        "policies": [_listed(rules, id_, day) for id_ in sorted(rules.order)],
    }


def policy(bundle: Bundle, id_: str, day: date) -> dict[str, Any]:
    """All that one policy says on a day.

    Where no version of it is in force, `in_force` is false, and shown is the last one that began before the day, else
    the first.
    """
    rules = bundle.rules
    found = rules.version_for(id_, day)
    reads = Dependencies(rules, found).reads
    return {
        "bundle": bundle.id,
        "as_of": day.isoformat(),
        **_listed(rules, id_, day),
        "effective": _effective(found),
        "basis": found.basis,
        "source": _plain(found.source),
        "needs": sorted(found.needs),
        "applies": _text(found.applies),
        "facts": {"required": _names(reads.required), "optional": _names(reads.optional)},
        "readings": [{"id": r.id, "basis": r.basis, "text": dict(r.text)} for r in found.readings],
        "parameters": [_parameter(p, day) for p in found.parameters.values()],
        "decisions": [_decision(d) for d in found.decisions.values()],
        "rewards": [_reward(r) for r in found.rewards],
        "recommendations": [_recommendation(r) for r in found.recommendations],
        "invariants": [i.name for i in found.invariants],
    }


def _names(read: Iterable[Needed]) -> list[str]:
    return sorted(map(named, read))


def _listed(rules: Rules, id_: str, day: date) -> dict[str, Any]:
    found = rules.version_for(id_, day)
    return {
        "policy": id_,
        "title": dict(found.title),
        "subject": found.subject,
        "in_force": day in found.effective.period,
        "periods": [_effective(p) for p in rules.versions(id_)],
        "suspended": [{"reward": s.reward, "reason": s.reason} for s in rules.settings.suspended if s.policy == id_],
    }


def _effective(found: Policy) -> dict[str, Any]:
    """The period, half-open; `to` is null where it has no end."""
    effective = found.effective
    end = effective.period.end
    return {
        "from": effective.period.start.isoformat(),
        "to": None if end is None else end.isoformat(),
        "campaign": effective.campaign,
        "basis": effective.basis,
        "source": _plain(effective.source),
    }


def _parameter(parameter: model.Parameter, day: date) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "type": parameter.declared,
        "unit": parameter.unit,
        "value": shown(parameter.type, parameter.at(day)),
        "values": [
            {
                "from": v.start.isoformat(),
                "value": shown(parameter.type, v.value),
                "basis": v.basis,
                "source": _plain(v.source),
            }
            for v in parameter.values
        ],
    }


def _decision(decision: model.Decision) -> dict[str, Any]:
    found: dict[str, Any] = {"decision": decision.name, "title": _plain(decision.title), "type": str(decision.type)}
    match decision.body:
        case Expression() as expression:
            found["expression"] = expression.text
        case model.Table() as table:
            found["table"] = _table(table)
        case model.RelationTable() as relation:
            found["relation"] = _relation(relation)
    return found


def _table(table: model.Table) -> dict[str, Any]:
    """Header and rows, each cell as the rule file writes it; `default` has a text for each output, or one `null`."""
    notes = _notes(row.notes for row in table.rows)
    outputs = [f"=> {o.name}: {o.declared}" for o in table.outputs]
    return {
        "hit": f"{table.hit} {table.aggregation}" if table.aggregation else table.hit,
        "header": ["row", *(i.text for i in table.inputs), *outputs, *(f"# {n}" for n in notes)],
        "rows": [
            [
                row.id,
                *(print_node(c.tree) for c in row.cells),
                *(o.text for o in row.outputs),
                *(row.notes.get(n, "") for n in notes),
            ]
            for row in table.rows
        ],
        "default": None if table.default is None else [d.text for d in table.default],
    }


def _relation(relation: model.RelationTable) -> dict[str, Any]:
    notes = _notes(row.notes for row in relation.rows)
    return {
        "header": ["row", *(f"{c.name}: {c.declared}" for c in relation.columns), *(f"# {n}" for n in notes)],
        "rows": [
            [row.id, *(c.text for c in row.cells), *(row.notes.get(n, "") for n in notes)] for row in relation.rows
        ],
    }


def _notes(rows: Iterator[Mapping[str, str]]) -> list[str]:
    return list(dict.fromkeys(name for notes in rows for name in notes))


def _reward(reward: model.Reward) -> dict[str, Any]:
    claim = reward.claim
    return {
        "id": reward.id,
        "title": dict(reward.title),
        "kind": reward.kind,
        "unit": reward.unit,
        "row": _row(reward.row),
        "when": _text(reward.when),
        "amount": reward.amount.text,
        "details": {name: detail.text for name, detail in reward.details.items()},
        "claim": {"per": claim.per, "on_increase": claim.on_increase, "on_decrease": claim.on_decrease},
        "except": [
            {"id": e.id, "when": e.when.text, "text": _texts(e.text), "basis": e.basis} for e in reward.exceptions
        ],
        "stack": reward.stack,
        "priority": reward.priority,
        "validity": reward.validity,
    }


def _recommendation(recommendation: model.Recommendation) -> dict[str, Any]:
    return {
        "id": recommendation.id,
        "priority": recommendation.priority,
        "row": _row(recommendation.row),
        "when": _text(recommendation.when),
        "text": _texts(recommendation.text),
    }


def _row(row: model.RowOf | None) -> dict[str, str] | None:
    return None if row is None else {"relation": row.relation, "row": row.row}


def _text(expression: Expression | None) -> str | None:
    return None if expression is None else expression.text


def _texts(texts: model.Texts) -> dict[str, str]:
    return {tongue: template.text for tongue, template in texts.items()}


def _plain(mapping: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if mapping is None else dict(mapping)


# ---- the state to post


def facts_schema(rules: Rules, shown_policies: frozenset[str] | None = None) -> dict[str, Any]:
    """JSON Schema (2020-12) of `facts`: the whole dictionary, or what some policies read.

    Included is what other policies read that must be evaluated for them, in every period: those whose decisions they
    use, and the other members of their stacking groups. Bounds are exact decimals; `x-scale` is the number of decimals
    that a number may have. Keys that begin with `x-` are our own.
    """
    chosen = frozenset(rules.order) if shown_policies is None else needed_policies(rules.policies, shown_policies)
    readers = _readers(rules, chosen)
    sections = {}
    for section in rules.dictionary.sections.values():
        facts = [f for f in section.facts.values() if shown_policies is None or f.is_id or f.name in readers]
        if any(not f.is_id for f in facts) or section.name in _sections_posted(rules, chosen):
            sections[section.name] = _section(section, facts, readers)
    return {
        "$schema": _DIALECT,
        "title": "Facts of a merchant",
        "description": "The value of `facts` in a request. An absent fact and null mean the same: not known.",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
    }


def _readers(rules: Rules, chosen: frozenset[str]) -> dict[str, dict[str, list[str]]]:
    """By fact, the policies that require it, and those for which it is optional."""
    found: dict[str, dict[str, set[str]]] = {}
    for one in rules.policies:
        if one.id in chosen:
            reads = Dependencies(rules, one).reads
            for word, some in (("required", reads.required), ("optional", reads.optional)):
                for read in some:
                    if isinstance(read, references.Fact):
                        found.setdefault(read.name, {}).setdefault(word, set()).add(one.id)
    return {name: {word: sorted(ids) for word, ids in words.items()} for name, words in found.items()}


def _sections_posted(rules: Rules, chosen: frozenset[str]) -> set[str]:
    """Sections without which a policy is not applicable: that of its subject, and those that it needs."""
    subjects = rules.dictionary.subjects
    members = [p for p in rules.policies if p.id in chosen]
    return {subjects[p.subject].name for p in members} | {need for p in members for need in p.needs}


def _section(section: Section, facts: list[Fact], readers: Mapping[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = {
        "type": "object",
        "properties": {f.key: _fact(f) | ({"x-read-by": readers[f.name]} if f.name in readers else {}) for f in facts},
        "additionalProperties": False,
    }
    if section.has_id:
        one["required"] = ["id"]
    titles = {"title": section.label["en"], "x-title": dict(section.label)}
    if section.element is None:
        return titles | one | {"type": ["object", "null"]}
    return titles | {"type": ["array", "null"], "maxItems": MAX_ELEMENTS, "items": one}


def _fact(fact: Fact) -> dict[str, Any]:
    found: dict[str, Any] = {"title": fact.label["en"], "x-title": dict(fact.label), **_type(fact)}
    if description := " ".join(_described(fact)):
        found["description"] = description
    if fact.definition is not None:
        found["x-description"] = dict(fact.definition)
    said = {
        "unit": fact.unit,
        "window": _window(fact.window),
        "reduce": fact.reduce,
        "sensitive": fact.sensitive or None,
        "may-be-future": fact.may_be_future or None,
        "labels": {member: dict(label) for member, label in fact.values.items()} or None,
        "members": _dated_members(fact.type),
    }
    return found | {f"x-{key}": value for key, value in said.items() if value is not None}


def _described(fact: Fact) -> Iterator[str]:
    """The description for a person, sentence by sentence, with what JSON Schema cannot express."""
    if fact.definition is not None:
        yield fact.definition["en"].rstrip(".") + "."
    if isinstance(fact.type, types.Number):
        if fact.unit is not None:
            yield f"In {fact.unit}."
        if fact.type.scale:
            yield f"At most {fact.type.scale} decimals; more are refused, never rounded."
    if isinstance(fact.type, types.Date) and not fact.may_be_future:
        yield "Not later than `as_of`."
    if fact.values:
        yield "; ".join(f"`{member}`: {label['en']}" for member, label in fact.values.items()) + "."
    if len(_dated_members(fact.type) or ()) > 1:
        yield "Which of them belong depends on `as_of`."


def _dated_members(kind: types.Type) -> list[dict[str, Any]] | None:
    """The members of a named type from each day on; `enum` of the schema lists all members of any day."""
    dated = kind.dated if isinstance(kind, types.Enum) else ()
    return [{"from": day.isoformat(), "members": list(members)} for day, members in dated] or None


def _window(window: Mapping[str, str] | None) -> dict[str, str | int] | None:
    return None if window is None else {k: int(v) if v.isdecimal() else v for k, v in window.items()}


def _type(fact: Fact) -> dict[str, Any]:
    if fact.is_id:
        return {"type": "string", "pattern": _ID_PATTERN}
    match fact.type:
        case types.Number(scale, low, high):
            bounds = {"minimum": exact(low, scale), "maximum": exact(high, scale)}
            if scale == 0:
                return {"type": ["integer", "null"], **bounds}
            # no multipleOf: validators that divide binary floats refuse 0.07 as no multiple of 0.01
            return {"type": ["number", "null"], **bounds, "x-scale": scale}
        case types.Boolean():
            return {"type": ["boolean", "null"]}
        case types.Date():
            return {"type": ["string", "null"], "format": "date", "pattern": f"^{DAY_PATTERN}$"}
        case types.Duration():
            return {"type": ["string", "null"], "pattern": r"^-?P\d{1,7}D$"}
        case types.Enum(members):
            return {"type": ["string", "null"], "enum": [*members, None]}
    return {"type": ["string", "null"], "maxLength": fact.max_length, "pattern": _FIT_PATTERN}
