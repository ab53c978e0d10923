"""A recorded request evaluated again, and compared with what was answered then."""

from dataclasses import dataclass, field

import orjson

from policy_service import canonical
from policy_service.decisions.answers.differences import Difference, comparable, differences
from policy_service.decisions.answers.evaluate import FORMAT, Question
from policy_service.decisions.deciding.recording import parsed, request_of, revealed
from policy_service.decisions.deciding.resolving import Resolver, matching
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.diagnostics import Fault, InvalidInput
from policy_service.engines.answer import AnswerParts
from policy_service.policies.model import LANGUAGE_VERSION
from policy_service.proofs.tree import leaf_hash

LANGUAGES = (LANGUAGE_VERSION,)
FORMATS = (FORMAT,)
"""Of records that this program evaluates as the one that made them did: tests/data/records has some of each."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A recorded decision evaluated again."""

    bundle: str
    identical: bool
    differences: tuple[Difference, ...] = field(default=())


class NotReplayable(Exception):
    """A record cannot be evaluated again as it was; `reason` says why."""

    def __init__(self, id_: str, reason: str) -> None:
        super().__init__(f"decision `{id_}` is not replayed: {reason}")
        self.id, self.reason = id_, reason


def check_replayable(id_: str, body: bytes, leaf: str | None) -> None:
    """Refuse a record that is not the one that was hashed, or of a version that this program does not know.

    Args:
        leaf: its leaf hash, hexadecimal; null for a record older than the sealed log.
    Raises:
        NotReplayable.
    """
    if leaf is not None and leaf_hash(body).hex() != leaf:
        raise NotReplayable(id_, "its bytes do not fit its digest")
    try:
        found = orjson.loads(body)  # only texts and whole numbers are looked at
        language, form = found["language"], found["format"]
    except (ValueError, KeyError, TypeError):
        raise NotReplayable(id_, "it is no record of a decision") from None
    if language not in LANGUAGES:
        raise NotReplayable(id_, f"this program does not know version {language} of the rule language")
    if form not in FORMATS:
        raise NotReplayable(id_, f"this program does not know format {form} of answers")


def replay(
    recorded_as: DecisionRecord, resolver: Resolver, bundle: str = "original", as_of: str | None = None
) -> Replayed:
    """The recorded request evaluated again, of a record that `check_replayable` accepts.

    Args:
        bundle: an id; `original` for the bundle of the record, `active` for the active one.
        as_of: the day to evaluate for; that of the record by default.
    Raises:
        InvalidInput, NoActiveBundle, ValuesErased.
    """
    record = revealed(recorded_as)
    target = {"original": record["bundle"], "active": None}.get(bundle, bundle)
    faults: list[Fault] = []
    request = request_of(record, target, as_of)
    evaluator = resolver.evaluator(request, faults)
    rules = evaluator.bundle.rules
    day = resolver.day(request, rules, faults)
    if faults or day is None:
        raise InvalidInput(faults)
    original = evaluator.bundle.id == record["bundle"] and day.isoformat() == record["request"]["as_of"]
    state = evaluator.reader.read(
        request.facts,
        day,
        merchant_id=request.merchant_id,
        pointer="/request/facts",
        report_unknown=not original or request.unknown_facts == "report",
    )
    chosen = matching(request.policies, rules)
    question = Question(day, "decide", request.trace, chosen, request.unknown_facts == "report")
    answer = evaluator.evaluate(state, question)
    if original and request.unknown_facts == "report":
        answer["ignored_facts"] = record["answer"]["ignored_facts"]  # undeclared facts were not recorded
    recorded: AnswerParts = record["answer"] if original else comparable(record["answer"])
    again = canonical.trusted(answer if original else comparable(answer))
    same = canonical.trusted(recorded) == again
    found = () if same else tuple(differences(recorded, parsed(again)))
    return Replayed(evaluator.bundle.id, same, found)
