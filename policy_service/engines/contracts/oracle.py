"""The oracle's contract: whole answers from the rules, without a plan."""

from datetime import date
from typing import Protocol, runtime_checkable

from policy_service.engines.answer import AnswerParts
from policy_service.engines.asked import Wanted
from policy_service.facts import State
from policy_service.policies.model import Rules


class WholeAnswers(Protocol):
    """A bundle, ready to be asked."""

    def answer(self, state: State, as_of: date, wanted: Wanted) -> AnswerParts:
        """`rewards`, `not_granted`, `recommendations` and `policies`, each in its order."""
        ...


@runtime_checkable
class Oracle(Protocol):
    """An engine that decides whole answers by itself, from the rules: it needs no plan and compiles nothing."""

    name: str

    def answers(self, rules: Rules) -> WholeAnswers: ...
