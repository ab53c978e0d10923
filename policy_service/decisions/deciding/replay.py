"""A recorded request evaluated again, and compared with what was answered then."""

from dataclasses import dataclass, field

import orjson

from policy_service import canonical
from policy_service.decisions.answers.differences import Difference, comparable, differences
from policy_service.decisions.answers.evaluate import FORMAT, Evaluator, Question
from policy_service.decisions.answers.redacting import Redaction
from policy_service.decisions.deciding.recording import parsed, request_of, revealed
from policy_service.decisions.deciding.resolving import Resolver, matching
from policy_service.decisions.ports.recorded import RecordBody
from policy_service.decisions.ports.records import DecisionRecord
from policy_service.diagnostics import Fault, InvalidInput
from policy_service.engines.answer import AnswerParts, ComparedPart
from policy_service.policies.model import LANGUAGE_VERSION
from policy_service.proofs.tree import leaf_hash

LANGUAGES = (LANGUAGE_VERSION,)
FORMATS = (FORMAT,)
"""Of records that this program evaluates as the one that made them did: tests/data/records has some of each."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A recorded decision evaluated again.

    identical: under the original bundle and day, whether the answers are the same bytes, all of them; under another,
        whether nothing differs in what was compared.
    hidden: ids of the policies that depend on hidden values, which are left out of the differences.
    """

    bundle: str
    identical: bool
    differences: tuple[Difference, ...] = field(default=())
    hidden: tuple[str, ...] = ()


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
    recorded_as: DecisionRecord,
    resolver: Resolver,
    bundle: str = "original",
    as_of: str | None = None,
    *,
    reveal: bool = False,
) -> Replayed:
    """The recorded request evaluated again, of a record that `check_replayable` accepts.

    Args:
        bundle: an id; `original` for the bundle of the record, `active` for the active one.
        as_of: the day to evaluate for; that of the record by default.
        reveal: whether the differences show what depends on hidden values; see `redacting`.
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
    redaction = None if reveal else _redaction(record, resolver, evaluator)
    facts = request.facts if redaction is None or original else redaction.facts(request.facts)
    state = evaluator.reader.read(
        facts,
        day,
        merchant_id=request.merchant_id if facts is request.facts else None,
        pointer="/request/facts",
        report_unknown=not original or request.unknown_facts == "report",
    )
    chosen = matching(request.policies, rules)
    question = Question(day, "decide", request.trace, chosen, request.unknown_facts == "report")
    answer = evaluator.evaluate(state, question)
    if original and request.unknown_facts == "report":
        answer["ignored_facts"] = record["answer"]["ignored_facts"]  # undeclared facts were not recorded
    found = _compared(record["answer"], answer, redaction, original=original)
    identical = canonical.trusted(record["answer"]) == canonical.trusted(answer) if original else not found
    hidden = () if redaction is None else tuple(sorted(redaction.policies))
    return Replayed(evaluator.bundle.id, identical, () if original and identical else found, hidden)


def _redaction(record: RecordBody, resolver: Resolver, evaluator: Evaluator) -> Redaction:
    """What is hidden under the rules of the record or those of now. Raises InvalidInput where the first are unknown."""
    faults: list[Fault] = []
    first = resolver.evaluator(request_of(record, record["bundle"], None), faults)
    if faults:
        raise InvalidInput(faults)
    return Redaction([record["request"]["facts"]], [first.sensitivity, evaluator.sensitivity])


def _compared(
    recorded: ComparedPart, now: ComparedPart, redaction: Redaction | None, *, original: bool
) -> tuple[Difference, ...]:
    """Where two answers differ, in what may be shown of them."""
    sides: list[AnswerParts] = [one if original else comparable(one) for one in (recorded, now)]
    if redaction is not None:
        sides = [redaction.of(one) for one in sides]
    before, after = (canonical.trusted(one) for one in sides)
    return () if before == after else tuple(differences(sides[0], parsed(after)))
