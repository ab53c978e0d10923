"""A folder of rule files to Rules, or all diagnostics of all files at once."""

import os
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from policy_service.diagnostics import NOWHERE, Diagnostic, Lines, PolicyError, Report, Span
from policy_service.diagnostics.catalogue import (
    CYCLE,
    FOLDER,
    NAME_CLASH,
    PERIOD_HOLE,
    PERIOD_OVERLAP,
    REFERENCE_UNKNOWN,
    SUBJECT_MISMATCH,
    VALUE_INVALID,
    YAML_SYNTAX,
)
from policy_service.facts import Dictionary, NamedTypes, read_dictionary, read_types
from policy_service.facts.labels import read_labels
from policy_service.language import types
from policy_service.language.typecheck import Scope
from policy_service.language.values import parse_number, scaled
from policy_service.policies import building, checks, drafts, model, zones
from policy_service.policies.packing import path_faults
from policy_service.policies.remembering import REMEMBERED, Read
from policy_service.sources import Form, Node, Text, read
from policy_service.sources import Mapping as MappingNode

FACTS, BUNDLE, CAMPAIGNS, TYPES = "facts.yaml", "bundle.yaml", "campaigns.yaml", "types.yaml"
FRAME = (FACTS, BUNDLE, CAMPAIGNS, TYPES)
"""Files that are no policies."""
_WORDS = {BUNDLE: "group", CAMPAIGNS: "campaign"}
_MAX_FILES, _MAX_BYTES = 2000, 4 * 1024 * 1024
Sources = Mapping[str, str]
"""Text of each file by its path inside the rules folder."""


def read_folder(folder: Path) -> dict[str, str]:
    """Every YAML file of a rules folder by its path inside it, sorted.

    Raises:
        PolicyError: P117, the folder or a file cannot be read, or has a name that no bundle can hold; P101, a file is
            not UTF-8. All such files at once.
    """
    report = Report()
    found: dict[str, str] = {}
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(_yaml_files(folder, report))}
    for unfit in path_faults(paths):
        report.add(FOLDER, _whole(paths[unfit.path or ""]), unfit.message, hint=unfit.hint)
    for name, path in paths.items():
        try:
            found[name] = path.read_text("utf-8")
        except OSError as error:
            _unreadable(path, error, report)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode("utf-8")
            place = Lines(_shown(path), before).span(len(before), len(before) + 1)
            report.add(
                YAML_SYNTAX,
                place,
                f"the file is not UTF-8: byte {error.object[error.start]:#04x}",
                hint="save it as UTF-8",
            )
    if report.has_errors:
        raise PolicyError(report)
    return found


def _yaml_files(folder: Path, report: Report) -> Iterator[Path]:
    if _shown(folder) != folder.as_posix():
        report.add(FOLDER, _whole(folder), "the name of the folder is not UTF-8", hint="rename it")
        return
    if not folder.is_dir():
        report.add(
            FOLDER, _whole(folder), "there is no such folder", hint="POLICY_RULES names the folder of rule files"
        )
        return
    for directory, folders, names in os.walk(folder, onerror=lambda e: _unreadable(Path(e.filename), e, report)):
        for path in sorted(Path(directory, name) for name in (*folders, *names)):
            fault = _unread(path)
            if fault is not None:
                report.add(FOLDER, _whole(path), fault[0], hint=fault[1])
            elif path.suffix == ".yaml" and path.is_file():
                yield path


def _unread(path: Path) -> tuple[str, str] | None:
    """Why something that looks like rules is not read, and what to do; None for all else."""
    if path.name.startswith(".#"):  # Emacs marks a file with unsaved changes by such a link, which leads nowhere
        return None
    is_yaml = path.suffix.lower() in (".yaml", ".yml")
    if path.is_symlink() and (is_yaml or path.is_dir()):
        return "a link is not followed", "put what it leads to in its place"
    if is_yaml and path.suffix != ".yaml" and path.is_file():
        return f"a `{path.suffix}` file is not read", f"name it `{path.stem}.yaml`"
    if is_yaml and not (path.is_file() or path.is_dir()):
        return "this is no file", "delete it, or put a file in its place"
    return None


def _unreadable(path: Path, error: OSError, report: Report) -> None:
    report.add(FOLDER, _whole(path), f"cannot be read: {(error.strerror or 'unknown reason').lower()}")


def _whole(path: Path) -> Span:
    return Span(_shown(path), 1, 1, 2)


def _shown(path: Path) -> str:
    """A path as a text; bytes that are no UTF-8 as `\\xff`."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def is_case_file(path: str) -> bool:
    return path.endswith(".test.yaml")


def is_bounded(sources: Sources) -> bool:
    """Whether a folder is of a size that is read."""
    return len(sources) <= _MAX_FILES and sum(map(len, sources.values())) <= _MAX_BYTES


def load(sources: Sources, folder: str = "rules") -> tuple[model.Rules | None, list[Diagnostic]]:
    """The rules, or None when there is an error; and every diagnostic, sorted by place."""
    report = Report()
    loader = _Loader(sources, folder, report)
    rules = loader.load()
    if loader.faulty and not report.has_errors:
        raise RuntimeError(f"left out, and nobody was told: {', '.join(sorted(loader.faulty))}")
    return (None if report.has_errors else rules), report.sorted()


def check_sources(sources: Sources, folder: str = "rules") -> dict[str, str]:
    """Texts by the place that diagnostics name, for rendering."""
    return {f"{folder}/{path}": text for path, text in sources.items()}


class _Loader:
    def __init__(self, sources: Sources, folder: str, report: Report) -> None:
        self.sources, self.folder, self.report = sources, folder, report
        self.faulty: set[str] = set()
        self._read: dict[str, Read] = {}

    def load(self) -> model.Rules | None:
        if not self._bounded():
            return None
        roots = {path: self._root(path) for path in self.sources if not is_case_file(path)}
        self.faulty = {f"{word} *" for path, word in _WORDS.items() if path in roots and roots[path] is None}
        named = self._types(roots)
        facts = roots.get(FACTS)
        dictionary = read_dictionary(facts, self.report, named) if facts is not None else Dictionary({})
        campaigns = self._campaigns(roots.get(CAMPAIGNS))
        settings_form, groups = self._settings_form(roots.get(BUNDLE))
        drafted = self._drafts(roots)
        registry = building.Registry(dictionary, named, campaigns, groups, self.report, faulty=self.faulty)
        if facts is None:
            return None
        order = self._order(drafted)
        built = []
        places = {id_: place for place, id_ in enumerate(order)}
        for draft in sorted(drafted, key=lambda d: places[d.id]):
            policy = building.build_policy(draft, registry)
            if policy is None:
                self.faulty.add(f"policy {draft.id}")
            else:
                built.append(policy)
        built.sort(key=lambda p: (p.id, p.effective.period.start))
        settings = self._settings(settings_form, groups, dictionary, built)
        rules = model.Rules(settings, dictionary, campaigns, tuple(built), tuple(order), named.by_name)
        self._periods(rules)
        if not self.report.has_errors:
            checks.run(rules, self.report)
        if not self.report.has_errors:
            self._remember()
        return rules

    def _remember(self) -> None:
        """Keep the files that nothing was found in, once all of them were read to their end."""
        named = {one.span.file for one in self.report.diagnostics}
        files = {self._place(path): read for path, read in self._read.items()}
        REMEMBERED.keep({key: read for key, read in files.items() if key[0] not in named})

    def _place(self, path: str) -> tuple[str, str]:
        return f"{self.folder}/{path}", self.sources[path]

    def _drafts(self, roots: Mapping[str, Node | None]) -> list[drafts.Draft]:
        out = []
        for path, root in roots.items():
            if path in FRAME:
                continue
            _, draft = self._read.get(path, (None, None))
            if draft is None and root is not None:
                draft = drafts.read_draft(f"{self.folder}/{path}", root, self.report)
                self._read[path] = (root, draft)
            if draft is None:
                self.faulty.add("policy *")
            else:
                out.append(draft)
        return out

    def _bounded(self) -> bool:
        place = Span(self.folder, 1, 1, 2)
        for path in (FACTS, BUNDLE):
            if path not in self.sources:
                self.report.add(FOLDER, place, f"the folder lacks `{path}`")
        if not is_bounded(self.sources):
            self.report.add(FOLDER, place, f"more than {_MAX_FILES} files or {_MAX_BYTES} characters")
            return False
        return True

    def _root(self, path: str) -> Node | None:
        known = REMEMBERED.find(*self._place(path))
        if known is None:
            known = read(f"{self.folder}/{path}", self.sources[path], self.report), None
        self._read[path] = known
        return known[0]

    def _types(self, roots: Mapping[str, Node | None]) -> NamedTypes:
        root = roots.get(TYPES)
        return read_types(root, self.report) if root is not None else NamedTypes(unread=TYPES in roots)

    def _campaigns(self, root: Node | None) -> dict[str, model.Campaign]:
        out: dict[str, model.Campaign] = {}
        if root is None:
            return out
        if not isinstance(root, MappingNode):
            self.report.add(VALUE_INVALID, root.span, "campaigns.yaml is a mapping of ids")
            self.faulty.add("campaign *")
            return out
        for key, node in root:
            drafts.checked_name(key, self.report)
            if key.value == "once":
                self.report.add(
                    NAME_CLASH, key.span, "`once` is the period of claims without one", hint="rename the campaign"
                )
            what = f"campaign `{key.value}`"
            form = Form(node, what, self.report, key.span, ("title", "from", "to", "through", "basis", "source"))
            if form.mapping is None:
                self.faulty.add(what.replace("`", ""))
                continue
            title = read_labels(form.node("title"), what, self.report, key.span, "title")
            period = building.read_period(form, what, self.report)
            basis, source = drafts.read_basis(form, "assumed") or "assumed", drafts.read_source(form)
            if period is not None and period.end is None and not (form.has("to") or form.has("through")):
                self.report.add(VALUE_INVALID, key.span, f"{what} has no end", hint="`to` or `through`")
            if period is None or period.end is None:
                self.faulty.add(f"campaign {key.value}")
            else:
                out[key.value] = model.Campaign(key.value, title, period, basis, source)
        return out

    # ---- bundle.yaml

    def _settings_form(self, root: Node | None) -> tuple[Form, dict[str, model.StackingGroup]]:
        keys = ("label", "time_zone", "day_starts", "stacking", "exclusions", "suspended", "ceilings")
        form = Form(root, "bundle.yaml", self.report, root.span if root else NOWHERE, keys)
        groups = {}
        for key, node in form.entries("stacking"):
            group = self._stacking(key, node)
            if group is None:
                self.faulty.add(f"group {key.value}")
            else:
                groups[group.id] = group
        return form, groups

    def _stacking(self, key: Text, node: Node) -> model.StackingGroup | None:
        drafts.checked_name(key, self.report)
        form = Form(node, f"stacking group `{key.value}`", self.report, key.span, ("combine", "cap", "unit"))
        combine = form.word("combine", ("sum", "max", "first"), required=True)
        cap = form.text("cap")
        limit = self._limit(cap, form) if cap is not None else None
        if combine is None or (cap is not None and limit is None):
            return None
        number, scale = limit or (None, 0)
        return model.StackingGroup(key.value, combine, number, scale, form.word("unit"))  # type: ignore[arg-type]  # one of the choices

    def _limit(self, text: Text, form: Form) -> tuple[int, int] | None:
        """A number that is not negative, and its scale."""
        kind = types.declared_type(f"decimal({len(text.value.partition('.')[2])})")
        exact = parse_number(text.value)
        if exact is None or not isinstance(kind, types.Number):
            form.invalid(text, f"`{text.value}` is not a number")
            return None
        number = scaled(exact, kind.scale)
        if number is None or not 0 <= number <= types.MAX_VALUE:
            form.invalid(text, f"`{text.value}` is negative or has more than {types.MAX_DIGITS} digits")
            return None
        return number, kind.scale

    def _ceilings(self, form: Form) -> dict[str, model.Ceiling]:
        found = {}
        for key, node in form.entries("ceilings"):
            inner = Form(node, f"the ceiling of `{key.value}`", self.report, key.span, ("per_reward",))
            if key.value not in (*model.ADDITIVE_KINDS, *model.STANDING_KINDS):
                form.invalid(
                    key,
                    f"`{key.value}` is not a kind of reward",
                    f"one of {', '.join((*model.ADDITIVE_KINDS, *model.STANDING_KINDS))}",
                )
            text = inner.text("per_reward", required=True)
            limit = self._limit(text, inner) if text is not None else None
            if limit is not None:
                found[key.value] = model.Ceiling(key.value, *limit)
        return found

    def _settings(
        self,
        form: Form,
        groups: Mapping[str, model.StackingGroup],
        dictionary: Dictionary,
        built: list[model.Policy],
    ) -> model.BundleSettings:
        scope = Scope(dictionary.names("merchant"), hidden=dictionary.hidden("merchant"))
        exclusions = []
        for node in form.sequence("exclusions"):
            draft = drafts.read_exclusion(node, "an exclusion", "assumed", self.report)
            found = building.build_exclusion(draft, scope, self.report) if draft is not None else None
            if found is not None:
                exclusions.append(found)
        zone, starts = form.text("time_zone", required=True), form.text("day_starts")
        if zone is not None and zone.value not in zones.NAMES:
            meant = zones.likely(zone.value)
            hint = f"did you mean `{meant}`?" if meant else "an IANA name: `Asia/Shanghai`"
            form.invalid(zone, f"there is no time zone `{zone.value}`", hint)
        if starts is not None and not _is_time(starts.value):
            form.invalid(starts, f"`{starts.value}` is not a time of day", '`"04:00"`')
        label = form.text("label")
        return model.BundleSettings(
            label.value if label else None,
            zone.value if zone else "UTC",
            starts.value if starts else "00:00",
            groups,
            tuple(exclusions),
            tuple(s for n in form.sequence("suspended") if (s := self._suspension(n, built)) is not None),
            self._ceilings(form),
        )

    def _suspension(self, node: Node, built: list[model.Policy]) -> model.Suspension | None:
        form = Form(node, "a suspension", self.report, node.span, ("policy", "reward", "reason"))
        policy, reward = form.text("policy", required=True), form.text("reward")
        reason = form.word("reason", required=True)
        if policy is None or reason is None:
            return None
        rewards = {r.id for p in built if p.id == policy.value for r in p.rewards}
        if any(f"policy {name}" in self.faulty for name in ("*", policy.value)):
            return None
        if policy.value not in {p.id for p in built}:
            self.report.add(REFERENCE_UNKNOWN, policy.span, f"there is no policy `{policy.value}`")
        elif reward is not None and reward.value not in rewards and not self._has_error_in(policy.value, built):
            self.report.add(REFERENCE_UNKNOWN, reward.span, f"`{policy.value}` has no reward `{reward.value}`")
        return model.Suspension(policy.value, reward.value if reward else None, reason)

    def _has_error_in(self, policy: str, built: list[model.Policy]) -> bool:
        files = {p.file for p in built if p.id == policy}
        return any(d.severity == "error" and d.span.file in files for d in self.report.diagnostics)

    # ---- across files

    def _order(self, drafted: list[drafts.Draft]) -> list[str]:
        """Policy ids, each after those whose decisions it uses."""
        ids = {d.id for d in drafted}
        for draft in drafted:
            owner = next((id_ for id_ in _prefixes(draft.id) if id_ in ids), None)
            if owner is not None:
                self.report.add(NAME_CLASH, draft.span, f"`{draft.id}` reads as a decision of the policy `{owner}`")
        needs: dict[str, list[str]] = {id_: [] for id_ in sorted(ids)}
        for draft in drafted:
            for tree in building.draft_trees(draft):
                for name, _ in building.decision_references(tree):
                    needs[draft.id] += [i for i in _prefixes(name) if i in ids and i != draft.id]
        order, loops = building.ordered(needs)
        for loop in loops:
            self.faulty |= {f"policy {name}" for name in loop}
            first = next(d for d in drafted if d.id == loop[0])
            self.report.add(CYCLE, first.span, f"policies need each other: {' -> '.join(loop)}")
        return order

    def _periods(self, rules: model.Rules) -> None:
        for id_ in rules.order:
            versions = rules.versions(id_)
            for one, two in pairwise(versions):
                end = one.effective.period.end
                related = [(one.span, "the other file")]
                if one.subject != two.subject:
                    self.report.add(
                        SUBJECT_MISMATCH,
                        two.span,
                        f"`{id_}` has subject `{one.subject}` in another file",
                        related=related,
                    )
                if end is None or end > two.effective.period.start:
                    self.report.add(
                        PERIOD_OVERLAP,
                        two.span,
                        f"two files of `{id_}` are in force from {two.effective.period.start} on",
                        related=related,
                        hint=f"end the older file on that day: `to: {two.effective.period.start}`",
                    )
                elif end < two.effective.period.start:
                    self.report.add(
                        PERIOD_HOLE,
                        two.span,
                        f"no file of `{id_}` is in force from {end} to {two.effective.period.start}",
                        related=related,
                    )


def _prefixes(name: str) -> Iterator[str]:
    """Of `a.b.c` `a` and `a.b`."""
    parts = name.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))


def _is_time(text: str) -> bool:
    hours, _, minutes = text.partition(":")
    return (
        len(text) == 5
        and text.isascii()
        and hours.isdigit()
        and minutes.isdigit()
        and int(hours) < 24
        and int(minutes) < 60
    )
