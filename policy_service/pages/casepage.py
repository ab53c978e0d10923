"""A readable page about one decision: the answer, the rule text in force then, the inputs, the proof status."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from policy_service.decisions.audit.casefile import CaseFile, Withheld
from policy_service.decisions.deciding.chains import Link as ChainLink
from policy_service.decisions.explaining.explain import Explained, Explanation, Point, explain
from policy_service.decisions.explaining.phrasing import Phrases
from policy_service.decisions.explaining.words import Tongue
from policy_service.decisions.ports.recorded import RecordBody
from policy_service.engines.answer import AnswerParts, ComparedPart, PolicyEntry, Reward
from policy_service.pages.grids import Cell, Grid, Link, Pair, Say, grid, pair
from policy_service.pages.inputs import input_grids, provenance_pairs
from policy_service.pages.originpage import OriginText, origin_text
from policy_service.pages.proof_words import CHECK_OUTCOME, FINDING, LIMIT
from policy_service.pages.ruletext import RuleText, anchor, claim_text, frame_pairs, rule_text
from policy_service.pages.words import CORRECTION
from policy_service.policies.bundle import Bundle

_HERE = Path(__file__).parent
STYLE = (_HERE / "static" / "case.css").read_text("utf-8")
STYLE_SOURCE = f"'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""The hash by which a content security policy allows the style, which is inline in the page."""
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_UNJUDGED = ("not_applicable", "not_in_effect")
"""Statuses of policies of which only period and condition mattered."""
_LANG = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True, slots=True)
class PolicyPart:
    """What one policy decided for one subject."""

    heading: str
    rule: str
    notes: tuple[str, ...]
    values: Grid | None
    rewards: tuple[Point, ...]
    decided: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """The parts of the page that need a readable record.

    granted, refused: null where there are none.
    traced: whether the answer has a trace.
    """

    origins: OriginText
    granted: Grid | None
    refused: Grid | None
    advice: tuple[Point, ...]
    policies: tuple[PolicyPart, ...]
    traced: bool
    rules: tuple[RuleText, ...]
    frame: tuple[Pair, ...]
    inputs: tuple[Grid, ...]
    ignored: tuple[str, ...]
    provenance: tuple[Pair, ...]


def case_page(case: CaseFile, tongue: Tongue, *, linked: bool = False) -> str:
    """The whole page as HTML, with its style; it has no script and loads nothing.

    Args:
        linked: whether it is served over HTTP, and links to other decisions and to the other language.
    """
    say = Say(tongue)
    return _TEMPLATES.get_template("case.html").render(
        say=say,
        lang=_LANG[tongue],
        style=STYLE,
        style_source=STYLE_SOURCE,
        case=case,
        summary=tuple(_summary(case, say)),
        proof_status=_proof_status(case, say),
        fits=not _failed(case),
        contents=_contents(case, say),
        chain=_chain(case, say, linked),
        checks=_checks(case, say),
        limits=tuple(say.of(LIMIT, limit.kind, **limit.named) for limit in case.limits),
        other=Link(say("other_tongue"), f"?lang={'en' if tongue == 'zh' else 'zh'}") if linked else None,
        other_lang=_LANG["en" if tongue == "zh" else "zh"],
    )


# ---- what is withheld, as text


def _open(value: Any, say: Say) -> Any:
    """The value, with a text in the place of everything that is withheld."""
    if isinstance(value, Withheld):
        word = "erased" if value.erased else "hidden"
        return say(f"{word}_n", value.number) if value.number else say(word)
    if isinstance(value, Mapping):
        return {key: _open(item, say) for key, item in value.items() if not _is_withheld_list(key, item)}
    if isinstance(value, list):
        return [_open(item, say) for item in value]
    return value


def _is_withheld_list(key: str, value: Any) -> bool:
    """Whether this is a trace that is withheld whole: there is nothing to list then."""
    return isinstance(value, Withheld) and key in ("because", "fired", "not_fired")


# ---- the head of the page


def _summary(case: CaseFile, say: Say) -> Iterator[Pair]:
    yield pair(say("decision_id"), code=case.id)
    if case.body is None:
        return
    body: RecordBody = _open(case.body, say)
    request, answer = body["request"], body["answer"]
    merchant = request.get("merchant_id") or (request["facts"].get("merchant") or {}).get("id")
    if merchant is not None:
        yield pair(say("merchant"), merchant)
    if case.bundle is not None:
        yield pair(say("subjects"), say.comma.join(_subjects(case.bundle, answer, say)))
    yield pair(say("as_of"), request["as_of"])
    yield pair(say("decided_at"), body["decided_at"])
    label = case.bundle.label if case.bundle is not None else None
    yield Pair(say("bundle"), Cell(label or "", body["bundle"]))
    yield pair(say("service_version"), body["service_version"])


def _subjects(bundle: Bundle, answer: AnswerParts, say: Say) -> list[str]:
    labels = bundle.rules.dictionary.subjects
    found = (e["subject"] for e in answer["policies"] if "id" in e["subject"])
    return list(dict.fromkeys(f"{labels[one['type']].label[say.tongue]} {one['id']}" for one in found))


def _failed(case: CaseFile) -> int:
    return sum(check.outcome == "failed" for check in case.checks)


def _proof_status(case: CaseFile, say: Say) -> str:
    if failed := _failed(case):
        return say("some_failed", count=failed)
    return say("some_pending" if any(check.outcome == "pending" for check in case.checks) else "all_ok")


# ---- proofs and corrections


def _checks(case: CaseFile, say: Say) -> tuple[tuple[str, str, str], ...]:
    """Of each check its outcome, the outcome in words, and the finding in words."""
    return tuple(
        (check.outcome, say.of(CHECK_OUTCOME, check.outcome), say.of(FINDING, check.finding, **check.named))
        for check in case.checks
    )


def _chain(case: CaseFile, say: Say, linked: bool) -> tuple[Cell, ...]:
    """The chain of corrections, oldest first; empty where this decision stands alone."""
    if case.chain is None or len(case.chain.links) < 2:
        return ()
    return tuple(_linked(case, link, say, linked) for link in case.chain.links)


def _linked(case: CaseFile, link: ChainLink, say: Say, linked: bool) -> Cell:
    parts = [link.decided_at]
    if link.supersedes is not None:
        parts.append(say("corrects", id=link.supersedes, reason=say.of(CORRECTION, link.reason or "")))
    else:
        parts.append(say("first_one"))
    if link.decision_id == case.id:
        parts.append(say("this_one"))
    text = say.comma.join(parts)
    if linked and link.decision_id != case.id:
        return Cell(text, links=(Link(link.decision_id, f"/decisions/{link.decision_id}?lang={say.tongue}"),))
    return Cell(text, link.decision_id)


# ---- the decision


def _contents(case: CaseFile, say: Say) -> Contents | None:
    if case.body is None or case.bundle is None or case.origins is None:
        return None
    body: RecordBody = _open(case.body, say)
    request, answer = body["request"], body["answer"]
    day = date.fromisoformat(request["as_of"])
    rules = case.bundle.rules
    explanation = explain(rules, answer, request["facts"], say.tongue)
    entries = answer["policies"]
    traced = request["options"]["trace"] != "none"
    writer = _AnswerWriter(case.bundle, day, answer, say, traced=traced)
    policies = dict.fromkeys(entry["policy"] for entry in entries)
    return Contents(
        origin_text(case.origins, body, case.bundle, say),
        writer.granted(explanation),
        writer.refused(explanation),
        explanation.advice,
        tuple(map(writer.part, entries, explanation.policies)),
        traced,
        tuple(writer.rule(policy) for policy in policies),
        frame_pairs(case.bundle, say),
        tuple(input_grids(rules, day, request["facts"], _judged(entries), policies, say)),
        tuple(answer.get("ignored_facts", ())),
        provenance_pairs(request, say),
    )


def _judged(entries: Sequence[PolicyEntry]) -> frozenset[str]:
    """The policies of which more than period and condition mattered for some subject."""
    return frozenset(entry["policy"] for entry in entries if entry["status"] not in _UNJUDGED)


class _AnswerWriter:
    """Writes the entries of an answer as tables."""

    def __init__(self, bundle: Bundle, day: date, answer: ComparedPart, say: Say, *, traced: bool) -> None:
        self.bundle, self.day, self.answer, self.say, self.traced = bundle, day, answer, say, traced

    # ---- rewards

    def granted(self, explanation: Explanation) -> Grid | None:
        say = self.say
        header = (say("reward"), say("amount"), say("policy"), say("subject"), say("conditions"), say("claim"))
        rows = [
            self._granted(entry, point)
            for policy, explained in zip(self.answer["policies"], explanation.policies, strict=True)
            for entry, point in zip(self._rewards(policy), explained.granted, strict=True)
        ]
        return grid(say("granted"), header, rows) if rows else None

    def _rewards(self, entry: PolicyEntry) -> list[Reward]:
        both = entry["policy"], entry["subject"]
        return [entry for entry in self.answer["rewards"] if (entry["policy"], entry["subject"]) == both]

    def _granted(self, entry: Reward, point: Point) -> tuple[object, ...]:
        policy = self.bundle.rules.version_for(entry["policy"], self.day)
        reward = next(one for one in policy.rewards if one.id == entry["id"])
        amount = Phrases(self.bundle.rules, policy, self.say.tongue).amount(entry["amount"], entry.get("unit"))
        rule = Cell(links=(Link(policy.title[self.say.tongue], f"#{anchor(policy.id)}"),))
        claim = Cell(self.say("no_claim"))
        if "claim" in entry:
            found = entry["claim"]
            claim = Cell(claim_text(found["per"], found["on_increase"], found["on_decrease"], self.say), found["key"])
        terms = Cell(lines=tuple(line for line in point.terms if "claim" not in entry or claim.code not in line))
        return Cell(reward.title[self.say.tongue], entry["id"]), amount, rule, self._subject(entry), terms, claim

    def _subject(self, entry: Reward) -> str:
        subject = entry["subject"]
        label = self.bundle.rules.dictionary.subjects[subject["type"]].label[self.say.tongue]
        return f"{label} {subject['id']}" if "id" in subject else label

    def refused(self, explanation: Explanation) -> Grid | None:
        say = self.say
        rows: list[tuple[object, ...]] = [
            (explained.heading, Cell(lines=tuple(_line(point) for point in explained.refused)))
            for explained in explanation.policies
            if explained.refused
        ]
        header = (say("policy_and_status"), say("refused_because"))
        return grid(say("refused"), header, rows) if rows else None

    # ---- policies

    def part(self, entry: PolicyEntry, explained: Explained) -> PolicyPart:
        return PolicyPart(
            explained.heading,
            anchor(entry["policy"]),
            (*explained.notes, *((self.say("rows_hidden"),) if self._hides_rows(entry) else ())),
            self._values(entry),
            tuple(point for point in (*explained.granted, *explained.refused) if point.because),
            explained.decided,
        )

    def _hides_rows(self, entry: PolicyEntry) -> bool:
        """Whether rows fired, and which is withheld."""
        return self.traced and entry["status"] not in _UNJUDGED and "fired" not in entry

    def _values(self, entry: PolicyEntry) -> Grid | None:
        say = self.say
        policy = self.bundle.rules.version_for(entry["policy"], self.day)
        phrases = Phrases(self.bundle.rules, policy, say.tongue)
        rows: list[tuple[object, ...]] = [
            (Cell(phrases.name(name) if phrases.name(name) != name else "", name), _value(phrases, name, value))
            for name, value in entry["decisions"].items()
        ]
        return grid(say("values"), (say("name"), say("value")), rows) if rows else None

    def rule(self, id_: str) -> RuleText:
        """The text of a policy, with the rows that fired for any of its subjects."""
        entries = [entry for entry in self.answer["policies"] if entry["policy"] == id_]
        fired = {(row["decision"], row["row"]) for entry in entries for row in entry.get("fired", ())}
        whole = any(entry["status"] not in _UNJUDGED for entry in entries)
        policy = self.bundle.rules.version_for(id_, self.day)
        return rule_text(self.bundle, policy, self.day, fired, self.say, whole=whole)


def _line(point: Point) -> str:
    return " · ".join((point.text, *point.terms))


def _value(phrases: Phrases, name: str, value: Any) -> Cell:
    """A value in words; a list of records has a line for each."""
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return Cell(lines=tuple(_fields(phrases, item) for item in value))
    if isinstance(value, Mapping):
        return Cell(_fields(phrases, value))
    return Cell(phrases.value(name, value))


def _fields(phrases: Phrases, value: Any) -> str:
    if not isinstance(value, Mapping):
        return phrases.value("", value)
    head = f"{value['row']}{phrases.word('colon')}" if "row" in value else ""
    rest = (f"{key} = {phrases.value('', item)}" for key, item in value.items() if key != "row")
    return head + phrases.word("comma").join(rest)
