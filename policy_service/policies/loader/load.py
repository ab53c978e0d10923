"""Texts of rule files to Rules, or all diagnostics of all files at once."""

from collections.abc import Mapping

from policy_service.diagnostics import Diagnostic, Report, Span
from policy_service.diagnostics.catalogue import FOLDER
from policy_service.facts import NamedTypes, read_dictionary, read_types
from policy_service.policies import checks
from policy_service.policies.building import build_rules
from policy_service.policies.drafts import Draft, DraftCampaign, DraftFolder, Kind
from policy_service.policies.loader import cache
from policy_service.policies.loader.budget import check_bounded, check_budget
from policy_service.policies.loader.folder import BUNDLE, CAMPAIGNS, FACTS, FRAME, TYPES, Sources, is_case_file
from policy_service.policies.loader.substitution import with_parameters_of
from policy_service.policies.model import Rules
from policy_service.policies.reading import read_campaigns, read_policy, read_settings
from policy_service.sources import Node, read


def load(
    sources: Sources, folder: str = "rules", *, parameters: Sources | None = None
) -> tuple[Rules | None, list[Diagnostic]]:
    """The rules, or None when there is an error; and every diagnostic, sorted by place.

    Args:
        parameters: other rule files, whose dated values take the place of those in `sources`.
    """
    report = Report()
    reader = _Reader(sources, folder, report)
    rules = reader.rules(parameters)
    if not report.has_errors:
        reader.keep()
    return (None if report.has_errors else rules), report.sorted()


class _Reader:
    """Reads the files of one folder; those read before come from the cache."""

    def __init__(self, sources: Sources, folder: str, report: Report) -> None:
        self.sources, self.folder, self.report = sources, folder, report
        self._read: dict[str, cache.Read] = {}

    def rules(self, parameters: Sources | None) -> Rules | None:
        self._look_for_frame()
        if not check_bounded(self.sources, self.folder, self.report):
            return None
        roots = self._roots()
        if not check_budget(roots, self.folder, self.report):
            return None
        drafts = self._drafts(roots)
        if parameters is not None:
            drafts = with_parameters_of(drafts, _Reader(parameters, self.folder, Report()).drafts())
        rules = build_rules(drafts, self.report)
        if rules is not None:
            checks.run(rules, self.report)
        return rules

    def _look_for_frame(self) -> None:
        place = Span(self.folder, 1, 1, 2)
        for path in (FACTS, BUNDLE):
            if path not in self.sources:
                self.report.add(FOLDER, place, f"the folder lacks `{path}`")

    def drafts(self) -> DraftFolder:
        return self._drafts(self._roots())

    def _roots(self) -> dict[str, Node | None]:
        return {path: self._root(path) for path in self.sources if not is_case_file(path)}

    def _drafts(self, roots: Mapping[str, Node | None]) -> DraftFolder:
        named = self._types(roots)
        facts = roots.get(FACTS)
        dictionary = read_dictionary(facts, self.report, named) if facts is not None else None
        campaigns = self._campaigns(roots)
        later = self.report if dictionary is not None else Report()
        settings = read_settings(roots.get(BUNDLE), self.report, later)
        policies = {path: self._policy(path, root, later) for path, root in roots.items() if path not in FRAME}
        unread: dict[Kind, bool] = {
            "group": BUNDLE in roots and roots[BUNDLE] is None,
            "campaign": campaigns is None,
            "policy": None in policies.values(),
        }
        return DraftFolder(
            dictionary,
            named,
            campaigns or {},
            settings,
            tuple(draft for draft in policies.values() if draft is not None),
            frozenset(kind for kind, is_unread in unread.items() if is_unread),
        )

    def _types(self, roots: Mapping[str, Node | None]) -> NamedTypes:
        root = roots.get(TYPES)
        return read_types(root, self.report) if root is not None else NamedTypes(unread=TYPES in roots)

    def _campaigns(self, roots: Mapping[str, Node | None]) -> dict[str, DraftCampaign | None] | None:
        """None where the file cannot be read."""
        if CAMPAIGNS not in roots:
            return {}
        root = roots[CAMPAIGNS]
        return read_campaigns(root, self.report) if root is not None else None

    def _policy(self, path: str, root: Node | None, later: Report) -> Draft | None:
        _, draft = self._read[path]
        if draft is None and root is not None:
            draft = read_policy(f"{self.folder}/{path}", root, self.report, later)
            self._read[path] = (root, draft)
        return draft

    # ---- cache

    def _root(self, path: str) -> Node | None:
        known = cache.CACHE.get(*self._place(path))
        if known is None:
            known = read(f"{self.folder}/{path}", self.sources[path], self.report), None
        self._read[path] = known
        return known[0]

    def _place(self, path: str) -> tuple[str, str]:
        return f"{self.folder}/{path}", self.sources[path]

    def keep(self) -> None:
        """Keep the files that nothing was found in, once all of them were read to their end."""
        named = {one.span.file for one in self.report.diagnostics}
        files = {self._place(path): read for path, read in self._read.items()}
        cache.CACHE.put({key: read for key, read in files.items() if key[0] not in named})
