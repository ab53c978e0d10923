"""What rewards and recommendations have in common: one of each relation row where they are for `each`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from policy_service.diagnostics import Report, Span
from policy_service.diagnostics.catalogue import ANSWER_DUPLICATE, REFERENCE_UNKNOWN
from policy_service.language import types
from policy_service.language.checking import FAULTY, Scope, row_scope
from policy_service.policies.building.context import Context
from policy_service.policies.drafts import Written
from policy_service.policies.model import Recommendation, Reward, RowOf


@dataclass(frozen=True, slots=True)
class Place:
    """What one reward or recommendation of a declaration is for: a row, or none; and the names that it may use."""

    row: RowOf | None
    scope: Scope

    @property
    def key(self) -> str:
        """Under which its texts are found; empty where there is no row."""
        return self.row.row if self.row is not None else ""


def places(each: Written | None, context: Context) -> Iterator[Place]:
    """One for each row, in order; none where the relation is not known, which is reported."""
    if each is None:
        yield Place(None, context.scope)
    elif (relation := relation_of(each, context)) is not None:
        for row in relation.rows:
            scope = row_scope(relation, row, relation.columns, context.scope)
            yield Place(RowOf(relation.decision, row), scope)
    elif context.names.get(each.value) is not FAULTY:
        context.report.add(REFERENCE_UNKNOWN, each.span, f"`{each.value}` is not a relation of this file")


def relation_of(each: Written | None, context: Context) -> types.Relation | None:
    return context.relations.get(each.value) if each is not None else None


def check_rows_known(texts: Mapping[str, object], relation: types.Relation, span: Span, report: Report) -> None:
    """Report texts that are given for a row that does not exist."""
    known = {"", *relation.rows}
    for row in texts:
        if row not in known:
            close = get_close_matches(row, relation.rows, 1)
            message = f"relation `{relation.decision}` has no row `{row}`"
            report.add(REFERENCE_UNKNOWN, span, message, hint=f"did you mean `{close[0]}`?" if close else None)


def check_unique(answers: Iterable[Reward | Recommendation], what: str, policy: str, report: Report) -> None:
    seen: dict[str, Span] = {}
    for answer in answers:
        if answer.id in seen:
            message = f"{what} `{answer.id}` is given twice in `{policy}`"
            report.add(ANSWER_DUPLICATE, answer.span, message, related=[(seen[answer.id], "the first one")])
        seen.setdefault(answer.id, answer.span)
