"""Cases of `.test.yaml` files: read with the place of every word, judged by the door that judges requests."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from policy_service.decisions.expecting import WORDS, Expectation, Expecting, Faults, plain_value
from policy_service.diagnostics import Fault, InvalidInput, Report, Span, escape
from policy_service.diagnostics.catalogue import CASE_INVALID, ID_MISSING, UNKNOWN_FACT
from policy_service.facts import FIRST_DAY, LAST_DAY, Door, State
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

    subject: as the answer writes it.
    """

    policy: str
    name: str
    as_of: date
    subject: Mapping[str, str]
    state: State
    expect: tuple[Expectation, ...]
    span: Span


def read_cases(sources: Sources, folder: str, rules: Rules | None, report: Report) -> tuple[Case, ...]:
    """The cases of all case files; every fault is reported at its place.

    Without rules, since they have errors themselves, only the form of the files is checked and no case comes out.
    """
    door = Door(rules.dictionary) if rules is not None else None
    found: list[Case] = []
    for path in sorted(p for p in sources if is_case_file(p)):
        file = f"{folder}/{path}"
        root = read(file, sources[path], report)
        if root is None:
            continue
        target = None
        if rules is not None and door is not None:
            target = _target(file, rules, door)
            if target is None:
                name = path.removesuffix(".test.yaml").rpartition("/")[2]
                report.add(CASE_INVALID, root.span, f"no policy file `{name}.yaml` stands beside these cases")
        found += _FileReader(report, target).read(root)
    return tuple(found)


def file_on(policy: str, day: date, rules: Rules) -> Policy:
    """The file of a policy that answers for a day: the one in force; else the one that began last, else the first."""
    versions = rules.versions(policy)
    begun = [p for p in versions if p.effective.period.start <= day]
    return next((p for p in versions if day in p.effective.period), begun[-1] if begun else versions[0])


@dataclass(frozen=True, slots=True)
class _Target:
    """The policy that the cases of a file are about."""

    policy: str
    rules: Rules
    door: Door


def _target(file: str, rules: Rules, door: Door) -> _Target | None:
    stem = file.removesuffix(".test.yaml")
    beside = [p for p in rules.policies if p.file == f"{stem}.yaml"]
    beside += [p for p in rules.policies if p.file.startswith(f"{stem}@")]
    return _Target(beside[0].id, rules, door) if beside else None


class _Posted:
    """Nodes as the JSON a caller would post, and where each value stands by its pointer."""

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
        """The place of a fault: the value; the key of what is unknown, or of what lacks something."""
        pointer = fault.pointer
        places = self._keys | self._values if fault.code != UNKNOWN_FACT.code else self._values | self._keys
        while pointer not in places:
            pointer, places = pointer.rpartition("/")[0], self._values | self._keys
        return places[pointer]


class _FileReader:
    """One case file; without a target only its form is checked."""

    def __init__(self, report: Report, target: _Target | None) -> None:
        self.report, self.target, self.faults = report, target, Faults(report)
        self.states: dict[str, MappingNode] = {}

    def read(self, root: Node) -> Iterator[Case]:
        form = Form(root, "a case file", self.report, root.span, _FILE_KEYS)
        for name, node in form.entries("states"):
            state = self._sections(node, f"state `{name.value}`")
            if state is not None:
                self.states[name.value] = state
                self._judge_state(state)
        for node in form.sequence("cases", required=True):
            case = self._case(node)
            if case is not None:
                yield case

    def _sections(self, node: Node, what: str) -> MappingNode | None:
        if isinstance(node, MappingNode):
            return node
        self.faults.invalid(node.span, f"{what} must be a mapping of sections", "`merchant: {id: m-1}`")
        return None

    def _case(self, node: Node) -> Case | None:
        form = Form(node, "a case", self.report, node.span, _CASE_KEYS)
        name, as_of = form.text("name", required=True), form.text("as_of", required=True)
        expect = form.node("expect", required=True)
        facts = self._facts(form)
        if form.mapping is None:
            return None
        if isinstance(expect, MappingNode):
            if not expect.entries:
                self.faults.invalid(expect.span, "the case expects nothing")
        elif expect is not None:
            form.invalid(expect, "`expect` must be a mapping", f"decisions by name, {', '.join(WORDS)}")
        day = self._day(as_of) if as_of is not None else None
        if self.target is None or name is None or day is None or facts is None or not isinstance(expect, MappingNode):
            return None
        policy = file_on(self.target.policy, day, self.target.rules)
        state = self._state(facts, day)
        expectations = tuple(Expecting(policy, self.target.rules, self.report).read(expect))
        subject = self._subject(form, policy, state) if state is not None else None
        if state is None or subject is None:
            return None
        return Case(policy.id, name.value, day, subject, state, expectations, name.span)

    def _day(self, text: Text) -> date | None:
        day = parse_date(text.value)
        if day is None or not FIRST_DAY <= day <= LAST_DAY:
            self.faults.invalid(text.span, f"`{text.value}` is not a day", "days are `2023-04-01`")
            return None
        return day

    # ---- facts

    def _facts(self, form: Form) -> MappingNode | None:
        """The facts of the case, over those of the state that it names."""
        node, given = form.node("facts"), form.text("given")
        facts = self._sections(node, "`facts`") if node is not None else _NOTHING
        if given is None:
            if node is None:
                form.node("facts", required=True)
            return facts
        state = self.states.get(given.value)
        if state is None:
            self.faults.unknown(given.span, f"there is no state `{given.value}`", given.value, self.states)
            return None
        return _overlaid(state, facts) if facts is not None else None

    def _judge_state(self, node: MappingNode) -> None:
        """A state by itself: what is wrong in it is wrong in every case. An id may come with the case."""
        if self.target is None:
            return
        posted = _Posted(node)
        try:
            self.target.door.read(posted.json, LAST_DAY)
        except InvalidInput as error:
            self._place([f for f in error.faults if f.code != ID_MISSING.code], posted)

    def _state(self, node: MappingNode, day: date) -> State | None:
        assert self.target is not None, "facts are judged where the rules are known"
        posted = _Posted(node)
        try:
            return self.target.door.read(posted.json, day)
        except InvalidInput as error:
            self._place(error.faults, posted)
            return None

    def _place(self, faults: Iterable[Fault], posted: _Posted) -> None:
        for fault in faults:
            hint = fault.hint
            if fault.code == UNKNOWN_FACT.code and not (hint or "").startswith("did you mean"):
                hint = "facts.yaml declares what can be posted"
            self.faults.invalid(posted.span(fault), fault.message, hint)

    # ---- subject

    def _subject(self, form: Form, policy: Policy, state: State) -> dict[str, str] | None:
        """The subject judged, as an answer writes it: the one named, or the only one posted."""
        assert self.target is not None, "subjects are found where the rules are known"
        section = self.target.rules.dictionary.subjects[policy.subject]
        if section.element is None:
            posted = [state.ids[section.name]] if section.name in state.ids else []
        else:
            slot = self.target.door.index[f"{section.element}.id"]
            posted = [str(own[slot]) for own in state.elements.get(section.name, ())]
        text = form.text("subject")
        if text is not None:
            if text.value in posted:
                return {"type": policy.subject, "id": text.value}
            self.faults.unknown(text.span, f"no {policy.subject} `{text.value}` is posted", text.value, posted)
            return None
        if len(posted) > 1:
            hint = f"`subject: {posted[0]}`"
            self.faults.invalid(
                form.span, f"the case posts {len(posted)} of `{section.name}` and says not which is judged", hint
            )
            return None
        return {"type": policy.subject} | ({"id": posted[0]} if posted else {})


def _overlaid(state: MappingNode, facts: MappingNode) -> MappingNode:
    """The facts over those of a state: section by section, fact by fact; a list, or null, takes the place of all."""
    sections = {key.value: (key, value) for key, value in state}
    for key, value in facts:
        _, below = sections.get(key.value, (key, None))
        if isinstance(below, MappingNode) and isinstance(value, MappingNode):
            joined = {k.value: (k, v) for k, v in below} | {k.value: (k, v) for k, v in value}
            value = MappingNode(tuple(joined.values()), value.span)
        sections[key.value] = (key, value)
    return MappingNode(tuple(sections.values()), facts.span)
