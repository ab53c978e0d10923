"""Checks a folder, but for the parts that an earlier run found to be without fault.

What was found to be without fault is remembered with all that it depends on: a policy with those whose decisions it
names, a case file with the policy that it judges, a family with its policies, all of them with the frame. Faults are
never remembered. As soon as one shows, or what is remembered does not settle it, the whole folder is loaded.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from policy_service.authoring.folder import Folder, Outline
from policy_service.authoring.memory import Memory
from policy_service.decisions.bundles.checking import engine_faults
from policy_service.decisions.rule_tests.cases import Case, read_cases
from policy_service.diagnostics import Diagnostic, Report
from policy_service.diagnostics.catalogue import TYPE_UNUSED
from policy_service.language import types
from policy_service.policies.bundle import Bundle, bundle, frame_document, id_of, policy_document
from policy_service.policies.dependencies import reachable
from policy_service.policies.loader import is_surely_within, load
from policy_service.policies.model import Policy, RelationTable, Rules, Table
from policy_service.policies.narrowing import only
from policy_service.sources import Mapping as MappingNode
from policy_service.sources import Text, read


@dataclass(frozen=True, slots=True)
class Checked:
    """Every diagnostic of a folder, sorted, and the id of its bundle; null where there is an error."""

    bundle: str | None
    diagnostics: list[Diagnostic]


class Check:
    """A check of one folder.

    Args:
        engine: whether what the engine cannot hold is a fault too.
    """

    def __init__(self, folder: Folder, memory: Memory, *, engine: bool = True) -> None:
        self.folder, self.memory, self._engine = folder, memory, engine
        self._rules: Rules | None = None
        self._cases: dict[str, tuple[Case, ...]] = {}
        """By file, of those that were read in this run."""

    def run(self) -> Checked:
        """What `decisions.bundles.checking` finds."""
        found = self._quick() or self._whole()
        self.memory.save()
        return found

    def cases(self, case_files: Collection[str]) -> tuple[Rules, list[Case]]:
        """The cases of some files, and the rules to run them by; of a folder that was found to have no error."""
        rules = self._rules_for(case_files)
        found: list[Case] = []
        for path in sorted(case_files):
            if (cases := self._cases.get(path)) is None:
                cases = self._read_cases(path, rules, Report())
            found += cases
        return rules, found

    def _rules_for(self, case_files: Collection[str]) -> Rules:
        ids = {id_ for path in case_files if (id_ := self.folder.beside(path)) is not None}
        needed = reachable(self.folder.needs_to_answer(), ids)
        if self._rules is not None and needed <= set(self._rules.order):
            return self._rules
        found, _ = self._loaded(needed)
        if found is None:
            raise RuntimeError("a policy that was found to have no error has one")
        return found

    # ---- what changed alone

    def _quick(self) -> Checked | None:
        """What was found, which is nothing; None where there is a fault, or may be one."""
        folder = self.folder
        frame = self.memory.get(folder.frame_key())
        if frame is None or not is_surely_within(folder.sources) or not self._outlined() or folder.is_ambiguous():
            return None
        to_load = self._to_load()
        if to_load is None or not self._load(to_load) or not self._all_cases() or not self._all_families():
            return None
        needs = folder.needs()
        policies = [self.memory.get(folder.policy_key(id_, needs)) for id_ in sorted(needs)]
        if None in policies or not set(frame["unused"]) <= {name for one in policies for name in one["types"]}:
            return None
        documents = (text.encode() for one in policies for text in one["documents"])
        return Checked(id_of(frame["document"].encode(), documents), [])

    def _outlined(self) -> bool:
        """Whether every policy file has an outline; of a changed one its id is read, and what it needs is guessed."""
        folder = self.folder
        changed = [path for path in folder.policy_files if path not in folder.outlines]
        ids = {path: id_ for path in changed if (id_ := _id_of(folder, path)) is not None}
        known = {one.id for one in folder.outlines.values()} | set(ids.values())
        folder.guess({path: Outline(id_, _mentioned(folder.sources[path], known)) for path, id_ in ids.items()})
        return len(ids) == len(changed)

    def _to_load(self) -> set[str] | None:
        """The policies of which something is not known; None where a case file stands beside no policy."""
        folder, memory, needs = self.folder, self.memory, self.folder.needs()
        found = folder.guessed | {id_ for id_ in needs if memory.get(folder.policy_key(id_, needs)) is None}
        for path in folder.case_files:
            id_ = folder.beside(path)
            if id_ is None:
                return None
            if memory.get(folder.cases_key(path, needs)) is None:
                found.add(id_)
        for family in folder.families() if self._engine else ():
            if memory.get(folder.family_key(family, needs)) is None:
                found |= folder.members(family)
        return reachable(needs, found)

    def _load(self, ids: set[str]) -> bool:
        """Whether some policies, loaded without the others, have no fault. That is remembered."""
        if not ids:
            return True
        rules, diagnostics = self._loaded(ids)
        # A type may be used by policies that are not loaded: that is looked at in the end.
        if rules is None or any(one.code is not TYPE_UNUSED for one in diagnostics):
            return False
        self._rules = rules
        self._keep_policies(rules)
        return True

    def _loaded(self, ids: Collection[str]) -> tuple[Rules | None, list[Diagnostic]]:
        paths = (*self.folder.frame, *self.folder.files(ids))
        return load({path: self.folder.sources[path] for path in paths}, self.folder.name)

    # ---- all of it

    def _whole(self) -> Checked:
        """What is found when all policies are loaded; case files and families are still remembered one by one."""
        folder = self.folder
        found, diagnostics = bundle(folder.sources, folder.name)
        report = Report(list(diagnostics))
        if found is None:
            self._forms(report)
            return Checked(None, report.sorted())
        self._rules = found.rules
        folder.learn(found.rules)
        if not diagnostics:
            self._keep_policies(found.rules)
            self._keep_frame(found.rules)
        if not self._all_cases():
            read_cases(folder.sources, folder.name, found.rules, report)
        if not self._all_families():
            report.extend(engine_faults(found))
        return Checked(None if report.has_errors else found.id, report.sorted())

    def _forms(self, report: Report) -> None:
        """The faults of case files where there are no rules to judge them by."""
        for path in self.folder.case_files:
            key, own = self.folder.form_key(path), Report()
            if self.memory.get(key) is None:
                self._read_cases(path, None, own)
                report.extend(own.diagnostics)
                if not own.diagnostics:
                    self.memory.keep(key, True)

    # ---- one by one

    def _all_cases(self) -> bool:
        """Whether every case file is without fault; each is judged by what it depends on alone."""
        folder, needs = self.folder, self.folder.needs()
        for path in folder.case_files:
            key, id_, report = folder.cases_key(path, needs), folder.beside(path), Report()
            if id_ is not None and self.memory.get(key) is not None:
                continue
            rules = self._part(reachable(needs, [id_])) if id_ is not None else None
            if rules is None:
                return False
            self._cases[path] = self._read_cases(path, rules, report)
            if report.diagnostics:
                return False
            self.memory.keep(key, True)
        return True

    def _read_cases(self, path: str, rules: Rules | None, report: Report) -> tuple[Case, ...]:
        return read_cases({path: self.folder.sources[path]}, self.folder.name, rules, report)

    def _all_families(self) -> bool:
        """Whether the engine holds the policies of every family."""
        folder, needs = self.folder, self.folder.needs()
        for family in folder.families() if self._engine else ():
            key = folder.family_key(family, needs)
            if self.memory.get(key) is not None:
                continue
            rules = self._part(reachable(needs, folder.members(family)))
            if rules is None or engine_faults(Bundle("", rules, {})):
                return False
            self.memory.keep(key, True)
        return True

    def _part(self, ids: set[str]) -> Rules | None:
        """Some of the policies that were loaded; None where one of them was not."""
        rules = self._rules
        return only(rules, ids) if rules is not None and ids <= set(rules.order) else None

    # ---- what is remembered

    def _keep_policies(self, rules: Rules) -> None:
        """Keep that loading found no fault in these policies."""
        folder = self.folder
        folder.learn(rules)
        needs = folder.needs()
        for id_ in rules.order:
            versions = rules.versions(id_)
            documents = [policy_document(policy).decode() for policy in versions]
            used = sorted({name for policy in versions for name in _types(policy)})
            self.memory.keep(folder.policy_key(id_, needs), {"documents": documents, "types": used})

    def _keep_frame(self, rules: Rules) -> None:
        """Keep that loading found no fault in the frame. Not with suspensions, which depend on policies."""
        if not rules.settings.suspended:
            used = {fact.type.name for fact in rules.dictionary if isinstance(fact.type, types.Enum)}
            unused = sorted(set(rules.types) - used)
            found = {"document": frame_document(rules).decode(), "unused": unused}
            self.memory.keep(self.folder.frame_key(), found)


def _id_of(folder: Folder, path: str) -> str | None:
    root = read(f"{folder.name}/{path}", folder.sources[path], Report())
    found = root.get("policy") if isinstance(root, MappingNode) else None
    return found.value if isinstance(found, Text) else None


def _mentioned(text: str, ids: Iterable[str]) -> tuple[str, ...]:
    """A name inside each policy that a file may need. One that is missed shows as a fault of the file."""
    plain = "".join(text.split())
    return tuple(f"{id_}." for id_ in ids if id_ in plain)


def _types(policy: Policy) -> set[str]:
    """The named types that a policy uses, as the check of unused types counts them."""
    kinds = [parameter.type for parameter in policy.parameters.values()]
    for decision in policy.decisions.values():
        if isinstance(decision.body, Table):
            kinds += [column.type for column in decision.body.outputs]
        elif isinstance(decision.body, RelationTable):
            kinds += [column.type for column in decision.body.columns]
    return {kind.name for kind in kinds if isinstance(kind, types.Enum) and kind.name is not None}
