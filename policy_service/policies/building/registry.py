"""What is known of a folder while its policies are built one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from policy_service.diagnostics import Report
from policy_service.facts import Dictionary, NamedTypes
from policy_service.language import types
from policy_service.policies.drafts import Kind
from policy_service.policies.model import Campaign, StackingGroup


@dataclass(slots=True)
class Faulty:
    """Names whose declaration has a fault that is reported already, so that what names them is not reported again."""

    names: set[tuple[Kind, str]] = field(default_factory=set)
    kinds: set[Kind] = field(default_factory=set)
    """Kinds of which any name may be one: a file that declares them cannot be read."""

    def add(self, kind: Kind, *names: str) -> None:
        self.names.update((kind, name) for name in names)

    def holds(self, kind: Kind, name: str) -> bool:
        return kind in self.kinds or (kind, name) in self.names

    def __bool__(self) -> bool:
        return bool(self.names or self.kinds)

    def __str__(self) -> str:
        return ", ".join(sorted([*(f"{kind} {name}" for kind, name in self.names), *(f"any {k}" for k in self.kinds)]))


@dataclass(slots=True)
class Registry:
    """What policies built earlier offer to later ones, and what holds for all."""

    dictionary: Dictionary
    named: NamedTypes
    campaigns: Mapping[str, Campaign]
    groups: Mapping[str, StackingGroup]
    report: Report
    faulty: Faulty = field(default_factory=Faulty)
    decisions: dict[str, types.Type] = field(default_factory=dict)
    """Type of `policy.decision`; the union over the files of a policy."""
    subjects: dict[str, str] = field(default_factory=dict)
    """Of each policy."""
