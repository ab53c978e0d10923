"""Drafts of what a policy answers: rewards with their exceptions, and recommendations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policy_service.diagnostics import Span
from policy_service.facts import Labels
from policy_service.language import ast
from policy_service.policies.drafts.values import DraftExpression, DraftTexts, Written
from policy_service.policies.model import Basis, Claim


@dataclass(frozen=True, slots=True)
class DraftExclusion:
    id: str
    when: DraftExpression
    text: DraftTexts
    basis: Basis
    span: Span


@dataclass(frozen=True, slots=True)
class DraftReward:
    """titles: by row id; the one of a single reward stands under ``""``."""

    name: str
    each: Written | None
    titles: Mapping[str, Labels]
    kind: str
    when: DraftExpression | None
    amount: DraftExpression
    unit: str | None
    details: Mapping[str, DraftExpression]
    claim: Claim
    exceptions: tuple[DraftExclusion, ...]
    stack: Written | None
    priority: int | None
    validity: str | None
    span: Span

    def trees(self) -> Iterator[ast.Node]:
        """Every expression of it."""
        conditions = [exception.when for exception in self.exceptions]
        for expression in (self.when, self.amount, *self.details.values(), *conditions):
            if expression is not None:
                yield expression.tree
        for exception in self.exceptions:
            yield from text_trees(exception.text)


@dataclass(frozen=True, slots=True)
class DraftRecommendation:
    """texts: by row id; the one of a single recommendation stands under ``""``."""

    name: str
    each: Written | None
    when: DraftExpression | None
    priority: int
    texts: Mapping[str, DraftTexts]
    span: Span

    def trees(self) -> Iterator[ast.Node]:
        """Every expression of it."""
        if self.when is not None:
            yield self.when.tree
        for texts in self.texts.values():
            yield from text_trees(texts)


def text_trees(texts: DraftTexts) -> Iterator[ast.Node]:
    """The expressions of a text."""
    for template in texts.values():
        yield from (part.tree for part in template.parts if isinstance(part, DraftExpression))
