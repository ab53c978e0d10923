"""The status of each policy for each subject, and what follows where it applies."""

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache

from tests.oracle import choices
from tests.oracle.meaning import value_of
from tests.oracle.model import Folder, PolicyFile, Stop
from tests.oracle.reads import Dependencies, Reads, direct, trees_of_exceptions, trees_of_file
from tests.oracle.sheets import Sheet
from tests.oracle.state import State, Subject
from tests.oracle.values import Value


@dataclass(frozen=True)
class Judged:
    """A policy file judged for a subject; the sheet is there only where rules were asked."""

    file: PolicyFile
    subject: Subject
    status: str
    missing: tuple[str, ...] = ()
    sheet: Sheet | None = None
    wanting: tuple[str, ...] = ()  # sections for want of which it is not applicable
    lacking: "Lacking | None" = None  # with insufficient facts

    @property
    def applied(self) -> bool:
        return self.status == "applied"


@dataclass(frozen=True)
class Lacking:
    """What was required and is null, and the sheet on which that is so."""

    reads: Reads
    sheet: Sheet


class Rules:
    """A folder with all that is worked out once: reads, requirements, dependencies, values of a day."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.sections = frozenset(section.subject for section in folder.sections.values())
        self.excluded_by = direct(trees_of_exceptions(folder.exclusions), self.sections)
        files = [file for versions in folder.policies.values() for file in versions]
        self.reads = {id(file): direct(trees_of_file(file), self.sections) for file in files}
        self.dependencies = {id(file): Dependencies(file, self.sections) for file in files}
        self.parameters = lru_cache(maxsize=4096)(self._parameters)
        self._required = {id(file): _required(file, self.reads[id(file)]) for file in files}

    def in_force(self, policy: str, as_of: date) -> PolicyFile | None:
        return next((file for file in self.folder.policies[policy] if as_of in file.period), None)

    def nearest(self, policy: str, as_of: date) -> PolicyFile:
        """The file in force; else the one that began last, else the first."""
        versions = self.folder.policies[policy]
        begun = [file for file in versions if file.period.first <= as_of]
        return self.in_force(policy, as_of) or (begun[-1] if begun else versions[0])

    def required(self, file: PolicyFile) -> Reads:
        return self._required[id(file)]

    def optional(self, file: PolicyFile) -> Reads:
        """What may be missing, with what only exclusions read where they bear on a reward."""
        read = self.reads[id(file)]
        return (read | self.excluded_by if file.rewards else read) - self.required(file)

    def depends(self, file: PolicyFile) -> Dependencies:
        return self.dependencies[id(file)]

    def _parameters(self, policy: str, place: int, as_of: date) -> dict[str, Value]:
        parameters = self.folder.policies[policy][place].parameters
        return {name: dated.on(as_of) for name, dated in parameters.items()}

    def values(self, file: PolicyFile, as_of: date) -> dict[str, Value]:
        """The values of a file's parameters on a day."""
        return self.parameters(file.policy, self.folder.policies[file.policy].index(file), as_of)


def _required(file: PolicyFile, reads: Reads) -> Reads:
    """What of the reads may not be missing."""
    return frozenset(read for read in reads if not any(fnmatchcase(read, pattern) for pattern in file.optional))


class Evaluation:
    """One state on one day: every policy judged once for each subject, as it is asked for."""

    def __init__(self, rules: Rules, state: State, as_of: date) -> None:
        self.rules = rules
        self.state = state
        self.as_of = as_of
        self._judged: dict[tuple[str, Subject], Judged] = {}

    def subjects(self, policy: str) -> list[Subject]:
        """Who a policy judges; one without an id where nobody was posted."""
        type = self.rules.nearest(policy, self.as_of).subject
        return self.state.subjects(type) or [Subject(type)]

    def judged(self, policy: str, subject: Subject) -> Judged:
        key = (policy, subject)
        if key not in self._judged:
            self._judged[key] = self._judge(policy, subject)
        return self._judged[key]

    def _judge(self, policy: str, subject: Subject) -> Judged:
        file = self.rules.nearest(policy, self.as_of)
        if Stop(policy, None) in self.rules.folder.stops:
            return Judged(file, subject, "suspended")
        if self.as_of not in file.period:
            return Judged(file, subject, "not_in_effect")
        if wanting := self._wanting(file, subject):
            return Judged(file, subject, "not_applicable", wanting=wanting)
        return self._by_rules(file, subject)

    def _wanting(self, file: PolicyFile, subject: Subject) -> tuple[str, ...]:
        """Sections that the policy cannot do without and that were not posted."""
        own = () if subject.id else (self.state.by_subject[subject.type].name,)
        return (*own, *(section for section in file.needs if not self.state.has(section)))

    def _by_rules(self, file: PolicyFile, subject: Subject) -> Judged:
        sheet = self._sheet(file, subject)
        lacking = self._nulls(self.rules.required(file), sheet)
        if file.applies and value_of(file.applies, sheet) is not True:
            asked = self.rules.depends(file).of(file.applies)
            if value_of(file.applies, sheet) is False or not asked & lacking:
                return Judged(file, subject, "not_applicable")
        if lacking:
            named = self._named(lacking, subject)
            return Judged(file, subject, "insufficient_facts", named, lacking=Lacking(lacking, sheet))
        if self._contradicts(sheet):
            return Judged(file, subject, "rule_conflict", sheet=sheet)
        return Judged(file, subject, "applied", self._missing(file, sheet, subject), sheet)

    def _sheet(self, file: PolicyFile, subject: Subject) -> Sheet:
        return Sheet(
            file=file,
            as_of=self.as_of,
            facts=subject.facts,
            sections=self.rules.sections,
            parameters=self.rules.values(file, self.as_of),
            others=lambda policy, decision: self.other(subject, policy, decision),
        )

    def _contradicts(self, sheet: Sheet) -> bool:
        return any(sheet.answer(name).conflict for name in sheet.file.decisions)

    # -- decisions of other policies

    def other(self, subject: Subject, policy: str, decision: str) -> Value:
        """What another policy decided for the subject; null unless it applied."""
        judged = self.for_reader(subject, policy)
        if not judged.applied or judged.sheet is None or decision not in judged.file.decisions:
            return None
        return judged.sheet.answer(decision).value

    def for_reader(self, reader: Subject, policy: str) -> Judged:
        """Another policy, judged for the same subject, or for the single one of its own type."""
        subjects = self.subjects(policy)
        return self.judged(policy, reader if subjects[0].type == reader.type else subjects[0])

    # -- what is missing

    def _nulls(self, reads: Reads, sheet: Sheet) -> Reads:
        return frozenset(name for name in reads if self.is_null(name, sheet))

    def _missing(self, file: PolicyFile, sheet: Sheet, subject: Subject) -> tuple[str, ...]:
        """What may be missing and is."""
        nulls = self._nulls(self.rules.optional(file), sheet)
        behind = [self.unknown(read, sheet, subject) for read in nulls] if choices.MISSING_NAMES_FACTS_BEHIND else []
        return tuple(sorted(nulls.union(*behind)))

    def is_null(self, read: str, sheet: Sheet) -> bool:
        if read.startswith("decision("):
            return sheet.other(*_policy_and_decision(read)) is None
        return sheet.fact(*read.split(".")) is None

    def unknown(self, read: str, sheet: Sheet, subject: Subject) -> Reads:
        """The null facts that a read is or that stand behind another policy's decision."""
        if not read.startswith("decision("):
            return frozenset([read]) if self.is_null(read, sheet) else frozenset()
        policy, decision = _policy_and_decision(read)
        judged = self.for_reader(subject, policy)
        if judged.lacking is not None:
            return self._all_unknown(judged.lacking.reads, judged.lacking.sheet, judged.subject)
        if not judged.applied or judged.sheet is None or decision not in judged.file.decisions:
            return frozenset()
        behind = self.rules.depends(judged.file).of_values(decision)
        return self._all_unknown(behind, judged.sheet, judged.subject)

    def _all_unknown(self, reads: Reads, sheet: Sheet, subject: Subject) -> Reads:
        return frozenset().union(*(self.unknown(each, sheet, subject) for each in reads))

    def _named(self, lacking: Reads, subject: Subject) -> tuple[str, ...]:
        """Required reads that are null; a decision that wants a section is named as that section."""
        return tuple(sorted({name for read in lacking for name in self._names(read, subject)}))

    def _names(self, read: str, subject: Subject) -> tuple[str, ...]:
        if not read.startswith("decision(") or not choices.SECTION_IN_PLACE_OF_DECISION:
            return (read,)
        policy, _ = _policy_and_decision(read)
        return self.for_reader(subject, policy).wanting or (read,)


def _policy_and_decision(read: str) -> tuple[str, str]:
    policy, _, decision = read.removeprefix("decision(").removesuffix(")").rpartition(".")
    return policy, decision
