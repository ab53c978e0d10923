"""Reads the cases of `.test.yaml` files; faults have their place, and facts are checked like those of a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from policy_service.decisions.rule_tests.expecting import WORDS, Expectation, Expecting, Faults, plain_value
from policy_service.diagnostics import Fault, InvalidInput, Report, Span, escape
from policy_service.diagnostics.catalogue import ID_MISSING, UNKNOWN_FACT
from policy_service.facts import FIRST_DAY, LAST_DAY, State, StateReader
from policy_service.language.values import parse_date
from policy_service.policies.loader import Sources, is_case_file
from policy_service.policies.model import Policy, Rules
from policy_service.sources import Form, Node, Sequence, Text, read
from policy_service.sources import Mapping as MappingNode

_FILE_KEYS = ("states", "cases")
_CASE_KEYS = ("name", "as_of", "given", "subject", "facts", "expect")
_NOTHING = MappingNode((), Span("", 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Case:
    """A state on a day, and what one policy must answer for one subject.

    subject: type and id, as an answer shows them.
    """

    policy: str
    name: str
    as_of: date
    subject: Mapping[str, str]
    state: State
    expect: tuple[Expectation, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class _Draft:
    """A case as written, its own facts merged over those of the state that it names."""

    name: Text
    as_of: date
    subject: Text | None
    facts: MappingNode
    expect: MappingNode
    span: Span


def read_cases(sources: Sources, folder: str, rules: Rules | None, report: Report) -> tuple[Case, ...]:
    """The cases of all case files; every fault is reported at its place.

    Without rules, because these have errors themselves, only the form of the files is checked, and no case is returned.
    """
    reader = StateReader(rules.dictionary) if rules is not None else None
    found: list[Case] = []
    for path in sorted(p for p in sources if is_case_file(p)):
        file = f"{folder}/{path}"
        root = read(file, sources[path], report)
        if root is None:
            continue
        written = _FileReader(report)
        drafts = written.read(root)
        if rules is None or reader is None:
            continue
        policy = _policy_beside(file, rules)
        if policy is None:
            name = path.removesuffix(".test.yaml")
            policies = [p.removesuffix(".yaml") for p in sources if not is_case_file(p)]
            Faults(report).unknown(root.span, f"no policy file `{name}.yaml` stands beside these cases", name, policies)
            continue
        checker = _CaseChecker(policy, rules, reader, report)
        for state in written.states.values():
            checker.state(state)
        found += [case for draft in drafts if (case := checker.case(draft)) is not None]
    return tuple(found)


def _policy_beside(file: str, rules: Rules) -> str | None:
    """The id of the policy of a case file: `x.test.yaml` belongs to `x.yaml` or to its dated files `x@….yaml`."""
    stem = file.removesuffix(".test.yaml")
    own = [p.id for p in rules.policies if p.file == f"{stem}.yaml"]
    dated = [p.id for p in rules.policies if p.file.startswith(f"{stem}@")]
    return next(iter(own + dated), None)


class _FileReader:
    """Checks the form of one case file; names in it are not looked up."""

    def __init__(self, report: Report) -> None:
        self.report, self.faults = report, Faults(report)
        self.states: dict[str, MappingNode] = {}

    def read(self, root: Node) -> list[_Draft]:
        form = Form(root, "a case file", self.report, root.span, _FILE_KEYS)
        for name, node in form.entries("states"):
            state = self._sections(node, f"state `{name.value}`")
            if state is not None:
                self.states[name.value] = state
        return [d for node in form.sequence("cases", required=True) if (d := self._case(node)) is not None]

    def _sections(self, node: Node, what: str) -> MappingNode | None:
        if isinstance(node, MappingNode):
            return node
        self.faults.invalid(node.span, f"{what} must be a mapping of sections", "`merchant: {id: m-1}`")
        return None

    def _case(self, node: Node) -> _Draft | None:
        form = Form(node, "a case", self.report, node.span, _CASE_KEYS)
        name, as_of = form.text("name", required=True), form.text("as_of", required=True)
        day = self._day(as_of) if as_of is not None else None
        facts = self._facts(form) if form.mapping is not None else None
        expect = self._expect(form)
        if name is None or day is None or facts is None or expect is None:
            return None
        return _Draft(name, day, form.text("subject"), facts, expect, form.span)

    def _day(self, text: Text) -> date | None:
        day = parse_date(text.value)
        if day is None or not FIRST_DAY <= day <= LAST_DAY:
            self.faults.invalid(text.span, f"`{text.value}` is not a day", "days are `2023-04-01`")
            return None
        return day

    def _expect(self, form: Form) -> MappingNode | None:
        node = form.node("expect", required=True)
        if isinstance(node, MappingNode) and node.entries:
            return node
        if node is not None:
            hint = f"decisions by name, {', '.join(WORDS)}"
            self.faults.invalid(node.span, "`expect` must be a mapping that is not empty", hint)
        return None

    def _facts(self, form: Form) -> MappingNode | None:
        """The facts of the case, merged over those of the state that it names."""
        given = form.text("given")
        node = form.node("facts", required=given is None)
        facts = self._sections(node, "`facts`") if node is not None else _NOTHING
        if given is None or facts is None:
            return facts
        state = self.states.get(given.value)
        if state is None:
            self.faults.unknown(given.span, f"there is no state `{given.value}`", given.value, self.states)
            return None
        return _overlaid(state, facts)


class _CaseChecker:
    """Checks the cases of one file: names against the rules, facts as those of a request."""

    def __init__(self, policy: str, rules: Rules, reader: StateReader, report: Report) -> None:
        self.policy, self.rules, self.reader = policy, rules, reader
        self.report, self.faults = report, Faults(report)

    def state(self, node: MappingNode) -> None:
        """Report what is wrong with a state on every day. A missing id is no fault, since a case may add it."""
        posted = _Posted(node)
        found = [self._refused(posted, day) for day in (*self.reader.starts, LAST_DAY)]
        always = set.intersection(*({(f.pointer, f.code) for f in faults} for faults in found))
        for fault in found[-1]:
            if (fault.pointer, fault.code) in always and fault.code != ID_MISSING.code:
                self._place(fault, posted)

    def _refused(self, posted: "_Posted", day: date) -> tuple[Fault, ...]:
        try:
            self.reader.read(posted.json, day)
        except InvalidInput as error:
            return tuple(error.faults)
        return ()

    def case(self, draft: _Draft) -> Case | None:
        policy = self.rules.version_for(self.policy, draft.as_of)
        expectations = tuple(Expecting(policy, self.rules, draft.as_of, self.report).read(draft.expect))
        state = self._posted(draft.facts, draft.as_of)
        subject = self._subject(draft, policy, state) if state is not None else None
        if state is None or subject is None:
            return None
        return Case(policy.id, draft.name.value, draft.as_of, subject, state, expectations, draft.name.span)

    def _posted(self, node: MappingNode, day: date) -> State | None:
        posted = _Posted(node)
        try:
            return self.reader.read(posted.json, day)
        except InvalidInput as error:
            for fault in error.faults:
                self._place(fault, posted)
            return None

    def _place(self, fault: Fault, posted: "_Posted") -> None:
        hint = fault.hint
        if fault.code == UNKNOWN_FACT.code and not (hint or "").startswith("did you mean"):
            hint = "facts.yaml declares what can be posted"
        self.faults.invalid(posted.span(fault), fault.message, hint)

    def _subject(self, draft: _Draft, policy: Policy, state: State) -> dict[str, str] | None:
        """The subject of a case, as an answer shows it: the one named, or the only one posted."""
        section = self.rules.dictionary.subjects[policy.subject]
        if section.element is None:
            posted = [state.ids[section.name]] if section.name in state.ids else []
        else:
            slot = self.reader.index[f"{section.element}.id"]
            posted = [str(own[slot]) for own in state.elements.get(section.name, ())]
        named = draft.subject
        if named is not None and named.value not in posted:
            self.faults.unknown(named.span, f"no {policy.subject} `{named.value}` is posted", named.value, posted)
            return None
        if named is None and len(posted) > 1:
            message = f"{len(posted)} of `{section.name}` are posted, `subject` must say which is judged"
            self.faults.invalid(draft.span, message, f"`subject: {posted[0]}`")
            return None
        chosen = [named.value] if named is not None else posted
        return {"type": policy.subject} | ({"id": chosen[0]} if chosen else {})


class _Posted:
    """YAML nodes as the JSON that a caller would post, with the place in the file by JSON Pointer."""

    def __init__(self, node: MappingNode) -> None:
        self._keys: dict[str, Span] = {}
        self._values: dict[str, Span] = {}
        self.json = self._json(node, "/facts")

    def _json(self, node: Node, pointer: str) -> Any:
        self._values[pointer] = node.span
        match node:
            case Text():
                return plain_value(node)
            case Sequence(items):
                return [self._json(item, f"{pointer}/{index}") for index, item in enumerate(items)]
            case MappingNode(entries):
                at = {key.value: f"{pointer}/{escape(key.value)}" for key, _ in entries}
                self._keys |= {at[key.value]: key.span for key, _ in entries}
                return {key.value: self._json(value, at[key.value]) for key, value in entries}

    def span(self, fault: Fault) -> Span:
        """The place of a fault: the value; the key where that is unknown, or where something below it is missing."""
        pointer = fault.pointer
        if fault.code != UNKNOWN_FACT.code and pointer in self._values:
            return self._values[pointer]
        places = self._values | self._keys
        while pointer not in places:
            pointer = pointer.rpartition("/")[0]
        return places[pointer]


def _overlaid(state: MappingNode, facts: MappingNode) -> MappingNode:
    """The facts merged over those of a state, by section and fact; a list or null replaces the whole section."""
    sections = {key.value: (key, value) for key, value in state}
    for key, value in facts:
        _, below = sections.get(key.value, (key, None))
        if isinstance(below, MappingNode) and isinstance(value, MappingNode):
            joined = {k.value: (k, v) for k, v in below} | {k.value: (k, v) for k, v in value}
            sections[key.value] = (key, MappingNode(tuple(joined.values()), value.span))
        else:
            sections[key.value] = (key, value)
    return MappingNode(tuple(sections.values()), facts.span)
