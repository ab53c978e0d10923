"""A rules folder by the texts of its files: what each of its policies and case files depends on, as keys."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policy_service.authoring.memory import Memory, key
from policy_service.language import ast
from policy_service.language.references import Decision
from policy_service.policies.dependencies import reachable
from policy_service.policies.loader import FRAME, Sources, is_case_file
from policy_service.policies.model import Policy, Rules, Table
from policy_service.policies.names import decision_names


@dataclass(frozen=True, slots=True)
class Outline:
    """What other files need to know of a policy file.

    names: the decisions that it names, as written: `policy.decision`, or `policy.decision.output`.
    groups: the stacking groups of its rewards.
    """

    id: str
    names: tuple[str, ...]
    groups: tuple[str, ...] = ()


class Folder:
    """The files of a folder, and what is known of its policies.

    All keys hold the folder's own name, since messages hold it, and the frame: the files that are no policies.
    """

    def __init__(self, sources: Sources, name: str, memory: Memory) -> None:
        self.sources, self.name, self._memory = sources, name, memory
        self._digests = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in sources.items()}
        self.outlines: dict[str, Outline] = {}
        """By path, of the policy files that were loaded in this run or an earlier one."""
        self.guessed: set[str] = set()
        """Policies of which a file was not."""
        for path in self.policy_files:
            if (kept := memory.get(self._outline_key(path))) is not None:
                self.outlines[path] = Outline(kept["id"], tuple(kept["names"]), tuple(kept["groups"]))

    @property
    def policy_files(self) -> list[str]:
        return [path for path in self.sources if path not in FRAME and not is_case_file(path)]

    @property
    def frame(self) -> list[str]:
        return [path for path in FRAME if path in self.sources]

    @property
    def case_files(self) -> list[str]:
        return [path for path in self.sources if is_case_file(path)]

    def _outline_key(self, path: str) -> str:
        return key("outline", self._digests[path])

    # ---- from what was loaded

    def guess(self, outlines: Mapping[str, Outline]) -> None:
        """Take the outlines of files that are not loaded yet; they may name too much."""
        self.outlines |= outlines
        self.guessed |= {outline.id for outline in outlines.values()}

    def learn(self, rules: Rules) -> None:
        """Keep the outlines of the policies of rules."""
        for policy in rules.policies:
            path = policy.file.removeprefix(f"{self.name}/")
            groups = {reward.stack for reward in policy.rewards if reward.stack is not None}
            found = Outline(policy.id, tuple(sorted(_names(policy))), tuple(sorted(groups)))
            self.outlines[path] = found
            self._memory.keep(self._outline_key(path), {"id": found.id, "names": found.names, "groups": found.groups})

    # ---- what rests on what

    def files(self, ids: Iterable[str]) -> list[str]:
        """The files of some policies, sorted."""
        wanted = set(ids)
        return sorted(path for path, outline in self.outlines.items() if outline.id in wanted)

    def needs(self) -> dict[str, set[str]]:
        """By policy those whose decisions it names."""
        ids = {outline.id for outline in self.outlines.values()}
        found: dict[str, set[str]] = {id_: set() for id_ in ids}
        for outline in self.outlines.values():
            found[outline.id] |= {id_ for name in outline.names for id_ in _beginnings(name) if id_ in ids}
        return found

    def needs_to_answer(self) -> dict[str, set[str]]:
        """By policy those whose decisions it names, and the other members of its stacking groups."""
        found = self.needs()
        for outline in self.outlines.values():
            for other in self.outlines.values():
                if not set(outline.groups).isdisjoint(other.groups):
                    found[outline.id].add(other.id)
        return found

    def is_ambiguous(self) -> bool:
        """Whether one policy's id reads as a decision of another's."""
        ids = {outline.id for outline in self.outlines.values()}
        return any(begin in ids for id_ in ids for begin in _beginnings(id_))

    def beside(self, case_file: str) -> str | None:
        """The id of the policy whose file, or whose dated files, a case file stands beside."""
        stem = case_file.removesuffix(".test.yaml")
        if (own := self.outlines.get(f"{stem}.yaml")) is not None:
            return own.id
        return min((one.id for path, one in self.outlines.items() if path.startswith(f"{stem}@")), default=None)

    # ---- keys

    def frame_key(self) -> str:
        return self._key("frame")

    def policy_key(self, id_: str, needs: Mapping[str, Iterable[str]]) -> str:
        """For what loading finds in a policy's files."""
        return self._key("policy", id_, *self.files(reachable(needs, [id_])))

    def cases_key(self, path: str, needs: Mapping[str, Iterable[str]]) -> str:
        """For what reading a case file finds, judged by the policy it stands beside."""
        id_ = self.beside(path) or ""
        return self._key("cases", id_, path, *self.files(reachable(needs, [id_])))

    def form_key(self, path: str) -> str:
        """For what reading a case file finds where there are no rules to judge it by."""
        return key("form", self.name, path, self._digests[path])

    def family_key(self, family: str, needs: Mapping[str, Iterable[str]]) -> str:
        """For whether the engine holds the policies of a family, whose rules are matched together."""
        return self._key("family", family, *self.files(reachable(needs, self.members(family))))

    def families(self) -> list[str]:
        return sorted({_family(one.id) for one in self.outlines.values()})

    def members(self, family: str) -> set[str]:
        return {one.id for one in self.outlines.values() if _family(one.id) == family}

    def _key(self, what: str, name: str = "", *paths: str) -> str:
        texts = (part for path in (*self.frame, *paths) for part in (path, self._digests[path]))
        return key(what, self.name, name, *texts)


def _family(id_: str) -> str:
    return id_.partition(".")[0]


def _beginnings(name: str) -> list[str]:
    """The shorter beginnings of a dotted name: of `a.b.c`, `a` and `a.b`."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _names(policy: Policy) -> set[str]:
    read = {read.full_name for read in policy.reads if isinstance(read, Decision)}
    return read | {name for tree in _trees(policy) for name, _ in decision_names(tree)}


def _trees(policy: Policy) -> Iterable[ast.Node]:
    """Every expression of a policy, its invariants included."""
    yield from (expression.tree for expression in policy.expressions())
    for invariant in policy.invariants:
        yield from (one.tree for one in (invariant.target, invariant.low, invariant.high) if one is not None)
    for decision in policy.decisions.values():
        if isinstance(decision.body, Table):
            yield from (cell.tree for row in decision.body.rows for cell in row.cells)
