"""How large an answer may be: a short request can name a thousand subjects, and each of them is answered at length."""

from policy_service import canonical
from policy_service.decisions.deciding.resolving import Resolved
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.engines.answer import ComparedPart

_LEAST_ENTRY = 64
"""Bytes that every entry of an answer has at least: of a policy, and of each of its rewards."""


class AnswerTooLarge(Exception):
    """The answer has more bytes than it may have. Nothing was recorded."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the answer has more than {most} bytes")
        self.most = most


class AnswerBound:
    """The bytes that an answer may have, as canonical JSON without what is added to a decision. Each method may raise
    AnswerTooLarge.
    """

    def __init__(self, most: int) -> None:
        self.most = most

    def check_entries(self, resolved: Resolved) -> None:
        """Refuse what is certain to be too large, before it is evaluated."""
        evaluator, state, question = resolved
        if all(len(elements) < 2 for elements in state.elements.values()):  # the usual request costs nothing here
            return
        rules, entries = evaluator.bundle.rules, 0
        for id_ in rules.order if question.shown is None else question.shown:
            policy = rules.version_for(id_, question.as_of)
            section = rules.dictionary.subjects[policy.subject]
            subjects = len(state.elements.get(section.name, ())) if section.element is not None else 1
            entries += subjects * (1 + len(policy.rewards))
        if entries * _LEAST_ENTRY > self.most:
            raise AnswerTooLarge(self.most)

    def check(self, answer: ComparedPart, record: DecisionRecord | None) -> None:
        """Refuse an answer that is too large.

        Args:
            record: null for a preview. It holds the answer, so one that is small shows that the answer is, too.
        """
        if record is not None and _most_of(record) <= self.most:
            return
        if len(canonical.trusted(answer)) > self.most:
            raise AnswerTooLarge(self.most)


def _most_of(record: DecisionRecord) -> int:
    """No fewer bytes than the answer has: what stands in the record as a commitment may be longer than that."""
    return len(record.body) + sum(len(private.value) for private in record.privates)
