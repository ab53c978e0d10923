"""Bundle, state and day to an answer: statuses, rewards with their claims, recommendations, trace.

The compared part of an answer is a function of bundle, normalised state and options, the same on every engine.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Lock
from typing import Any, Literal

from policy_service import canonical
from policy_service.decisions import stacking
from policy_service.engines.contract import Decided, Engine, Prepared, View
from policy_service.engines.plan import (
    Condition,
    Epoch,
    Leaf,
    Plan,
    PolicyPlan,
    RelationFiring,
    RewardPlan,
    RowPlan,
    TablePlan,
    TemplatePlan,
    epochs,
    plan,
)
from policy_service.facts import Door, State
from policy_service.language.values import add_months, parse_days, parse_months
from policy_service.policies.bundle import Bundle

FORMAT = 1
Trace = Literal["none", "fired", "full"]
Purpose = Literal["decide", "preview"]
_EPOCHS_KEPT = 8
Subject = dict[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a bundle.

    shown: ids of the policies whose answers are wanted; None for all.
    """

    as_of: date
    purpose: Purpose = "decide"
    trace: Trace = "fired"
    shown: Collection[str] | None = None
    report_ignored: bool = False


class Evaluator:
    """One bundle on one engine; keeps the last used epochs ready. Safe to use from several threads."""

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        self.bundle, self.engine = bundle, engine
        self.door = Door(bundle.rules.dictionary)
        self._epochs = epochs(bundle.rules)
        self._ready: OrderedDict[Epoch, tuple[Plan, Prepared]] = OrderedDict()
        self._lock = Lock()

    def evaluate(self, state: State, question: Question) -> dict[str, Any]:
        """The compared part of the answer."""
        ready, prepared = self.prepared(question.as_of)
        return _Answering(self.bundle, ready, prepared, state, question).answer()

    def prepared(self, day: date) -> tuple[Plan, Prepared]:
        """Plan and engine of the day's epoch."""
        epoch = next(e for e in self._epochs if e.first <= day <= e.last)
        with self._lock:
            found = self._ready.get(epoch)
            if found is not None:
                self._ready.move_to_end(epoch)
                return found
            made = plan(self.bundle.rules, epoch.first)
            self._ready[epoch] = found = (made, self.engine.prepare(made))
            if len(self._ready) > _EPOCHS_KEPT:
                # Not closed here: another thread may still be inside it. The engine frees it when it is collected.
                self._ready.popitem(last=False)
            return found

    def close(self) -> None:
        """Free the engines; nobody may be inside."""
        with self._lock:
            for _, prepared in self._ready.values():
                prepared.close()
            self._ready.clear()


@dataclass(slots=True)
class _Seen:
    """One policy for one subject, decided."""

    plan: PolicyPlan
    subject: Subject
    place: int
    status: str
    decided: Decided | None
    view: View
    missing: list[str]


class _Answering:
    def __init__(self, bundle: Bundle, ready: Plan, prepared: Prepared, state: State, question: Question) -> None:
        self.bundle, self.plan, self.state, self.question = bundle, ready, state, question
        self.as_of = question.as_of.isoformat()
        self.traced = question.trace != "none"
        self.full = question.trace == "full"
        self.run = prepared.run(state, question.as_of.toordinal())
        self.rewards: list[tuple[Any, ...]] = []
        self.not_granted: list[tuple[Any, ...]] = []
        self.recommendations: list[tuple[Any, ...]] = []
        self.policies: list[tuple[Any, ...]] = []
        self.groups: dict[tuple[str, str, str], list[stacking.Member]] = {}
        self.uncertain: set[tuple[str, str, str]] = set()

    def answer(self) -> dict[str, Any]:
        shown = self.question.shown
        wanted = None if shown is None else closure(self.plan, shown)
        policies = [p for p in self.plan.policies if wanted is None or p.id in wanted]
        seen: dict[str, dict[str, Any]] = {}
        single = self.run.single()
        for policy in policies:
            if not policy.is_list:
                self._subject(policy, single, self._single(policy), 0, seen)
        for section in dict.fromkeys(p.section for p in policies if p.is_list):
            self._elements(section, [p for p in policies if p.section == section], single, seen)
        self._stack()
        return self._assemble(shown)

    def _single(self, policy: PolicyPlan) -> Subject:
        id_ = self.state.ids.get(policy.section)
        kind = policy.policy.subject
        return {"type": kind} if id_ is None else {"type": kind, "id": id_}

    def _elements(
        self, section: str, policies: list[PolicyPlan], single: View, seen: dict[str, dict[str, Any]]
    ) -> None:
        elements = self.state.elements.get(section, ())
        slot = self.plan.facts[f"{policies[0].policy.subject}.id"]
        for index, own in enumerate(elements):
            view, inner = self.run.element(section, index), dict(seen)
            for policy in policies:
                self._subject(policy, view, {"type": policy.policy.subject, "id": own[slot]}, index, inner)
        if not elements:
            for policy in policies:
                self._subject(policy, single, {"type": policy.policy.subject}, 0, seen)

    # ---- one policy for one subject

    def _subject(
        self, policy: PolicyPlan, view: View, subject: Subject, place: int, seen: dict[str, dict[str, Any]]
    ) -> None:
        status, decided, missing = self._status(policy, view, "id" in subject, seen)
        if status == "applied" and decided is not None:
            seen[policy.id] = dict(decided.values)
        else:
            view.skip(policy)
        found = _Seen(policy, subject, place, status, decided, view, missing)
        self._rewards(found)
        if status == "applied":
            self._recommend(found)
        self.policies.append((policy.id, place, self._entry(found)))

    def _status(
        self, policy: PolicyPlan, view: View, is_posted: bool, seen: dict[str, dict[str, Any]]
    ) -> tuple[str, Decided | None, list[str]]:
        if policy.suspended is not None:
            return "suspended", None, []
        if not policy.in_force:
            return "not_in_effect", None, []
        if not is_posted or any(section not in self.state.posted for section in policy.needs):
            return "not_applicable", None, []
        decided = view.decide(policy)
        if policy.applies is not None:
            applies = view.truth(policy.applies.formula)
            if applies is False or (applies is None and not self._lacks(policy, view, seen)):
                return "not_applicable", None, []
        missing = [name for name, fact in policy.required if view.is_null(fact)]
        missing += [f"decision({p}.{d})" for p, d in policy.required_decisions if _value(seen, p, d) is None]
        if missing:
            return "insufficient_facts", None, sorted(missing)
        if decided.conflicts:
            return "rule_conflict", decided, []
        optional = [name for name, fact in policy.optional if view.is_null(fact)]
        optional += [f"decision({p}.{d})" for p, d in policy.optional_decisions if _value(seen, p, d) is None]
        return "applied", decided, sorted(optional)

    def _lacks(self, policy: PolicyPlan, view: View, seen: dict[str, dict[str, Any]]) -> bool:
        """Whether something required that `applies` depends on is null."""
        return (any(view.is_null(fact) for fact in policy.applies_required)
                or any(_value(seen, p, d) is None for p, d in policy.applies_decisions))

    # ---- rewards

    def _rewards(self, seen: _Seen) -> None:
        for reward in seen.plan.rewards:
            entry: dict[str, Any] = {"id": reward.reward.id, "policy": seen.plan.id, "subject": seen.subject}
            reason = seen.status if seen.status != "applied" else self._refusal(reward, seen, entry)
            key = (seen.plan.id, reward.reward.id, seen.place)
            if reason is None:
                self.rewards.append((*key, entry))
                self._join(reward, seen.subject, entry)
                continue
            entry["reason"] = reason
            if reason == "insufficient_facts" and reward.reward.stack is not None:
                self.uncertain.add((reward.reward.stack, *_key(seen.subject)))
            self.not_granted.append((*key, entry))

    def _refusal(self, reward: RewardPlan, seen: _Seen, entry: dict[str, Any]) -> str | None:
        """Why the reward is not granted; None when it is, and then the entry is complete."""
        if reward.suspended is not None:
            return "suspended"
        view = seen.view
        holds = True if reward.when is None else view.truth(reward.when.formula)
        if holds is not True:
            if self.full and reward.when is not None:
                entry["because"] = self._because(reward.when.leaves, view)
            lacks = holds is None and reward.when is not None and any(view.is_null(f) for f in reward.when.facts)
            return "insufficient_facts" if lacks else "not_met"
        amount = view.shown(reward.amount)
        if amount is None:
            return "insufficient_facts" if any(view.is_null(f) for f in reward.amount_facts) else "not_met"
        for exclusion in reward.exclusions:
            if view.truth(exclusion.condition.formula) is True:
                entry["exception"] = exclusion.id
                entry["text"] = self._text(exclusion.text, view)
                return "excluded"
        self._grant(reward, seen, entry, amount)
        return None

    def _grant(self, reward: RewardPlan, seen: _Seen, entry: dict[str, Any], amount: Any) -> None:
        model, view = reward.reward, seen.view
        entry["kind"], entry["amount"] = model.kind, amount
        if model.unit is not None:
            entry["unit"] = model.unit
        entry["details"] = {n: value for n, f in reward.details if (value := view.shown(f)) is not None}
        if model.claim.per != "none" and self.question.purpose == "decide":
            entry["claim"] = {
                "key": f"{seen.plan.id}/{model.id}@{seen.subject['type']}:{seen.subject['id']}#{self._period(seen.plan, model.claim.per)}",
                "per": model.claim.per, "on_increase": model.claim.on_increase, "on_decrease": model.claim.on_decrease,
            }
        if model.validity is not None:
            entry["validity"] = {"from": self.as_of, "to": _later(self.question.as_of, model.validity)}
        if self.traced:
            entry["because"] = self._because(reward.when.leaves, view) if reward.when is not None else []

    def _period(self, policy: PolicyPlan, per: str) -> str:
        if per == "day":
            return self.as_of
        if per == "month":
            return self.as_of[:7]
        return "once" if per == "once" else str(policy.policy.effective.campaign)

    def _join(self, reward: RewardPlan, subject: Subject, entry: dict[str, Any]) -> None:
        if reward.reward.stack is not None:
            members = self.groups.setdefault((reward.reward.stack, *_key(subject)), [])
            members.append(stacking.Member(entry, reward.reward.priority or 0))

    def _stack(self) -> None:
        for key, members in self.groups.items():
            group = self.bundle.rules.settings.stacking[key[0]]
            stacking.apply(group, members, provisional=key in self.uncertain)

    # ---- recommendations

    def _recommend(self, seen: _Seen) -> None:
        view = seen.view
        for recommended in seen.plan.recommendations:
            if recommended.when is not None and view.truth(recommended.when.formula) is not True:
                continue
            one = recommended.recommendation
            entry: dict[str, Any] = {
                "id": one.id, "policy": seen.plan.id, "subject": seen.subject, "priority": one.priority,
                "text": self._text(recommended.text, view),
            }
            if self.traced:
                leaves = recommended.when.leaves if recommended.when is not None else ()
                entry["because"] = self._because(leaves, view)
            self.recommendations.append((one.priority, seen.plan.id, one.id, seen.place, entry))

    def _text(self, template: TemplatePlan, view: View) -> dict[str, str]:
        return {tongue: "".join(p if isinstance(p, str) else written(view.shown(p)) for p in parts)
                for tongue, parts in template.parts.items()}

    # ---- trace

    def _because(self, leaves: tuple[Leaf, ...], view: View) -> list[dict[str, Any]]:
        return [{"fact": leaf.fact, "value": view.shown(leaf.operand), "test": leaf.test,
                 "holds": view.truth(leaf.holds)} for leaf in leaves]

    def _entry(self, seen: _Seen) -> dict[str, Any]:
        applied = seen.status == "applied" and seen.decided is not None
        entry: dict[str, Any] = {
            "policy": seen.plan.id, "subject": seen.subject, "status": seen.status,
            "decisions": dict(seen.decided.values) if applied and seen.decided is not None else {},
            "missing": seen.missing,
        }
        if self.traced:
            entry["fired"] = self._fired(seen, fired=True)
        if self.full:
            entry["not_fired"] = self._fired(seen, fired=False)
        return entry

    def _fired(self, seen: _Seen, *, fired: bool) -> list[dict[str, Any]]:
        if seen.decided is None:
            return []
        found: list[tuple[str, int, dict[str, Any]]] = []
        tables = {d.name: d.body for d in seen.plan.decisions if isinstance(d.body, TablePlan)}
        for firing in seen.decided.firings:
            rows = tables[firing.decision].rows
            places = firing.rows if fired else [i for i in range(len(rows)) if i not in firing.rows]
            found += [(firing.decision, i, self._row(firing.decision, rows[i], seen.view)) for i in places]
        if seen.status == "applied":
            found += self._relation_rows(seen, fired=fired)
        found.sort(key=lambda f: f[:2])
        return [entry for _, _, entry in found]

    def _row(self, decision: str, row: RowPlan, view: View) -> dict[str, Any]:
        return {"decision": decision, "row": row.id, "because": self._because(row.leaves, view)}

    def _relation_rows(self, seen: _Seen, *, fired: bool) -> list[tuple[str, int, dict[str, Any]]]:
        """Rows of relations whose `when` of an `each` held, or of which none did."""
        held: dict[tuple[str, str], tuple[bool, int, RelationFiring]] = {}
        for place, firing in enumerate(seen.plan.relation_firings):
            key = (firing.decision, firing.row)
            holds = self._holds(firing.condition, seen.view)
            before = held.get(key)
            held[key] = (holds or (before is not None and before[0]), before[1] if before else place, firing)
        return [(f.decision, place, {"decision": f.decision, "row": f.row, "because": self._because(f.leaves, seen.view)})
                for holds, place, f in held.values() if holds is fired]

    def _holds(self, condition: Condition | None, view: View) -> bool:
        return condition is None or view.truth(condition.formula) is True

    # ---- the whole

    def _assemble(self, shown: Collection[str] | None) -> dict[str, Any]:
        def kept(entries: list[tuple[Any, ...]], policy: Callable[[tuple[Any, ...]], str]) -> list[dict[str, Any]]:
            entries.sort(key=lambda e: e[:-1])
            return [e[-1] for e in entries if shown is None or policy(e) in shown]

        answer: dict[str, Any] = {
            "format": FORMAT, "bundle": self.bundle.id, "as_of": self.as_of, "purpose": self.question.purpose,
            "rewards": kept(self.rewards, lambda e: e[0]),
            "not_granted": kept(self.not_granted, lambda e: e[0]),
            "recommendations": kept(self.recommendations, lambda e: e[1]),
            "policies": kept(self.policies, lambda e: e[0]),
        }
        if self.question.report_ignored:
            answer["ignored_facts"] = list(self.state.ignored)
        return answer


def closure(ready: Plan, shown: Collection[str]) -> set[str]:
    """The policies that must be evaluated to show some: those whose decisions they use, and their groups' other members."""
    needs: dict[str, set[str]] = {}
    groups: dict[str, set[str]] = {}
    for policy in ready.policies:
        needs[policy.id] = {p for p, _ in (*policy.required_decisions, *policy.optional_decisions)}
        for reward in policy.policy.rewards:
            if reward.stack is not None:
                groups.setdefault(reward.stack, set()).add(policy.id)
    for members in groups.values():
        for policy_id in members:
            needs[policy_id] |= members
    found: set[str] = set()
    todo = list(shown)
    while todo:
        top = todo.pop()
        if top not in found and top in needs:
            found.add(top)
            todo += needs[top]
    return found


def written(value: Any) -> str:
    """A value inside a text: canonical JSON without quotes; null is a dash."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return canonical.trusted(value).decode()


def _key(subject: Subject) -> tuple[str, str]:
    return subject["type"], subject.get("id", "")


def _value(seen: Mapping[str, Mapping[str, Any]], policy: str, decision: str) -> Any:
    return seen.get(policy, {}).get(decision)


def _later(day: date, duration: str) -> str | None:
    days = parse_days(duration)
    if days is not None:
        return (day + timedelta(days=days)).isoformat()
    found = add_months(day, parse_months(duration) or 0)
    return found.isoformat() if found is not None else None


