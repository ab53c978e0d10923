"""Each case of a folder on every engine, or the code with which `check` refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from policy_service import canonical
from policy_service.decisions.answers.evaluate import Evaluator, Question
from policy_service.diagnostics import InvalidInput
from policy_service.engines import registry
from policy_service.facts import StateReader
from policy_service.language import types
from policy_service.language.values import days_text
from policy_service.policies.bundle import Bundle, bundle
from tests.conformance.tck import untyped
from tests.conformance.tck.entries import Entry, Rules, as_column, sources
from tests.conformance.tck.kit import Case, Expected, Folder
from tests.conformance.tck.translating import translate
from tests.conformance.tck.values import Days, Other, ours, same

DAY = date(2023, 4, 1)
_KINDS = {
    types.Number: "number",
    types.Text: "text",
    types.Enum: "text",
    types.Boolean: "boolean",
    types.Date: "date",
    types.Duration: "duration",
    types.Months: "months",
}


@dataclass(frozen=True)
class Result:
    """What became of one expectation.

    outcome: passes, differs, outside or unsupported.
    detail: of outside the code, of unsupported the construct, else nothing.
    answer: of passes and differs our own, as answers show it.
    engines_agree: whether all engines gave the same bytes.
    reference: what the reference makes of the untyped tree, of what is outside or unsupported.
    """

    outcome: str
    detail: str = ""
    answer: Any = None
    engines_agree: bool = True
    reference: str = ""


@dataclass(frozen=True)
class _Answered:
    """The answer of each engine to a state, and the codes of facts and decisions that could not be posted."""

    answers: Mapping[str, Any]
    codes: Mapping[str, str]


class ReaderFault(Exception):
    """The generated folder has a fault that belongs to none of its entries."""


def results(folder: Folder) -> dict[str, Result]:
    """By the id of each expectation."""
    return _Running(folder).results()


class _Running:
    def __init__(self, folder: Folder) -> None:
        self.folder, self.rules = folder, translate(folder)
        self.untranslated = {self.rules.decisions[name]: why for name, why in self.rules.untranslated.items()}
        _spread(self.rules.entries, self.untranslated)
        self.codes, self.bundle = checked({n: e for n, e in self.rules.entries.items() if n not in self.untranslated})
        self.evaluators = [Evaluator(self.bundle, registry.engine(name)) for name in registry.NAMES]
        self.answered: dict[str, _Answered] = {}

    def results(self) -> dict[str, Result]:
        try:
            return {e.id: self._result(case, e) for case in self.folder.cases for e in case.expected}
        finally:
            for evaluator in self.evaluators:
                evaluator.close()

    def _result(self, case: Case, expected: Expected) -> Result:
        found = self._typed(case, expected)
        if found.outcome in ("passes", "differs"):
            return found
        return replace(found, reference=untyped.outcome(expected, case, self.folder.model))

    def _typed(self, case: Case, expected: Expected) -> Result:
        if self.folder.model.services.get(case.service):
            return Result("unsupported", "a decision service whose result has a type")
        name, answered = self.rules.decisions[expected.decision], self._answered(case)
        if name in self.untranslated:
            return Result("unsupported", self.untranslated[name])
        code = self.codes.get(name) or answered.codes.get(name)
        if code:
            return Result("outside", code)
        agree = len({canonical.dumps(answer) for answer in answered.answers.values()}) == 1
        shown = _entry(answered.answers["rete"])["decisions"][name]
        got = ours(self.bundle.rules.policies[0].decisions[name].type, shown)
        return Result("passes" if same(expected.value, got) else "differs", "", shown, agree)

    def _answered(self, case: Case) -> _Answered:
        state = posted(case, self.rules, self.codes)
        key = repr(state)
        if key not in self.answered:
            codes = _refused(self.evaluators[0].reader, state)
            _spread(self.rules.entries, codes)
            self.answered[key] = _Answered({e.engine.name: _answer(e, state) for e in self.evaluators}, codes)
        return self.answered[key]


def checked(entries: Mapping[str, Entry]) -> tuple[dict[str, str], Bundle]:
    """The codes of entries that `check` refuses, or that read such; and the bundle of the others."""
    codes: dict[str, str] = {}
    left = dict(entries)
    while True:
        texts, owners = sources(left)
        found, diagnostics = bundle(texts)
        errors = [d for d in diagnostics if d.severity == "error"]
        fresh: dict[str, str] = {}
        for error in errors:
            place = (error.span.file.partition("/")[2], error.span.line)
            if place not in owners:
                raise ReaderFault(f"{error.span.file}:{error.span.line}: {error.code.code} {error.message}")
            fresh.setdefault(owners[place], error.code.code)
        if found is not None:
            mistyped = _mistyped(left, found)
            if not mistyped:
                return codes, found
            fresh = _codes_of_types(left, mistyped)
        _spread(left, fresh)
        codes |= fresh
        left = {name: entry for name, entry in left.items() if name not in fresh}


def _spread(entries: Mapping[str, Entry], codes: dict[str, str]) -> None:
    """Gives the code of an entry, or whatever stands for one, to those that read it."""
    grown = True
    while grown:
        grown = False
        for name, entry in entries.items():
            refused = sorted(entry.uses & codes.keys())
            if refused and name not in codes:
                codes[name] = codes[refused[0]]
                grown = True


def _mistyped(entries: Mapping[str, Entry], found: Bundle) -> list[str]:
    """Decisions whose value has another type than the model declares."""
    decisions = found.rules.policies[0].decisions
    return [
        name
        for name, entry in entries.items()
        if entry.declared and kind_of(decisions[name].type) not in (entry.declared, "null", "list of null")
    ]


def kind_of(type_: types.Type) -> str:
    if isinstance(type_, types.List):
        return f"list of {kind_of(type_.element)}"
    return _KINDS.get(type(type_), str(type_))


def _codes_of_types(entries: Mapping[str, Entry], names: list[str]) -> dict[str, str]:
    """What `check` says where the type of a value is declared: rule files do so in a column of a relation."""
    declared = {name: as_column(name, entries[name]) for name in names}
    texts, owners = sources({**entries, **declared})
    _, diagnostics = bundle(texts)
    codes: dict[str, str] = {}
    for error in diagnostics:
        owner = owners.get((error.span.file.partition("/")[2], error.span.line), "")
        if error.severity == "error" and owner in declared:
            codes.setdefault(owner, error.code.code)
    if codes.keys() != set(names):
        raise ReaderFault(f"nothing is said of {sorted(set(names) - codes.keys())}")
    return codes


def posted(case: Case, rules: Rules, codes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The state of a case as a caller posts it, without the facts that were refused."""
    state: dict[str, dict[str, Any]] = {"merchant": {"id": "m-1"}}
    for path, name in rules.posted.items():
        value: Any = dict(case.inputs)
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None and name not in codes:
            section, _, key = name.partition(".")
            state.setdefault(section, {})[key] = _json(value)
    return state


def _json(value: Any) -> Any:
    match value:
        case date():
            return value.isoformat()
        case Days(seconds):
            return days_text(int(seconds) // 86400) if seconds % 86400 == 0 else f"PT{seconds}S"
        case Other(_, text):
            return text
        case Decimal() if value == value.to_integral_value():
            return int(value)
    return value


def _entry(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an answer says of the only policy."""
    entry: Mapping[str, Any] = answer["policies"][0]
    if entry["status"] != "applied":
        raise ReaderFault(f"the generated policy is {entry['status']}")
    return entry


def _refused(reader: StateReader, state: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Takes from the state the facts that may not be posted; their codes."""
    try:
        reader.read(state, DAY)
    except InvalidInput as error:
        codes = {".".join(fault.pointer.split("/")[2:]): fault.code for fault in error.faults}
        for name in codes:
            section, _, key = name.partition(".")
            del state[section][key]
        return codes
    return {}


def _answer(evaluator: Evaluator, state: Mapping[str, Any]) -> Any:
    return evaluator.evaluate(evaluator.reader.read(state, DAY), Question(DAY, "preview", "none"))
