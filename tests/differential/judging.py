"""One bundle on both engines: do they say the same, and is what they say well formed?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from policy_service import canonical
from policy_service.decisions.answers.epoch import EpochProgram
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.diagnostics import InvalidInput
from policy_service.engines.plan import Plan
from policy_service.engines.registry import engine
from policy_service.language.references import Decision, Fact
from policy_service.policies.bundle import Bundle
from policy_service.policies.dependencies import Dependencies

__all__ = ["Fault", "InvalidInput", "Judge"]
REASONS = {
    "not_met",
    "not_applicable",
    "not_in_effect",
    "excluded",
    "suspended",
    "insufficient_facts",
    "rule_conflict",
    "withheld",
}
TRACE_KEYS = ("because", "fired", "not_fired")
Answer = dict[str, Any]


class Fault(Exception):
    """The engines differ, or an answer is not what the design says; with the answers as text."""

    def __init__(self, message: str, answers: Mapping[str, bytes] | None = None) -> None:
        super().__init__(message)
        self.answers = dict(answers or {})


class Judge:
    """Both engines on one bundle. `evaluations` counts states compared, `seen` what happened in the answers."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.rete = Evaluator(bundle, engine("rete"))
        self.reference = Evaluator(bundle, engine("reference"))
        self.evaluations = 0
        self.seen: Counter[str] = Counter()

    def close(self) -> None:
        self.rete.close()

    def plan(self, day: date) -> Plan:
        return self.rete.epoch_program(day).plan

    def agreed(self, posted: dict[str, Any], as_of: date, shown: Collection[str] | None = None) -> Answer:
        """The answer that both give, in full trace, byte for byte.

        Raises:
            Fault: a difference.
        """
        self.evaluations += 1
        state = self.rete.reader.read(posted, as_of)
        question = Question(as_of, trace="full", shown=shown)
        answer = self.rete.evaluate(state, question)
        one = canonical.trusted(answer)
        two = canonical.trusted(self.reference.evaluate(state, question))
        if one != two:
            raise Fault("the engines differ", {"rete": one, "reference": two})
        return answer

    def compare(
        self, posted: dict[str, Any], as_of: date, rng: Random | None = None, shown: Collection[str] | None = None
    ) -> Answer:
        """The answer that both give, whose properties are looked at.

        Args:
            rng: chooses policies to filter by; without it traces and filters are not looked at.
            shown: policies to ask for; all when left out.
        Raises:
            Fault: a difference, or an answer that breaks a property.
        """
        answer = self.agreed(posted, as_of, shown)
        one = canonical.trusted(answer)
        for fault in malformed(answer, self.rete.epoch_program(as_of)):
            raise Fault(fault, {"rete": one})
        if rng is not None:
            self._views(posted, as_of, answer, rng, shown)
            self._neighbours(posted, as_of, answer, rng, shown)
        self._count(answer)
        return answer

    def _views(
        self, posted: dict[str, Any], as_of: date, full: Answer, rng: Random, shown: Collection[str] | None
    ) -> None:
        """Other questions on the same state show parts of the same answer."""
        state = self.rete.reader.read(posted, as_of)
        ids = sorted({entry["policy"] for entry in full["policies"]})
        chosen = set(rng.sample(ids, rng.randint(0, len(ids))))
        for name, question, expected in (
            ("trace fired", Question(as_of, trace="fired", shown=shown), without_full(full)),
            ("trace none", Question(as_of, trace="none", shown=shown), stripped(full, TRACE_KEYS)),
            (
                "preview",
                Question(as_of, trace="full", purpose="preview", shown=shown),
                {**stripped(full, ("claim",)), "purpose": "preview"},
            ),
            (f"filter {sorted(chosen)}", Question(as_of, trace="full", shown=chosen), restricted(full, chosen)),
        ):
            self.same(name, state, question, expected)

    def same(self, name: str, state: Any, question: Question, expected: Answer) -> None:
        """Raises Fault when the rete engine answers something else."""
        found, wanted = canonical.trusted(self.rete.evaluate(state, question)), canonical.trusted(expected)
        if found != wanted:
            raise Fault(f"{name}: another answer", {"found": found, "expected": wanted})

    def _neighbours(
        self, posted: dict[str, Any], as_of: date, full: Answer, rng: Random, shown: Collection[str] | None
    ) -> None:
        """States that differ in one thing, and what must then be the same."""
        question = Question(as_of, trace="full", shown=shown)
        lists = [name for name, value in posted.items() if isinstance(value, list) and len(value) > 1]
        if lists:
            turned = posted | {name: posted[name][::-1] for name in lists}
            answer = self.rete.evaluate(self.rete.reader.read(turned, as_of), question)
            for key in ("policies", "rewards", "not_granted", "recommendations"):
                if multiset(answer[key]) != multiset(full[key]):
                    raise Fault(f"the order of elements changes `{key}`", {"turned": canonical.trusted(answer)})
        known = [
            (name, key)
            for name, value in posted.items()
            if isinstance(value, dict)
            for key, fact in value.items()
            if key != "id" and fact is not None
        ]
        if known:
            section, key = rng.choice(known)
            lacking = posted | {section: {k: v for k, v in posted[section].items() if k != key}}
            answer = self.rete.evaluate(self.rete.reader.read(lacking, as_of), question)
            for fault in lacking_one(full, answer, f"{section}.{key}", self.plan(as_of)):
                raise Fault(fault, {"with": canonical.trusted(full), "without": canonical.trusted(answer)})

    def _count(self, answer: Answer) -> None:
        seen = self.seen
        for policy in answer["policies"]:
            seen[f"status {policy['status']}"] += 1
            for row in (*policy["fired"], *policy["not_fired"]):
                for leaf in row["because"]:
                    seen[f"leaf {leaf['holds']}"] += 1
        for reward in answer["rewards"]:
            seen["granted"] += 1
            for key in ("claim", "validity", "cut", "provisional"):
                if key in reward:
                    seen[f"{key} {reward[key]['reason']}" if key == "cut" else key] += 1
        for reward in answer["not_granted"]:
            seen[f"reason {reward['reason']}"] += 1
        seen["recommended"] += len(answer["recommendations"])


def stripped(value: Any, keys: tuple[str, ...]) -> Any:
    """The value without some keys, at any depth."""
    if isinstance(value, dict):
        return {k: stripped(v, keys) for k, v in value.items() if k not in keys}
    return [stripped(v, keys) for v in value] if isinstance(value, list) else value


def without_full(answer: Answer) -> Answer:
    """What the answer shows with the trace of fired rows alone."""
    refused = [stripped(entry, ("because",)) for entry in answer["not_granted"]]
    policies = [{k: v for k, v in entry.items() if k != "not_fired"} for entry in answer["policies"]]
    return answer | {"not_granted": refused, "policies": policies}


def restricted(answer: Answer, policies: set[str]) -> Answer:
    """The entries of some policies."""
    return {
        key: [e for e in value if e["policy"] in policies] if isinstance(value, list) else value
        for key, value in answer.items()
    }


def multiset(entries: list[Answer]) -> Counter[bytes]:
    return Counter(map(canonical.trusted, entries))


def lacking_one(full: Answer, answer: Answer, fact: str, plan: Plan) -> Iterator[str]:
    """What may not be when one fact of a state is left out: who does not read it says the same as before."""
    readers = readers_of(fact, plan)
    stacked = {(p.id, r.reward.id) for p in plan.policies for r in p.rewards if r.reward.stack is not None}
    for key in ("policies", "rewards", "not_granted", "recommendations"):
        one, two = (
            [e for e in a[key] if e["policy"] not in readers and (e["policy"], e.get("id")) not in stacked]
            for a in (full, answer)
        )
        if one != two:
            yield f"`{fact}` changes `{key}` of a policy that does not read it"
    required = {p.id for p in plan.policies if fact in (one.name for one in p.required)}
    for entry in answer["policies"]:
        if entry["policy"] in required:
            if entry["status"] in ("applied", "rule_conflict"):
                yield f"`{entry['policy']}` is {entry['status']} without the required `{fact}`"
            if entry["status"] == "insufficient_facts" and fact not in entry["missing"]:
                yield f"`{entry['policy']}` does not name the missing `{fact}`"
        elif entry["policy"] in readers and entry["status"] == "applied" and fact not in entry["missing"]:
            direct = next(p for p in plan.policies if p.id == entry["policy"])
            if Fact(*fact.split(".")) in Dependencies(plan.rules, direct.policy).reads.optional:
                yield f"`{entry['policy']}` does not name the missing optional `{fact}`"


def readers_of(fact: str, plan: Plan) -> set[str]:
    """Policies that a fact can reach, also through the decisions of others."""
    found: set[str] = set()
    for policy in plan.policies:  # each comes after those whose decisions it uses
        reads = Dependencies(plan.rules, policy.policy).reads
        everything = reads.required | reads.optional
        used = {one.policy for one in everything if isinstance(one, Decision)}
        if used & found or Fact(*fact.split(".")) in everything:
            found.add(policy.id)
    return found


# ---- what holds for every answer --------------------------------------------------------------------------------


def malformed(answer: Answer, program: EpochProgram) -> Iterator[str]:
    """Every property of an answer that does not hold."""
    yield from _numbers(answer, "")
    yield from _declared_once(answer, program)
    yield from _ordered(answer)
    yield from _consistent(answer)


def _numbers(value: Any, path: str) -> Iterator[str]:
    """No float; 15 digits and 6 decimals."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers(item, f"{path}/{index}")
    elif isinstance(value, float):
        yield f"{path} is a float"
    elif isinstance(value, int | Decimal) and not isinstance(value, bool) and "/because/" not in path:
        _, digits, exponent = Decimal(value).as_tuple()
        if len(digits) > 15 or not -6 <= exponent <= 0 or (Decimal(value) == 0 and str(value) != "0"):
            yield f"{path} is {value}, more than 15 digits or 6 decimals"


def _declared_once(answer: Answer, program: EpochProgram) -> Iterator[str]:
    """Every declared reward of a shown policy stands in one of `rewards` and `not_granted`, per subject."""
    declared = {p.id: [r.reward.id for r in p.rewards] for p in program.plan.policies}
    wanted = Counter((e["policy"], str(e["subject"]), id_) for e in answer["policies"] for id_ in declared[e["policy"]])
    found = Counter((e["policy"], str(e["subject"]), e["id"]) for e in (*answer["rewards"], *answer["not_granted"]))
    if found != wanted:
        yield f"rewards declared and answered differ: {(wanted - found) + (found - wanted)}"
    keys = Counter(e["claim"]["key"] for e in answer["rewards"] if "claim" in e)
    if keys and max(keys.values()) > 1:
        yield f"one claim key twice: {keys.most_common(1)}"


def _ordered(answer: Answer) -> Iterator[str]:
    place = {}
    for entry in answer["policies"]:
        place.setdefault((entry["policy"], str(entry["subject"])), len(place))
    orders = {
        "rewards": lambda e: (e["policy"], e["id"], place[e["policy"], str(e["subject"])]),
        "not_granted": lambda e: (e["policy"], e["id"], place[e["policy"], str(e["subject"])]),
        "recommendations": lambda e: (e["priority"], e["policy"], e["id"], place[e["policy"], str(e["subject"])]),
        "policies": lambda e: e["policy"],
    }
    for name, key in orders.items():
        keys = [key(e) for e in answer[name]]
        if keys != sorted(keys):
            yield f"`{name}` is not in its order: {keys}"
    for entry in answer["policies"]:
        if entry["missing"] != sorted(set(entry["missing"])):
            yield f"`missing` is not sorted: {entry['missing']}"
        for key in ("fired", "not_fired"):
            names = [row["decision"] for row in entry[key]]
            if names != sorted(names):
                yield f"`{key}` is not in its order: {names}"


def _consistent(answer: Answer) -> Iterator[str]:
    status = {(e["policy"], str(e["subject"])): e["status"] for e in answer["policies"]}
    for entry in answer["policies"]:
        if entry["status"] != "applied" and entry["decisions"] != {}:
            yield f"decisions of a policy that is {entry['status']}"
        if entry["status"] not in ("applied", "insufficient_facts") and entry["missing"]:
            yield f"missing facts of a policy that is {entry['status']}"
        if entry["status"] not in ("applied", "rule_conflict") and (entry["fired"] or entry["not_fired"]):
            yield f"rows of a policy that is {entry['status']}"
        for row in entry["fired"]:
            yield from (
                f"`{leaf['fact']}` of a fired row does not hold: {row}"
                for leaf in row["because"]
                if leaf["holds"] is not True and row["decision"].startswith("tab")
            )
    for entry in (*answer["rewards"], *answer["recommendations"]):
        if status[entry["policy"], str(entry["subject"])] != "applied":
            yield f"`{entry['id']}` is granted by a policy that is not applied"
    for entry in answer["not_granted"]:
        if entry["reason"] not in REASONS:
            yield f"no such reason: {entry['reason']}"
        of_policy = status[entry["policy"], str(entry["subject"])]
        if of_policy != "applied" and entry["reason"] != of_policy:
            yield f"`{entry['id']}` is refused as {entry['reason']}, its policy is {of_policy}"
        if (entry["reason"] == "excluded") is not ("exception" in entry):
            yield f"`{entry['id']}` is refused as {entry['reason']}: {entry}"
