"""A policy file while it is built: what its expressions may name."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import NAME_CLASH
from policy_service.facts import FIRST_DAY, LAST_DAY
from policy_service.language import references, types
from policy_service.language.checking import FAULTY, Scope
from policy_service.language.typed import Load, Member, Node
from policy_service.policies.building.registry import Registry
from policy_service.policies.drafts import Draft, DraftRelation, DraftTable
from policy_service.policies.model import Effective, Period


@dataclass(slots=True)
class Context:
    """The names that may be used; they grow as parameters and decisions are built.

    relations: those of this file.
    clashing: names that are members of an enumeration too; what reads them is not checked.
    """

    draft: Draft
    registry: Registry
    names: dict[str, Node] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    relations: dict[str, types.Relation] = field(default_factory=dict)
    clashing: set[str] = field(default_factory=set)
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.scope = Scope(self.names, self.other_decision, hidden=self.hidden)

    @property
    def report(self) -> Report:
        return self.registry.report

    @property
    def prefixes(self) -> set[str]:
        """The words that facts begin with."""
        return {section.prefix for section in self.registry.dictionary.sections.values()}

    def other_decision(self, name: str) -> Node | None:
        """`policy.decision` or `policy.decision.output` of a policy built before."""
        policy, _, last = name.rpartition(".")
        if policy == self.draft.id:
            return None
        known, faulty = self.registry.decisions, self.registry.faulty
        if (kind := known.get(name)) is not None:
            return Load(kind, references.Decision(policy, last))
        kind = known.get(policy)
        inner = kind.field(last) if isinstance(kind, types.Record) else None
        owner, _, decision = policy.rpartition(".")
        if kind is not None and inner is not None and owner != self.draft.id:
            return Member(inner, Load(kind, references.Decision(owner, decision)), last)
        is_faulty = (
            any(faulty.holds("decision", one) for one in (name, policy))
            or any(faulty.holds("policy", one) for one in (policy, owner))
        )  # fmt: skip
        return FAULTY if is_faulty else None

    # ---- names that stand before the file's own

    def declare(self, effective: Effective | None, subject: str | None) -> None:
        """Let expressions use facts, `as_of` and the days of the campaign."""
        dictionary = self.registry.dictionary
        for word in (subject,) if subject is not None else dictionary.subjects:
            self.names.update(dictionary.names(word))
        if subject is not None:
            self.hidden.update(dictionary.hidden(subject))
        self.names.update(dict.fromkeys(self.draft.faulty, FAULTY))
        self._report_sections()
        self._declare_days(effective)

    def _declare_days(self, effective: Effective | None) -> None:
        if effective is None:
            self.names.update(dict.fromkeys(("campaign.from", "campaign.to"), FAULTY))
        period = effective.period if effective is not None else Period(FIRST_DAY, None)
        last = period.last or LAST_DAY
        self.names["as_of"] = Load(types.Date(period.start.toordinal(), last.toordinal()), references.AsOf())
        if effective is not None and effective.campaign is not None and period.end is not None:
            self._declare_campaign_day(references.CampaignDay("from", period.start.toordinal()))
            self._declare_campaign_day(references.CampaignDay("to", period.end.toordinal()))

    def _declare_campaign_day(self, day: references.CampaignDay) -> None:
        self.names[f"campaign.{day.which}"] = Load(types.Date(day.ordinal, day.ordinal), day)

    def _report_sections(self) -> None:
        """`merchant.tier` must be either a fact or a column of a decision, never both."""
        prefixes = self.prefixes
        for name, span in self._declared_names():
            if name in prefixes:
                self.report.add(NAME_CLASH, span, f"`{name}` already names a section of facts")

    def separate_members(self) -> None:
        """`gold` must be either a name of this file or a member of one of its enumerations, never both."""
        enums = [(kind, span) for kind, span in self._declared_types() if isinstance(kind, types.Enum)]
        for name, span in self._declared_names():
            other = next(((kind, place) for kind, place in enums if name in kind.members), None)
            if other is not None:
                self.clashing.add(name)
                self._report_member(name, span, *other)
        self.names.update(dict.fromkeys(self.clashing, FAULTY))

    def _report_member(self, name: str, span: Span, kind: types.Enum, place: Span) -> None:
        message = f"`{name}` is a member of an enumeration of this file too"
        self.report.add(NAME_CLASH, span, message, related=[(place, f"`{kind}`")], hint="rename one of them")

    def _declared_names(self) -> list[tuple[str, Span]]:
        """Parameters and decisions of this file."""
        parameters = [(p.name, p.span) for p in self.draft.parameters.values()]
        return parameters + [(d.name, d.span) for d in self.draft.decisions.values()]

    def _declared_types(self) -> Iterator[tuple[types.Type, Span]]:
        """Types of parameters, outputs and columns, as they are written."""
        yield from ((p.type, p.span) for p in self.draft.parameters.values())
        for decision in self.draft.decisions.values():
            match decision.body:
                case DraftTable(outputs=columns) | DraftRelation(columns=columns):
                    yield from ((c.type, c.span) for c in columns)
