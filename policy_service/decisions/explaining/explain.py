"""An answer for a person to read: what was granted, what was not, and why, in words. Nothing here prints."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from policy_service.decisions.explaining.phrasing import Phrases
from policy_service.decisions.explaining.words import CUT, REASON, STATUS, Tongue, word
from policy_service.engines.answer import (
    AnswerParts,
    BecauseLeaf,
    ComparedPart,
    NotGranted,
    PolicyEntry,
    Reward,
    Row,
    Subject,
)
from policy_service.engines.answer import (
    Recommendation as Recommended,
)
from policy_service.engines.plan import Leaf, Shown, plan_only, reasons
from policy_service.policies.dependencies import Dependencies
from policy_service.policies.model import Expression, Period, Policy, Rules, Suspension, Table
from policy_service.policies.stretches import epochs, holding

RewardEntry = TypeVar("RewardEntry", Reward, NotGranted)
Leaves = Mapping[Shown, Sequence[Leaf]]
_MARKS = {True: "✓", False: "✗", None: "?"}


@dataclass(frozen=True, slots=True)
class Point:
    """A statement.

    because: the comparisons behind it, each with a mark: true, false or unknown.
    terms: further lines about it.
    """

    text: str
    because: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """One policy for one subject.

    notes: why it has its status, and what it could not know.
    decided: the rows of its tables that fired; where none did, those with the fewest cells that fail.
    """

    heading: str
    notes: tuple[str, ...]
    granted: tuple[Point, ...]
    refused: tuple[Point, ...]
    decided: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A whole answer in words; `advice` is ordered by priority."""

    heading: str
    policies: tuple[Explained, ...]
    advice: tuple[Point, ...]


def explain(rules: Rules, answer: ComparedPart, facts: Mapping[str, Any], tongue: Tongue) -> Explanation:
    """The answer in words.

    Args:
        answer: with the trace `full`.
        facts: as they were posted.
    """
    day = date.fromisoformat(answer["as_of"])
    files = {id_: rules.version_for(id_, day) for id_ in rules.order}
    shown = {entry["policy"] for entry in answer["policies"]}
    read = [files[id_] for id_ in rules.order if id_ in shown]
    leaves = reasons(plan_only(rules, holding(epochs(rules), day), read))
    explaining = {id_: _Explaining(rules, files[id_], facts, tongue, leaves) for id_ in files}
    policies = tuple(explaining[entry["policy"]].policy(entry, answer) for entry in answer["policies"])
    advice = tuple(explaining[entry["policy"]].recommendation(entry) for entry in answer["recommendations"])
    phrases = next(iter(explaining.values())).phrases if explaining else None
    heading = phrases.word("heading", day=day, bundle=answer["bundle"]) if phrases is not None else str(day)
    return Explanation(heading, policies, advice)


class _Explaining:
    """Explains the entries of one policy in an answer."""

    def __init__(self, rules: Rules, policy: Policy, facts: Mapping[str, Any], tongue: Tongue, leaves: Leaves) -> None:
        self.rules, self.file, self.facts, self.tongue, self.leaves = rules, policy, facts, tongue, leaves
        self.phrases = Phrases(rules, policy, tongue)
        self.rewards = {r.id: r for r in policy.rewards}

    def policy(self, entry: PolicyEntry, answer: AnswerParts) -> Explained:
        granted = [self._granted(r) for r in _of(entry, answer["rewards"])]
        refused = _of(entry, answer["not_granted"])
        points = [self._refused(r) for r in refused]
        if entry["status"] != "applied":  # all for that one reason
            titles = self.phrases.joined(self._title(r["id"]) for r in refused)
            points = [Point(titles)] if titles else []
        status = word(STATUS, entry["status"], self.tongue)
        heading = f"{self.file.title[self.tongue]} ({self.file.id}) · {self._subject(entry['subject'])} · {status}"
        return Explained(heading, tuple(self._notes(entry)), tuple(granted), tuple(points), tuple(self._decided(entry)))

    def recommendation(self, entry: Recommended) -> Point:
        where = f"{self.file.title[self.tongue]} · {self._subject(entry['subject'])}"
        priority = self.phrases.word("priority", entry["priority"])
        return Point(entry["text"][self.tongue], self._tests(entry.get("because", ())), (f"{where} · {priority}",))

    # ---- the status

    def _notes(self, entry: PolicyEntry) -> Iterator[str]:
        missing = [f"{self.phrases.missing(name)} ({name})" for name in entry["missing"]]
        match entry["status"]:
            case "applied" if missing:
                yield self.phrases.word("also_unknown", self.phrases.joined(missing))
            case "insufficient_facts":
                yield self.phrases.word("missing", self.phrases.joined(missing))
            case "suspended":
                yield from self._suspension(None)
            case "not_in_effect":
                periods = [self._period(p.effective.period) for p in self.rules.versions(self.file.id)]
                yield self.phrases.word("in_force", self.phrases.joined(periods))
            case "not_applicable":
                yield from self._audience(entry["subject"])

    def _audience(self, subject: Subject) -> Iterator[str]:
        """Why the policy does not apply: the sections not posted; else its condition, and the values that it reads."""
        sections = [self.rules.dictionary.subjects[self.file.subject].name, *self.file.needs]
        lacking = [s for s in sections if not self.facts.get(s)] if "id" in subject else sections[:1]
        for name in lacking:
            yield self.phrases.word("not_posted", self.rules.dictionary.sections[name].label[self.tongue])
        if not lacking and self.file.applies is not None:
            yield self.phrases.word("only_when", self.phrases.text(self.file.applies.tree))
            for name in self._reads(self.file.applies):
                value = self.phrases.posted(name, self._posted(name, subject))
                yield f"· {self.phrases.name(name)}{self.phrases.word('colon')}{value}"

    def _reads(self, expression: Expression) -> list[str]:
        """Facts that an expression reads, directly or through decisions of its file, in the order of the dictionary."""
        behind = Dependencies(self.rules, self.file).behind(expression.typed)
        return [fact.name for fact in self.rules.dictionary if fact.reference in behind]

    def _posted(self, name: str, subject: Subject) -> Any:
        fact = self.rules.dictionary.by_name[name]
        section = self.facts.get(fact.section) or {}
        if isinstance(section, list):
            section = next((e for e in section if e.get("id") == subject.get("id")), {})
        return section.get(fact.key)

    def _suspension(self, reward: str | None) -> Iterator[str]:
        found: Iterable[Suspension] = self.rules.settings.suspended
        for suspension in found:
            if (suspension.policy, suspension.reward) == (self.file.id, reward):
                yield self.phrases.word("reason", suspension.reason)

    def _period(self, period: Period) -> str:
        if period.end is None:
            return self.phrases.word("from_on", period.start)
        return self.phrases.word("from_to", period.start, period.end - timedelta(days=1))

    # ---- rewards

    def _granted(self, entry: Reward) -> Point:
        colon = self.phrases.word("colon")
        text = f"{self._title(entry['id'])}{colon}{self.phrases.amount(entry['amount'], entry.get('unit'))}"
        return Point(text, self._tests(entry.get("because", ())), tuple(self._terms(entry)))

    def _terms(self, entry: Reward) -> Iterator[str]:
        for name, value in entry["details"].items():
            yield f"{self.phrases.name(name)}{self.phrases.word('colon')}{self.phrases.value(name, value)}"
        if "cut" in entry:
            cut = entry["cut"]
            rule = word(CUT, cut["reason"], self.tongue)
            yield self.phrases.word("cut", amount=cut["from"], group=cut["group"], rule=rule)
        if entry.get("provisional"):
            yield self.phrases.word("provisional")
        if "validity" in entry:
            yield self.phrases.word("valid", entry["validity"]["from"], entry["validity"]["to"])
        if "claim" in entry:
            yield self.phrases.word("claim", entry["claim"]["key"])

    def _refused(self, entry: NotGranted) -> Point:
        reason = word(REASON, entry["reason"], self.tongue, text=entry.get("text", {}).get(self.tongue, ""))
        text = f"{self._title(entry['id'])}{self.phrases.word('colon')}{reason}"
        suspended = self._suspension(entry["id"]) if entry["reason"] == "suspended" else ()
        return Point(text, self._tests(entry.get("because", ())), tuple(suspended))

    def _title(self, reward: str) -> str:
        return self.rewards[reward].title[self.tongue]

    def _subject(self, subject: Subject) -> str:
        label = self.rules.dictionary.subjects[subject["type"]].label[self.tongue]
        return f"{label} {subject['id']}" if "id" in subject else label

    # ---- decisions

    def _decided(self, entry: PolicyEntry) -> Iterator[Point]:
        """For each table the rows that fired; where none did, those with the fewest cells that fail."""
        for name, decision in self.file.decisions.items():
            if not isinstance(decision.body, Table):
                continue
            title = self.phrases.name(name)
            fired = [row for row in entry.get("fired", ()) if row["decision"] == name]
            others = [row for row in entry.get("not_fired", ()) if row["decision"] == name]
            contradictory = entry["status"] == "rule_conflict" and len(fired) > 1
            if contradictory:
                yield Point(
                    self.phrases.word("conflict", title=title, rows=self.phrases.joined(r["row"] for r in fired))
                )
            for row in fired:
                key = "row" if contradictory else "decided_by"
                tests = self._tests(row["because"]) or (self.phrases.word("always"),)
                yield Point(self.phrases.word(key, row["row"], title=title), tests)
            if others and not fired:
                yield Point(self.phrases.word("no_row", title=title), tuple(self._closest(others)))

    def _closest(self, rows: list[Row]) -> Iterator[str]:
        """The rows with the fewest cells that fail, with these cells."""
        failing = [(row["row"], [leaf for leaf in row["because"] if leaf["holds"] is not True]) for row in rows]
        least = min(len(leaves) for _, leaves in failing)
        for row, leaves in failing:
            if len(leaves) == least:
                yield f"{row}{self.phrases.word('colon')}{self.phrases.word('separator').join(self._tests(leaves))}"

    def _tests(self, because: Iterable[BecauseLeaf]) -> tuple[str, ...]:
        return tuple(map(self._test, because))

    def _test(self, leaf: BecauseLeaf) -> str:
        of, value, holds = leaf["fact"], leaf["value"], leaf["holds"]
        known = self.leaves.get((self.file.id, of, leaf["test"]))
        if known is None:
            said = self.phrases.raw(of, leaf["test"], value, holds=holds)
        else:
            said = self.phrases.sentence(known[0].subject, known[0].asked, of, value, holds=holds)
        return f"{_MARKS[holds]} {said}"


def _of(policy: PolicyEntry, entries: Iterable[RewardEntry]) -> list[RewardEntry]:
    return [e for e in entries if e["policy"] == policy["policy"] and e["subject"] == policy["subject"]]
